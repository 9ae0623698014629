package output

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"

	"countersign/model"
)

// A table that is wider than the terminal becomes blocks in which nothing is cut, each line within the terminal.
func TestTableTooWide(t *testing.T) {
	t.Parallel()
	ref := strings.Repeat("r", 40)
	render := func(width int, heads []any, rows ...table.Row) string {
		var b bytes.Buffer
		p := &Printer{Stdout: &b, Width: width}
		tab := p.Table(heads...)
		tab.AppendRows(rows)
		if err := p.Print(tab); err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	heads := []any{"account", "ref", "found", "change", "flags"}
	row := table.Row{"sales", ref, "5 s ago", strings.TrimSpace(strings.Repeat("word ", 20)), "archived"}
	for width, want := range map[int]string{
		0: "ACCOUNT  REF                                       FOUND    CHANGE  " + strings.Repeat(" ", 93) + "FLAGS\n" +
			"sales    " + ref + "  5 s ago  " + row[3].(string) + "  archived\n",
		60: "sales  " + ref + "\n    found 5 s ago\n    change" + strings.Repeat(" word", 10) + "\n" +
			"    word" + strings.Repeat(" word", 9) + "\n    archived\n",
	} {
		if got := render(width, heads, row); got != want {
			t.Errorf("%d columns:\n%s\nwant:\n%s", width, got, want)
		}
	}
	if got, want := render(44, []any{"account", "ref", "name", "change"}, table.Row{"sales", ref, "Lease", "x"}),
		"sales\n    "+ref+"\n    Lease\n    change x\n"; got != want {
		t.Errorf("names that are too long for a line:\n%s\nwant:\n%s", got, want)
	}
	if got, want := render(30, nil, table.Row{"status", "completed"}, table.Row{"note", "a note that is longer than a line"}),
		"status  completed\nnote    a note that is longer\n        than a line\n"; got != want {
		t.Errorf("facts:\n%s\nwant:\n%s", got, want)
	}
	if got := render(20, []any{"seq", "by"}, table.Row{241, "a long name of who did it"}); got != "seq 241\n    by a long name\n    of who did it\n" {
		t.Errorf("a row without a name:\n%s", got)
	}
}

// Notes are cut where a person reads them on a terminal, and whole in files and pipes.
func TestCallbackNotesInPipes(t *testing.T) {
	t.Parallel()
	note := strings.Repeat("why ", 40) + "end"
	c := model.Callback{ID: "c1", Verdict: model.Refused, Note: note}
	for _, terminal := range []bool{true, false} {
		var b bytes.Buffer
		p := NewPrinter(&b, &b, func() time.Time { return monday }, func(string) (string, bool) { return "", false })
		p.Terminal = terminal
		if err := p.Print(p.CallbacksTable([]model.Callback{c}, true, func(model.Callback) *model.Transaction { return nil })); err != nil {
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
		{&model.Transaction{Status: model.InProgress, Confirmed: true, ConfirmedAt: &after, ReportedStatus: model.Completed}, "checking"},
		{&model.Transaction{Status: model.Completed, ConfirmedAt: &after}, "checking"},
		{&model.Transaction{Status: model.Unknown, NotFound: true}, "checked: not found"},
	} {
		if got := OutcomeWords(c, one.row); got != one.want {
			t.Errorf("%+v: %q, want %q", one.row, got, one.want)
		}
	}
	c.Outcome = model.Applied
	if got := OutcomeWords(c, &model.Transaction{NotFound: true}); got != "applied" {
		t.Errorf("an applied callback is %q", got)
	}
}
