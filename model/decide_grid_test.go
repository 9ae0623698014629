package model_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"countersign/model"
)

var update = flag.Bool("update", false, "rewrite the drawing in docs/grids.md")

const (
	drawing = "../docs/grids.md"
	begin   = "<!-- grid: drawn by go test ./model -update -->"
	end     = "<!-- end of grid -->"
)

// letters are what became of a row. A capital says that the provider is asked at once.
var letters = map[model.Reason]string{
	model.Moved: "m", model.Same: "s", model.Confirms: "c", model.Doubted: "d", model.Held: "h", model.OutOfDate: "o",
	model.TooOld: "t", model.Nudged: "n", model.Quiet: "q", model.Absent: "a", model.Unresolved: "x", model.Refuted: "r",
	model.Unreadable: "u",
}

// observed are the columns: nothing said, then each status.
func observed() []model.Status { return append([]model.Status{""}, model.Statuses()...) }

// start is a row of the grid.
type start struct {
	name string
	row  model.Transaction
}

// starts are the rows of the grid: as confirmed, as only called back, and with an end reported.
func starts() []start {
	list := []start{{"no row", none()}}
	for _, s := range model.Statuses() {
		list = append(list, start{string(s), row(s)})
	}
	for _, s := range model.Statuses() {
		if s == model.Unknown {
			continue
		}
		t := row(s)
		t.Confirmed, t.ReportedStatus = false, s
		list = append(list, start{string(s) + ", called back", t})
	}
	t := row(model.InProgress)
	t.Confirmed, t.ReportedStatus = false, model.Completed
	return append(list, start{"in_progress, completed reported", t})
}

// outcome is the letter of one cell.
func outcome(r model.Rules, t model.Transaction, o model.Observation) string {
	d := model.Decide(r, t, o)
	letter, ok := letters[d.Reason]
	if !ok {
		return "?"
	}
	if d.Next.NextCheckAt != nil && !d.Remove && d.Next.NextCheckAt.Sub(o.At) <= debounce {
		return strings.ToUpper(letter)
	}
	return letter
}

// said are the three tables over the observed status; claims have one more column, that a signer acted.
var said = []struct {
	name string
	of   func(t model.Transaction, s model.Status) model.Observation
	acts bool
}{
	{"weak claim", func(_ model.Transaction, s model.Status) model.Observation { return weakly(s, noon) }, true},
	{"claim", func(_ model.Transaction, s model.Status) model.Observation { return claimed(s, noon) }, true},
	{"answer", func(t model.Transaction, s model.Status) model.Observation { return fetched(t, s, noon) }, false},
}

// cells are the letters of one row in one table.
func cells(
	r model.Rules, t model.Transaction, of func(model.Transaction, model.Status) model.Observation, acts bool,
) (out []string) {
	for _, s := range observed() {
		out = append(out, outcome(r, t, of(t, s)))
	}
	if acts {
		o := of(t, "")
		o.Acted = true
		out = append(out, outcome(r, t, o))
	}
	return out
}

// line is one row of a provider's grid: eleven letters of a weak claim and of a claim, ten of an answer, then
// one each of a hint, of not found, of gone.
func line(r model.Rules, t model.Transaction) string {
	var words []string
	for _, e := range said {
		words = append(words, strings.Join(cells(r, t, e.of, e.acts), ""))
	}
	return strings.Join(append(words, outcome(r, t, hinted(noon))+outcome(r, t, absent(t, model.NotFound, noon))+
		outcome(r, t, absent(t, model.Gone, noon))), " ")
}

// A new status, a new rule or a new provider's habit fails here until testdata/grid.txt of each provider says what it
// does.
func TestTheWholeGrid(t *testing.T) {
	for _, r := range rules(t) {
		wanted := grid(t, r.Provider)
		for _, s := range starts() {
			switch want, ok := wanted[s.name]; {
			case !ok:
				t.Errorf("%s: testdata/grid.txt does not say what becomes of %q", r.Provider, s.name)
			case line(r, s.row) != want:
				t.Errorf("%s:\n\t\t%q: %q,\n\twanted %q", r.Provider, s.name, line(r, s.row), want)
			}
		}
		if len(wanted) != len(starts()) {
			t.Errorf("%s: testdata/grid.txt has %d rows, %d are there", r.Provider, len(wanted), len(starts()))
		}
	}
}

// grid reads what a provider's grid should be: a line for each row, "ROW: LETTERS".
func grid(t *testing.T, name string) map[string]string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "provider", name, "testdata", "grid.txt"))
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string]string{}
	for line := range strings.Lines(string(text)) {
		if row, letters, ok := strings.Cut(strings.TrimSpace(line), ":"); ok && !strings.HasPrefix(row, "#") {
			rows[row] = strings.TrimSpace(letters)
		}
	}
	return rows
}

func TestTheDrawingIsWhatDecideDoes(t *testing.T) {
	page, err := os.ReadFile(drawing)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(page), begin)
	drawn, behind, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		t.Fatalf("%s has no grid between %q and %q", drawing, begin, end)
	}
	now := ""
	for _, r := range rules(t) {
		now += draw(r)
	}
	if *update {
		if err := os.WriteFile(drawing, []byte(before+begin+now+end+behind), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if drawn != now {
		t.Errorf("%s draws another grid than Decide's: go test ./model -update, and read what changed", drawing)
	}
}

// draw writes a provider's grid as markdown tables.
func draw(r model.Rules) string {
	var b strings.Builder
	fmt.Fprintf(&b, "\n\n### %s\n", r.Provider)
	head := func(name string, columns ...string) {
		fmt.Fprintf(&b, "\n| %s | %s |\n|%s\n", name, strings.Join(columns, " | "), strings.Repeat(" --- |", len(columns)+1))
	}
	for _, e := range said {
		columns := []string{"no status"}
		for _, s := range model.Statuses() {
			columns = append(columns, string(s))
		}
		if e.acts {
			columns = append(columns, "a signer acted")
		}
		head("row \\ "+e.name, columns...)
		for _, s := range starts() {
			fmt.Fprintf(&b, "| %s | %s |\n", s.name, strings.Join(cells(r, s.row, e.of, e.acts), " | "))
		}
	}
	head("row", "hint", "not found", "gone")
	for _, s := range starts() {
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", s.name, outcome(r, s.row, hinted(noon)),
			outcome(r, s.row, absent(s.row, model.NotFound, noon)), outcome(r, s.row, absent(s.row, model.Gone, noon)))
	}
	b.WriteString("\n")
	return b.String()
}

// Whatever the row is like, Decide answers, and what it answers keeps the promises of section 4.
func TestDecideIsTotal(t *testing.T) {
	shapes := []func(*model.Transaction){
		func(*model.Transaction) {},
		func(t *model.Transaction) { t.Deleted, t.NotFound = true, true },
		func(t *model.Transaction) { t.Hidden, t.Origin = true, model.OriginHint },
		func(t *model.Transaction) { t.Trashed = true },
		func(t *model.Transaction) { t.Archived = true },
		func(t *model.Transaction) { t.DeleteAt = when(noon) },
		func(t *model.Transaction) { t.NotFound, t.NotFoundCount, t.NotFoundAt = true, 200, when(noon) },
		func(t *model.Transaction) { t.Version, t.LostAnswers = 9, 1 },
		func(t *model.Transaction) { t.Version, t.LostAnswers = 9, 2 },
		func(t *model.Transaction) { t.Recheck, t.DueReason, t.NextCheckAt = 99, model.DueRecheck, when(noon) },
		func(t *model.Transaction) { t.AskedAt = when(noon.Add(time.Hour)) },
		func(t *model.Transaction) { t.RefutedAs, t.RefutedAt = model.Completed, when(noon) },
		func(t *model.Transaction) { *t = model.Transaction{Status: t.Status} },
		func(t *model.Transaction) { t.Status = "" },
	}
	tried := 0
	for _, r := range append(rules(t), model.Rules{}) {
		for _, s := range starts() {
			for shape, bend := range shapes {
				for _, status := range observed() {
					for _, e := range []model.Evidence{model.Hint, model.WeakClaim, model.Claim, model.Verified} {
						for _, a := range []model.Absence{model.Present, model.NotFound, model.Gone} {
							for _, f := range []model.Flag{model.Unsaid, model.Yes, model.No} {
								for _, asked := range []model.Asked{model.AskedConfirm, model.AskedRef, model.AskedOperator} {
									if asked == model.AskedOperator && e != model.Verified {
										continue
									}
									row := s.row
									bend(&row)
									o := model.Observation{Evidence: e, Status: status, Absence: a, Trashed: f, Archived: f, Deleted: f,
										Asked: asked, At: noon.Add(time.Second), AskedAt: noon}
									promises(t, fmt.Sprintf("%s: %s, shape %d, %q by %v, absence %d, flags %d", r.Provider, s.name, shape,
										status, e, a, f), row, o, model.Decide(r, row, o))
									tried++
									acted := o
									acted.Acted = true
									promises(t, fmt.Sprintf("%s: %s, shape %d, %q by %v, absence %d, flags %d, a signer acted", r.Provider,
										s.name, shape, status, e, a, f), row, acted, model.Decide(r, row, acted))
								}
							}
						}
					}
				}
			}
		}
	}
	if tried < 50000 {
		t.Errorf("only %d cells", tried)
	}
}

// promises holds what no observation may break.
func promises(t interface {
	Helper()
	Errorf(string, ...any)
}, what string, row model.Transaction, o model.Observation, d model.Decision) {
	t.Helper()
	if row.Status == "" {
		row.Status = model.Unknown
	}
	claim := !o.Fetched() && o.Asked != model.AskedOperator
	moved := row.Status != d.Next.Status
	flags := row.Trashed != d.Next.Trashed || row.Archived != d.Next.Archived || row.Deleted != d.Next.Deleted ||
		row.NotFound != d.Next.NotFound
	switch {
	case !d.Next.Status.Known():
		t.Errorf("%s: leads to %q", what, d.Next.Status)
	case letters[d.Reason] == "":
		t.Errorf("%s: nobody knows the reason %q", what, d.Reason)
	case claim && row.Status.Final() && moved && strings.HasPrefix(what, "autosign: ") && row.Status == model.Expired &&
		d.Next.Status == model.Cancelled && !flags:
		// rule 4: Autosign shows a cancelled transaction as expired, and only the event tells
	case claim && row.Status.Final() && (moved || flags):
		t.Errorf("%s: a callback changed a final row", what)
	case o.Evidence == model.WeakClaim && (d.Next.Status.Final() && moved || flags):
		t.Errorf("%s: a weak claim ended a row or set a flag", what)
	case o.Evidence == model.Hint && (moved || flags || d.Grew):
		t.Errorf("%s: a hint changed a row", what)
	case claim && moved && (d.Next.Confirmed || row.Status == model.InProgress && d.Next.Status == model.Draft):
		t.Errorf("%s: a callback confirmed a row or moved it back", what)
	case claim && moved && d.Next.Status.Final() && d.Next.NextCheckAt == nil:
		t.Errorf("%s: a callback ended the row and nobody asks", what)
	case claim && len(d.Documents) > 0:
		t.Errorf("%s: documents on a claim alone", what)
	case o.Absence != model.Present && o.Fetched() && row.Status.Final() && moved:
		t.Errorf("%s: an absence changed a final status", what)
	case d.Grew != (moved || flags || signersOf(row) != signersOf(d.Next)) ||
		d.Grew != (d.Next.Version == row.Version+1) || !d.Grew && d.Next.Version != row.Version:
		t.Errorf("%s: grew %v, version %d after %d, moved %v, flags %v", what, d.Grew, d.Next.Version, row.Version, moved,
			flags)
	case moved != (kinds(d, model.KindStatus) == 1):
		t.Errorf("%s: moved %v, changes %v", what, moved, d.Changes)
	}
}

// signersOf is what counts as a change of signers: who they are and where they stand.
func signersOf(t model.Transaction) string {
	var b strings.Builder
	for _, s := range t.Signers {
		fmt.Fprintf(&b, "%s=%s ", s.Ref, s.Status)
	}
	return b.String()
}
