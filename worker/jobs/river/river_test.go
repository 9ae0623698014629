package river

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sirupsen/logrus"

	"countersign/model/store/database"
	"countersign/worker/jobs"
	"countersign/worker/workertest"
)

// open returns a queue on a schema of its own, and another process's.
func open(t *testing.T) (one, other *Queue, b *workertest.Bench) {
	t.Helper()
	dsn := workertest.PostgresSchema(t)
	b = workertest.New(t, dsn)
	var both [2]*Queue
	opened := make(chan error, len(both))
	for i := range both { // at a time: they take turns in making the tables
		go func() {
			var err error
			both[i], err = Open(t.Context(), Options{DSN: dsn, Now: func() time.Time { return time.Now().UTC() },
				Log: logrus.NewEntry(b.Logger()), Owner: "test"})
			opened <- err
		}()
	}
	for range both {
		workertest.Check(t, <-opened)
	}
	t.Cleanup(both[0].Close)
	t.Cleanup(both[1].Close)
	return both[0], both[1], b
}

// run works jobs off until the test ends, or stop.
func run(t *testing.T, x *Queue, handlers map[string]jobs.Handler) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- x.Run(ctx, handlers) }()
	over := false
	stop = func() {
		if !over {
			over = true
			cancel()
			workertest.Check(t, <-ended)
		}
	}
	t.Cleanup(stop)
	return stop
}

func TestAJobOfATransactionThatIsTakenBackNeverWas(t *testing.T) {
	one, _, b := open(t)
	back := errors.New("taken back")
	err := b.Store.Change(t.Context(), func(q *database.Tx) error {
		return errors.Join(one.Put(q, []jobs.Job{{Kind: jobs.Rows, Account: "lost", At: time.Now()}}), back)
	})
	if !errors.Is(err, back) {
		t.Fatal(err)
	}
	workertest.Check(t, b.Store.Change(t.Context(), func(q *database.Tx) error {
		return one.Put(q, []jobs.Job{{Kind: jobs.Rows, Account: "kept", At: time.Now()}})
	}))
	got := make(chan string, 2)
	run(t, one, map[string]jobs.Handler{jobs.Rows: func(_ context.Context, j jobs.Job) error {
		got <- j.Account
		return nil
	}})
	workertest.Same(t, "worked off", <-got, "kept")
}

func TestAJobThatIsWrittenTwiceIsWorkedOffOnce(t *testing.T) {
	one, other, _ := open(t)
	at := time.Now().UTC().Truncate(time.Second)
	var worked atomic.Int32
	last := make(chan struct{}, 2)
	h := map[string]jobs.Handler{jobs.Slot: func(_ context.Context, j jobs.Job) error {
		if j.ID == "last" {
			last <- struct{}{}
			return nil
		}
		worked.Add(1)
		return nil
	}}
	run(t, one, h)
	run(t, other, h)
	for _, x := range []*Queue{one, other, one} {
		workertest.Check(t, x.Add(t.Context(), jobs.Job{Kind: jobs.Slot, Account: "acc", ID: "active", At: at}))
	}
	workertest.Check(t, one.Add(t.Context(), jobs.Job{Kind: jobs.Slot, Account: "acc", ID: "last", At: at.Add(2 * time.Second)}))
	<-last
	workertest.Same(t, "worked off", worked.Load(), int32(1))
}

func TestAJobIsWorkedOffInItsTimeAndLaterWhereItAsksForIt(t *testing.T) {
	one, _, _ := open(t)
	at := time.Now().UTC().Add(2 * time.Second)
	tries := make(chan time.Time, 2)
	var n atomic.Int32
	run(t, one, map[string]jobs.Handler{jobs.Rows: func(context.Context, jobs.Job) error {
		tries <- time.Now()
		if n.Add(1) == 1 {
			return jobs.Later(time.Second)
		}
		return nil
	}})
	workertest.Check(t, one.Add(t.Context(), jobs.Job{Kind: jobs.Rows, Account: "acc", At: at}))
	first := <-tries
	second := <-tries
	if first.Before(at.Truncate(time.Millisecond)) || second.Sub(first) < time.Second {
		t.Errorf("due at %s, worked off at %s and %s", at, first, second)
	}
}

// A process that is stopped gives its jobs back, and another takes them at once.
func TestAStopGivesJobsBack(t *testing.T) {
	one, other, _ := open(t)
	begun := make(chan struct{}, 1)
	stop := run(t, one, map[string]jobs.Handler{jobs.Rows: func(ctx context.Context, _ jobs.Job) error {
		begun <- struct{}{}
		<-ctx.Done()
		return ctx.Err()
	}})
	workertest.Check(t, one.Add(t.Context(), jobs.Job{Kind: jobs.Rows, Account: "acc", At: time.Now()}))
	<-begun
	stop()
	again := make(chan struct{}, 1)
	run(t, other, map[string]jobs.Handler{jobs.Rows: func(context.Context, jobs.Job) error {
		again <- struct{}{}
		return nil
	}})
	<-again
}

// A job of a kind that an older program does not know waits for one that does.
func TestAJobThatIsNewerThanTheProgramIsLeft(t *testing.T) {
	one, other, _ := open(t)
	known := make(chan string, 1)
	stop := run(t, one, map[string]jobs.Handler{jobs.Rows: func(_ context.Context, j jobs.Job) error {
		known <- j.Account
		return nil
	}})
	at := time.Now()
	workertest.Check(t, one.Add(t.Context(), jobs.Job{Kind: "newer", Account: "acc", At: at}))
	workertest.Check(t, one.Add(t.Context(), jobs.Job{Kind: jobs.Rows, Account: "acc", At: at}))
	<-known
	stop()
	newer := make(chan string, 1)
	run(t, other, map[string]jobs.Handler{"newer": func(_ context.Context, j jobs.Job) error {
		newer <- j.Account
		return nil
	}})
	workertest.Same(t, "the newer one's", <-newer, "acc")
}
