package model_test

import (
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"countersign/model"
	"countersign/provider"
	"countersign/provider/allsign"
	"countersign/provider/autosign"
	"countersign/provider/documenso"
	"countersign/provider/dropboxsign"
	"countersign/provider/onespan"
)

var noon = time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)

const (
	debounce = 2 * time.Second
	day      = 24 * time.Hour
)

var pauses = []time.Duration{10 * time.Second, time.Minute, 10 * time.Minute}

// after is a time n seconds after noon.
func after(seconds float64) time.Time {
	return noon.Add(time.Duration(seconds * float64(time.Second)))
}

// strong and weak are the two kinds of provider: whose callbacks prove themselves, and whose prove
// only their sender.
func strong(t testing.TB) model.Rules { return rulesOf(t, onespan.New) }
func weak(t testing.TB) model.Rules   { return rulesOf(t, dropboxsign.New) }

// rules are those of each provider, in the order of the drawing.
func rules(t testing.TB) []model.Rules {
	return []model.Rules{
		strong(t), weak(t), rulesOf(t, allsign.New, "webhook_secrets: [whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=]"),
		rulesOf(t, autosign.New, "access_token: t"), rulesOf(t, documenso.New, "webhook_secret: s"),
	}
}

func rulesOf(t testing.TB, build func(provider.Options) (provider.Service, error), more ...string) model.Rules {
	t.Helper()
	p := newProvider(t, build, more...)
	r := p.Rules()
	r.RecheckAfter, r.Debounce, r.Confirm = pauses, debounce, model.ConfirmFinal
	return r
}

func newProvider(t testing.TB, build func(provider.Options) (provider.Service, error), more ...string) provider.Provider {
	t.Helper()
	text := strings.Join(append(more, "api_key: k"), "\n")
	p, err := build(provider.Options{Account: "sales", Now: func() time.Time { return noon }, Settings: func(v any) error {
		return yaml.Unmarshal([]byte(text), v)
	}})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// row is a row that the provider confirmed before noon.
func row(s model.Status) model.Transaction {
	t := model.Transaction{Account: "sales", Ref: "a", Status: s, FirstSeenAt: noon.Add(-time.Hour), Origin: model.OriginPoll}
	if s == model.Unknown {
		t.Origin = model.OriginTrack
		return t
	}
	t.Confirmed, t.ConfirmedAt, t.AskedAt, t.Version = true, when(noon.Add(-time.Minute)), when(noon.Add(-time.Minute)), 1
	return t
}

// none is a row that does not exist yet.
func none() model.Transaction {
	return model.Transaction{Account: "sales", Ref: "a", Status: model.Unknown}
}

func when(t time.Time) *time.Time { return &t }

func claimed(s model.Status, at time.Time) model.Observation {
	return model.Observation{Ref: "a", Evidence: model.Claim, Status: s, At: at}
}

func weakly(s model.Status, at time.Time) model.Observation {
	o := claimed(s, at)
	o.Evidence = model.WeakClaim
	return o
}

func hinted(at time.Time) model.Observation {
	return model.Observation{Ref: "a", Evidence: model.Hint, Status: model.Completed, At: at}
}

// fetched is an answer to a question that was sent when the row was as t is.
func fetched(t model.Transaction, s model.Status, asked time.Time) model.Observation {
	return model.Observation{Ref: "a", Evidence: model.Verified, Status: s, AskedAt: asked, At: asked.Add(time.Second / 2), Version: t.Version, Asked: model.AskedConfirm}
}

func absent(t model.Transaction, a model.Absence, asked time.Time) model.Observation {
	o := fetched(t, "", asked)
	o.Absence = a
	return o
}

// want is what a test expects, said in words.
func want[T comparable](t *testing.T, what string, got, wanted T) {
	t.Helper()
	if got != wanted {
		t.Errorf("%s: %v, want %v", what, got, wanted)
	}
}

// due says when the row is due, in seconds after noon; -1 where it is not.
func due(t model.Transaction) float64 {
	if t.NextCheckAt == nil {
		return -1
	}
	return t.NextCheckAt.Sub(noon).Seconds()
}

// kinds lists the kinds of a decision's changes.
func kinds(d model.Decision, k model.ChangeKind) int {
	n := 0
	for _, c := range d.Changes {
		if c.Kind == k {
			n++
		}
	}
	return n
}
