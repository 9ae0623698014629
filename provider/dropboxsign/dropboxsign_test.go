package dropboxsign

import (
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"countersign/model"
	"countersign/provider"
	"countersign/provider/lenient"
	"countersign/provider/providertest"
	"countersign/provider/providertest/recorded"
)

const (
	testRef = "fa5c8a0b0f492d768749333ad6fcc214c111e967"
	testKey = "the-primary-key-of-the-tests"
	oldKey  = "an-older-primary-key"
	keyed   = "{api_key: " + testKey + ", callback_keys: [" + oldKey + "]}"
	ada     = "78caf2a1d01cd39cea2bc1cbb340dac3"
	ben     = "616629ed37f8588d28600be17ab5d6b7"
)

var (
	noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	sent = model.DocumentRef{ID: finalDocument, Kind: model.SignedDocument}
)

// account is the provider of an account whose service is at base.
func account(t *testing.T, base, block string, change ...func(*provider.Options)) *service {
	t.Helper()
	return open(t, base, block, change...).Provider.(*service)
}

// open is an account whose service is at base.
func open(t *testing.T, base, block string, change ...func(*provider.Options)) provider.Service {
	t.Helper()
	o := provider.Options{
		Account: "hr", BaseURL: base, Settings: providertest.Decode(block), Client: http.DefaultClient,
		Foreign: http.DefaultClient,
		Now:     func() time.Time { return noon }, IncludeTest: true,
	}
	for _, c := range change {
		c(&o)
	}
	p, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func noTest(o *provider.Options) { o.IncludeTest = false }

// answering serves one answer to every question.
func answering(t *testing.T, code int, contentType, body string) *providertest.Service {
	t.Helper()
	return providertest.Serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", contentType)
		w.WriteHeader(code)
		fmt.Fprint(w, body)
	})
}

// refusing serves a refusal to every question.
func refusing(t *testing.T, code int, name string) *providertest.Service {
	t.Helper()
	return answering(t, code, "application/json", recorded.Text(t, "errors/"+name))
}

// fetched is what Fetch makes of a recorded answer.
func fetched(t *testing.T, name string, change ...func(*provider.Options)) model.Observation {
	t.Helper()
	f := answering(t, http.StatusOK, "application/json", recorded.Text(t, "answers/"+name))
	o, err := account(t, f.URL, keyed, change...).Fetch(t.Context(), testRef)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func TestNewTellsAllFaultsAtOnce(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		block string
		want  []string
	}{
		"no key":         {"{callback_keys: [k]}", []string{"settings.api_key: must be set"}},
		"an unknown key": {"{api_key: a, api_kye: b}", []string{"api_kye"}},
		"all of it": {"{callback_keys: [''], app_client_ids: [x, ''], requester: [Ada], download_via: zip}", []string{
			"settings.api_key", "callback_keys[0]", "app_client_ids[1]", "requester[0]", `download_via: "zip"`}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := New(provider.Options{Settings: providertest.Decode(c.block)})
			for _, w := range c.want {
				if err == nil || !strings.Contains(err.Error(), w) {
					t.Errorf("%v does not name %s", err, w)
				}
			}
		})
	}
}

func TestTheProductionHostIsTheDefault(t *testing.T) {
	t.Parallel()
	if s := account(t, "", keyed); s.base != "https://api.hellosign.com" {
		t.Error(s.base)
	}
}

func TestTheProviderHasItsInterfaces(t *testing.T) {
	t.Parallel()
	p := open(t, "", keyed)
	for what, ok := range map[string]bool{
		"Reply": p.Traits.Reply.Body != "", "Lister": p.Lister != nil, "Registrar": p.Registrar != nil,
		"Checker": p.Checker != nil,
		"Setter":  p.Setter != nil,
	} {
		if !ok {
			t.Error("no", what)
		}
	}
}

func TestNoSecretIsPrinted(t *testing.T) {
	t.Parallel()
	s := account(t, "", keyed)
	for _, text := range []string{fmt.Sprintf("%+v", s.settings), fmt.Sprintf("%#v", s.settings), fmt.Sprint(s.keys)} {
		if strings.Contains(text, testKey) || strings.Contains(text, oldKey) {
			t.Error(text)
		}
	}
}

func TestRules(t *testing.T) {
	t.Parallel()
	r := account(t, "", keyed).Rules()
	providertest.Same(t, "twice", r, account(t, "", keyed).Rules())
	told := map[string]bool{}
	for _, m := range r.Tells {
		for _, types := range m {
			for _, typ := range types {
				told[typ] = true
				if _, known := meanings[typ]; !known {
					t.Errorf("%s tells, and is no event", typ)
				}
			}
		}
	}
	for typ, m := range meanings {
		if m.word != "" && !told[typ] {
			t.Errorf("%s names a status and tells of nothing", typ)
		}
	}
	for from, list := range r.Forward {
		if from.Final() {
			t.Errorf("a claim leaves %s", from)
		}
		for _, to := range list {
			if to == from || to == model.Unknown || to == model.Draft && from != model.Unknown {
				t.Errorf("%s to %s", from, to)
			}
		}
	}
	if r.GoneIs != model.Cancelled || !reflect.DeepEqual(r.GoneAfter, []model.Status{model.Completed, model.Declined}) {
		t.Errorf("410 is %s but after %v", r.GoneIs, r.GoneAfter)
	}
}

// A callback's claim of an end never moves a row: only the answer does.
func TestAForgedEndDoesNotMoveARow(t *testing.T) {
	t.Parallel()
	s := account(t, "", keyed)
	row := model.Transaction{Account: "hr", Ref: testRef, Status: model.InProgress, Confirmed: true, FirstSeenAt: noon}
	for typ, m := range meanings {
		o := event{Type: lenient.Text(typ), Time: "1772442900"}.observe(m)
		o.Ref, o.At = testRef, noon
		d := model.Decide(s.Rules(), row, o)
		if d.Next.Status.Final() {
			t.Errorf("%s moves an open row to %s", typ, d.Next.Status)
		}
		if o.Status.Final() && (d.Next.ReportedStatus != o.Status || d.Next.NextCheckAt == nil) {
			t.Errorf("%s: reported %q, due %v", typ, d.Next.ReportedStatus, d.Next.NextCheckAt)
		}
	}
}

// 410 is how a canceled request answers, and one that was removed after its end.
func TestGoneCancelsOnlyWhatWasOpen(t *testing.T) {
	t.Parallel()
	f := refusing(t, http.StatusGone, "deleted")
	s := account(t, f.URL, keyed)
	o, err := s.Fetch(t.Context(), testRef)
	if err != nil {
		t.Fatal(err)
	}
	o.At, o.AskedAt = noon, noon
	for name, c := range map[string]struct {
		status, reported, want model.Status
	}{
		"open":                          {model.InProgress, "", model.Cancelled},
		"a draft":                       {model.Draft, "", model.Cancelled},
		"open, said to be canceled":     {model.InProgress, model.Cancelled, model.Cancelled},
		"open, said to be complete":     {model.InProgress, model.Completed, model.InProgress},
		"open, said to be declined":     {model.InProgress, model.Declined, model.InProgress},
		"completed and then removed":    {model.Completed, "", model.Completed},
		"declined and then removed":     {model.Declined, "", model.Declined},
		"canceled, and asked once more": {model.Cancelled, "", model.Cancelled},
	} {
		row := model.Transaction{Account: "hr", Ref: testRef, Status: c.status, ReportedStatus: c.reported, Confirmed: true,
			FirstSeenAt: noon}
		if d := model.Decide(s.Rules(), row, o); d.Next.Status != c.want {
			t.Errorf("%s: %s", name, d.Next.Status)
		}
	}
}

func TestTheListTellsWhatWasCreated(t *testing.T) {
	t.Parallel()
	if got := account(t, "", keyed).Lists(); got != provider.ListsCreated {
		t.Error(got)
	}
}
