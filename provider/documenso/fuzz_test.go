package documenso

import (
	"bytes"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"countersign/model"
	"countersign/provider"
	"countersign/provider/providertest"
)

// The recorded callbacks, and recorded answers in the place of a payload. Run it with -fuzzminimizetime 10x: making a
// seed of 3 kB small takes minutes otherwise.
func FuzzReceive(f *testing.F) {
	for pattern, body := range map[string]func(raw []byte) []byte{
		"callbacks/*.http": func(raw []byte) []byte {
			_, body, _ := bytes.Cut(raw, []byte("\r\n\r\n"))
			return body
		},
		"answers/*.json": func(raw []byte) []byte {
			return []byte(`{"event":"DOCUMENT_SIGNED","payload":` + string(raw) + `}`)
		},
	} {
		files, err := filepath.Glob("testdata/" + pattern)
		if err != nil || len(files) == 0 {
			f.Fatal("no recorded", pattern, err)
		}
		for _, name := range files {
			raw, err := os.ReadFile(name)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(body(bytes.TrimSpace(raw)))
		}
	}
	s := &service{secrets: []named{{"webhook_secret", testSecret}}, signed: true, evidence: true, teamID: "8"}
	f.Fuzz(func(t *testing.T, body []byte) { harmless(t, s, body) })
}

// harmless holds what is true of any callback.
func harmless(t *testing.T, s *service, body []byte) {
	t.Helper()
	c := provider.Callback{Header: http.Header{"X-Documenso-Secret": {testSecret}}, Body: body, ReceivedAt: noon}
	before := bytes.Clone(body)
	r, err := s.Receive(c)
	again, _ := s.Receive(c)
	providertest.Same(t, "twice", again, r)
	if !bytes.Equal(before, body) {
		t.Error("the body was changed")
	}
	if err != nil && (!errors.Is(err, provider.ErrNotUnderstood) || r.Observations != nil) {
		t.Errorf("%v beside %+v", err, r.Observations)
	}
	for _, o := range r.Observations {
		if o.Ref != r.Ref || !strings.HasPrefix(o.Ref, refPrefix) && !isAlias(o.Ref) || o.Type == "" ||
			o.Evidence != model.Claim || o.Documents != nil ||
			o.Status.Final() && o.Status != model.Completed && o.Status != model.Declined {
			t.Errorf("%+v", o)
		}
	}
	if ref, typ := s.Peek(c); err == nil &&
		(typ != r.Type || r.Ref != "" && ref != r.Ref && strings.HasPrefix(r.Ref, refPrefix)) {
		t.Errorf("peeked %q %q of %+v", ref, typ, r)
	}
	if r.Clean == nil {
		return
	}
	c.Body = r.Clean
	cleaned, err2 := s.Receive(c)
	if err == nil && (err2 != nil || cleaned.DedupeKey != r.DedupeKey || cleaned.Ref != r.Ref) {
		t.Errorf("cleaned to %s: %v", r.Clean, err2)
	}
	if cut(r.Clean) != nil {
		t.Errorf("there is more to cut in %s", r.Clean)
	}
}
