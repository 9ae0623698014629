package simulator

import (
	"crypto/hmac"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

func (x *autosign) routes(mux *http.ServeMux) {
	on := func(pattern, class string, open bool, handle func(call) answer) {
		method, path, _ := strings.Cut(pattern, " ")
		mux.HandleFunc(method+" /autosign/v1"+path, x.desk.serve(class, open, func(c call) answer {
			x.seen = "http://" + c.Host
			if c.TLS != nil {
				x.seen = "https://" + c.Host
			}
			return handle(c)
		}))
	}
	on("GET /transaction/{id}", "read", false, func(c call) answer {
		t := x.desk.byRef[c.PathValue("id")]
		if t == nil || !t.alive() {
			return x.refuse(http.StatusNotFound, "not_found", "La transacción no existe")
		}
		return replyJSON(http.StatusOK, "application/json", x.detailJSON(t, x.desk.world.view(t, c.now), c.now))
	})
	on("GET /webhook", "read", false, x.webhooks)
	on("POST /webhook", "read", false, x.createWebhook)
	on("POST /oauth/token", "token", true, x.exchangeCode)
	on("POST /oauth/refresh", "token", true, x.refreshToken)
	mux.HandleFunc("GET /autosign-storage/{id}/{file}", x.desk.serve("link", true, x.link))
	mux.HandleFunc("/autosign/", x.desk.serve("read", true, func(c call) answer {
		return x.refuse(http.StatusNotFound, "not_found", "Cannot "+c.Method+" "+c.URL.Path)
	}))
}

// refuse is an error; the form is a guess, and the HTTP status is what counts.
func (x *autosign) refuse(status int, name, message string) answer {
	return replyJSON(status, "application/json", object{"statusCode": status, "message": message, "error": name})
}

// decorate adds nothing: no headers about limits are documented.
func (x *autosign) decorate(http.Header, string, int) {}

// files are the sealed documents.
func (x *autosign) files(t *transaction) []TruthDocument {
	var all []TruthDocument
	for _, d := range t.docs {
		all = append(all, TruthDocument{ID: sealedID(d), Kind: "signed", Name: "sealed-" + d.name, Sealed: d.sealed})
	}
	return all
}

// file renders a sealed file, the same bytes each time, or the file that was uploaded.
func (x *autosign) file(t *transaction, s *state, id string) []byte {
	for i, d := range t.docs {
		p := paper{title: t.name + " / " + d.name, pages: d.pages, filler: uint64(t.born.UnixNano()) + uint64(i), at: t.born}
		switch id {
		case d.id:
			p.lines = []string{"Not signed yet."}
		case sealedID(d):
			p.at, p.sealed, p.lines = s.completed, d.sealed, []string{"Transaction " + t.ref}
			for _, one := range s.people {
				p.lines = append(p.lines, fmt.Sprintf("Signed by %s <%s> on %s", one.name, one.email, one.doneAt.UTC().Format(time.RFC1123)))
			}
		default:
			continue
		}
		return p.render(x.desk.world.keys)
	}
	return nil
}

// link is the storage. It asks for no token, and does not mind one.
func (x *autosign) link(c call) answer {
	file, expires := c.PathValue("file"), c.URL.Query().Get("expires")
	until, err := strconv.ParseInt(expires, 10, 64)
	t := x.desk.byRef[c.PathValue("id")]
	if err != nil || t == nil || !hmac.Equal([]byte(c.URL.Query().Get("signature")), []byte(linkProof(x.proof, t.ref, file, expires))) {
		return storageError(http.StatusForbidden, "SignatureDoesNotMatch")
	}
	if c.now.Unix() > until {
		return storageError(http.StatusForbidden, "AccessDenied")
	}
	body := x.file(t, &t.state, file)
	if body == nil { // the picture of a page
		return storageError(http.StatusNotFound, "NoSuchKey")
	}
	a := download("application/pdf", file+".pdf", body)
	a.sent = func() { t.served[file]++ }
	return x.desk.world.spoil(x.desk, a, http.StatusConflict)
}

// webhooks lists by page; both parameters are required.
func (x *autosign) webhooks(c call) answer {
	limit, err := strconv.Atoi(c.URL.Query().Get("limit"))
	page, err2 := strconv.Atoi(c.URL.Query().Get("page"))
	if err != nil || err2 != nil || limit < 1 || page < 1 {
		return x.refuse(http.StatusBadRequest, "bad_request", "limit and page are required")
	}
	pages := max((len(x.endpoints)+limit-1)/limit, 1)
	first := min((page-1)*limit, len(x.endpoints))
	items := []any{}
	for _, p := range x.endpoints[first:min(first+limit, len(x.endpoints))] {
		items = append(items, object{"id": p.id, "name": p.name, "endpoint": p.url, "events": p.events, "enabled": true})
	}
	meta := object{
		"limit": limit, "is_first_page": page == 1, "is_last_page": page >= pages, "current_page": page, "previous_page": nil, "next_page": nil, "page_count": pages,
	}
	if page > 1 {
		meta["previous_page"] = page - 1
	}
	if page < pages {
		meta["next_page"] = page + 1
	}
	return replyJSON(http.StatusOK, "application/json", object{"items": items, "meta": meta})
}

// createWebhook answers with an id and no secret: the account's own signs for every webhook here.
func (x *autosign) createWebhook(c call) answer {
	var body struct {
		Name     string   `json:"name"`
		Endpoint string   `json:"endpoint"`
		Events   []string `json:"events"`
	}
	if err := json.Unmarshal(c.body, &body); err != nil {
		return x.refuse(http.StatusBadRequest, "bad_request", "The body is not valid JSON")
	}
	strange := slices.ContainsFunc(body.Events, func(e string) bool { return !slices.Contains(autosignEvents(), e) })
	switch {
	case body.Name == "" || len(body.Name) > 255:
		return x.refuse(http.StatusBadRequest, "bad_request", "name must have 1 to 255 characters")
	case !secureURL(body.Endpoint):
		return x.refuse(http.StatusBadRequest, "bad_request", "endpoint must be a URI with TLS")
	case len(body.Events) == 0 || strange:
		return x.refuse(http.StatusBadRequest, "bad_request", "events must name known events")
	}
	p := autosignEndpoint{id: cuid(x.desk.rng), name: body.Name, url: body.Endpoint, events: body.Events}
	x.endpoints = append(x.endpoints, p)
	return replyJSON(http.StatusCreated, "application/json", object{"id": p.id})
}

// client reads a request for tokens: JSON, and not the form that OAuth libraries send.
func (x *autosign) client(c call) (body struct{ Code, Refresh string }, refused *answer) {
	var request struct {
		ID      string `json:"client_id"`
		Secret  string `json:"client_secret"`
		Code    string `json:"code"`
		Refresh string `json:"refresh_token"`
	}
	var bad answer
	switch err := json.Unmarshal(c.body, &request); {
	case err != nil:
		bad = x.refuse(http.StatusBadRequest, "bad_request", "The body is not valid JSON")
	case request.ID != x.desk.account.OAuthClientID || request.Secret != x.desk.account.OAuthClientSecret:
		bad = x.refuse(http.StatusUnauthorized, "unauthorized", "The client is not known")
	default:
		body.Code, body.Refresh = request.Code, request.Refresh
		return body, nil
	}
	return body, &bad
}

// grant makes an access token, in the form of an answer.
func (x *autosign) grant(now time.Time) object {
	life := x.desk.world.opts.TokenLife
	token := letters(x.desk.rng, 64, alphanum)
	x.tokens[token] = now.Add(life)
	return object{"access_token": token, "expires_in": max(int(life.Seconds()), 1)}
}

// exchangeCode makes tokens of a code, once.
func (x *autosign) exchangeCode(c call) answer {
	body, refused := x.client(c)
	if refused != nil {
		return *refused
	}
	if x.spent || body.Code != x.desk.account.AuthorizationCode {
		return x.refuse(http.StatusUnauthorized, "unauthorized", "The code is not known or was used")
	}
	x.spent = true
	tokens := x.grant(c.now)
	tokens["refresh_token"] = x.newRefresh()
	return replyJSON(http.StatusOK, "application/json", tokens)
}

func (x *autosign) newRefresh() string {
	token := letters(x.desk.rng, 48, alphanum)
	x.refresh[token] = true
	return token
}

// refreshToken makes an access token. Now and then a new refresh token comes with it, and then the old one is void.
func (x *autosign) refreshToken(c call) answer {
	body, refused := x.client(c)
	if refused != nil {
		return *refused
	}
	if !x.refresh[body.Refresh] {
		return x.refuse(http.StatusUnauthorized, "unauthorized", "The refresh token is not known")
	}
	tokens := x.grant(c.now)
	if x.desk.rng.IntN(3) == 0 {
		delete(x.refresh, body.Refresh)
		tokens["refresh_token"] = x.newRefresh()
	}
	return replyJSON(http.StatusOK, "application/json", tokens)
}

// storedName is where a file lies, in the form of a path.
func storedName(id, name string) string {
	return id[2:10] + "-" + url.PathEscape(strings.ToLower(name))
}
