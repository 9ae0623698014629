package allsign

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"countersign/provider"
	"countersign/provider/providertest"
)

const (
	ourURL  = "https://sign.example.org/callbacks/mx"
	events  = `{"data":[{"event":"document.completed","status":"active"},{"event":"signer.signed","status":"active"},{"event":"signer.declined","status":"reserved"},{"event":"document.notarised","status":"active"}]}`
	created = `201 {"id":"whe_new","secret":"` + another + `"}`
	enabled = `{"data":{"id":"whe_1","url":"` + ourURL + `","status":"enabled"}}`
)

// registered is an account that keeps what rests in m, after a start.
func registered(t *testing.T, base, block string, m *memory) *v3 {
	t.Helper()
	s := open(t, base, block).Provider.(*v3)
	s.UseTokens(m.tokens())
	if err := s.Prepare(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s
}

func keeps(id string, secrets ...string) *memory {
	raw, _ := json.Marshal(map[string]any{"id": id, "secrets": secrets}) // plain data
	return &memory{kept: map[string][]byte{restName: raw}}
}

func TestASecretThatIsShownOnceIsKeptBeforeRegisterReturns(t *testing.T) {
	t.Parallel()
	f := answering(t, answers{"GET /v3/webhooks": `{"data":[]}`, "GET /v3/webhooks/events": events,
		"POST /v3/webhooks": created})
	m := &memory{}
	s := registered(t, f.URL, "{api_key: k}", m)
	r, err := s.Register(t.Context(), provider.Registration{URL: ourURL}, false)
	if err != nil || r.ID != "whe_new" || r.URL != ourURL || r.Disabled {
		t.Fatalf("%+v %v", r, err)
	}
	var sent struct {
		URL    string   `json:"url"`
		Events []string `json:"events"`
	}
	if err := json.Unmarshal([]byte(f.Bodies()[len(f.Bodies())-1]), &sent); err != nil {
		t.Fatal(err)
	}
	providertest.Same(t, "only active events that the table knows", sent.Events, []string{documentCompleted, signerSigned})
	c := signV3(provider.Callback{Header: http.Header{},
		Body: []byte(`{"eventType":"document.completed","data":{"documentId":"d"}}`), ReceivedAt: noon}, another)
	if _, err := s.Receive(c); err != nil {
		t.Errorf("the new secret counts at once: %v", err)
	}
	if _, err := registered(t, f.URL, "{api_key: k}", m).Receive(c); err != nil {
		t.Errorf("and after a start: %v", err)
	}
	if _, err := open(t, f.URL, "{api_key: k}").Receive(c); !errors.Is(err, provider.ErrUnverified) {
		t.Errorf("and is nobody else's: %v", err)
	}
}

func TestASecretThatCannotBeKeptTakesItsEndpointBack(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]string{"the database is full": created, "no secret": `201 {"id":"whe_new"}`} {
		f := answering(t, answers{"GET /v3/webhooks": `{"data":[]}`, "GET /v3/webhooks/events": events,
			"POST /v3/webhooks": answer, "DELETE /v3/webhooks/whe_new": "204 "})
		m := &memory{}
		s := registered(t, f.URL, "{api_key: k}", m)
		if name == "the database is full" {
			m.fail = errors.New("full")
		}
		_, err := s.Register(t.Context(), provider.Registration{URL: ourURL}, false)
		if err == nil || strings.Contains(err.Error(), another) {
			t.Errorf("%s: %v", name, err)
		}
		if paths := f.Paths(); paths[len(paths)-1] != "DELETE /v3/webhooks/whe_new" {
			t.Errorf("%s: %v", name, paths)
		}
	}
}

// The list shows the 20 newest: an older endpoint of ours is read by its id.
func TestOurEndpointIsReadByItsIdBecauseTheListIsShort(t *testing.T) {
	t.Parallel()
	var list []string
	for i := range 20 {
		list = append(list, fmt.Sprintf(`{"id":"whe_x%d","url":"https://other.example.org/%d","status":"enabled"}`, i, i))
	}
	f := answering(t, answers{"GET /v3/webhooks": `{"data":[` + strings.Join(list, ",") + `]}`,
		"GET /v3/webhooks/whe_1": strings.Replace(enabled, "enabled", "disabled", 1)})
	r, err := registered(t, f.URL, "{api_key: k}", keeps("whe_1", secret)).Registration(t.Context())
	if err != nil || r.ID != "whe_1" || r.URL != ourURL || !r.Disabled || len(r.Others) != 20 || len(r.Warnings) != 2 {
		t.Errorf("%+v %v", r, err)
	}
}

// A record of the list that cannot be read is no endpoint beside the only one there is.
func TestAnOddRecordHidesNoEndpoint(t *testing.T) {
	t.Parallel()
	for _, odd := range []string{`{"id":null}`, `{"id":null,"url":7}`, `null`, `"x"`, `{}`} {
		f := answering(t, answers{"GET /v3/webhooks": `{"data":[` + odd + `,{"id":"whe_1","url":"` + ourURL +
			`","status":"enabled"}]}`})
		r, err := registered(t, f.URL, "{api_key: k}", &memory{}).Registration(t.Context())
		if err != nil || r.URL != ourURL || len(r.Others) != 0 {
			t.Errorf("beside %s: %+v %v", odd, r, err)
		}
	}
}

func TestAnEndpointThatTheBreakerSwitchedOffIsSwitchedOnAgain(t *testing.T) {
	t.Parallel()
	f := answering(t, answers{"GET /v3/webhooks/whe_1": strings.Replace(enabled, "enabled", "disabled", 1),
		"PATCH /v3/webhooks/whe_1": `{"id":"whe_1","status":"enabled"}`})
	r, err := registered(t, f.URL, "{api_key: k}", keeps("whe_1", secret)).Register(t.Context(),
		provider.Registration{URL: ourURL}, false)
	if err != nil || r.ID != "whe_1" || r.Disabled {
		t.Errorf("%+v %v", r, err)
	}
	providertest.Same(t, "asked", f.Paths(), []string{"GET /v3/webhooks/whe_1", "PATCH /v3/webhooks/whe_1"})
	providertest.Same(t, "said", f.Bodies()[1], `{"disabled":false}`)
}

func TestASecondEndpointForTheSameURLIsNeverMade(t *testing.T) {
	t.Parallel()
	by := answers{"GET /v3/webhooks/whe_1": enabled, "GET /v3/webhooks": `{"data":[{"id":"whe_7","url":"` + ourURL +
		`","status":"enabled"}]}`, "GET /v3/webhooks/events": events, "POST /v3/webhooks": created}
	for name, c := range map[string]struct {
		block string
		m     *memory
		id    string
	}{
		"ours": {"{api_key: k}", keeps("whe_1", secret),
			"whe_1"}, "made by hand, with its secret in the settings": {keyedV3, &memory{}, "whe_7"},
		"made by hand, and nobody knows the secret": {"{api_key: k}", &memory{}, ""}, "ours is gone": {"{api_key: k}",
			keeps("whe_gone", secret), "whe_7"},
	} {
		f := answering(t, by)
		r, err := registered(t, f.URL, c.block, c.m).Register(t.Context(), provider.Registration{URL: ourURL}, true)
		if r.ID != c.id || (err == nil) != (c.id != "") {
			t.Errorf("%s: %+v %v", name, r, err)
		}
		if c.id == "" && !strings.Contains(err.Error(), "webhook_secrets") {
			t.Errorf("%s: the cure is not told: %v", name, err)
		}
		for _, p := range f.Paths() {
			if strings.HasPrefix(p, "POST") {
				t.Errorf("%s: %v", name, f.Paths())
			}
		}
	}
}

func TestAnotherURLGetsAnEndpointOfItsOwnAndTheOldOneIsNamed(t *testing.T) {
	t.Parallel()
	f := answering(t, answers{"GET /v3/webhooks/whe_1": enabled, "GET /v3/webhooks": `{"data":[]}`,
		"GET /v3/webhooks/events": events, "POST /v3/webhooks": created})
	m := keeps("whe_1", secret)
	s := registered(t, f.URL, "{api_key: k}", m)
	r, err := s.Register(t.Context(), provider.Registration{URL: "https://new.example.org/callbacks/mx"}, false)
	if err != nil || r.ID != "whe_new" || len(r.Warnings) != 1 || !strings.Contains(r.Warnings[0], "whe_1") {
		t.Errorf("%+v %v", r, err)
	}
	if n := len(registered(t, f.URL, "{api_key: k}", m).secrets()); n != 2 {
		t.Errorf("%d secrets: callbacks of the old endpoint are still verified", n)
	}
	if _, err := s.Register(t.Context(), provider.Registration{URL: "http://new.example.org/"}, false); err == nil {
		t.Error("an address without TLS is sent to the service")
	}
}

func TestAWriteIsNotSentTwice(t *testing.T) {
	t.Parallel()
	f := answering(t, answers{"GET /v3/webhooks": `{"data":[]}`, "GET /v3/webhooks/events": events,
		"POST /v3/webhooks": `409 {"code":"CONFLICT","requestId":"req_9"}`})
	_, err := registered(t, f.URL, "{api_key: k}", &memory{}).Register(t.Context(), provider.Registration{URL: ourURL},
		false)
	if err == nil || !strings.Contains(err.Error(), "req_9") || strings.Count(strings.Join(f.Paths(), " "), "POST") != 1 {
		t.Errorf("%v %v", err, f.Paths())
	}
}

func TestWhatRestsAndCannotBeReadIsAnError(t *testing.T) {
	t.Parallel()
	for name, m := range map[string]*memory{"broken": {kept: map[string][]byte{restName: []byte("{")}},
		"no database": {fail: errors.New("gone")}} {
		s := open(t, "", keyedV3).Provider.(*v3)
		s.UseTokens(m.tokens())
		if err := s.Prepare(t.Context()); err == nil {
			t.Errorf("%s: no error", name)
		}
		if len(s.secrets()) != 2 {
			t.Errorf("%s: the settings' secrets count all the same", name)
		}
	}
}

func TestCheckWarnsOfScopesAndOfEventsThatTheTableLacks(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		me   string
		want []string
	}{
		"all": {`{"scopes":["document:*","webhook:read","webhook:write"]}`,
			[]string{"document.notarised"}}, "everything": {`{"data":{"scopes":["*"]}}`, []string{"document.notarised"}},
		"wrapped": {`{"data":{"scopes":["document:read"]}}`,
			[]string{"webhook:read", "webhook:write", "document.notarised"}},
		"none":   {`{"scopes":[]}`, []string{"document:read", "webhook:read", "webhook:write", "document.notarised"}},
		"untold": {`{"id":"u"}`, []string{"document.notarised"}}, "unreadable": {`403 {}`,
			[]string{"may not read its own scopes", "document.notarised"}},
	} {
		f := answering(t, answers{"GET /v3/users/me": c.me, "GET /v3/webhooks/events": events,
			"GET /v3/documents": `{"data":[]}`})
		who, err := openV3(t, f.URL).Check(t.Context())
		if err != nil || len(who.Warnings) != len(c.want) {
			t.Errorf("%s: %q %v", name, who.Warnings, err)
			continue
		}
		for i, w := range c.want {
			if !strings.Contains(who.Warnings[i], w) {
				t.Errorf("%s: %q, want %q", name, who.Warnings[i], w)
			}
		}
	}
	f := providertest.Serve(t, func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/events") {
			w.WriteHeader(http.StatusForbidden)
		}
		io.WriteString(w, `{"scopes":["*"]}`)
	})
	if who, err := openV3(t, f.URL).Check(t.Context()); err != nil || len(who.Warnings) != 0 {
		t.Errorf("without the list of events: %+v %v", who, err)
	}
	if who, err := open(t, f.URL, "{api_key: k}").Provider.(*v3).Check(t.Context()); err != nil || len(who.Warnings) != 1 {
		t.Errorf("without a secret: %+v %v", who, err)
	}
}
