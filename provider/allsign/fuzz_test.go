package allsign

import (
	"bytes"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"countersign/model"
	"countersign/provider"
	"countersign/provider/providertest"
)

// seeds are the bodies of the recorded callbacks of both generations.
func seeds(f *testing.F) [][]byte {
	f.Helper()
	files, err := filepath.Glob("testdata/callbacks/v*/*.http")
	if err != nil || len(files) == 0 {
		f.Fatal("no recorded callbacks", err)
	}
	var list [][]byte
	for _, name := range files {
		raw, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		_, body, _ := bytes.Cut(raw, []byte("\r\n\r\n"))
		list = append(list, body)
	}
	return list
}

// harmless holds what is true of any callback, with a good proof and with any other.
func harmless(t *testing.T, p provider.Provider, c provider.Callback) {
	t.Helper()
	before := bytes.Clone(c.Body)
	r, err := p.Receive(c)
	again, err2 := p.Receive(c)
	if !reflect.DeepEqual(r, again) || (err == nil) != (err2 == nil) || !bytes.Equal(before, c.Body) {
		t.Errorf("not the same twice: %+v %v, %+v %v", r, err, again, err2)
	}
	if err != nil && !errors.Is(err, provider.ErrUnverified) && !errors.Is(err, provider.ErrNotUnderstood) {
		t.Errorf("an error of no kind: %v", err)
	}
	if err != nil && !reflect.DeepEqual(r, provider.Received{}) {
		t.Errorf("%+v beside %v", r, err)
	}
	if err == nil && len(r.Observations) == 0 && !r.Test && r.Ignored == "" {
		t.Errorf("nothing, and nobody says why: %+v", r)
	}
	for _, o := range r.Observations {
		if o.Ref == "" || o.Ref != r.Ref || o.Type != r.Type || o.Evidence != model.Claim || o.Status == "" && !o.Refetch {
			t.Errorf("%+v of %+v", o, r)
		}
	}
	if ref, typ := p.Peek(c); err == nil && (typ != r.Type || r.Ref != "" && ref != r.Ref) {
		t.Errorf("peeked %q %q of %+v", ref, typ, r)
	}
	p.Explain(c)
}

func fuzzed(f *testing.F, block string) provider.Provider {
	f.Helper()
	p, err := New(provider.Options{Settings: providertest.Decode(block), IncludeTest: true})
	if err != nil {
		f.Fatal(err)
	}
	return p
}

func FuzzReceiveV3(f *testing.F) {
	for _, body := range seeds(f) {
		f.Add(body, "evt_1", "1772452798", "v1,AAAA")
	}
	p := fuzzed(f, keyedV3)
	f.Fuzz(func(t *testing.T, body []byte, id, stamp, signature string) {
		c := provider.Callback{Header: http.Header{}, Body: body, ReceivedAt: noon}
		c.Header.Set(headerID, id)
		harmless(t, p, signV3(c, secret))
		c.Header.Set(headerTimestamp, stamp)
		c.Header.Set(headerSignature, signature)
		if _, err := p.Receive(c); !errors.Is(err, provider.ErrUnverified) {
			t.Errorf("a proof that is none: %v", err)
		}
		harmless(t, p, c)
	})
}

func FuzzReceiveV2(f *testing.F) {
	for _, body := range seeds(f) {
		f.Add(body, "00")
	}
	p := fuzzed(f, keyedV2)
	f.Fuzz(func(t *testing.T, body []byte, signature string) {
		c := signV2(provider.Callback{Header: http.Header{}, Body: body, ReceivedAt: noon})
		harmless(t, p, c)
		if r, err := p.Receive(c); err == nil && r.Clean != nil {
			cleaned, err := p.Receive(signV2(provider.Callback{Header: http.Header{}, Body: r.Clean, ReceivedAt: noon}))
			if err != nil || cleaned.Clean != nil || cleaned.Links != nil || cleaned.Type != r.Type {
				t.Errorf("cleaned to %s: %+v %v", r.Clean, cleaned, err)
			}
		}
		c.Header.Set("X-AllSign-Signature", signature)
		if _, err := p.Receive(c); !errors.Is(err, provider.ErrUnverified) {
			t.Errorf("a proof that is none: %v", err)
		}
		harmless(t, p, c)
	})
}
