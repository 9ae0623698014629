package runs_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"countersign/model"
	"countersign/model/store"
	"countersign/provider"
	"countersign/worker/ask/runs"
	"countersign/worker/workertest"
)

// A slot, the catch-up after a restart and an account that is polled closer may ask within one second, in two processes
// too.
func TestARunThatIsAskedForTwiceAtATimeIsOne(t *testing.T) {
	t.Parallel()
	workertest.Both(t, func(t *testing.T, b *workertest.Bench) {
		queues := []*runs.Runs{b.Runs(nil), b.Beside().Runs(nil)}
		ids := make([]string, 40)
		begin := make(chan struct{})
		var all sync.WaitGroup
		for i := range ids {
			all.Go(func() {
				<-begin
				r, err := queues[i%2].Queue(t.Context(), model.Run{Account: "acc", Kind: "active"}, true)
				if err != nil {
					t.Error(err)
				}
				ids[i] = r.ID
			})
		}
		close(begin)
		all.Wait()
		runs, err := b.Store.Runs(t.Context(), store.RunFilter{Account: "acc", Kind: "active"})
		workertest.Check(t, err)
		workertest.Same(t, "runs", len(runs), 1)
		for _, id := range ids {
			workertest.Same(t, "run that was returned", id, runs[0].ID)
		}
		other, err := queues[0].Queue(t.Context(), model.Run{Account: "acc", Kind: "idle"}, true)
		workertest.Check(t, err)
		runs[0].State = model.RunDone
		workertest.Check(t, b.Store.Do(t.Context(),
			store.Unit{Apply: func(g *store.Batch) error { g.PutRun(runs[0]); return nil }}))
		next, err := queues[1].Queue(t.Context(), model.Run{Account: "acc", Kind: "active"}, true)
		workertest.Check(t, err)
		if other.ID == runs[0].ID || next.ID == runs[0].ID {
			t.Error("another kind, or one that is done, was taken for it")
		}
	})
}

// A loop that asks for a run and is woken by what it asked for would run without a pause for as long as the run is in
// work.
func TestOnlyANewRunWakesTheLoops(t *testing.T) {
	t.Parallel()
	b := workertest.SQLite(t)
	woken := 0
	runs := runs.New(runs.Options{Store: b.Store, Asker: b.Asker, Accounts: b.Configured, Now: b.Now,
		Nudge: func() { woken++ }})
	for range 3 {
		_, err := runs.Queue(t.Context(), model.Run{Account: "acc", Kind: "active"}, true)
		workertest.Check(t, err)
	}
	workertest.Same(t, "times that the loops were woken", woken, 1)
}

func TestTheLogSaysWhyARunFailed(t *testing.T) {
	t.Parallel()
	b := workertest.SQLite(t)
	why := fmt.Errorf("the service says 500: %w", provider.ErrUnavailable)
	runs := b.Runs(map[string]runs.Kind{"active": func(context.Context, *runs.Pass) error { return why }})
	b.Ran(t, runs, model.Run{Kind: "active"})
	for _, part := range []string{"level=warning", "run ended", "status=failed", "the service says 500"} {
		if !strings.Contains(b.Log.String(), part) {
			t.Errorf("the log lacks %q: %s", part, b.Log.String())
		}
	}
}

// Two processes see the same run: one works on it, and after a kill another one does once the lease is over.
func TestARunIsWorkedOnByOneProcessAtATime(t *testing.T) {
	t.Parallel()
	workertest.Both(t, func(t *testing.T, b *workertest.Bench) {
		begun, end := make(chan struct{}), make(chan struct{})
		worked := 0
		kinds := map[string]runs.Kind{"active": func(context.Context, *runs.Pass) error {
			worked++
			close(begun)
			<-end
			return nil
		}}
		one, other := b.Runs(kinds), b.Beside().RunsOf("another process", kinds)
		r, err := one.Queue(t.Context(), model.Run{Account: "acc", Kind: "active"}, true)
		workertest.Check(t, err)
		ended := make(chan error, 1)
		go func() { ended <- one.Work(t.Context(), r.ID) }()
		<-begun
		workertest.Check(t, other.Work(t.Context(), r.ID))
		second, err := other.Queue(t.Context(), model.Run{Account: "acc", Kind: "active"}, false)
		workertest.Check(t, err)
		workertest.Check(t, other.Work(t.Context(), second.ID))
		workertest.Same(t, "worked on", worked, 1)
		close(end)
		workertest.Check(t, <-ended)

		claimed, err := b.Store.ClaimRun(t.Context(), second.ID, "a process that is killed", time.Minute)
		workertest.Check(t, err)
		workertest.Same(t, "claimed", claimed, true)
		begun = make(chan struct{})
		workertest.Check(t, other.Work(t.Context(), second.ID))
		workertest.Same(t, "worked on while the lease lasts", worked, 1)
		b.Move(2 * time.Minute)
		workertest.Check(t, other.Work(t.Context(), second.ID))
		workertest.Same(t, "worked on after it", worked, 2)
	})
}

// A slot has one run, even where the first is over when another process comes.
func TestASlotHasOneRun(t *testing.T) {
	t.Parallel()
	workertest.Both(t, func(t *testing.T, b *workertest.Bench) {
		one, other := b.Runs(nil), b.Beside().Runs(nil)
		slot := b.Now().Truncate(time.Hour)
		r, err := one.Queue(t.Context(), model.Run{Account: "acc", Kind: "active", Slot: &slot}, true)
		workertest.Check(t, err)
		now := b.Now()
		r.State, r.FinishedAt = model.RunDone, &now
		workertest.Check(t, b.Store.Do(t.Context(), store.Unit{Apply: func(g *store.Batch) error { g.PutRun(r); return nil }}))
		again, err := other.Queue(t.Context(), model.Run{Account: "acc", Kind: "active", Slot: &slot}, true)
		workertest.Check(t, err)
		workertest.Same(t, "the other's run", again.ID, "")
		next := slot.Add(time.Hour)
		again, err = other.Queue(t.Context(), model.Run{Account: "acc", Kind: "active", Slot: &next}, true)
		workertest.Check(t, err)
		workertest.Same(t, "the next slot has one", again.ID != "", true)
	})
}
