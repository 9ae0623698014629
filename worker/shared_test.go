package worker

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/sirupsen/logrus"

	"countersign/model"
	"countersign/model/store"
	"countersign/provider"
	"countersign/provider/providertest"
	"countersign/worker/jobs/river"
	"countersign/worker/workertest"
)

// contract runs a test where a process works alone, on SQLite, and where processes share work through jobs.
func contract(t *testing.T, test func(t *testing.T, b *bench)) {
	t.Helper()
	t.Run("leases", func(t *testing.T) {
		b := newBench(t, "sqlite:"+filepath.Join(t.TempDir(), "test.db"))
		b.follow(t)
		test(t, b)
	})
	t.Run("river", func(t *testing.T) {
		dsn := workertest.PostgresSchema(t)
		b := newBench(t, dsn)
		b.follow(t)
		queue, err := river.Open(t.Context(), river.Options{DSN: dsn, Now: b.test.Now,
			Log: logrus.NewEntry(b.test.Logger()), Owner: "test"})
		check(t, err)
		t.Cleanup(queue.Close)
		b.options.Jobs = queue
		b.again()
		test(t, b)
	})
}

// follow lets the bench's clock go with the machine's.
func (b *bench) follow(t *testing.T) {
	t.Helper()
	b.move(time.Until(b.test.Now()) * -1)
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(10 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-stop:
				return
			case <-tick.C:
				b.move(max(time.Since(b.test.Now()), 0))
			}
		}
	}()
	t.Cleanup(func() { close(stop); <-done })
}

// begin runs the worker until end, which waits for it.
func (b *bench) begin(t *testing.T) (end func()) {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- b.Run(ctx, PartLoops) }()
	var over bool
	end = func() {
		if over {
			return
		}
		over = true
		stop()
		check(t, <-ended)
	}
	t.Cleanup(end)
	return end
}

// await waits until something is so.
func await(t *testing.T, what string, is func() bool) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	late := time.After(2 * time.Minute)
	for !is() {
		select {
		case <-tick.C:
		case <-late:
			t.Fatalf("it never came about: %s", what)
		}
	}
}

func (b *bench) awaitConfirmed(t *testing.T, ref string) {
	t.Helper()
	await(t, ref+" confirmed", func() bool { return b.row(t, ref).Confirmed })
}

func TestWorkThatIsDueTwiceIsDoneOnce(t *testing.T) {
	contract(t, func(t *testing.T, b *bench) {
		s := serverOf(false, workertest.Completed(), nil, nil)
		b.account.Provider = providertest.Able(s)
		b.called(t, claim("a", model.Completed))
		b.called(t, claim("a", model.Completed))
		end := b.begin(t)
		b.awaitConfirmed(t, "a")
		end()
		same(t, "questions", len(s.Asked), 1)
	})
}

func TestWhatIsRolledBackLeavesNoWork(t *testing.T) {
	contract(t, func(t *testing.T, b *bench) {
		s := serverOf(false, workertest.Completed(), nil, nil)
		b.account.Provider = providertest.Able(s)
		due := b.test.Now()
		refused := errors.New("taken back")
		err := b.test.Store.Do(t.Context(), store.Unit{Keys: []model.Key{workertest.Key("lost")},
			Apply: func(g *store.Batch) error {
				g.Put(model.Transaction{Account: "acc", Provider: "played", Ref: "lost", Status: model.InProgress,
					NextCheckAt: &due}, model.Decision{Grew: true})
				return refused
			}})
		if !errors.Is(err, refused) {
			t.Fatal(err)
		}
		b.called(t, claim("a", model.Completed))
		end := b.begin(t)
		b.awaitConfirmed(t, "a")
		end()
		same(t, "asked about", s.Asked, []string{"a"})
	})
}

// What a process that was killed had claimed is worked on once its lease is over, and not before.
func TestWhatADeadProcessClaimedIsTakenUpAfterItsLease(t *testing.T) {
	contract(t, func(t *testing.T, b *bench) {
		s := serverOf(false, workertest.Completed(), nil, nil)
		b.account.Provider = providertest.Able(s)
		b.called(t, claim("a", model.Completed))
		var until time.Time
		await(t, "a is due", func() bool {
			now := b.test.Now()
			rows, err := b.test.Store.ClaimDue(t.Context(), store.DueFilter{Account: "acc", Now: now}, "killed", 4*time.Second)
			check(t, err)
			until = now.Add(4 * time.Second)
			return len(rows) == 1
		})
		end := b.begin(t)
		b.awaitConfirmed(t, "a")
		if at := b.row(t, "a").ConfirmedAt; at.Before(until) {
			t.Errorf("asked at %s, the lease was until %s", at, until)
		}
		end()
		same(t, "questions", len(s.Asked), 1)
	})
}

func TestAStopWhileWorkingGivesTheWorkBack(t *testing.T) {
	contract(t, func(t *testing.T, b *bench) {
		held := serverOf(true, workertest.Completed(), nil, nil)
		b.account.Provider = providertest.Able(held)
		b.called(t, claim("a", model.Completed))
		end := b.begin(t)
		<-held.entered
		ended := make(chan struct{})
		go func() { defer close(ended); end() }()
		close(held.release)
		<-ended
		b.again()
		b.begin(t)
		b.awaitConfirmed(t, "a")
	})
}

// moody is a service that fails at first.
type moody struct {
	*service
	left int
}

func (m *moody) Fetch(ctx context.Context, ref string) (model.Observation, error) {
	if m.left--; m.left >= 0 {
		return model.Observation{}, provider.ErrUnavailable
	}
	return m.service.Fetch(ctx, ref)
}

func TestWhatFailedIsAskedAgainWhenItsTimeComes(t *testing.T) {
	contract(t, func(t *testing.T, b *bench) {
		b.options.RetryWait, b.options.RetryMost = time.Second, time.Second
		b.again()
		b.service.Says["a"] = workertest.Completed()
		b.account.Provider = providertest.Able(&moody{b.service, 1})
		b.called(t, claim("a", model.Completed))
		b.begin(t)
		b.awaitConfirmed(t, "a")
	})
}

// A run is worked on by one of two processes.
func TestTwoProcessesShareRunsAndRows(t *testing.T) {
	contract(t, func(t *testing.T, b *bench) {
		if b.options.Jobs == nil {
			t.Skip("SQLite has one process")
		}
		s := serverOf(false, workertest.InProgress(), nil, nil)
		b.account.Provider = providertest.Able(s)
		b.called(t, claim("a", model.InProgress))
		other := *b
		other.options.Owner = "the other"
		other.again()
		b.begin(t)
		other.begin(t)
		r, err := b.Runs.Queue(t.Context(), model.Run{Account: "acc", Kind: "ref", Params: `{"refs":["a"]}`}, false)
		check(t, err)
		await(t, "the run is over", func() bool {
			r, err = b.test.Store.RunByID(t.Context(), r.ID)
			check(t, err)
			return r.FinishedAt != nil
		})
		same(t, "how it ended", r.State, model.RunDone)
		same(t, "asked", slices.Contains(s.Asked, "a"), true)
	})
}
