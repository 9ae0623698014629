package callback

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sirupsen/logrus"
	"github.com/sirupsen/logrus/hooks/test"

	"countersign/model"
	"countersign/model/store"
	"countersign/provider"
)

// says is a provider that has but one thing to say.
type says struct {
	provider.Provider
	received provider.Received
	err      error
}

func (s says) Receive(provider.Callback) (provider.Received, error) { return s.received, s.err }

func (says) Peek(provider.Callback) (ref, typ string) { return "peeked", "PEEKED" }

// receive has a callback of which the provider says so received.
func receive(t *testing.T, s says, change ...func(*Options)) (*testListener, *httptest.ResponseRecorder) {
	t.Helper()
	only := func(o *Options) {
		o.Lookup = func(id string) *Account {
			if id != "sales" {
				return nil
			}
			return &Account{ID: id, Provider: provider.Service{Provider: s}, SecretHeaders: []string{"authorization"}}
		}
	}
	d := newTestListener(t, append([]func(*Options){only}, change...)...)
	return d, d.ask("POST", "/callbacks/sales", "right", "the body")
}

func TestWhatIsNotUnderstoodKeepsWhatItNamed(t *testing.T) {
	t.Parallel()
	why := fmt.Errorf("%w: another generation", provider.ErrNotUnderstood)
	d, w := receive(t, says{received: provider.Received{
		Type: "SIGNED", EventID: "e1", DedupeKey: "d1", Clean: []byte("without tokens"),
		Observations: []model.Observation{{Ref: "r1"}},
	}, err: why})
	if w.Code != 200 || len(d.got()) != 1 {
		t.Fatalf("%d, %+v", w.Code, d.got())
	}
	in := d.got()[0]
	cb := in.Callback
	if cb.Verdict != model.NotUnderstood || cb.Ref != "peeked" || cb.Type != "SIGNED" || cb.EventID != "e1" ||
		cb.DedupeKey != "d1" || cb.Note != why.Error() {
		t.Errorf("got %+v", cb)
	}
	if string(cb.Body) != "without tokens" || cb.Sealed || in.Observations != nil {
		t.Errorf("signing tokens were kept, or something is applied: %q, %+v", cb.Body, in.Observations)
	}
	d, _ = receive(t, says{received: provider.Received{Ref: "named", Type: "T"}, err: why})
	if cb := d.got()[0].Callback; cb.Ref != "named" || cb.Type != "T" || string(cb.Body) != "the body" {
		t.Errorf("got %+v", cb)
	}
}

func TestAnErrorThatProvesNothingIsNoAcknowledgement(t *testing.T) {
	t.Parallel()
	d, w := receive(t, says{err: errors.New("a fault of ours, with detail")})
	if w.Code != 500 || strings.Contains(w.Body.String(), "detail") || len(d.got()) != 0 {
		t.Errorf("%d %q, %+v", w.Code, w.Body, d.got())
	}
	d, w = receive(t, says{err: errors.Join(provider.ErrUnreadable, provider.ErrUnverified)})
	if w.Code != 401 || len(d.got()) != 1 {
		t.Errorf("what proves nothing is refused, whatever else it is: %d", w.Code)
	}
}

func TestRefsThatNoTextMayHold(t *testing.T) {
	t.Parallel()
	for name, r := range map[string]provider.Received{
		"NUL in the ref":              {Ref: "a\x00", Observations: []model.Observation{{Ref: "r"}}},
		"NUL in an observation's ref": {Ref: "r", Observations: []model.Observation{{Ref: "a\x00"}}},
		"no UTF-8 in the type":        {Ref: "r", Type: "\xff"},
		"NUL in the dedupe key":       {Ref: "r", DedupeKey: "\x00"},
		"no UTF-8 in the event's id":  {Ref: "r", EventID: "\xc3"},
		"far too long":                {Ref: strings.Repeat("r", provider.MaxRef+1)},
		"an observation of nothing":   {Ref: "r", Observations: []model.Observation{{}}},
	} {
		d, w := receive(t, says{received: r})
		if w.Code != 200 || len(d.got()) != 1 {
			t.Errorf("%s: %d", name, w.Code)
			continue
		}
		in := d.got()[0]
		texts := in.Callback.Ref + in.Callback.Type + in.Callback.EventID
		if in.Callback.Verdict != model.NotUnderstood || in.Observations != nil || in.Callback.DedupeKey != "" ||
			texts != provider.Legible(texts) {
			t.Errorf("%s: %+v", name, in)
		}
	}
}

func TestWhatObservationsSayIsText(t *testing.T) {
	t.Parallel()
	bad := "Ana\x00\xff"
	d, _ := receive(t, says{received: provider.Received{Ref: "r", Observations: []model.Observation{{
		Ref: "r", Type: bad, ProviderStatus: bad, ExternalID: bad, Name: bad, Reason: bad, Metadata: bad, Mark: bad,
		Signers:   []model.Signer{{Ref: bad, Name: bad, Email: bad, Role: bad, Reason: bad}},
		Attention: []model.Attention{{Signer: bad, Message: bad}},
		Documents: []model.DocumentRef{{ID: bad, Name: bad, Mark: bad}},
	}}}})
	in := d.got()[0]
	text := fmt.Sprintf("%+v", in.Observations)
	if in.Callback.Verdict != model.Accepted || text != provider.Legible(text) ||
		strings.Count(text, "Ana\uFFFD\uFFFD") != 17 {
		t.Errorf("%s: %q", in.Callback.Verdict, text)
	}
}

func TestHeadersThatAreKept(t *testing.T) {
	t.Parallel()
	d, _ := receive(t, says{})
	r := httptest.NewRequest("POST", "/callbacks/sales", strings.NewReader("{}"))
	for k, v := range map[string]string{
		"Authorization": "Basic hunter2", "Cookie": "hunter2", "X-Api-Key": "hunter2", "X-Forwarded-For": "1.2.3.4",
		"Webhook-Id": "m1", "Webhook-Timestamp": "1", "X-Autosign-Signature": "s\xff", "User-Agent": "OneSpan",
		"Content-Type": "text/x; boundary=b",
	} {
		r.Header.Set(k, v)
	}
	d.Handler().ServeHTTP(httptest.NewRecorder(), r)
	kept := d.got()[1].Callback.Headers
	if len(kept) != 6 || kept["X-Autosign-Signature"] != "s\uFFFD" || kept["Content-Type"] != "text/x; boundary=b" ||
		strings.Contains(fmt.Sprint(kept), "hunter2") {
		t.Errorf("kept %v", kept)
	}
}

// TestHalfOpenBodiesTakeWhatCame: announcing much takes no memory from others.
func TestHalfOpenBodiesTakeWhatCame(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newTestListener(t)
		w, _ := d.startWire(t)
		const bodies = 50
		for range bodies {
			w.sends(t, "POST /callbacks/sales HTTP/1.1\r\nHost: x\r\nContent-Length: 60000\r\n\r\n{")
		}
		synctest.Wait()
		if used := d.small.used.Load(); used != bodies*firstBytes {
			t.Errorf("%d bytes of memory for %d bodies", used, bodies)
		}
	})
}

func TestBodiesOfAnySize(t *testing.T) {
	t.Parallel()
	d := newTestListener(t)
	for _, n := range []int{0, 1, firstBytes - 1, firstBytes, firstBytes + 1, 3 * firstBytes, headOfBody, headOfBody + 1,
		1 << 20} {
		for name, length := range map[string]int64{"announced": int64(n), "chunked": -1} {
			r := httptest.NewRequest("POST", "/callbacks/sales", strings.NewReader(strings.Repeat("x", n)))
			r.ContentLength = length
			w := httptest.NewRecorder()
			before := len(d.got())
			d.Handler().ServeHTTP(w, r)
			if w.Code != 401 || len(d.got()) != before+1 || len(d.got()[before].Callback.Body) != n {
				t.Errorf("%s %d bytes: %d", name, n, w.Code)
			}
		}
	}
}

func TestLoudOnceAMinute(t *testing.T) {
	t.Parallel()
	log, hook := test.NewNullLogger()
	now := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	d := newTestListener(t, func(o *Options) { o.Log = logrus.NewEntry(log); o.Now = func() time.Time { return now } })
	ask := func(account string) { d.ask("POST", "/callbacks/"+account, "hunter2", "a body with a name") }
	refused := false
	count := func(level logrus.Level) (n int) {
		for _, e := range hook.AllEntries() {
			if text, _ := e.String(); strings.Contains(text, "hunter2") || strings.Contains(text, "a name") {
				t.Errorf("the log tells too much: %s", text)
			}
			if e.Level == level {
				n++
			}
			refused = refused || e.Message == "callback refused" && e.Data["reason"] == "callback not verified: another key"
		}
		hook.Reset()
		return n
	}
	for range 5 {
		ask("sales")
	}
	ask("hr")
	if n := count(logrus.WarnLevel); n != 2 {
		t.Errorf("%d warnings of two accounts", n)
	}
	if !refused {
		t.Error("the log does not say why")
	}
	for range 3 {
		d.ask("POST", "/callbacks/sales", "right", "no JSON, a name")
	}
	if n := count(logrus.WarnLevel); n != 1 {
		t.Errorf("%d warnings of three that were not understood", n)
	}
	now = now.Add(time.Minute)
	ask("sales")
	if n := count(logrus.WarnLevel); n != 1 {
		t.Errorf("%d warnings a minute later", n)
	}
	d.apply = func(context.Context) error { return store.ErrBusy }
	for range 5 {
		ask("sales")
	}
	if n := count(logrus.ErrorLevel); n != 1 {
		t.Errorf("%d errors while the database is busy", n)
	}
}

func TestNothingWorksWithoutAKey(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*Options){
		"key": func(o *Options) { o.HMACKey = nil }, "lookup": func(o *Options) { o.Lookup = nil },
		"apply": func(o *Options) { o.Apply = nil },
		"now":   func(o *Options) { o.Now = nil }, "log": func(o *Options) { o.Log = nil },
		"bound of bodies": func(o *Options) { o.MaxBody = 0 }, "bound of connections": func(o *Options) { o.MaxConns = 0 },
	} {
		o := newTestListener(t).Options
		change(&o)
		if _, err := New(o); err == nil {
			t.Errorf("no %s: taken", name)
		}
	}
}

func TestHeadersThatAProviderReadsAreKept(t *testing.T) {
	t.Parallel()
	l := &Listener{}
	h := http.Header{"X-Proof": {"abc"}, "X-Other": {"def"}, "Cookie": {"hush"}}
	reads := provider.Service{Traits: provider.Traits{StoredHeaders: []string{"X-Proof"}}}
	if kept := l.headers(&Account{Provider: reads}, h); len(kept) != 1 || kept["X-Proof"] != "abc" {
		t.Errorf("kept %v", kept)
	}
	if kept := l.headers(&Account{}, h); len(kept) != 0 {
		t.Errorf("kept %v of a provider that reads none", kept)
	}
}

// Headers that are known by their usual form mean what they mean in any other.
func TestAHeaderIsKnownInEachForm(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]bool{
		"Content-Type": true, "User-Agent": true, "Content-Length": true, "Content-Encoding": true, "Content-Md5": true,
		"Content-Sha256": true, "Date": true, "X-Signature": true, "Webhook-Id": true, "X-Hmac": true,
		"Accept": false, "Accept-Encoding": false, "Authorization": false, "Connection": false, "Host": false,
		"X-Forwarded-For": false, "X-Forwarded-Proto": false, "X-Forwarded-Host": false, "X-Real-Ip": false, "Via": false,
		"Cookie": false,
	} {
		for _, form := range []string{name, strings.ToLower(name), strings.ToUpper(name)} {
			if explains(form) != want {
				t.Errorf("%s: %t", form, !want)
			}
		}
	}
}
