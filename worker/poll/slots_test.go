package poll

import (
	"context"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"countersign/model"
	"countersign/model/store"
	"countersign/worker/apply"
	"countersign/worker/workertest"
)

func TestASlotThatWasMissedIsCaughtUpOnceAndTheNextComesInItsTime(t *testing.T) {
	path := filepath.Join(t.TempDir(), "test.db")
	synctest.Test(t, func(t *testing.T) {
		b := newBench(workertest.New(t, "sqlite:"+path))
		b.now = func() time.Time { return time.Now().UTC() }
		b.Account.Polling = apply.Schedules{apply.Active: workertest.Slot(t, "0 */6 * * *"),
			apply.Audit: workertest.Slot(t, "0 3 * * *")}
		queued := func() (n int) {
			runs, err := b.Store.Runs(t.Context(), store.RunFilter{Account: "acc"})
			workertest.Check(t, err)
			for _, r := range runs {
				now := b.now()
				r.State, r.FinishedAt = model.RunDone, &now
				workertest.Check(t, b.Store.Do(t.Context(),
					store.Unit{Apply: func(g *store.Batch) error { g.PutRun(r); return nil }}))
			}
			return len(runs)
		}
		during := func(d time.Duration) {
			ctx, stop := context.WithCancel(context.Background())
			ended := make(chan error, 1)
			go func() { ended <- b.slots.Run(ctx) }()
			time.Sleep(d)
			synctest.Wait()
			stop()
			workertest.Check(t, <-ended)
		}
		during(time.Hour) // from midnight on
		workertest.Same(t, "runs of a new account", queued(), 1)
		during(3 * time.Hour)
		workertest.Same(t, "runs by four, with the audit of three", queued(), 2)
		time.Sleep(15 * time.Hour) // down until seven in the evening
		during(time.Hour)
		workertest.Same(t, "runs after two slots were missed", queued(), 3)
		during(5 * time.Hour)
		workertest.Same(t, "runs after midnight", queued(), 4)
	})
}
