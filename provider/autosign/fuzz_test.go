package autosign

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"countersign/model"
	"countersign/provider"
	"countersign/provider/providertest"
)

// The recorded callbacks, whole and bent, with a good signature and with whatever came.
func FuzzReceive(f *testing.F) {
	names, err := filepath.Glob("testdata/callbacks/*.http")
	if err != nil || len(names) == 0 {
		f.Fatal("no recorded callbacks", err)
	}
	for _, name := range names {
		raw, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		_, body, _ := bytes.Cut(raw, []byte("\r\n\r\n"))
		f.Add("deadbeef", body)
	}
	p, err := New(provider.Options{Settings: providertest.Decode(keyed), Client: http.DefaultClient,
		Foreign: http.DefaultClient})
	if err != nil {
		f.Fatal(err)
	}
	s := p.Provider.(*service)
	f.Fuzz(func(t *testing.T, given string, body []byte) {
		c := provider.Callback{Header: http.Header{"Autosign-Signature": {given}}, Body: body, ReceivedAt: noon}
		if _, err := s.Receive(c); !errors.Is(err, provider.ErrUnverified) {
			t.Errorf("%q is taken for a signature: %v", given, err)
		}
		s.Explain(c)
		harmless(t, s, sign(c))
	})
}

// harmless holds what is true of any callback.
func harmless(t *testing.T, s *service, c provider.Callback) {
	t.Helper()
	before := bytes.Clone(c.Body)
	r, err := s.Receive(c)
	again, _ := s.Receive(c)
	providertest.Same(t, "twice", again, r)
	if !bytes.Equal(before, c.Body) {
		t.Error("the body was changed")
	}
	if err != nil && !errors.Is(err, provider.ErrNotUnderstood) {
		t.Errorf("an error of no kind: %v", err)
	}
	if err != nil && (len(r.Observations) > 0 || len(r.Links) > 0) {
		t.Errorf("observations beside %v", err)
	}
	for _, o := range r.Observations {
		if o.Ref == "" || o.Ref != r.Ref || o.Type == "" || o.Evidence != model.Claim || o.Status == "" && !o.Refetch {
			t.Errorf("%+v", o)
		}
	}
	for _, l := range r.Links {
		if l.Ref != r.Ref || l.Document.ID == "" || !s.usable(l.URL.Reveal()) ||
			bytes.Contains(r.Clean, []byte(l.URL.Reveal())) {
			t.Errorf("%+v, kept as %s", l, r.Clean)
		}
	}
	if ref, typ := s.Peek(c); err == nil && !r.Test && (ref != r.Ref || typ != r.Type) {
		t.Errorf("peeked %q %q of %+v", ref, typ, r)
	}
	if r.Clean != nil && (!json.Valid(r.Clean) || clean(r.Clean) != nil) {
		t.Errorf("cleaned to %s", r.Clean)
	}
	s.Hint(provider.Hint{Body: c.Body}, noon)
}
