package output

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"countersign/model"
)

// Notes are cut where a person reads them on a terminal, and whole in files and pipes.
func TestCallbackNotesInPipes(t *testing.T) {
	t.Parallel()
	note := strings.Repeat("why ", 40) + "end"
	c := model.Callback{ID: "c1", Verdict: model.Refused, Note: note}
	for _, terminal := range []bool{true, false} {
		var b bytes.Buffer
		p := NewPrinter(&b, &b, func() time.Time { return monday }, func(string) (string, bool) { return "", false })
		p.Terminal = terminal
		if err := p.Print(p.CallbacksTable([]model.Callback{c}, true,
			func(model.Callback) *model.Transaction { return nil })); err != nil {
			t.Fatal(err)
		}
		if whole := strings.Contains(b.String(), note); whole == terminal {
			t.Errorf("terminal %v: note whole %v", terminal, whole)
		}
	}
}

// A callback that had the provider asked says what the answer was, once there is one.
func TestOutcomeOfAQuestion(t *testing.T) {
	t.Parallel()
	at := monday
	after, before := at.Add(1), at.Add(-1)
	c := model.Callback{At: at, Outcome: model.Checking}
	for _, one := range []struct {
		row  *model.Transaction
		want string
	}{
		{nil, "checking"},
		{&model.Transaction{Status: model.Completed, Confirmed: true, ConfirmedAt: &after}, "checked: completed"},
		{&model.Transaction{Status: model.InProgress, Confirmed: true, ConfirmedAt: &before}, "checking"},
		{&model.Transaction{Status: model.InProgress, Confirmed: true, ConfirmedAt: &after,
			ReportedStatus: model.Completed}, "checking"},
		{&model.Transaction{Status: model.Completed, ConfirmedAt: &after}, "checking"},
		{&model.Transaction{Status: model.Unknown, NotFound: true}, "checked: not found"},
	} {
		if got := English().OutcomeWords(c, one.row); got != one.want {
			t.Errorf("%+v: %q, want %q", one.row, got, one.want)
		}
	}
	c.Outcome = model.Applied
	if got := English().OutcomeWords(c, &model.Transaction{NotFound: true}); got != "applied" {
		t.Errorf("an applied callback is %q", got)
	}
}
