package demo

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

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

	Differences []objects.Drift `json:"-"`
	received    int             // transactions that others sent to the accounts
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
func (s *Session) progress(ctx context.Context) ([]int, error) {
	rows, completed := 0, 0
	counts, err := s.Engine.Store.Counts(ctx)
	if err != nil {
		return nil, err
	}
	for _, c := range counts {
		rows += c.Rows
		if c.Status == model.Completed {
			completed += c.Rows
		}
	}
	docs, err := s.Engine.Store.Documents(ctx, store.DocumentFilter{State: model.DocumentStored})
	if err != nil {
		return nil, err
	}
	gaps, err := s.Engine.Store.Gaps(ctx, store.GapFilter{})
	if err != nil {
		return nil, err
	}
	untold := countGaps(gaps)
	return []int{
		s.before + s.events.of("born"), s.events.of("changed"), s.events.of("sent"), s.events.of("dropped"),
		s.events.of("duplicated"), s.events.of("forged"), rows, completed, len(docs),
		untold.Missed + untold.Late + untold.Refused,
	}, nil
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
			onDisk, _, err := s.Engine.Files.Hash(ctx, d.Path)
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
