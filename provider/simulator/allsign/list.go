package allsign

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"countersign/provider/simulator/world"
	"countersign/provider/simulator/world/chance"
	"countersign/provider/simulator/world/wire"
)

// list answers GET /documents: whole documents, the newest first, by default those of the key's own user.
func (x api) list(c world.Call) wire.Answer {
	q := c.URL.Query()
	limit, ok := wire.Number(q.Get("limit"), 20)
	scope, status, after := q.Get("scope"), q.Get("status"), q.Get("startingAfter")
	words := []string{"", "draft", "collecting_data", "processing", "awaiting_signatures", "correcting", "completed",
		"expired", "voided"}
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
	endless := x.desk.World.Options.Habits.Endless
	if after != "" && endless != world.EndlessPage {
		if first, ok = position(found, after); !ok {
			return x.invalid("startingAfter", "INVALID_VALUE")
		}
		first = x.desk.World.Shift(first+1, len(found))
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
		t.Shown(&t.State, c.Now)
		data = append(data, x.documentJSON(t, &t.State))
	}
	page := wire.Object{"object": "list", "data": x.desk.Page(data, "id", "name"), "hasMore": last < len(found),
		"nextCursor": nil, "previousCursor": nil, "limit": limit}
	if last < len(found) && last > 0 {
		page["nextCursor"] = cursor(found[last-1])
	}
	if first > 0 && first < len(found) {
		page["previousCursor"] = cursor(found[first])
	}
	if endless != "" {
		page["hasMore"] = true
		switch { // a page beyond the end, and one that names itself, have the cursor that they were asked for
		case page["nextCursor"] == nil && len(found) > 0:
			page["nextCursor"] = cursor(found[len(found)-1])
		case endless == world.EndlessCursor && after != "":
			page["nextCursor"] = after
		}
	}
	if q.Get("includeTotal") == "true" {
		page["total"] = len(found)
	}
	return wire.ReplyJSON(http.StatusOK, "application/json", page)
}

// found are the documents that a query means, the newest first. No document lies in a folder.
func (x api) found(q url.Values) []*world.Transaction {
	var found []*world.Transaction
	search := strings.ToLower(q.Get("search"))
	for t := range x.desk.Living() {
		own := t.Sender.ID == x.owner || (q.Get("scope") != "" && q.Get("scope") != "owner")
		if own && (q.Get("status") == "" || q.Get("status") == t.State.Word) &&
			strings.Contains(strings.ToLower(t.Name), search) && q.Get("folderId") == "" {
			found = append(found, t)
		}
	}
	slices.SortStableFunc(found, func(a, b *world.Transaction) int { return b.Born.Compare(a.Born) })
	return found
}

// cursor is a place in a list, in a form that says nothing.
func cursor(t *world.Transaction) string {
	return base64.RawURLEncoding.EncodeToString([]byte("after:" + t.Ref))
}

// position finds the place that a cursor, or a document's id, names.
func position(found []*world.Transaction, text string) (int, bool) {
	i := slices.IndexFunc(found, func(t *world.Transaction) bool { return text == cursor(t) || text == t.Ref })
	return i, i >= 0
}

// eventsJSON are the events that may be asked for; those that are reserved never fire.
func eventsJSON() []any {
	said := map[string][2]string{
		"document.completed": {"Documents", "Todos firmaron."}, "document.expired": {"Documents", "El documento expiró."},
		"document.sent":   {"Documents", "El documento fue enviado."},
		"document.voided": {"Documents", "El documento fue anulado."},
		"signer.signed":   {"Signers", "Un firmante firmó."},
	}
	var all []any
	for _, kind := range activeEvents() {
		all = append(all, wire.Object{
			"event": kind, "description": said[kind][1], "category": said[kind][0], "apiVersion": version, "status": "active",
		})
	}
	return append(all, wire.Object{
		"event": "signer.declined", "description": "RESERVADO.", "category": "Signers", "apiVersion": version,
		"status": "reserved",
	})
}

func (p *endpoint) json() wire.Object {
	status := "enabled"
	if p.disabled {
		status = "disabled"
	}
	return wire.Object{
		"id": p.id, "url": p.url, "status": status, "events": p.events, "description": wire.OrNull(p.description),
		"createdAt": wire.ISOTime(p.made),
	}
}

// webhooks lists the twenty newest endpoints, and no more.
func (x api) webhooks(world.Call) wire.Answer {
	data := []any{}
	for _, p := range slices.Backward(x.endpoints) {
		if len(data) < 20 {
			data = append(data, p.json())
		}
	}
	return wire.ReplyJSON(http.StatusOK, "application/json", wire.Object{"object": "list", "data": x.desk.Page(data,
		"id", "url")})
}

func (x api) onWebhook(handle func(world.Call, *endpoint) wire.Answer) func(world.Call) wire.Answer {
	return func(c world.Call) wire.Answer {
		p := x.endpoint(c.PathValue("id"))
		if p == nil {
			return x.Refuse(http.StatusNotFound, "WEBHOOK_NOT_FOUND", "El webhook no existe.")
		}
		return handle(c, p)
	}
}

// createWebhook is the only answer that shows a secret. Reserved events may be asked for too.
func (x api) createWebhook(c world.Call) wire.Answer {
	var body struct {
		URL         string   `json:"url"`
		Events      []string `json:"events"`
		Description string   `json:"description"`
	}
	if err := json.Unmarshal(c.Body, &body); err != nil {
		return x.invalid("body", "INVALID_VALUE")
	}
	known := append(activeEvents(), "signer.declined")
	switch {
	case !wire.SecureURL(body.URL):
		return x.invalid("url", "INVALID_VALUE")
	case len(body.Events) == 0 || slices.ContainsFunc(body.Events,
		func(e string) bool { return !slices.Contains(known, e) }):
		return x.invalid("events", "INVALID_VALUE")
	}
	p := &endpoint{
		id: "whe_" + chance.Letters(x.desk.Rand, 32, chance.HexDigits), url: body.URL, description: body.Description,
		secret: standardSecret(x.desk.Rand), events: body.Events, made: c.Now,
	}
	x.endpoints = append(x.endpoints, p)
	shown := p.json()
	shown["secret"] = p.secret
	return wire.ReplyJSON(http.StatusCreated, "application/json", shown)
}

// patchWebhook turns an endpoint off or on again; it keeps its id and its secret.
func (x api) patchWebhook(c world.Call, p *endpoint) wire.Answer {
	var body struct {
		Disabled *bool    `json:"disabled"`
		Events   []string `json:"events"`
		URL      string   `json:"url"`
	}
	if err := json.Unmarshal(c.Body, &body); err != nil || (body.URL != "" && !wire.SecureURL(body.URL)) {
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
	return wire.ReplyJSON(http.StatusOK, "application/json", wire.Object{"data": p.json()})
}

func (x api) deleteWebhook(_ world.Call, p *endpoint) wire.Answer {
	x.endpoints = slices.DeleteFunc(x.endpoints, func(q *endpoint) bool { return q == p })
	return wire.Answer{Status: http.StatusNoContent}
}
