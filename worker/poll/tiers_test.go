package poll

import (
	"context"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"countersign/model"
	"countersign/model/store"
	"countersign/provider"
	"countersign/worker/apply"
	"countersign/worker/ask/runs"
	"countersign/worker/workertest"
)

// gated is a list whose pages come when the test lets them.
type gated struct {
	*workertest.Listing
	asked atomic.Int32
	let   chan struct{}
}

func (g *gated) List(ctx context.Context, q provider.ListQuery) (provider.Page, error) {
	g.asked.Add(1)
	select {
	case <-g.let:
	case <-ctx.Done():
		return provider.Page{}, ctx.Err()
	}
	return g.Listing.List(ctx, q)
}

// Two walks of one list at a time would make each other's answers outdated, so that each row is asked about again.
func TestAnAuditWaitsForTheWalkOfAnActivePoll(t *testing.T) {
	path := filepath.Join(t.TempDir(), "test.db")
	synctest.Test(t, func(t *testing.T) {
		b := newBench(workertest.New(t, "sqlite:"+path))
		g := &gated{Listing: &workertest.Listing{Batching: b.Batches(1), Kind: provider.ListsCreated},
			let: make(chan struct{})}
		b.Plays(g)
		var runs sync.WaitGroup
		for i, tier := range []apply.Tier{apply.Active, apply.Audit} {
			r, err := b.runs.Queue(t.Context(), model.Run{Account: "acc", Kind: string(tier)}, true)
			workertest.Check(t, err)
			runs.Go(func() {
				if err := b.runs.Work(t.Context(), r.ID); err != nil {
					t.Error(err)
				}
			})
			synctest.Wait()
			workertest.Same(t, "pages asked for, with "+strconv.Itoa(i+1)+" runs in work", g.asked.Load(), int32(1))
		}
		close(g.let)
		runs.Wait()
		workertest.Same(t, "pages asked for in the end", g.asked.Load(), int32(2))
	})
}

// A walk that waits ends with its run, and a second account's is not held up.
func TestWalksOfOneAccountTakeTurns(t *testing.T) {
	t.Parallel()
	w := walks{busy: map[string]chan struct{}{}}
	done, err := w.begin(t.Context(), "a")
	workertest.Check(t, err)
	other, err := w.begin(t.Context(), "b")
	workertest.Check(t, err)
	other()
	ctx, stop := context.WithCancel(t.Context())
	stop()
	if _, err := w.begin(ctx, "a"); err == nil {
		t.Error("two walks of one account at a time")
	}
	done()
	done, err = w.begin(t.Context(), "a")
	workertest.Check(t, err)
	done()
}

// A list that never ends is left, the run says why and is not done, and what is behind it is asked about all the same.
func TestARunWhoseListNeverEndsSaysSo(t *testing.T) {
	both(t, func(t *testing.T, b *bench) {
		b.Answered(t, "open", workertest.InProgress())
		b.Service.Says["open"] = workertest.Completed()
		l := &workertest.Listing{Batching: b.Batches(1), Kind: provider.ListsNewest}
		l.Page = func(q provider.ListQuery) (provider.Page, error) {
			if l.Walked > 100 {
				t.Fatal("asked a hundred times")
			}
			n, _ := strconv.Atoi(q.Cursor)
			o := workertest.InProgress()
			o.Ref = "shown"
			return provider.Page{Items: []provider.Listed{{Observation: o, Whole: true}}, Next: strconv.Itoa(n + 1)}, nil
		}
		b.Plays(l)
		b.Move(7 * 3600e9)
		r := b.ran(t, model.Run{Kind: string(apply.Active)})
		workertest.Same(t, "state", r.State, model.RunPartial)
		if !strings.Contains(r.Note, "the list does not end") {
			t.Errorf("note %q", r.Note)
		}
		workertest.Same(t, "what the list showed", b.Row(t, "shown").Status, model.InProgress)
		workertest.Same(t, "what is open", b.Row(t, "open").Status, model.Completed)
		acc, err := b.Store.Account(t.Context(), "acc")
		workertest.Check(t, err)
		workertest.Same(t, "listed until", acc.ListedUntil, nil)

		since := workertest.Noon()
		l.Walked = 0
		r = b.ran(t, model.Run{Kind: runs.KindBackfill, Since: &since})
		workertest.Same(t, "a backfill goes on at a page that it has not walked", []any{r.State, r.Cursor},
			[]any{model.RunPartial, strconv.Itoa(l.Walked - 1)})
		if _, err := b.tiers.PlanBackfill(t.Context(), b.Account, since, b.Now()); err == nil {
			t.Error("a plan was made of a list without an end")
		}
		rows, _, err := b.Store.Transactions(t.Context(), store.Filter{})
		workertest.Check(t, err)
		workertest.Same(t, "rows", len(rows), 2)
	})
}
