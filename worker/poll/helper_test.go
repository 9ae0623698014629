package poll

import (
	"context"
	"testing"
	"time"

	"github.com/sirupsen/logrus"
	"go.uber.org/goleak"

	"countersign/model"
	"countersign/worker/ask/runs"
	"countersign/worker/workertest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// bench is a bench with what polls.
type bench struct {
	*workertest.Bench
	tiers *Tiers
	runs  *runs.Runs
	slots *Slots
	watch *Watch
	now   func() time.Time // the bench's, unless a test says otherwise
}

func newBench(on *workertest.Bench) *bench {
	b := &bench{Bench: on, now: on.Now}
	b.build()
	return b
}

// both runs a test on SQLite and, where there is one, on PostgreSQL.
func both(t *testing.T, test func(t *testing.T, b *bench)) {
	t.Helper()
	workertest.Both(t, func(t *testing.T, b *workertest.Bench) { test(t, newBench(b)) })
}

// build makes the parts that poll.
func (b *bench) build() {
	log, now := logrus.NewEntry(b.Logger()), func() time.Time { return b.now() }
	b.tiers = NewTiers(TiersOptions{Store: b.Store, Table: b.Table, Asker: b.Asker, Now: now, Log: log,
		Overlap: 15 * time.Minute})
	b.runs = runs.New(runs.Options{
		Store: b.Store, Asker: b.Asker, Accounts: b.Configured, Now: now, Log: log, Nudge: func() {}, Kinds: b.tiers.Kinds(),
	})
	b.slots = NewSlots(SlotsOptions{Store: b.Store, Runs: b.runs, Accounts: b.Configured, Now: now,
		Rand: workertest.Zero, Log: log})
	b.watch = NewWatch(WatchOptions{Store: b.Store, Incidents: b.Table.Incidents(), Accounts: b.Configured, Now: now,
		Log: log, Standing: b.Gate.Note})
}

// again is the bench after a restart of the process.
func (b *bench) again(t *testing.T) {
	t.Helper()
	b.Again(t)
	b.build()
}

// ran works off one run of a kind.
func (b *bench) ran(t *testing.T, r model.Run) model.Run {
	t.Helper()
	return b.Ran(t, b.runs, r)
}

// follow arranges streams as the loop does, until ctx ends.
func (b *bench) follow(ctx context.Context) error {
	s := NewStreams(StreamsOptions{
		Store: b.Store, Table: b.Table, Gate: b.Gate, Accounts: b.Configured, Log: logrus.NewEntry(b.Logger()),
		Guard: func(ctx context.Context, _ string, round func(context.Context) error) error { return round(ctx) },
	})
	defer s.Close()
	t := time.NewTicker(StreamsEvery)
	defer t.Stop()
	for {
		if err := s.Round(ctx); err != nil && ctx.Err() == nil {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-t.C:
		}
	}
}
