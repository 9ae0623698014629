package provider

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"testing"
)

func TestPathsKeepIdsWhole(t *testing.T) {
	t.Parallel()
	for _, id := range []string{"Zq3=", "a/b", ".", "..", "...", "../..", "a?b#c", "%2e%2E", "\x00", "a b+c", "ü",
		"\xff", ";=&", "a\\b", "\r\nX: y"} {
		u, err := url.Parse(JoinPath("https://h.example/v3/", "signature_request", id, "files"))
		if err != nil {
			t.Fatal(err)
		}
		parts := strings.Split(u.EscapedPath(), "/")
		if len(parts) != 5 {
			t.Fatalf("%q: %s", id, u.EscapedPath())
		}
		if got, err := url.PathUnescape(parts[3]); err != nil || got != id || parts[3] == ".." || parts[3] == "." {
			t.Errorf("%q: came as %q, %v", id, parts[3], err)
		}
	}
}

func TestSameSecret(t *testing.T) {
	t.Parallel()
	keys := []Secret{"", "one", "another"}
	for given, want := range map[string]bool{"one": true, "another": true, "": false, "on": false, "onee": false,
		"One": false} {
		if SameSecret(given, keys...) != want {
			t.Errorf("%q", given)
		}
	}
	if !SameSecret("a", "a") || SameSecret("a", "b") || SameSecret("", "") || SameSecret[string]("a") {
		t.Error("with texts")
	}
}

func TestLookup(t *testing.T) {
	t.Parallel()
	const raw = `{"metadata":{"contract_id":"C-1","n":12345678901234567890,"f":1.50,"yes":true,"a.b":{"c":"deep"},"none":null,"list":["x",{"y":"z"}]},"top":7}`
	var m map[string]any
	if err := json.Unmarshal([]byte(raw), &m); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		"metadata.contract_id": "C-1", "metadata.yes": "true", "metadata.a.b.c": "deep", "metadata.list.0": "x",
		"metadata.list.1.y": "z", "top": "7",
		"metadata": "", "metadata.none": "", "metadata.list.9": "", "metadata.list.-1": "", "a.b.c": "", "": "", ".": "",
		"metadata..n": "", "top.x": "",
	} {
		for _, v := range []any{[]byte(raw), json.RawMessage(raw), m} {
			if got := Lookup(v, path); got != want {
				t.Errorf("%s in %T: got %q", path, v, got)
			}
		}
	}
	if got := Lookup([]byte(raw), "metadata.n"); got != "12345678901234567890" {
		t.Errorf("a long number: got %s", got)
	}
	if Lookup([]byte("<html>"), "a") != "" || Lookup(nil, "a") != "" {
		t.Error("found something in nothing")
	}
}

func TestRedact(t *testing.T) {
	t.Parallel()
	inner := &url.Error{Op: "Get", URL: "https://user@api.example.org/v1/x?token=hush", Err: ErrUnavailable}
	for name, err := range map[string]error{
		"alone": inner, "wrapped": fmt.Errorf("fetch: %w", inner), "twice": &url.Error{Op: "Get",
			URL: "https://b.example/?hush", Err: fmt.Errorf("token: %w", inner)},
		"joined": errors.Join(errors.New("also"), inner),
	} {
		got := Redact(err)
		if s := got.Error(); strings.Contains(s, "hush") || strings.Contains(s, "/v1") ||
			!strings.Contains(s, "api.example.org: service unavailable") || !errors.Is(got, ErrUnavailable) {
			t.Errorf("%s: got %v", name, got)
		}
		if again := Redact(got); again.Error() != got.Error() {
			t.Errorf("%s: twice it is %v", name, again)
		}
	}
	if Redact(nil) != nil || Redact(ErrDenied) != ErrDenied {
		t.Error("changed what holds no address")
	}
}
