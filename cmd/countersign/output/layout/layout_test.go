package layout

import (
	"strings"
	"testing"

	"github.com/jedib0t/go-pretty/v6/table"
)

// A table that is wider than the terminal becomes blocks in which nothing is cut, each line within the terminal.
func TestTableTooWide(t *testing.T) {
	t.Parallel()
	ref := strings.Repeat("r", 40)
	render := func(width int, heads []any, rows ...table.Row) string {
		tab := New(same, heads...)
		tab.AppendRows(rows)
		return strings.Join(tab.Lines(width), "\n") + "\n"
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
	if got, want := render(30, nil, table.Row{"status", "completed"},
		table.Row{"note", "a note that is longer than a line"}),
		"status  completed\nnote    a note that is longer\n        than a line\n"; got != want {
		t.Errorf("facts:\n%s\nwant:\n%s", got, want)
	}
	if got := render(20, []any{"seq", "by"},
		table.Row{241, "a long name of who did it"}); got != "seq 241\n    by a long name\n    of who did it\n" {
		t.Errorf("a row without a name:\n%s", got)
	}
}

// same is a heading as it is called.
func same(head string) string { return head }
