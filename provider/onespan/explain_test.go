package onespan

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"countersign/provider"
	"countersign/provider/providertest"
)

// sealed keeps a callback as the listener does: the secret header as a sum of it.
func sealed(c provider.Callback) provider.Callback {
	c.Sealed = func(value string) string {
		sum := sha256.Sum256([]byte("installation key" + value))
		return "hmac:" + hex.EncodeToString(sum[:])
	}
	if values := c.Header.Values("Authorization"); len(values) > 0 {
		c.Header = http.Header{"Authorization": {c.Sealed(strings.Join(values, ", "))}}
	}
	return c
}

func with(authorization string) provider.Callback {
	c := provider.Callback{Account: "sales", Header: http.Header{},
		Body: []byte(`{"name":"PACKAGE_COMPLETE","packageId":"p"}`), ReceivedAt: noon}
	if authorization != "" {
		c.Header.Set("Authorization", authorization)
	}
	return c
}

func TestTheCanaryIsTakenForATest(t *testing.T) {
	t.Parallel()
	s := account(t, "", keyed)
	header, body, err := s.Canary("canary-1", noon)
	if err != nil || !strings.Contains(string(body), "canary-1") {
		t.Fatalf("got %s, %v", body, err)
	}
	c := provider.Callback{Header: header, Body: body, ReceivedAt: noon}
	for name, c := range map[string]provider.Callback{"as it comes": c, "as it was kept": sealed(c)} {
		got, err := s.Receive(c)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		providertest.Same(t, name, got, provider.Received{Type: canaryEvent, Test: true})
	}
	if _, err := account(t, "", "{api_key: a, callback_key: other}").Receive(c); !errors.Is(err, provider.ErrUnverified) {
		t.Errorf("another key takes it: %v", err)
	}
	if _, _, err := account(t, "", "{api_key: a}").Canary("x", noon); err == nil ||
		!strings.Contains(err.Error(), "callback_key") {
		t.Errorf("without a key: %v", err)
	}
}

func TestAKeptCallbackProvesWhatItProvedWhenItCame(t *testing.T) {
	t.Parallel()
	b64 := func(s string) string { return "Basic " + base64.StdEncoding.EncodeToString([]byte(s)) }
	s := account(t, "", keyed)
	for authorization, good := range map[string]bool{
		"Basic " + testKey: true, b64(testKey): true, b64(":" + testKey): true, b64("validsign:" + testKey): true,
		"": false, "Basic other": false, "Bearer " + testKey: false, testKey: false, b64(testKey + ":"): false,
	} {
		for name, c := range map[string]provider.Callback{"as it comes": with(authorization),
			"as it was kept": sealed(with(authorization))} {
			if _, err := s.Receive(c); (err == nil) != good || err != nil && !errors.Is(err, provider.ErrUnverified) {
				t.Errorf("%q %s: %v, want %v", authorization, name, err, good)
			}
		}
	}
	kept := sealed(with("Basic " + testKey))
	kept.Header.Set("Authorization", "Basic "+testKey) // the plain key where a sum is kept proves nothing
	if _, err := s.Receive(kept); !errors.Is(err, provider.ErrUnverified) {
		t.Errorf("got %v", err)
	}
}

func TestExplainNamesTheKeyThatMatches(t *testing.T) {
	t.Parallel()
	s := account(t, "", "{api_key: a, callback_key: "+testKey+", callback_keys: [second, third]}")
	matches := func(c provider.Callback) (out []string) {
		trials := s.Explain(c)
		if len(trials) != 12 {
			t.Errorf("%d trials", len(trials))
		}
		for _, tr := range trials {
			if tr.Match {
				out = append(out, tr.Secret+"/"+tr.Encoding)
			}
			if tr.Header != "Authorization" || strings.Contains(fmt.Sprint(tr), testKey) ||
				strings.Contains(fmt.Sprint(tr), "third") {
				t.Errorf("odd trial %+v", tr)
			}
		}
		return out
	}
	for authorization, want := range map[string]string{
		"Basic " + testKey: "callback_key/", "Basic third": "callback_keys[1]/", "Basic " +
			base64.StdEncoding.EncodeToString([]byte("second")): "callback_keys[0]/base64",
		"Basic stranger": "", "Bearer third": "", "": "",
	} {
		for name, c := range map[string]provider.Callback{"as it comes": with(authorization),
			"as it was kept": sealed(with(authorization))} {
			if got := strings.Join(matches(c), " "); got != want {
				t.Errorf("%q %s: %q matches, want %q", authorization, name, got, want)
			}
		}
	}
	if got := s.Explain(with("")); got[0].Note != "no such header" {
		t.Errorf("no header: %+v", got[0])
	}
	if got := s.Explain(with("Bearer third")); !strings.Contains(got[0].Note, "bearer") {
		t.Errorf("a bearer token: %+v", got[0])
	}
	if got := account(t, "", "{api_key: a}").Explain(with("Basic x")); len(got) != 1 || got[0].Match || got[0].Note == "" {
		t.Errorf("without keys: %+v", got)
	}
}
