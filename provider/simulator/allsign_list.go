package simulator

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// list answers GET /documents: whole documents, the newest first, by default those of the key's own user.
func (x *allSign) list(c call) answer {
	q := c.URL.Query()
	limit, ok := number(q.Get("limit"), 20)
	scope, status, after := q.Get("scope"), q.Get("status"), q.Get("startingAfter")
	words := []string{"", "draft", "collecting_data", "processing", "awaiting_signatures", "correcting", "completed", "expired", "voided"}
	switch {
	case !ok || limit < 1 || limit > 100:
		return x.invalid("limit", "OUT_OF_RANGE")
	case !slices.Contains(words, status):
		return x.invalid("status", "INVALID_VALUE")
	case !slices.Contains([]string{"", "owner", "org", "tenant", "accessible"}, scope):
		return x.invalid("scope", "INVALID_VALUE")
	case after != "" && q.Get("endingBefore") != "":
		return x.invalid("startingAfter", "INVALID_VALUE")
	}
	found := x.found(q)
	first, last := 0, min(limit, len(found))
	if after != "" {
		if first, ok = position(found, after); !ok {
			return x.invalid("startingAfter", "INVALID_VALUE")
		}
		first = x.desk.world.shift(first+1, len(found))
		last = min(first+limit, len(found))
	}
	if before := q.Get("endingBefore"); before != "" {
		if last, ok = position(found, before); !ok {
			return x.invalid("endingBefore", "INVALID_VALUE")
		}
		first = max(last-limit, 0)
	}
	data := []any{}
	for _, t := range found[first:last] {
		t.shown(&t.state, c.now)
		data = append(data, x.documentJSON(t, &t.state))
	}
	page := object{"object": "list", "data": data, "hasMore": last < len(found), "nextCursor": nil, "previousCursor": nil, "limit": limit}
	if last < len(found) && last > 0 {
		page["nextCursor"] = cursor(found[last-1])
	}
	if first > 0 && first < len(found) {
		page["previousCursor"] = cursor(found[first])
	}
	if q.Get("includeTotal") == "true" {
		page["total"] = len(found)
	}
	return replyJSON(http.StatusOK, "application/json", page)
}

// found are the documents that a query means, the newest first. No document lies in a folder.
func (x *allSign) found(q url.Values) []*transaction {
	var found []*transaction
	search := strings.ToLower(q.Get("search"))
	for _, t := range x.desk.world.txs {
		own := t.sender.id == x.owner || (q.Get("scope") != "" && q.Get("scope") != "owner")
		if t.desk == x.desk && t.alive() && own && (q.Get("status") == "" || q.Get("status") == t.state.word) &&
			strings.Contains(strings.ToLower(t.name), search) && q.Get("folderId") == "" {
			found = append(found, t)
		}
	}
	slices.SortStableFunc(found, func(a, b *transaction) int { return b.born.Compare(a.born) })
	return found
}

// cursor is a place in a list, in a form that says nothing.
func cursor(t *transaction) string {
	return base64.RawURLEncoding.EncodeToString([]byte("after:" + t.ref))
}

// position finds the place that a cursor, or a document's id, names.
func position(found []*transaction, text string) (int, bool) {
	i := slices.IndexFunc(found, func(t *transaction) bool { return text == cursor(t) || text == t.ref })
	return i, i >= 0
}

// allSignEventsJSON are the events that may be asked for; those that are reserved never fire.
func allSignEventsJSON() []any {
	said := map[string][2]string{
		"document.completed": {"Documents", "Todos firmaron."}, "document.expired": {"Documents", "El documento expiró."},
		"document.sent": {"Documents", "El documento fue enviado."}, "document.voided": {"Documents", "El documento fue anulado."},
		"signer.signed": {"Signers", "Un firmante firmó."},
	}
	var all []any
	for _, kind := range allSignActive() {
		all = append(all, object{
			"event": kind, "description": said[kind][1], "category": said[kind][0], "apiVersion": allSignVersion, "status": "active",
		})
	}
	return append(all, object{
		"event": "signer.declined", "description": "RESERVADO.", "category": "Signers", "apiVersion": allSignVersion, "status": "reserved",
	})
}

func (p *allSignEndpoint) json() object {
	status := "enabled"
	if p.disabled {
		status = "disabled"
	}
	return object{
		"id": p.id, "url": p.url, "status": status, "events": p.events, "description": orNull(p.description), "createdAt": isoTime(p.made),
	}
}

// webhooks lists the twenty newest endpoints, and no more.
func (x *allSign) webhooks(call) answer {
	data := []any{}
	for _, p := range slices.Backward(x.endpoints) {
		if len(data) < 20 {
			data = append(data, p.json())
		}
	}
	return replyJSON(http.StatusOK, "application/json", object{"object": "list", "data": data})
}

func (x *allSign) onWebhook(handle func(call, *allSignEndpoint) answer) func(call) answer {
	return func(c call) answer {
		p := x.endpoint(c.PathValue("id"))
		if p == nil {
			return x.refuse(http.StatusNotFound, "WEBHOOK_NOT_FOUND", "El webhook no existe.")
		}
		return handle(c, p)
	}
}

// secureURL takes https, and http on the simulator's own machine, where there are no certificates.
func secureURL(text string) bool {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" {
		return false
	}
	local := slices.Contains([]string{"127.0.0.1", "::1", "localhost"}, u.Hostname())
	return u.Scheme == "https" || (u.Scheme == "http" && local)
}

// createWebhook is the only answer that shows a secret. Reserved events may be asked for too.
func (x *allSign) createWebhook(c call) answer {
	var body struct {
		URL         string   `json:"url"`
		Events      []string `json:"events"`
		Description string   `json:"description"`
	}
	if err := json.Unmarshal(c.body, &body); err != nil {
		return x.invalid("body", "INVALID_VALUE")
	}
	known := append(allSignActive(), "signer.declined")
	switch {
	case !secureURL(body.URL):
		return x.invalid("url", "INVALID_VALUE")
	case len(body.Events) == 0 || slices.ContainsFunc(body.Events, func(e string) bool { return !slices.Contains(known, e) }):
		return x.invalid("events", "INVALID_VALUE")
	}
	p := &allSignEndpoint{
		id: "whe_" + letters(x.desk.rng, 32, hexDigits), url: body.URL, description: body.Description,
		secret: standardSecret(x.desk.rng), events: body.Events, made: c.now,
	}
	x.endpoints = append(x.endpoints, p)
	shown := p.json()
	shown["secret"] = p.secret
	return replyJSON(http.StatusCreated, "application/json", shown)
}

// patchWebhook turns an endpoint off or on again; it keeps its id and its secret.
func (x *allSign) patchWebhook(c call, p *allSignEndpoint) answer {
	var body struct {
		Disabled *bool    `json:"disabled"`
		Events   []string `json:"events"`
		URL      string   `json:"url"`
	}
	if err := json.Unmarshal(c.body, &body); err != nil || (body.URL != "" && !secureURL(body.URL)) {
		return x.invalid("body", "INVALID_VALUE")
	}
	if body.Disabled != nil {
		p.disabled, p.failures = *body.Disabled, 0
	}
	if len(body.Events) > 0 {
		p.events = body.Events
	}
	if body.URL != "" {
		p.url = body.URL
	}
	return replyJSON(http.StatusOK, "application/json", object{"data": p.json()})
}

func (x *allSign) deleteWebhook(_ call, p *allSignEndpoint) answer {
	x.endpoints = slices.DeleteFunc(x.endpoints, func(q *allSignEndpoint) bool { return q == p })
	return answer{status: http.StatusNoContent}
}
