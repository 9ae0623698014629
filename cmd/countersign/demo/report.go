package demo

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"

	"countersign/cmd/countersign/engine"
	"countersign/cmd/countersign/output"
	"countersign/model"
	"countersign/model/store"
	"countersign/provider/simulator"
	"countersign/worker/console/objects"
)

// Report is the demo's last line.
type Report struct {
	Transactions int            `json:"transactions"`
	Callbacks    callbackCounts `json:"callbacks"`
	Dropped      int            `json:"dropped"`
	Gaps         gapCounts      `json:"gaps"`
	Documents    documentCounts `json:"documents"`
	Drift        int            `json:"drift"`
	NotFound     int            `json:"not_found"`
	Converged    bool           `json:"converged"`

	Differences []objects.Drift
	received    int // transactions that others sent to the accounts
}

type callbackCounts struct {
	Accepted  int `json:"accepted"`
	Duplicate int `json:"duplicate"`
	Refused   int `json:"refused"`
}

type gapCounts struct {
	Missed  int `json:"missed"`
	Late    int `json:"late"`
	Refused int `json:"refused"`
}

type documentCounts struct {
	Stored       int `json:"stored"`
	Quarantined  int `json:"quarantined"`
	Unobtainable int `json:"unobtainable"`
}

// counter counts what the simulator does.
type counter struct {
	mu sync.Mutex
	n  map[string]int
}

func (c *counter) note(e simulator.Event) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.n == nil {
		c.n = map[string]int{}
	}
	c.n[e.Kind]++
}

func (c *counter) of(kind string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.n[kind]
}

// progress is what stands in the table after a second.
func (s *Session) progress(ctx context.Context) (string, error) {
	rows, completed := 0, 0
	counts, err := s.Engine.Store.Counts(ctx)
	if err != nil {
		return "", err
	}
	for _, c := range counts {
		rows += c.Rows
		if c.Status == model.Completed {
			completed += c.Rows
		}
	}
	docs, err := s.Engine.Store.Documents(ctx, store.DocumentFilter{State: model.DocumentStored})
	if err != nil {
		return "", err
	}
	gaps, err := s.Engine.Store.Gaps(ctx, store.GapFilter{})
	if err != nil {
		return "", err
	}
	untold := countGaps(gaps)
	return fmt.Sprintf("%4d  %7d  %9d  %4d  %5d %6d  %4d  %4d  %5d %6d",
		s.before+s.events.of("born"), s.events.of("changed"), s.events.of("sent"), s.events.of("dropped"),
		s.events.of("duplicated"), s.events.of("forged"), rows, completed, len(docs),
		untold.Missed+untold.Late+untold.Refused), nil
}

// Settled says that no row is being asked again, no gap is pending and no document is due.
func (s *Session) Settled(ctx context.Context) (bool, error) {
	soon := s.Env.UTC().Add(time.Minute)
	due, err := s.Engine.Store.Due(ctx,
		store.DueFilter{Now: soon, Exclude: []model.DueReason{model.DueNotFound}, Limit: 1})
	if err != nil || len(due) > 0 {
		return false, err
	}
	pending, err := s.Engine.Store.DueGaps(ctx, soon, 1)
	if err != nil || len(pending) > 0 {
		return false, err
	}
	docs, err := s.Engine.Store.Documents(ctx, store.DocumentFilter{State: model.DocumentWaiting})
	if err != nil {
		return false, err
	}
	for _, d := range docs {
		t, err := s.Engine.Store.Transaction(ctx, model.Key{Account: d.Account, Ref: d.Ref})
		if err != nil {
			return false, err
		}
		if t.Status == model.Completed && !t.Trashed && !t.NotFound && !t.Deleted {
			return false, nil
		}
	}
	return true, nil
}

// Report compares the table with the services and counts.
func (s *Session) Report(ctx context.Context) (r Report, err error) {
	truth := s.World.Truth()
	r.Dropped = truth.Dropped
	if err := s.count(ctx, &r); err != nil {
		return r, err
	}
	for _, want := range truth.Transactions {
		if want.Received {
			r.received++
			continue
		}
		if err := s.compare(ctx, want, &r); err != nil {
			return r, err
		}
	}
	settled, err := s.Settled(ctx)
	r.Drift = len(r.Differences)
	r.Converged = r.Drift == 0 && settled
	return r, err
}

// count fills in what the database alone tells.
func (s *Session) count(ctx context.Context, r *Report) error {
	db := s.Engine.Store
	counts, err := db.Counts(ctx)
	if err != nil {
		return err
	}
	for _, c := range counts {
		r.Transactions += c.Rows
	}
	for f := (store.CallbackFilter{Limit: 1000}); ; {
		page, next, err := db.Callbacks(ctx, f)
		if err != nil {
			return err
		}
		for _, c := range page {
			switch c.Verdict {
			case model.Accepted:
				r.Callbacks.Accepted++
			case model.Duplicate:
				r.Callbacks.Duplicate++
			case model.Refused:
				r.Callbacks.Refused++
			}
		}
		if f.Cursor = next; next == "" {
			break
		}
	}
	gaps, err := db.Gaps(ctx, store.GapFilter{})
	if err != nil {
		return err
	}
	r.Gaps = countGaps(gaps)
	docs, err := db.Documents(ctx, store.DocumentFilter{})
	for _, d := range docs {
		switch d.State {
		case model.DocumentStored:
			r.Documents.Stored++
		case model.DocumentQuarantined:
			r.Documents.Quarantined++
		case model.DocumentUnobtainable:
			r.Documents.Unobtainable++
		}
	}
	return err
}

// countGaps counts the changes that callbacks should have told and did not, or not in time. It is the one count of
// them, while the day lasts and in the report.
func countGaps(gaps []model.Gap) (n gapCounts) {
	for _, g := range gaps {
		switch g.Kind {
		case model.GapMissed:
			n.Missed++
		case model.GapLate:
			n.Late++
		case model.GapRefused:
			n.Refused++
		}
	}
	return n
}

// compare holds one row against what the service says. What the service no longer has keeps its
// last known state and is counted apart.
func (s *Session) compare(ctx context.Context, want simulator.TruthTransaction, r *Report) error {
	k := model.Key{Account: want.Account, Ref: want.Ref}
	t, err := s.Engine.Store.Transaction(ctx, k)
	if err != nil {
		// what the service no longer has may have gone again
		heardOf := want.Acknowledged && !want.Deleted && want.Status != string(model.Cancelled)
		if want.Listed || heardOf {
			r.Differences = append(r.Differences,
				objects.Drift{Account: k.Account, Ref: k.Ref, Field: "row", Ours: "none", Theirs: want.Status})
		}
		return nil //nolint:nilerr // a transaction that nobody named and no list shows
	}
	if t.NotFound && !t.Deleted {
		r.NotFound++
	}
	differ := func(field string, ours, theirs any) {
		if ours != theirs {
			r.Differences = append(r.Differences,
				objects.Drift{Account: k.Account, Ref: k.Ref, Field: field, Ours: fmt.Sprint(ours), Theirs: fmt.Sprint(theirs)})
		}
	}
	if want.Deleted {
		differ("deleted", t.Deleted || t.NotFound, true)
		return nil
	}
	differ("deleted", t.Deleted, false)
	if !slices.Contains(want.AlsoRight, string(t.Status)) {
		differ("status", string(t.Status), want.Status)
	}
	differ("confirmed", t.Confirmed, true)
	differ("archived", t.Archived, want.Archived)
	differ("trashed", t.Trashed, want.Trashed)
	if want.Status != string(model.Cancelled) { // a cancelled request cannot be read any more
		differ("signers_done", t.SignersDone, want.SignersDone)
		differ("signers_total", t.SignersAll, want.SignersTotal)
	}
	if t.Status == model.Completed && !t.Trashed {
		return s.compareFiles(ctx, k, want, differ)
	}
	return nil
}

// compareFiles holds the stored files against the service's: each is there, or says why not.
func (s *Session) compareFiles(ctx context.Context, k model.Key, want simulator.TruthTransaction, differ func(
	string, any, any,
)) error {
	docs, err := s.Engine.Store.Documents(ctx, store.DocumentFilter{Account: k.Account, Ref: k.Ref})
	if err != nil {
		return err
	}
	sums := map[string]bool{}
	for _, d := range docs {
		sum := d.SHA256
		if d.State == model.DocumentStored {
			onDisk, _, err := s.Engine.Files.Hash(d.Path)
			if err != nil || onDisk != sum {
				differ("file "+d.DocID, onDisk, sum)
			}
		}
		sums[sum] = true
		if d.State != model.DocumentStored && d.Reason == "" {
			differ("document "+d.DocID, string(d.State), "stored, or a reason")
		}
	}
	for _, d := range want.Documents {
		if !sums[d.SHA256] &&
			!slices.ContainsFunc(docs, func(o model.Document) bool {
				return o.State != model.DocumentStored &&
					o.Reason != ""
			}) {
			differ("document "+d.ID, "missing", "stored")
		}
	}
	return nil
}

// printReport is the report for people.
func printReport(ctx context.Context, env *engine.Env, s *Session, r Report) error {
	played := s.before + s.events.of("born")
	t := env.Table("what", "how many", "note")
	t.AppendRows([]table.Row{
		{"transactions played", played, ""},
		{"  in the table", r.Transactions, "each asked about and compared"},
		{"  received", r.received, "others sent them: they are not tracked"},
		{"  not heard of", played - r.received - r.Transactions, "no callback came, no list shows them"},
		{"callbacks taken", r.Callbacks.Accepted,
			fmt.Sprintf("%d copies, %d forged ones refused", r.Callbacks.Duplicate, r.Callbacks.Refused)},
		{"callbacks lost on the way", r.Dropped, "the services do not call again"},
		{"changes not told in time", r.Gaps.Missed + r.Gaps.Late + r.Gaps.Refused,
			fmt.Sprintf("%d missed, %d late, %d refused", r.Gaps.Missed, r.Gaps.Late, r.Gaps.Refused)},
		{"documents stored", r.Documents.Stored,
			fmt.Sprintf("%d quarantined, %d unobtainable", r.Documents.Quarantined, r.Documents.Unobtainable)},
		{"not at the provider any more", r.NotFound, "kept as last known"},
		{"differences", r.Drift, "from what the services say"},
	})
	if err := env.Print(t); err != nil {
		return err
	}
	if err := printDifferences(env.Stdout, r.Differences); err != nil {
		return err
	}
	if err := s.printGaps(ctx, env); err != nil {
		return err
	}
	words := env.Paint(output.Bad, "Not converged") + "."
	if r.Converged {
		words = env.Paint(output.Good, "Converged") + ": every row is what its service says,\n" +
			"and every completed one has its files or says why not."
	}
	return env.Printf("\n%s\n\nSeed %d plays the same lives and loses the same callbacks each time. Which\n"+
		"changes a poll finds first, and so the other counts, hang on how fast the\n"+
		"machine is.\n", words, s.o.Seed)
}

// printGaps shows what the ledger says last.
func (s *Session) printGaps(ctx context.Context, env *engine.Env) error {
	gaps, err := s.Engine.Store.Gaps(ctx, store.GapFilter{})
	gaps = slices.DeleteFunc(gaps, func(g model.Gap) bool { return countGaps([]model.Gap{g}) == gapCounts{} })
	if err != nil || len(gaps) == 0 {
		return err
	}
	fmt.Fprintln(env.Stdout, "\nThe newest changes that were not told in time:")
	for _, g := range gaps[:min(len(gaps), 5)] {
		what := output.Plain(g.To)
		if g.Change != model.ChangeStatus {
			what = strings.TrimSpace(string(g.Change) + " " + what)
		}
		fmt.Fprintf(env.Stdout, "  %-8s  %s/%s\n            %s, found at %s by %s\n",
			g.Kind, g.Account, output.Plain(g.Ref), what, g.FoundAt.Format(time.TimeOnly), firstWord(g.FoundBy))
	}
	return nil
}

// printDifferences lists where the table is not what the services say.
func printDifferences(to io.Writer, list []objects.Drift) error {
	for i, d := range list {
		if i == 20 {
			_, err := fmt.Fprintf(to, "… and %d more\n", len(list)-i)
			return err
		}
		if _, err := fmt.Fprintf(to, "%s/%s %s: ours %s, theirs %s\n", d.Account, output.Plain(d.Ref), d.Field, d.Ours,
			d.Theirs); err != nil {
			return err
		}
	}
	return nil
}

func firstWord(s string) string {
	for i, r := range s {
		if r == ' ' {
			return s[:i]
		}
	}
	return s
}
