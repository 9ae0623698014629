package onespan

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"countersign/provider"
	"countersign/provider/providertest"
)

const ourURL = "https://sign.example.org/callbacks/sales"

// office is a service that keeps one registration.
type office struct {
	*providertest.Service
	now   registration
	posts int
}

func newOffice(t *testing.T, now registration) *office {
	t.Helper()
	o := &office{now: now}
	o.Service = providertest.Serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/api/callback" || r.Header.Get("Authorization") != "Basic the-api-key" {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		if r.Method == http.MethodPost {
			o.posts++
			body, err := io.ReadAll(r.Body)
			o.now = registration{}
			if err != nil || json.Unmarshal(body, &o.now) != nil || r.Header.Get("Content-Type") != "application/json" {
				w.WriteHeader(http.StatusBadRequest)
				return
			}
		}
		json.NewEncoder(w).Encode(o.now) //nolint:errcheck // a test
	})
	return o
}

func TestRegisterTakesAFreePlaceAndDisplacesNobodyUnasked(t *testing.T) {
	t.Parallel()
	all := slices.Sorted(slices.Values(listened()))
	theirs := registration{URL: "https://crm.example.org/hook?token=secret", Key: "their-key",
		Events: []string{"PACKAGE_CREATE"}}
	for _, c := range []struct {
		name    string
		before  registration
		want    provider.Registration
		replace bool
		block   string
		posts   int
		after   registration
		err     error
	}{
		{name: "a free place", posts: 1, after: registration{URL: ourURL, Key: testKey, Events: all}},
		{name: "somebody else's", before: theirs, after: theirs, err: provider.ErrDisplaces},
		{name: "somebody else's, replaced", before: theirs, replace: true, posts: 1,
			after: registration{URL: ourURL, Key: testKey, Events: all}},
		{name: "ours and right",
			before: registration{URL: ourURL + "/", Key: testKey, Events: append([]string{"TEMPLATE_CREATE"}, all...)},
			after:  registration{URL: ourURL + "/", Key: testKey, Events: append([]string{"TEMPLATE_CREATE"}, all...)}},
		{name: "ours in the SDK's spelling",
			before: registration{URL: ourURL, Key: testKey,
				Events: append([]string{packageReadySDK},
					slices.DeleteFunc(slices.Clone(all), func(e string) bool { return e == packageReady })...)},
			after: registration{URL: ourURL, Key: testKey,
				Events: append([]string{packageReadySDK},
					slices.DeleteFunc(slices.Clone(all), func(e string) bool { return e == packageReady })...)}},
		{name: "ours without some events",
			before: registration{URL: ourURL, Key: testKey, Events: []string{"PACKAGE_COMPLETE", "TEMPLATE_CREATE"}}, posts: 1,
			after: registration{URL: ourURL, Key: testKey,
				Events: slices.Sorted(slices.Values(append([]string{"TEMPLATE_CREATE"}, all...)))}},
		{name: "ours with another key", before: registration{URL: ourURL, Key: "worn", Events: all}, posts: 1,
			after: registration{URL: ourURL, Key: testKey, Events: all}},
		{name: "ours with an older key of ours", before: registration{URL: ourURL, Key: "older", Events: all},
			block: "{api_key: the-api-key, callback_keys: [newer, older]}",
			after: registration{URL: ourURL, Key: "older", Events: all}},
		{name: "chosen events", before: registration{URL: ourURL, Key: testKey, Events: all},
			want: provider.Registration{Events: []string{"PACKAGE_COMPLETE"}}, posts: 1,
			after: registration{URL: ourURL, Key: testKey, Events: []string{"PACKAGE_COMPLETE"}}},
		{name: "without a key", block: "{api_key: the-api-key}", posts: 1, after: registration{URL: ourURL, Events: all}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			o := newOffice(t, c.before)
			if c.block == "" {
				c.block = keyed
			}
			c.want.URL = ourURL
			got, err := account(t, o.URL, c.block).Register(t.Context(), c.want, c.replace)
			if !errors.Is(err, c.err) || (err != nil) != (c.err != nil) {
				t.Fatalf("got %v, want %v", err, c.err)
			}
			if o.posts != c.posts {
				t.Errorf("written %d times, want %d", o.posts, c.posts)
			}
			providertest.Same(t, "registered", o.now, c.after)
			if got.URL != o.now.URL || c.err == nil && (len(got.Warnings) > 0) != !strings.Contains(c.block, "callback_key") {
				t.Errorf("returned %+v", got)
			}
		})
	}
}

func TestRegisterSaysWhyNot(t *testing.T) {
	t.Parallel()
	s := account(t, newOffice(t, registration{}).URL, keyed)
	if _, err := s.Register(t.Context(), provider.Registration{URL: ourURL, Scope: "app:x"}, false); err == nil ||
		!strings.Contains(err.Error(), "app:x") {
		t.Errorf("a scope that does not exist: %v", err)
	}
	f := providertest.Serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(http.StatusBadRequest)
			io.WriteString(w, `{"messageKey":"error.validation","message":"https://sign.example.org is bad"}`) //nolint:errcheck // a test
			return
		}
		io.WriteString(w, "{}") //nolint:errcheck // a test
	})
	_, err := account(t, f.URL, keyed).Register(t.Context(), provider.Registration{URL: ourURL}, false)
	if err == nil || !strings.Contains(err.Error(), "400") || strings.Contains(err.Error(), "sign.example.org") ||
		strings.Contains(err.Error(), testKey) {
		t.Errorf("got %v", err)
	}
}
