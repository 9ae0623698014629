package demo

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/jedib0t/go-pretty/v6/table"

	"countersign/cmd/countersign/engine"
	"countersign/cmd/countersign/output"
	"countersign/model"
	"countersign/model/store"
	"countersign/worker/console/objects"
)

// columns are the headings of what is told each second: the time, and a number each.
type columns []string

func (s *Session) columns() (out columns) {
	for _, name := range []string{"time", "born", "changes", "callbacks", "lost", "twice", "forged", "rows", "done", "files",
		"untold"} {
		out = append(out, s.Env.Word("cli.demo.column", name))
	}
	return out
}

// head is the line of the headings.
func (c columns) head() string { return c.join(c) }

// line is the line of a second.
func (c columns) line(at string, counts []int) string {
	cells := []string{at}
	for _, n := range counts {
		cells = append(cells, fmt.Sprint(n))
	}
	return c.join(cells)
}

// join puts cells below their headings. Forged callbacks stand close to those told twice, what was not told close to
// the files.
func (c columns) join(cells []string) string {
	var b strings.Builder
	for i, cell := range cells {
		width := max(utf8.RuneCountInString(c[i]), 4)
		switch i {
		case 0:
			width = max(width, 5)
		case 6, 10:
			b.WriteString(" ")
		default:
			b.WriteString("  ")
		}
		fmt.Fprintf(&b, "%*s", width, cell)
	}
	return b.String()
}

// printReport is the report for people.
func printReport(ctx context.Context, env *engine.Env, s *Session, r Report) error {
	played := s.before + s.events.of("born")
	t := env.Table("what", "how many", "note")
	t.AppendRows([]table.Row{
		{env.Say("cli.demo.played"), played, ""},
		{"  " + env.Say("cli.demo.rows"), r.Transactions, env.Say("cli.demo.rows.note")},
		{"  " + env.Say("cli.demo.received"), r.received, env.Say("cli.demo.received.note")},
		{"  " + env.Say("cli.demo.unheard"), played - r.received - r.Transactions, env.Say("cli.demo.unheard.note")},
		{env.Say("cli.demo.taken"), r.Callbacks.Accepted,
			env.Say("cli.demo.taken.note", "copies", r.Callbacks.Duplicate, "refused", r.Callbacks.Refused)},
		{env.Say("cli.demo.lost"), r.Dropped, env.Say("cli.demo.lost.note")},
		{env.Say("cli.demo.untold"), r.Gaps.Missed + r.Gaps.Late + r.Gaps.Refused,
			env.Say("cli.demo.untold.note", "missed", r.Gaps.Missed, "late", r.Gaps.Late, "refused", r.Gaps.Refused)},
		{env.Say("cli.demo.stored"), r.Documents.Stored, env.Say("cli.demo.stored.note",
			"quarantined", r.Documents.Quarantined, "unobtainable", r.Documents.Unobtainable)},
		{env.Say("cli.demo.gone"), r.NotFound, env.Say("cli.demo.gone.note")},
		{env.Say("cli.demo.differences"), r.Drift, env.Say("cli.demo.differences.note")},
	})
	if err := env.Print(t); err != nil {
		return err
	}
	if err := printDifferences(env, env.Stdout, r.Differences); err != nil {
		return err
	}
	if err := s.printGaps(ctx, env); err != nil {
		return err
	}
	end := env.Paint(output.Bad, env.Say("cli.demo.not_converged")) + "."
	if r.Converged {
		end = env.Say("cli.demo.right", "converged", env.Paint(output.Good, env.Say("cli.demo.converged")))
	}
	return env.Printf("\n%s\n\n%s\n", end, env.Say("cli.demo.seed", "seed", fmt.Sprint(s.o.Seed)))
}

// printGaps shows what the ledger says last.
func (s *Session) printGaps(ctx context.Context, env *engine.Env) error {
	gaps, err := s.Engine.Store.Gaps(ctx, store.GapFilter{})
	gaps = slices.DeleteFunc(gaps, func(g model.Gap) bool { return countGaps([]model.Gap{g}) == gapCounts{} })
	if err != nil || len(gaps) == 0 {
		return err
	}
	fmt.Fprintf(env.Stdout, "\n%s\n", env.Say("cli.demo.newest"))
	for _, g := range gaps[:min(len(gaps), 5)] {
		by, _, _ := strings.Cut(g.FoundBy, " ")
		fmt.Fprintf(env.Stdout, "  %-8s  %s/%s\n            %s\n", env.Word("cli.changed", string(g.Kind)), g.Account,
			output.Plain(g.Ref), env.Say("cli.demo.gap", "what", untold(env, g), "at", g.FoundAt.Format(time.TimeOnly),
				"by", env.SourceWords(by)))
	}
	return nil
}

// untold is the change that a gap is about.
func untold(env *engine.Env, g model.Gap) string {
	area := "status"
	if g.Change == model.ChangeSigner {
		area = "signerstatus"
	}
	what := env.Word(area, g.To)
	if g.Change != model.ChangeStatus {
		what = strings.TrimSpace(env.Word("cli.changed", string(g.Change)) + " " + what)
	}
	return what
}

// printDifferences lists where the table is not what the services say.
func printDifferences(env *engine.Env, to io.Writer, list []objects.Drift) error {
	for i, d := range list {
		if i == 20 {
			_, err := fmt.Fprintln(to, env.Say("cli.demo.more", "n", len(list)-i))
			return err
		}
		if _, err := fmt.Fprintf(to, "%s/%s %s\n", d.Account, output.Plain(d.Ref), env.Say("cli.demo.differs",
			"field", d.Field, "ours", d.Ours, "theirs", d.Theirs)); err != nil {
			return err
		}
	}
	return nil
}
