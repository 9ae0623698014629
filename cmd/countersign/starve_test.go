package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"countersign/model"
	"countersign/model/store"
	"countersign/provider/simulator"
	"countersign/worker"
	"countersign/worker/apply"
	"countersign/worker/ask/runs"
)

// A day in which a backfill, its downloads and the slots share a budget that is too small for all of them: each poll
// gets its tenth. Under -race it would take minutes: .ci/run plays it with the storms.
func TestADayOfDownloadsStarvesNoPoll(t *testing.T) {
	t.Parallel()
	withoutRaces(t)
	synctest.Test(t, func(t *testing.T) {
		const aMinute = 1 // call
		world := simulator.New(simulator.Options{
			Seed: 7, Transactions: 840, BornBefore: 800, Births: 24 * time.Hour, Speed: 1, Services: []string{"onespan"},
		})
		e := weekEngine(t, world, world.Transport(), func(conf string) string {
			limited := strings.Replace(conf, "provider: onespan\n", fmt.Sprintf("provider: onespan\n    budget: { read: %d }\n", aMinute), 1)
			require.NotEqual(t, conf, limited)
			return limited
		})
		ctx, cancel := context.WithCancel(t.Context())
		var g errgroup.Group
		defer func() {
			cancel()
			if err := g.Wait(); !errors.Is(err, context.Canceled) {
				require.NoError(t, err)
			}
			require.NoError(t, e.Close())
		}()
		since := time.Now().Add(-90 * 24 * time.Hour)
		_, err := e.Worker.Runs.Queue(ctx, model.Run{Account: world.Accounts()[0].ID, Kind: runs.KindBackfill, Since: &since}, true)
		require.NoError(t, err)
		g.Go(func() error { return e.Worker.Run(ctx, worker.PartLoops, worker.PartSlots) })
		g.Go(func() error { return world.Run(ctx) })
		time.Sleep(24 * time.Hour)

		waiting, _, err := e.Store.DocumentPage(ctx, store.PageFilter{States: []string{string(model.DocumentWaiting)}})
		require.NoError(t, err)
		require.NotEmpty(t, waiting, "the day's downloads are done: nothing was short")
		polls, err := e.Store.Runs(ctx, store.RunFilter{Kind: string(apply.Active)})
		require.NoError(t, err)
		done := 0
		for _, r := range polls {
			if r.FinishedAt == nil {
				continue
			}
			done++
			require.Equal(t, model.RunDone, r.State, r.Note)
			tenths := time.Duration(r.Asked+3) * 10 * time.Minute / aMinute // two pages, and the call that had the place before
			require.LessOrEqual(t, r.FinishedAt.Sub(*r.StartedAt), tenths, "%d were asked about at %s", r.Asked, r.StartedAt)
		}
		require.GreaterOrEqual(t, done, 4, "polls of the day")
	})
}
