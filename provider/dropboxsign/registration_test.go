package dropboxsign

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"countersign/provider"
	"countersign/provider/providertest"
	"countersign/provider/providertest/recorded"
)

const ourURL = "https://sign.example.org/callbacks/hr"

func TestRegisterTakesAFreePlaceAndDisplacesNobodyUnasked(t *testing.T) {
	t.Parallel()
	const theirs = "https://crm.example.org/hook?token=secret"
	for _, c := range []struct {
		name, account, app string // what stands there
		want               provider.Registration
		replace            bool
		puts               int
		after              string
		err                error
	}{
		{name: "a free place", puts: 1, after: ourURL + " "},
		{name: "ours", account: ourURL + "/", after: ourURL + "/ "},
		{name: "somebody else's", account: theirs, after: theirs + " ", err: provider.ErrDisplaces},
		{name: "somebody else's, replaced", account: theirs, replace: true, puts: 1, after: ourURL + " "},
		{name: "an app", account: theirs, want: provider.Registration{Scope: "app:mine"}, puts: 1,
			after: theirs + " " + ourURL},
		{name: "an app of somebody else's", app: theirs, want: provider.Registration{Scope: "app:mine"},
			after: " " + theirs, err: provider.ErrDisplaces},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			now, puts := map[string]string{"/v3/account": c.account, "/v3/api_app/mine": c.app}, 0
			f := providertest.Serve(t, func(w http.ResponseWriter, r *http.Request) {
				if user, _, _ := r.BasicAuth(); user != testKey {
					t.Errorf("user %q", user)
				}
				if r.Method == http.MethodPut {
					puts++
					var body map[string]string
					if json.NewDecoder(r.Body).Decode(&body) != nil || len(body) != 1 ||
						r.Header.Get("Content-Type") != "application/json" {
						t.Errorf("body %v", body)
					}
					now[r.URL.Path] = body["callback_url"]
				}
				url := map[string]string{"callback_url": now[r.URL.Path]}
				json.NewEncoder(w).Encode(map[string]any{"account": url, "api_app": url}) //nolint:errcheck // a test
			})
			c.want.URL = ourURL
			got, err := account(t, f.URL, keyed).Register(t.Context(), c.want, c.replace)
			if !errors.Is(err, c.err) || (err != nil) != (c.err != nil) {
				t.Fatalf("got %v, want %v", err, c.err)
			}
			place := "/v3/account"
			if c.want.Scope != "" {
				place = "/v3/api_app/mine"
			}
			if after := now["/v3/account"] + " " + now["/v3/api_app/mine"]; puts != c.puts || after != c.after ||
				got.URL != now[place] {
				t.Errorf("%d puts, %q, returned %+v", puts, after, got)
			}
		})
	}
}

func TestRegisterSaysWhyNot(t *testing.T) {
	t.Parallel()
	f := providertest.Serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPut {
			w.WriteHeader(http.StatusBadRequest)
			io.WriteString(w, recorded.Text(t, "errors/bad_request")) //nolint:errcheck // a test
			return
		}
		io.WriteString(w, "{}") //nolint:errcheck // a test
	})
	s := account(t, f.URL, keyed)
	for what, want := range map[string]provider.Registration{
		"events": {URL: ourURL, Events: []string{evSent}}, "app:list": {URL: ourURL,
			Scope: "app:list"}, "team": {URL: ourURL, Scope: "team"},
		"must answer": {URL: ourURL},
	} {
		_, err := s.Register(t.Context(), want, false)
		if err == nil || !strings.Contains(err.Error(), what) || strings.Contains(err.Error(), "sign.example.org") {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func TestTheCanaryIsTakenForATest(t *testing.T) {
	t.Parallel()
	s := account(t, "", keyed)
	header, body, err := s.Canary("canary-1", noon)
	if err != nil || !strings.Contains(string(body), "canary-1") ||
		!strings.HasPrefix(header.Get("Content-Type"), "multipart/form-data; boundary=") {
		t.Fatalf("%v %s %v", header, body, err)
	}
	c := provider.Callback{Header: header, Body: body, ReceivedAt: noon}
	got, err := s.Receive(c)
	if err != nil || !got.Test || got.Type != evCallbackTest || got.Ref != "" || got.DedupeKey != "" {
		t.Errorf("got %+v, %v", got, err)
	}
	if _, err := account(t, "", "{api_key: other}").Receive(c); !errors.Is(err, provider.ErrUnverified) {
		t.Errorf("another key takes it: %v", err)
	}
}

func TestExplainNamesTheKeyThatMatches(t *testing.T) {
	t.Parallel()
	s := account(t, "", keyed)
	one := func(key string) provider.Callback {
		return posted(`{"event":{"event_time":"` + second + `","event_type":"` + evSent + `","event_hash":"` +
			hash(key, second, evSent) + `"}}`)
	}
	for _, c := range []struct {
		name        string
		c           provider.Callback
		match, note string
	}{
		{"the API key", one(testKey), "api_key", ""},
		{"an older key", one(oldKey), "callback_keys[0]", ""},
		{"a stranger's", one("stranger"), "", ""},
		{"no hash", posted(`{"event":{"event_type":"x"}}`), "", "no event_hash"},
		{"no time", posted(`{"event":{"event_type":"x","event_time":"soon","event_hash":"aa"}}`), "",
			"event_time or event_type is none"},
		{"no body", form("", ""), "", "the body cannot be read"},
	} {
		trials := s.Explain(c.c)
		if len(trials) != 2 {
			t.Fatalf("%s: %+v", c.name, trials)
		}
		got := ""
		for _, tr := range trials {
			if tr.Match {
				got += tr.Secret
			}
			if tr.Note != c.note || tr.Hash != "sha256" || tr.Encoding != "hex" || tr.Over == "" {
				t.Errorf("%s: %+v", c.name, tr)
			}
		}
		if _, err := s.Receive(c.c); got != c.match || (err == nil) != (got != "") {
			t.Errorf("%s: %q matches, want %q; received: %v", c.name, got, c.match, err)
		}
	}
}
