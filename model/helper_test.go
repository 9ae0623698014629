package model_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"countersign/model"
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

// strong and weak are the rules of the two kinds of provider: one whose callbacks prove themselves, and one whose
// callbacks prove only their sender.
func strong(t testing.TB) model.Rules { return rulesOf(t, "onespan") }
func weak(t testing.TB) model.Rules   { return rulesOf(t, "dropboxsign") }

// rules returns the rules of every provider, in the order of the drawing: strong, weak, then by name.
func rules(t testing.TB) []model.Rules {
	t.Helper()
	all := []model.Rules{strong(t), weak(t)}
	files, err := filepath.Glob("../provider/*/testdata/rules.json")
	if err != nil || len(files) < 2 {
		t.Fatalf("%d providers have recorded their rules (%v)", len(files), err)
	}
	for _, file := range files {
		name := filepath.Base(filepath.Dir(filepath.Dir(file)))
		if name != all[0].Provider && name != all[1].Provider {
			all = append(all, rulesOf(t, name))
		}
	}
	return all
}

// rulesOf reads the rules that a provider's conformance test has recorded and compares, with settings of the tests.
func rulesOf(t testing.TB, name string) (r model.Rules) {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("..", "provider", name, "testdata", "rules.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(raw, &r); err != nil || r.Provider != name {
		t.Fatalf("testdata/rules.json of %s has the rules of %q (%v)", name, r.Provider, err)
	}
	r.RecheckAfter, r.Debounce, r.Confirm = pauses, debounce, model.ConfirmFinal
	return r
}

// row is a row that the provider confirmed before noon.
func row(s model.Status) model.Transaction {
	t := model.Transaction{Account: "sales", Ref: "a", Status: s, FirstSeenAt: noon.Add(-time.Hour),
		Origin: model.OriginPoll}
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
	return model.Observation{Ref: "a", Evidence: model.Verified, Status: s, AskedAt: asked,
		At: asked.Add(time.Second / 2), Version: t.Version, Asked: model.AskedConfirm}
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
