package autosign

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

	"countersign/provider/simulator/world"
	"countersign/provider/simulator/world/chance"
	"countersign/provider/simulator/world/life"
	"countersign/provider/simulator/world/pdf"
	"countersign/provider/simulator/world/wire"
)

// api is what answers requests.
type api struct{ *service }

func (x api) Routes(mux *http.ServeMux) {
	on := func(pattern, class string, open bool, handle func(world.Call) wire.Answer) {
		method, path, _ := strings.Cut(pattern, " ")
		mux.HandleFunc(method+" /autosign/v1"+path, x.desk.Serve(class, open, func(c world.Call) wire.Answer {
			x.seen = "http://" + c.Host
			if c.TLS != nil {
				x.seen = "https://" + c.Host
			}
			return handle(c)
		}))
	}
	on("GET /transaction/{id}", "read", false, func(c world.Call) wire.Answer {
		t := x.desk.ByRef[c.PathValue("id")]
		if t == nil || !t.Alive() {
			return x.Refuse(http.StatusNotFound, "not_found", "La transacción no existe")
		}
		return wire.ReplyJSON(http.StatusOK, "application/json", x.detailJSON(t, x.desk.World.View(t, c.Now), c.Now))
	})
	on("GET /webhook", "read", false, x.webhooks)
	on("POST /webhook", "read", false, x.createWebhook)
	on("POST /oauth/token", "token", true, x.exchangeCode)
	on("POST /oauth/refresh", "token", true, x.refreshToken)
	mux.HandleFunc("GET /autosign-storage/{id}/{file}", x.desk.Serve("link", true, x.link))
	mux.HandleFunc("/autosign/", x.desk.Serve("read", true, func(c world.Call) wire.Answer {
		return x.Refuse(http.StatusNotFound, "not_found", "Cannot "+c.Method+" "+c.URL.Path)
	}))
}

// Refuse is an error; the form is a guess, and the HTTP status is what counts.
func (x api) Refuse(status int, name, message string) wire.Answer {
	return wire.ReplyJSON(status, "application/json", wire.Object{"statusCode": status, "message": message, "error": name})
}

// Decorate adds nothing: no headers about limits are documented.
func (x api) Decorate(http.Header, string, int) {}

// Files are the sealed documents.
func (x api) Files(t *world.Transaction) []world.TruthDocument {
	var all []world.TruthDocument
	for _, d := range t.Docs {
		all = append(all, world.TruthDocument{ID: sealedID(d), Kind: "signed", Name: "sealed-" + d.Name, Sealed: d.Sealed})
	}
	return all
}

// File renders a sealed file, the same bytes each time, or the file that was uploaded.
func (x api) File(t *world.Transaction, s *life.State, id string) []byte {
	for i, d := range t.Docs {
		p := pdf.File{Title: t.Name + " / " + d.Name, Pages: d.Pages, Filler: uint64(t.Born.UnixNano()) + uint64(i),
			At: t.Born}
		switch id {
		case d.ID:
			p.Lines = []string{"Not signed yet."}
		case sealedID(d):
			p.At, p.Sealed, p.Lines = s.Completed, d.Sealed, []string{"Transaction " + t.Ref}
			for _, one := range s.People {
				p.Lines = append(p.Lines, fmt.Sprintf("Signed by %s <%s> on %s", one.Name, one.Email,
					one.DoneAt.UTC().Format(time.RFC1123)))
			}
		default:
			continue
		}
		return x.desk.Render(p)
	}
	return nil
}

// link is the storage. It asks for no token, and does not mind one.
func (x api) link(c world.Call) wire.Answer {
	file, expires := c.PathValue("file"), c.URL.Query().Get("expires")
	until, err := strconv.ParseInt(expires, 10, 64)
	t := x.desk.ByRef[c.PathValue("id")]
	if err != nil || t == nil || !hmac.Equal([]byte(c.URL.Query().Get("signature")),
		[]byte(wire.LinkProof(x.proof, t.Ref, file, expires))) {
		return wire.StorageError(http.StatusForbidden, "SignatureDoesNotMatch")
	}
	if c.Now.Unix() > until {
		return wire.StorageError(http.StatusForbidden, "AccessDenied")
	}
	body := x.File(t, &t.State, file)
	if body == nil { // the picture of a page
		return wire.StorageError(http.StatusNotFound, "NoSuchKey")
	}
	a := wire.Download("application/pdf", file+".pdf", body)
	a.Sent = func() { t.Served[file]++ }
	return x.desk.World.Spoil(x.desk, a, http.StatusConflict)
}

// webhooks lists by page; both parameters are required.
func (x api) webhooks(c world.Call) wire.Answer {
	limit, err := strconv.Atoi(c.URL.Query().Get("limit"))
	page, err2 := strconv.Atoi(c.URL.Query().Get("page"))
	if err != nil || err2 != nil || limit < 1 || page < 1 {
		return x.Refuse(http.StatusBadRequest, "bad_request", "limit and page are required")
	}
	first, claimed := x.desk.Begin((page-1)*limit, limit, len(x.endpoints))
	first, pages := min(first, len(x.endpoints)), max((claimed+limit-1)/limit, 1)
	items := []any{}
	for _, p := range x.endpoints[first:min(first+limit, len(x.endpoints))] {
		items = append(items, wire.Object{"id": p.id, "name": p.name, "endpoint": p.url, "events": p.events, "enabled": true})
	}
	meta := wire.Object{
		"limit": limit, "is_first_page": page == 1, "is_last_page": page >= pages, "current_page": page,
		"previous_page": nil, "next_page": nil, "page_count": pages,
	}
	if page > 1 {
		meta["previous_page"] = page - 1
	}
	if page < pages {
		meta["next_page"] = page + 1
	}
	return wire.ReplyJSON(http.StatusOK, "application/json", wire.Object{"items": x.desk.Page(items, "id", "name"),
		"meta": meta})
}

// createWebhook answers with an id and no secret: the account's own signs for every webhook here.
func (x api) createWebhook(c world.Call) wire.Answer {
	var body struct {
		Name     string   `json:"name"`
		Endpoint string   `json:"endpoint"`
		Events   []string `json:"events"`
	}
	if err := json.Unmarshal(c.Body, &body); err != nil {
		return x.Refuse(http.StatusBadRequest, "bad_request", "The body is not valid JSON")
	}
	strange := slices.ContainsFunc(body.Events, func(e string) bool { return !slices.Contains(eventNames(), e) })
	switch {
	case body.Name == "" || len(body.Name) > 255:
		return x.Refuse(http.StatusBadRequest, "bad_request", "name must have 1 to 255 characters")
	case !wire.SecureURL(body.Endpoint):
		return x.Refuse(http.StatusBadRequest, "bad_request", "endpoint must be a URI with TLS")
	case len(body.Events) == 0 || strange:
		return x.Refuse(http.StatusBadRequest, "bad_request", "events must name known events")
	}
	p := endpoint{id: cuid(x.desk.Rand), name: body.Name, url: body.Endpoint, events: body.Events}
	x.endpoints = append(x.endpoints, p)
	return wire.ReplyJSON(http.StatusCreated, "application/json", wire.Object{"id": p.id})
}

// client reads a request for tokens: JSON, and not the form that OAuth libraries send.
func (x api) client(c world.Call) (body struct{ Code, Refresh string }, refused *wire.Answer) {
	var request struct {
		ID      string `json:"client_id"`
		Secret  string `json:"client_secret"`
		Code    string `json:"code"`
		Refresh string `json:"refresh_token"`
	}
	var bad wire.Answer
	switch err := json.Unmarshal(c.Body, &request); {
	case err != nil:
		bad = x.Refuse(http.StatusBadRequest, "bad_request", "The body is not valid JSON")
	case request.ID != x.desk.Account.OAuthClientID || request.Secret != x.desk.Account.OAuthClientSecret:
		bad = x.Refuse(http.StatusUnauthorized, "unauthorized", "The client is not known")
	default:
		body.Code, body.Refresh = request.Code, request.Refresh
		return body, nil
	}
	return body, &bad
}

// grant makes an access token, in the form of an answer.
func (x api) grant(now time.Time) wire.Object {
	life := x.desk.World.Options.TokenLife
	token := chance.Letters(x.desk.Rand, 64, chance.Alphanum)
	x.tokens[token] = now.Add(life)
	return wire.Object{"access_token": token, "expires_in": max(int(life.Seconds()), 1)}
}

// exchangeCode makes tokens of a code, once.
func (x api) exchangeCode(c world.Call) wire.Answer {
	body, refused := x.client(c)
	if refused != nil {
		return *refused
	}
	if x.spent || body.Code != x.desk.Account.AuthorizationCode {
		return x.Refuse(http.StatusUnauthorized, "unauthorized", "The code is not known or was used")
	}
	x.spent = true
	tokens := x.grant(c.Now)
	tokens["refresh_token"] = x.newRefresh()
	return wire.ReplyJSON(http.StatusOK, "application/json", tokens)
}

func (x api) newRefresh() string {
	token := chance.Letters(x.desk.Rand, 48, chance.Alphanum)
	x.refresh[token] = true
	return token
}

// refreshToken makes an access token. Now and then a new refresh token comes with it, and then the old one is void.
func (x api) refreshToken(c world.Call) wire.Answer {
	body, refused := x.client(c)
	if refused != nil {
		return *refused
	}
	if !x.refresh[body.Refresh] {
		return x.Refuse(http.StatusUnauthorized, "unauthorized", "The refresh token is not known")
	}
	tokens := x.grant(c.Now)
	if x.desk.Rand.IntN(3) == 0 {
		delete(x.refresh, body.Refresh)
		tokens["refresh_token"] = x.newRefresh()
	}
	return wire.ReplyJSON(http.StatusOK, "application/json", tokens)
}

// storedName is where a file lies, in the form of a path.
func storedName(id, name string) string {
	return id[2:10] + "-" + url.PathEscape(strings.ToLower(name))
}
