package onespan

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"

	"countersign/provider/simulator/world"
	"countersign/provider/simulator/world/chance"
	"countersign/provider/simulator/world/wire"
)

const versioned = "application/json; esl-api-version=11"

// api is what answers requests.
type api struct{ *service }

func (o api) Routes(mux *http.ServeMux) {
	get := func(path string, handle func(world.Call) wire.Answer) {
		mux.HandleFunc("GET /onespan"+path, o.desk.Serve("read", false, handle))
	}
	onPackage := func(path string, handle func(world.Call, *world.Transaction) wire.Answer) {
		get("/api/packages/{id}"+path, func(c world.Call) wire.Answer {
			t := o.desk.ByRef[c.PathValue("id")]
			if t == nil || !t.Alive() || (path != "" && t.State.Deleted) {
				return o.Refuse(http.StatusNotFound, "packageNotFound", "The package could not be found.")
			}
			return handle(c, t)
		})
	}
	get("/api/packages", o.list)
	onPackage("", o.detail)
	onPackage("/signingStatus", func(c world.Call, t *world.Transaction) wire.Answer {
		return wire.ReplyJSON(http.StatusOK, "application/json", wire.Object{"status": signingStatus(o.desk.World.View(t,
			c.Now, "part"), c.FormValue("signer"))})
	})
	onPackage("/roles", func(c world.Call, t *world.Transaction) wire.Answer {
		roles := o.rolesJSON(t, o.desk.World.View(t, c.Now, "part"))
		return wire.ReplyJSON(http.StatusOK, "application/json", wire.Object{"count": len(roles), "results": roles})
	})
	onPackage("/audit", o.audit)
	onPackage("/documents/zip", o.zip)
	onPackage("/documents/{doc}", o.document)
	onPackage("/documents/{doc}/pdf", o.pdf)
	onPackage("/documents/{doc}/original", o.pdf)
	onPackage("/evidence/summary", o.evidence)
	get("/api/callback", func(c world.Call) wire.Answer { return o.registration() })
	mux.HandleFunc("POST /onespan/api/callback", o.desk.Serve("read", false, o.register))
	get("/api/callback/connectors/{origin}", func(c world.Call) wire.Answer {
		return o.Refuse(http.StatusNotFound, "callbackNotFound", "No connector of that origin is registered.")
	})
	mux.HandleFunc("POST /onespan/api/callback/connectors/{origin}",
		o.desk.Serve("read", false, func(world.Call) wire.Answer {
			return o.Refuse(http.StatusBadRequest, "validation", "The connector is not enabled.")
		}))
	get("/api/reports/completion", o.completion)
	get("/api/reports/transaction-summary", o.summary)
	get("/api/reports/transaction-detail/{id}", o.reportDetail)
	get("/api/dataRetentionSettings/dataManagementPolicy", func(world.Call) wire.Answer {
		return wire.ReplyJSON(http.StatusOK, "application/json", wire.Object{"transactionRetention": wire.Object{
			"draft": 90, "sent": 120, "completed": 365, "archived": 365, "declined": 90, "optedOut": 90, "expired": 90,
			"lifetimeTotal": 0, "includeSent": false,
		}})
	})
	get("/api/dataRetentionSettings/expiryTimeConfiguration", func(world.Call) wire.Answer {
		return wire.ReplyJSON(http.StatusOK, "application/json", wire.Object{"remainingDays": 0, "maximumRemainingDays": 120})
	})
	mux.HandleFunc("POST /onespan/apitoken/clientApp/accessToken", o.desk.Serve("token", true, o.clientApp))
	mux.HandleFunc("POST /onespan/oauth2/token", o.desk.Serve("token", true, o.oauth))
	mux.HandleFunc("/onespan/", o.desk.Serve("read", true, func(world.Call) wire.Answer {
		return o.Refuse(http.StatusNotFound, "resourceNotFound", "There is nothing of that name.")
	}))
}

// Refuse is an error in OneSpan's form; the HTTP status is what counts.
func (o api) Refuse(status int, name, message string) wire.Answer {
	group := map[int]string{400: "validation", 401: "unauthorized", 403: "forbidden", 404: "notFound",
		429: "tooManyRequests"}[status]
	if group == "" {
		group = "internal"
	}
	return wire.ReplyJSON(status, "application/json", wire.Object{
		"code": status, "message": message, "messageKey": "error." + group + "." + name, "name": http.StatusText(status),
		"technical": nil, "entity": nil,
	})
}

// Decorate adds nothing: OneSpan documents no headers about limits.
func (o api) Decorate(http.Header, string, int) {}

func (o api) detail(c world.Call, t *world.Transaction) wire.Answer {
	s := o.desk.World.View(t, c.Now)
	if s.Deleted {
		return o.Refuse(http.StatusNotFound, "packageNotFound", "The package could not be found.")
	}
	return wire.ReplyJSON(http.StatusOK, versioned, o.packageJSON(t, s, c.FormValue("extensions") == "alerts"))
}

func (o api) document(c world.Call, t *world.Transaction) wire.Answer {
	for _, d := range o.documentsJSON(t, o.desk.World.View(t, c.Now, "part")) {
		if d.(wire.Object)["id"] == c.PathValue("doc") {
			return wire.ReplyJSON(http.StatusOK, versioned, d)
		}
	}
	return o.Refuse(http.StatusNotFound, "documentNotFound", "The document could not be found.")
}

func (o api) registration() wire.Answer {
	events := []string{}
	for _, e := range eventNames() {
		if o.desk.Events[e] {
			events = append(events, e)
		}
	}
	return wire.ReplyJSON(http.StatusOK, "application/json", wire.Object{"url": o.desk.URL, "key": o.desk.Key,
		"events": events})
}

// register replaces the account's one registration.
func (o api) register(c world.Call) wire.Answer {
	var body struct {
		URL    string   `json:"url"`
		Key    string   `json:"key"`
		Events []string `json:"events"`
	}
	if err := json.Unmarshal(c.Body, &body); err != nil {
		return o.Refuse(http.StatusBadRequest, "validation", "The callback is not valid JSON.")
	}
	if u, err := url.Parse(body.URL); err != nil || (body.URL != "" && u.Host == "") {
		return o.Refuse(http.StatusBadRequest, "validation", "The callback's url is not valid.")
	}
	known, events := map[string]bool{}, map[string]bool{}
	for _, e := range eventNames() {
		known[e] = true
	}
	for _, e := range body.Events {
		if !known[e] {
			return o.Refuse(http.StatusBadRequest, "validation", fmt.Sprintf("%q is no event.", e))
		}
		events[e] = true
	}
	o.desk.URL, o.desk.Key, o.desk.Events = body.URL, body.Key, events
	return o.registration()
}

// clientApp gives a token for a client app; expiresAt is in milliseconds.
func (o api) clientApp(c world.Call) wire.Answer {
	var body struct {
		ClientID string `json:"clientId"`
		Secret   string `json:"secret"`
		Type     string `json:"type"`
		Email    string `json:"email"`
	}
	if err := json.Unmarshal(c.Body, &body); err != nil {
		return o.Refuse(http.StatusBadRequest, "validation", "The request is not valid JSON.")
	}
	a := o.desk.Account
	switch {
	case body.Type != "OWNER" && body.Type != "SENDER", (body.Type == "SENDER") != (body.Email != ""):
		return o.Refuse(http.StatusBadRequest, "validation", "type is OWNER, or SENDER with an email.")
	case body.ClientID != a.ClientID || body.Secret != a.ClientSecret:
		return o.Refuse(http.StatusUnauthorized, "clientApp", "The client app or its secret is not known.")
	}
	token, until := chance.Letters(o.desk.Rand, 48, chance.Alphanum), c.Now.Add(o.desk.World.Options.TokenLife)
	o.tokens[token] = until
	return wire.ReplyJSON(http.StatusOK, "application/json", wire.Object{"accessToken": token,
		"expiresAt": until.UnixMilli()})
}

// oauth gives a token by client credentials.
func (o api) oauth(c world.Call) wire.Answer {
	id, secret, _ := c.BasicAuth()
	form, err := url.ParseQuery(string(c.Body))
	a := o.desk.Account
	switch {
	case err != nil || form.Get("grant_type") != "client_credentials":
		return wire.ReplyJSON(http.StatusBadRequest, "application/json", wire.Object{"error": "unsupported_grant_type"})
	case id != url.QueryEscape(a.OAuthClientID) || secret != url.QueryEscape(a.OAuthClientSecret):
		return wire.ReplyJSON(http.StatusUnauthorized, "application/json", wire.Object{"error": "invalid_client"})
	}
	life := o.desk.World.Options.TokenLife
	token := jwt(wire.Object{"iss": "simulator", "sub": id, "iat": c.Now.Unix(), "exp": c.Now.Add(life).Unix(),
		"jti": chance.Letters(o.desk.Rand, 16, chance.Alphanum)}, secret)
	o.tokens[token] = c.Now.Add(life)
	return wire.ReplyJSON(http.StatusOK, "application/json", wire.Object{
		"access_token": token, "token_type": "Bearer", "scope": "oss", "expires_in": int(life.Seconds()),
	})
}

func jwt(claims wire.Object, secret string) string {
	payload, err := json.Marshal(claims)
	if err != nil {
		return "" // texts and numbers always marshal
	}
	encode := base64.RawURLEncoding.EncodeToString
	text := encode([]byte(`{"alg":"HS256","typ":"JWT"}`)) + "." + encode(payload)
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(text))
	return text + "." + encode(mac.Sum(nil))
}
