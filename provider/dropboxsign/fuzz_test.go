package dropboxsign

import (
	"bytes"
	"errors"
	"os"
	"testing"

	"countersign/model"
	"countersign/provider"
	"countersign/provider/providertest"
)

// The recorded callbacks, whole and bent, and recorded requests in a callback whose hash is right.
func FuzzReceive(f *testing.F) {
	for pattern, seed := range map[string]func(raw []byte){
		"callbacks/*.http": func(raw []byte) {
			_, body, _ := bytes.Cut(raw, []byte("\r\n\r\n"))
			f.Add("multipart/form-data; boundary=----------------------------d2f4a1c0e7b9", body)
			f.Add("", body)
		},
		"answers/*.json": func(raw []byte) { f.Add("", raw[len(`{"signature_request": `):len(raw)-2]) },
	} {
		files, err := recordings(pattern)
		if err != nil || len(files) == 0 {
			f.Fatal("no recorded", pattern, err)
		}
		for _, name := range files {
			raw, err := os.ReadFile(name)
			if err != nil {
				f.Fatal(err)
			}
			seed(bytes.TrimSpace(raw))
		}
	}
	var set settings
	if err := providertest.Decode(keyed)(&set); err != nil {
		f.Fatal(err)
	}
	s := &service{keys: append(set.CallbackKeys, set.APIKey), includeTest: true}
	f.Fuzz(func(t *testing.T, kind string, body []byte) {
		harmless(t, s, form(kind, string(body)))
		harmless(t, s, form("", signed(evSigned, signer(ada), `"signature_request":`+string(body))))
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
	if err != nil && !errors.Is(err, provider.ErrUnreadable) && !errors.Is(err, provider.ErrUnverified) &&
		!errors.Is(err, provider.ErrNotUnderstood) {
		t.Errorf("an error of no kind: %v", err)
	}
	if err != nil && len(r.Observations) > 0 {
		t.Errorf("observations beside %v", err)
	}
	for _, o := range r.Observations {
		if o.Ref == "" || o.Ref != r.Ref || o.Type == "" || o.Evidence != model.WeakClaim {
			t.Errorf("%+v", o)
		}
	}
	if ref, typ := s.Peek(c); err == nil && (typ != r.Type || r.Ref != "" && ref != r.Ref) {
		t.Errorf("peeked %q %q of %+v", ref, typ, r)
	}
	if r.Clean == nil {
		return
	}
	cleaned, err2 := s.Receive(form("", string(r.Clean)))
	if !bytes.Contains(r.Clean, []byte("<cut>")) || cleaned.Clean != nil || (err == nil) != (err2 == nil) {
		t.Errorf("cleaned to %s: %v", r.Clean, err2)
	}
	r.Clean = nil
	providertest.Same(t, "cleaned", cleaned, r)
}
