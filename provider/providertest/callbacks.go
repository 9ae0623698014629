package providertest

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"sync"

	"countersign/model"
	"countersign/provider"
	"countersign/provider/providertest/recorded"
)

// offline is a provider that cannot reach anything; asking anyway is a fault.
func (b *bench) offline(make func(string, *http.Client) provider.Service) provider.Service {
	return make("http://service.invalid", &http.Client{Transport: roundTrip(func(*http.Request) (*http.Response, error) {
		b.failf("Receive asks the service: a callback must mean the same when it is replayed offline")
		return nil, errors.New("offline")
	})})
}

type roundTrip func(*http.Request) (*http.Response, error)

// RoundTrip is for http.RoundTripper.
func (t roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return t(r) }

// receive lets p read a callback, and looks at what holds for each: the body stays, the error is
// one of three and tells no secret.
func (b *bench) receive(p provider.Service, name string, c provider.Callback) (provider.Received, error) {
	before, header := bytes.Clone(c.Body), c.Header.Clone()
	r, err := p.Receive(c)
	if !bytes.Equal(before, c.Body) || !reflect.DeepEqual(header, c.Header) {
		b.failf("%s: Receive changed the callback", name)
	}
	b.heard(name, err)
	if err != nil && !errors.Is(err, provider.ErrUnverified) && !errors.Is(err, provider.ErrUnreadable) &&
		!errors.Is(err, provider.ErrNotUnderstood) {
		b.failf("%s: the error is none of ErrUnverified, ErrUnreadable and ErrNotUnderstood: %v", name, err)
	}
	p.Peek(c)
	return r, err
}

// accepted are the samples that the provider takes.
func (b *bench) accepted() (provider.Service, []recorded.Callback) {
	p := b.offline(b.New)
	var list []recorded.Callback
	for _, s := range b.samples() {
		if _, err := b.receive(p, s.Name, s.Callback); err == nil {
			list = append(list, s)
		}
	}
	if len(list) == 0 {
		b.failf("none of the recorded callbacks is accepted")
	}
	return p, list
}

// meanings holds each recorded callback against what it means, twice and at once.
func (b *bench) meanings() {
	p, again := b.offline(b.New), b.offline(b.New)
	for _, s := range b.samples() {
		r, err := b.receive(p, s.Name, s.Callback)
		b.golden(strings.TrimSuffix(s.Name, ".http")+".json", r, err)
		var wg sync.WaitGroup
		same := make([]bool, 4)
		for i := range same {
			wg.Go(func() {
				on := p
				if i%2 == 1 {
					on = again
				}
				r2, err2 := on.Receive(s.Callback)
				same[i] = reflect.DeepEqual(r, r2) && fmt.Sprint(err) == fmt.Sprint(err2)
			})
		}
		wg.Wait()
		for _, ok := range same {
			if !ok {
				b.failf("%s: the same callback does not say the same twice", s.Name)
				break
			}
		}
		if err == nil {
			b.sound(s.Name, r)
		}
	}
}

// sound looks at what holds for everything that a verified callback says.
func (b *bench) sound(name string, r provider.Received) {
	if len(r.Observations) == 0 && !r.Test && r.Ignored == "" {
		b.failf("%s: it yields no observation and does not say why (Test, Ignored)", name)
	}
	if len(r.Observations) > 0 && (r.Test || r.Ignored != "") {
		b.failf("%s: a test or ignored callback yields observations", name)
	}
	for _, o := range r.Observations {
		switch {
		case o.Ref == "":
			b.failf("%s: an observation of nothing: Ref is empty", name)
		case o.Alias != "" && (o.Alias != o.Ref || o.Status != "" || !o.Refetch):
			b.failf("%s: an alias is the Ref too, names no status and is asked about: %+v", name, o)
		case b.Hints && o.Evidence != model.Hint:
			b.failf("%s: without a proof it is a hint, not a %s", name, o.Evidence)
		case o.Evidence == model.Verified:
			b.failf("%s: only an answer is verified", name)
		case o.Status != "" && !o.Status.Known():
			b.failf("%s: %q is no status", name, o.Status)
		case o.Status == model.Unknown:
			b.failf("%s: nothing tells the status unknown; leave it empty", name)
		case o.Absence != model.Present || !zeroWork(o):
			b.failf("%s: Absence, At, AskedAt, Version and Asked are for answers and the worker", name)
		}
	}
}

// proofs holds that without the proof, with another's, or changed, a callback is refused.
func (b *bench) proofs() {
	p, list := b.accepted()
	if b.Hints {
		return
	}
	if b.Stranger == nil {
		b.failf("Suite.Stranger is missing")
		return
	}
	other := b.offline(b.Stranger)
	for _, s := range list {
		b.refused(other, s.Name+" with another's key", s.Callback)
		if !b.ProofInBody {
			bare := s.Callback
			bare.Header = http.Header{}
			b.refused(p, s.Name+" without its header", bare)
			for k := range s.Callback.Header {
				worse := s.Callback
				worse.Header = s.Callback.Header.Clone()
				worse.Header.Set(k, "")
				if _, err := b.receive(p, s.Name, worse); err != nil && !errors.Is(err, provider.ErrUnverified) {
					b.failf("%s with an empty %s: %v, want ErrUnverified", s.Name, k, err)
				}
			}
		}
		if b.ProofInBody && b.Signed == nil {
			b.failf("Suite.Signed is missing")
			return
		}
		if b.Signed != nil {
			changed := b.Signed(s.Callback)
			if len(changed) == 0 {
				b.failf("%s: Suite.Signed changes nothing", s.Name)
			}
			for i, c := range changed {
				b.refused(p, fmt.Sprintf("%s with change %d of what is signed", s.Name, i+1), c)
			}
		}
	}
}

func (b *bench) refused(p provider.Service, name string, c provider.Callback) {
	_, err := b.receive(p, name, c)
	if !errors.Is(err, provider.ErrUnverified) && !(b.ProofInBody && errors.Is(err, provider.ErrUnreadable)) {
		b.failf("%s: got %v, want ErrUnverified", name, err)
	}
}

// tokens holds that the body that is kept of a callback lets nobody sign or fetch in another's place.
func (b *bench) tokens() {
	p := b.offline(b.New)
	sent := map[string]bool{}
	for _, s := range b.samples() {
		r, err := b.receive(p, s.Name, s.Callback)
		kept := s.Callback.Body
		if r.Clean != nil {
			kept = r.Clean
		}
		if errors.Is(err, provider.ErrUnverified) { // kept encrypted, and shown cut
			continue
		}
		for _, token := range b.Tokens {
			sent[token] = sent[token] || bytes.Contains(s.Callback.Body, []byte(token))
			if bytes.Contains(kept, []byte(token)) {
				b.failf("%s: what is kept holds %q", s.Name, token)
			}
		}
		if len(kept) == 0 && len(s.Callback.Body) > 0 {
			b.failf("%s: nothing is left of the body", s.Name)
		}
	}
	for _, token := range b.Tokens {
		if !sent[token] {
			b.failf("no recorded callback holds %q: that it is cut out shows nothing", token)
		}
	}
}

// canary holds that a callback that we sign ourselves proves itself, is a test and about nothing, and that no
// stranger takes it.
func (b *bench) canary() {
	p := b.offline(b.New)
	if b.Hints {
		return
	}
	const id = "countersign-canary-7"
	header, body, err := p.Canary(id, b.ReceivedAt)
	if err != nil {
		b.failf("the canary: %v", err)
		return
	}
	call := provider.Callback{Account: "sales", Header: header, Body: body, ReceivedAt: b.ReceivedAt}
	r, err := b.receive(p, "the canary", call)
	switch {
	case err != nil:
		b.failf("the canary is not taken: %v", err)
	case !r.Test:
		b.failf("the canary is no test: it would become a row, or count as a callback of the service")
	case len(r.Observations) > 0 || len(r.Links) > 0:
		b.failf("the canary says something of a transaction")
	}
	if !bytes.Contains(body, []byte(id)) && !strings.Contains(fmt.Sprint(header), id) {
		b.failf("the canary does not hold its id: whoever sent it cannot tell it from another")
	}
	if b.Stranger != nil {
		b.refused(b.offline(b.Stranger), "the canary with another's key", call)
	}
}

// harm sends what no service would: nothing may panic, and every error is one of ours.
func (b *bench) harm() {
	p, list := b.accepted()
	if len(list) == 0 {
		return
	}
	passed := b.ProofInBody
	for name, body := range oddBodies() {
		c := b.signed(list[0].Callback, body)
		r, err := b.receive(p, name, c)
		passed = passed || !errors.Is(err, provider.ErrUnverified)
		if err == nil {
			b.sound(name, r)
		}
		c.Header = http.Header{}
		b.receive(p, name+" without a header", c) //nolint:errcheck // only harm is looked for
	}
	if !passed {
		b.failf("no odd body gets past the proof: Suite.Sign is missing")
	}
	known := false
	for _, s := range list {
		known = b.oddEvents(p, s) || known
	}
	if !known {
		b.failf("no recorded callback holds its own event type: an unknown event cannot be made of it")
	}
}

// signed is c with another body and a good proof.
func (b *bench) signed(c provider.Callback, body []byte) provider.Callback {
	c.Header, c.Body = c.Header.Clone(), body
	if b.Sign != nil {
		c = b.Sign(c)
	}
	return c
}

// oddEvents changes a recorded callback's type and ref into odd ones.
func (b *bench) oddEvents(p provider.Service, s recorded.Callback) bool {
	said, _ := b.receive(p, s.Name, s.Callback)
	changed := func(what, from, to string) {
		c := b.signed(s.Callback, bytes.ReplaceAll(s.Callback.Body, []byte(from), []byte(to)))
		r, err := b.receive(p, s.Name+" "+what, c)
		if errors.Is(err, provider.ErrUnverified) {
			b.failf("%s %s: the proof is good, got %v (is Suite.Sign right?)", s.Name, what, err)
		}
		if err == nil {
			b.sound(s.Name+" "+what, r)
		}
	}
	if said.Ref != "" && bytes.Contains(s.Callback.Body, []byte(said.Ref)) {
		changed("with a NUL in its ref", said.Ref, `a\u0000b`)
		changed("with a path for a ref", said.Ref, "../../x/%2e%2e")
		changed("with a huge ref", said.Ref, strings.Repeat("r", 1<<16))
		changed("with bytes for a ref", said.Ref, "\xff\xfe\xc0")
	}
	if said.Type == "" || !bytes.Contains(s.Callback.Body, []byte(said.Type)) {
		return false
	}
	changed("of an unknown type", said.Type, "made_up_event")
	changed("of a huge type", said.Type, strings.Repeat("t", 1<<16))
	return true
}

func oddBodies() map[string][]byte {
	const mega = 10 << 20
	deep := func(open, inner, end string) []byte {
		return []byte(strings.Repeat(open, 200000) + inner + strings.Repeat(end, 200000))
	}
	return map[string][]byte{
		"an empty body": nil, "null": []byte("null"), "an empty object": []byte("{}"), "an empty list": []byte("[]"),
		"a number": []byte("1e999999"), "a text": []byte(`"x"`),
		"broken JSON": []byte(`{"event":`), "half a text": []byte(`{"event":"`), "bytes": {0, 1, 0xff, 0xfe, 0, 0xc0,
			0x80}, "NUL": make([]byte, 100),
		"a list of lists": deep("[", "", "]"), "an object of objects": deep(`{"a":`, "1",
			"}"), "an open list of lists": []byte(strings.Repeat("[", 1<<20)),
		"events in the wrong kind":  []byte(`{"event":[],"name":{},"type":1,"packageId":[[]],"data":"x","payload":7,"id":{}}`),
		"objects in the wrong kind": []byte(`{"event":{"event_type":{},"event_time":[],"event_hash":1},"data":{"id":{}},"payload":{"id":[]}}`),
		"10 MiB of spaces": bytes.Repeat([]byte(" "),
			mega), "10 MiB of text": []byte(`{"name":"` + strings.Repeat("x", mega) + `"}`),
		"10 MiB of numbers": []byte("[" + strings.Repeat("1,", mega/2) +
			"1]"), "a page": []byte("<!DOCTYPE html><html></html>"), "a form": []byte("json=%7B%7D&a=b&%zz"),
		"invalid UTF-8": []byte("{\"name\":\"\xff\xfe\",\"event\":\"\xc0\"}"), "a long number": []byte(`{"id":` +
			strings.Repeat("9", 100000) + `}`),
		"the same key twice": []byte(`{"name":"a","name":"b","event":"a","event":"b"}`),
	}
}
