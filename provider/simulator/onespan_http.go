package simulator

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
)

const oneSpanVersioned = "application/json; esl-api-version=11"

func (o *oneSpan) routes(mux *http.ServeMux) {
	get := func(path string, handle func(call) answer) {
		mux.HandleFunc("GET /onespan"+path, o.desk.serve("read", false, handle))
	}
	onPackage := func(path string, handle func(call, *transaction) answer) {
		get("/api/packages/{id}"+path, func(c call) answer {
			t := o.desk.byRef[c.PathValue("id")]
			if t == nil || !t.alive() || (path != "" && t.state.deleted) {
				return o.refuse(http.StatusNotFound, "packageNotFound", "The package could not be found.")
			}
			return handle(c, t)
		})
	}
	get("/api/packages", o.list)
	onPackage("", o.detail)
	onPackage("/signingStatus", func(c call, t *transaction) answer {
		return replyJSON(http.StatusOK, "application/json", object{"status": signingStatus(o.desk.world.view(t, c.now, "part"), c.FormValue("signer"))})
	})
	onPackage("/roles", func(c call, t *transaction) answer {
		roles := o.rolesJSON(t, o.desk.world.view(t, c.now, "part"))
		return replyJSON(http.StatusOK, "application/json", object{"count": len(roles), "results": roles})
	})
	onPackage("/audit", o.audit)
	onPackage("/documents/zip", o.zip)
	onPackage("/documents/{doc}", o.document)
	onPackage("/documents/{doc}/pdf", o.pdf)
	onPackage("/documents/{doc}/original", o.pdf)
	onPackage("/evidence/summary", o.evidence)
	get("/api/callback", func(c call) answer { return o.registration() })
	mux.HandleFunc("POST /onespan/api/callback", o.desk.serve("read", false, o.register))
	get("/api/callback/connectors/{origin}", func(c call) answer {
		return o.refuse(http.StatusNotFound, "callbackNotFound", "No connector of that origin is registered.")
	})
	mux.HandleFunc("POST /onespan/api/callback/connectors/{origin}", o.desk.serve("read", false, func(call) answer {
		return o.refuse(http.StatusBadRequest, "validation", "The connector is not enabled.")
	}))
	get("/api/reports/completion", o.completion)
	get("/api/reports/transaction-summary", o.summary)
	get("/api/reports/transaction-detail/{id}", o.reportDetail)
	get("/api/dataRetentionSettings/dataManagementPolicy", func(call) answer {
		return replyJSON(http.StatusOK, "application/json", object{"transactionRetention": object{
			"draft": 90, "sent": 120, "completed": 365, "archived": 365, "declined": 90, "optedOut": 90, "expired": 90, "lifetimeTotal": 0, "includeSent": false,
		}})
	})
	get("/api/dataRetentionSettings/expiryTimeConfiguration", func(call) answer {
		return replyJSON(http.StatusOK, "application/json", object{"remainingDays": 0, "maximumRemainingDays": 120})
	})
	mux.HandleFunc("POST /onespan/apitoken/clientApp/accessToken", o.desk.serve("token", true, o.clientApp))
	mux.HandleFunc("POST /onespan/oauth2/token", o.desk.serve("token", true, o.oauth))
	mux.HandleFunc("/onespan/", o.desk.serve("read", true, func(call) answer {
		return o.refuse(http.StatusNotFound, "resourceNotFound", "There is nothing of that name.")
	}))
}

// refuse is an error in OneSpan's form; the HTTP status is what counts.
func (o *oneSpan) refuse(status int, name, message string) answer {
	group := map[int]string{400: "validation", 401: "unauthorized", 403: "forbidden", 404: "notFound", 429: "tooManyRequests"}[status]
	if group == "" {
		group = "internal"
	}
	return replyJSON(status, "application/json", object{
		"code": status, "message": message, "messageKey": "error." + group + "." + name, "name": http.StatusText(status), "technical": nil, "entity": nil,
	})
}

// decorate adds nothing: OneSpan documents no headers about limits.
func (o *oneSpan) decorate(http.Header, string, int) {}

func (o *oneSpan) detail(c call, t *transaction) answer {
	s := o.desk.world.view(t, c.now)
	if s.deleted {
		return o.refuse(http.StatusNotFound, "packageNotFound", "The package could not be found.")
	}
	return replyJSON(http.StatusOK, oneSpanVersioned, o.packageJSON(t, s, c.FormValue("extensions") == "alerts"))
}

func (o *oneSpan) document(c call, t *transaction) answer {
	for _, d := range o.documentsJSON(t, o.desk.world.view(t, c.now, "part")) {
		if d.(object)["id"] == c.PathValue("doc") {
			return replyJSON(http.StatusOK, oneSpanVersioned, d)
		}
	}
	return o.refuse(http.StatusNotFound, "documentNotFound", "The document could not be found.")
}

func (o *oneSpan) registration() answer {
	events := []string{}
	for _, e := range oneSpanEvents() {
		if o.desk.events[e] {
			events = append(events, e)
		}
	}
	return replyJSON(http.StatusOK, "application/json", object{"url": o.desk.url, "key": o.desk.key, "events": events})
}

// register replaces the account's one registration.
func (o *oneSpan) register(c call) answer {
	var body struct {
		URL    string   `json:"url"`
		Key    string   `json:"key"`
		Events []string `json:"events"`
	}
	if err := json.Unmarshal(c.body, &body); err != nil {
		return o.refuse(http.StatusBadRequest, "validation", "The callback is not valid JSON.")
	}
	if u, err := url.Parse(body.URL); err != nil || (body.URL != "" && u.Host == "") {
		return o.refuse(http.StatusBadRequest, "validation", "The callback's url is not valid.")
	}
	known, events := map[string]bool{}, map[string]bool{}
	for _, e := range oneSpanEvents() {
		known[e] = true
	}
	for _, e := range body.Events {
		if !known[e] {
			return o.refuse(http.StatusBadRequest, "validation", fmt.Sprintf("%q is no event.", e))
		}
		events[e] = true
	}
	o.desk.url, o.desk.key, o.desk.events = body.URL, body.Key, events
	return o.registration()
}

// clientApp gives a token for a client app; expiresAt is in milliseconds.
func (o *oneSpan) clientApp(c call) answer {
	var body struct {
		ClientID string `json:"clientId"`
		Secret   string `json:"secret"`
		Type     string `json:"type"`
		Email    string `json:"email"`
	}
	if err := json.Unmarshal(c.body, &body); err != nil {
		return o.refuse(http.StatusBadRequest, "validation", "The request is not valid JSON.")
	}
	a := o.desk.account
	switch {
	case body.Type != "OWNER" && body.Type != "SENDER", (body.Type == "SENDER") != (body.Email != ""):
		return o.refuse(http.StatusBadRequest, "validation", "type is OWNER, or SENDER with an email.")
	case body.ClientID != a.ClientID || body.Secret != a.ClientSecret:
		return o.refuse(http.StatusUnauthorized, "clientApp", "The client app or its secret is not known.")
	}
	token, until := letters(o.desk.rng, 48, alphanum), c.now.Add(o.desk.world.opts.TokenLife)
	o.tokens[token] = until
	return replyJSON(http.StatusOK, "application/json", object{"accessToken": token, "expiresAt": until.UnixMilli()})
}

// oauth gives a token by client credentials.
func (o *oneSpan) oauth(c call) answer {
	id, secret, _ := c.BasicAuth()
	form, err := url.ParseQuery(string(c.body))
	a := o.desk.account
	switch {
	case err != nil || form.Get("grant_type") != "client_credentials":
		return replyJSON(http.StatusBadRequest, "application/json", object{"error": "unsupported_grant_type"})
	case id != url.QueryEscape(a.OAuthClientID) || secret != url.QueryEscape(a.OAuthClientSecret):
		return replyJSON(http.StatusUnauthorized, "application/json", object{"error": "invalid_client"})
	}
	life := o.desk.world.opts.TokenLife
	token := jwt(object{"iss": "simulator", "sub": id, "iat": c.now.Unix(), "exp": c.now.Add(life).Unix(), "jti": letters(o.desk.rng, 16, alphanum)}, secret)
	o.tokens[token] = c.now.Add(life)
	return replyJSON(http.StatusOK, "application/json", object{
		"access_token": token, "token_type": "Bearer", "scope": "oss", "expires_in": int(life.Seconds()),
	})
}

func jwt(claims object, secret string) string {
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
