package runs_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"

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
