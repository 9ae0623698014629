package budget

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sirupsen/logrus"
	"pgregory.net/rapid"

	"countersign/provider"
	"countersign/provider/transport/memory"
)

// shelf is a database that the processes of a test share.
type shelf struct {
	row   chan struct{} // holds a value while a process has the row: a bubble's time goes on beside it
	state []byte
	slow  time.Duration // how long a transaction takes
	full  atomic.Bool
	count int
	lives int
}

var errFull = errors.New("the disk is full")

func newShelf(slow time.Duration) *shelf { return &shelf{slow: slow, row: make(chan struct{}, 1)} }

// process is one life of a program that spends a budget on a shelf.
type process struct {
	*Budget
	dead atomic.Bool
}

// process starts one whose clock goes wrong by so much.
func (s *shelf) process(limit int, wrong time.Duration) *process {
	p := &process{Budget: New(limit, time.Hour, func() time.Time { return time.Now().Add(wrong) })}
	silent := logrus.New()
	silent.SetLevel(logrus.PanicLevel)
	s.lives++
	p.Remember(memory.Memory{Owner: fmt.Sprint("life ", s.lives), Exchange: func(_ context.Context, _ string, change memory.Change) error {
		time.Sleep(s.slow / 2)
		s.row <- struct{}{}
		defer func() { <-s.row }()
		if p.dead.Load() || s.full.Load() {
			return errFull
		}
		state := change(s.state, time.Now().UTC())
		time.Sleep(s.slow / 2)
		s.state, s.count = state, s.count+1
		return nil
	}}, "read", logrus.NewEntry(silent))
	p.Resume(nil)
	return p
}

// together runs callers in several processes, and returns who left when.
func together(ps []*process, callers func(i int) map[provider.Work]int, latency, length time.Duration) []departure {
	var mu sync.Mutex
	var all []departure
	var wg sync.WaitGroup
	for i, p := range ps {
		wg.Go(func() {
			log := rush(p.Budget, callers(i), latency, length)
			mu.Lock()
			defer mu.Unlock()
			all = append(all, log...)
		})
	}
	wg.Wait()
	for _, p := range ps {
		p.Suspend(context.Background()) //nolint:errcheck // only departures matter
	}
	sortByTime(all)
	return all
}

func TestProcessesShareABudgetAndUseItUp(t *testing.T) {
	t.Parallel()
	for _, limit := range []int{1, 3, 9, 10, 30, 100, 120, 600} {
		for name, busy := range map[string][]int{"all": {60, 60, 60}, "one": {60, 0, 0}, "few": {1, 2, 50}} {
			synctest.Test(t, func(t *testing.T) {
				s := newShelf(6 * time.Millisecond)
				var ps []*process
				for _, wrong := range []time.Duration{0, time.Hour, -3 * time.Second} {
					ps = append(ps, s.process(limit, wrong))
				}
				minutes := 10
				if limit > 100 { // whose calls are enough in less
					minutes = 3
				}
				log := together(ps, func(i int) map[provider.Work]int {
					return map[provider.Work]int{provider.WorkBackfill: busy[i]}
				}, 200*time.Millisecond, time.Duration(minutes)*time.Minute)
				want := minutes * limit * 96 / 100
				if limit < 20 {
					want = minutes * (limit - 1)
				}
				if n := most(log); n > limit || len(log) < want {
					t.Errorf("budget %d, %s busy: %d in a minute, %d in all, want %d", limit, name, n, len(log), want)
				}
				t.Logf("budget %d, %s busy: %d%%, %.1f transactions a call", limit, name, 100*len(log)/(minutes*limit), float64(s.count)/float64(len(log)))
			})
		}
	}
}

func sortByTime(log []departure) {
	slices.SortFunc(log, func(a, b departure) int { return a.at.Compare(b.at) })
}

// Processes that are killed at any moment, or stop as they should, and others that follow, leave a budget that is not
// exceeded in any minute.
func TestASharedBudgetHoldsOverKills(t *testing.T) {
	t.Parallel()
	for _, limit := range []int{1, 10, 100} {
		synctest.Test(t, func(t *testing.T) {
			s, chance := newShelf(6*time.Millisecond), rand.New(rand.NewPCG(uint64(limit), 7))
			var mu sync.Mutex
			var log []departure
			var wg sync.WaitGroup
			for i := range 3 {
				lives := make([]time.Duration, 20)
				for n := range lives {
					lives[n] = time.Duration(chance.Int64N(int64(30 * time.Second)))
				}
				wg.Go(func() {
					for n, life := range lives {
						mu.Lock()
						p := s.process(limit, 0)
						mu.Unlock()
						left := rush(p.Budget, map[provider.Work]int{provider.WorkBackfill: 40}, 200*time.Millisecond, life)
						p.dead.Store((n+i)%4 > 0)
						p.Suspend(context.Background()) //nolint:errcheck // it may be dead
						mu.Lock()
						log = append(log, left...)
						mu.Unlock()
					}
				})
			}
			wg.Wait()
			sortByTime(log)
			if n := most(log); n > limit || len(log) == 0 {
				t.Errorf("budget %d: %d in a minute, %d in all", limit, n, len(log))
			}
		})
	}
}

// Whatever arrives where, gives up when, and takes however long on its way to the wire.
func TestASharedBudgetHoldsUnderAnyLoad(t *testing.T) {
	t.Parallel()
	works := []provider.Work{provider.WorkConfirm, provider.WorkDownload, provider.WorkActive, provider.WorkBackfill,
		provider.WorkUnknown}
	rapid.Check(t, func(r *rapid.T) {
		limit := rapid.IntRange(1, 150).Draw(r, "limit")
		type arrival struct {
			after, patience, way time.Duration
			work                 provider.Work
			at                   int
			back                 bool
		}
		arrivals := rapid.SliceOfN(rapid.Custom(func(r *rapid.T) arrival {
			return arrival{
				time.Duration(rapid.IntRange(0, 2000).Draw(r, "after")) * time.Millisecond,
				time.Duration(rapid.SampledFrom([]int{1, 1000, 100000}).Draw(r, "patience")) * time.Millisecond,
				time.Duration(rapid.SampledFrom([]int{0, 100, 9000}).Draw(r, "way")) * time.Millisecond,
				rapid.SampledFrom(works).Draw(r, "work"), rapid.IntRange(0, 2).Draw(r, "process"), rapid.Bool().Draw(r, "back"),
			}
		}), 1, 300).Draw(r, "arrivals")
		synctest.Test(t, func(*testing.T) {
			s := newShelf(4 * time.Millisecond)
			ps := []*process{s.process(limit, 0), s.process(limit, time.Minute), s.process(limit, 0)}
			var mu sync.Mutex
			var log []departure
			var wg sync.WaitGroup
			for _, a := range arrivals {
				time.Sleep(a.after)
				wg.Go(func() {
					ctx, cancel := context.WithTimeout(context.Background(), a.patience)
					defer cancel()
					p, err := ps[a.at].Take(ctx, a.work)
					if err != nil {
						return
					}
					if a.back {
						p.GiveBack()
						return
					}
					time.Sleep(a.way)
					p.Depart()
					mu.Lock()
					log = append(log, departure{time.Now(), a.work})
					mu.Unlock()
				})
			}
			wg.Wait()
			time.Sleep(2 * window)
			sortByTime(log)
			if n := most(log); n > limit {
				r.Errorf("%d in a minute with a budget of %d", n, limit)
			}
			for i, p := range ps {
				if n := p.Left(); n != limit {
					r.Errorf("process %d: %d left of %d when all is over", i, n, limit)
				}
				if err := p.Suspend(context.Background()); err != nil {
					r.Error(err)
				}
			}
		})
	})
}

// What the kinds of work are sure of, and their order, hold for all processes together.
func TestTheOrderOfWorkHoldsAcrossProcesses(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newShelf(4 * time.Millisecond)
		ps := []*process{s.process(100, 0), s.process(100, 0), s.process(100, 0)}
		works := []provider.Work{provider.WorkConfirm, provider.WorkActive, provider.WorkBackfill}
		log := together(ps, func(i int) map[provider.Work]int { return map[provider.Work]int{works[i]: 100} }, 10*time.Millisecond, 11*time.Minute)
		first := log[0].at
		for len(log) > 0 && log[0].at.Sub(first) < time.Minute {
			log = log[1:]
		}
		confirms, others := share(log, provider.WorkConfirm), share(log, provider.WorkActive)
		backfills := share(log, provider.WorkBackfill)
		if confirms < 700 || others < 90 || backfills < 90 {
			t.Errorf("%d confirmations, %d of a slot, %d of a backfill", confirms, others, backfills)
		}
	})
}

// A confirmation in one process is not kept waiting by a backfill in another.
func TestAConfirmationPassesABackfillOfAnotherProcess(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newShelf(4 * time.Millisecond)
		one, other := s.process(100, 0), s.process(100, 0)
		var wg sync.WaitGroup
		wg.Go(func() {
			rush(other.Budget, map[provider.Work]int{provider.WorkBackfill: 100}, time.Second, 6*time.Minute)
		})
		time.Sleep(3 * time.Minute)
		for range 40 {
			began := time.Now()
			p, err := one.Take(t.Context(), provider.WorkConfirm)
			if err != nil {
				t.Fatal(err)
			}
			p.Depart()
			if waited := time.Since(began); waited > 1500*time.Millisecond {
				t.Errorf("waited %s", waited)
			}
			time.Sleep(3 * time.Second)
		}
		wg.Wait()
		for _, p := range []*process{one, other} {
			if err := p.Suspend(t.Context()); err != nil {
				t.Error(err)
			}
		}
	})
}

// A process that dies with calls that wait holds the others up for a few seconds, and no longer.
func TestADeadProcessHoldsUpNobody(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newShelf(4 * time.Millisecond)
		one, other := s.process(60, 0), s.process(60, 0)
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() { rush(one.Budget, map[provider.Work]int{provider.WorkConfirm: 100}, time.Second, 3*time.Minute) })
		time.Sleep(2 * time.Minute)
		one.dead.Store(true)
		began := time.Now()
		left := 0
		for time.Since(began) < 5*time.Minute {
			p, err := other.Take(ctx, provider.WorkBackfill)
			if err != nil {
				t.Fatal(err)
			}
			p.Depart()
			left++
		}
		if left < 4*60 {
			t.Errorf("%d left in five minutes beside a dead process", left)
		}
		cancel()
		wg.Wait()
		one.Suspend(t.Context())   //nolint:errcheck // it is dead
		other.Suspend(t.Context()) //nolint:errcheck // only departures matter
	})
}

// A pause that one process was asked for holds for all, and ends for all.
func TestAPauseOfOneProcessHoldsAll(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newShelf(4 * time.Millisecond)
		one, other := s.process(100, 0), s.process(100, time.Hour)
		for _, p := range []*process{one, other} {
			place, err := p.Take(t.Context(), provider.WorkActive)
			if err != nil {
				t.Fatal(err)
			}
			place.Depart()
		}
		one.Pause(10 * time.Minute)
		time.Sleep(time.Second)
		began := time.Now()
		place, err := other.Take(t.Context(), provider.WorkConfirm)
		if err != nil || time.Since(began) < 10*time.Minute-2*time.Second || time.Since(began) > 10*time.Minute+time.Second {
			t.Errorf("the other left after %s: %v", time.Since(began), err)
		}
		place.Depart()
		one.Pause(2 * time.Hour) // longer than a call may block
		time.Sleep(time.Second)
		var after *provider.RetryAfter
		if _, err := other.Take(t.Context(), provider.WorkConfirm); !errors.As(err, &after) {
			t.Errorf("got %v", err)
		}
		one.Unpause()
		time.Sleep(time.Second)
		if err := errors.Join(other.Suspend(t.Context()), one.Suspend(t.Context())); err != nil {
			t.Error(err)
		}
		third := s.process(100, 0)
		if _, err := third.Take(t.Context(), provider.WorkConfirm); err != nil {
			t.Errorf("after the pause was lifted: %v", err)
		}
		third.Suspend(t.Context()) //nolint:errcheck // only the pause matters
	})
}

// While nothing can be written no call leaves; then they go on by themselves.
func TestCallsOfASharedBudgetWaitForTheDatabase(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newShelf(4 * time.Millisecond)
		s.full.Store(true)
		p := s.process(10, 0)
		left := make(chan error, 1)
		go func() {
			_, err := p.Take(t.Context(), provider.WorkConfirm)
			left <- err
		}()
		time.Sleep(10 * time.Minute)
		select {
		case <-left:
			t.Fatal("a call left that nothing on disk covers")
		default:
		}
		s.full.Store(false)
		if err := <-left; err != nil {
			t.Error(err)
		}
		p.Suspend(t.Context()) //nolint:errcheck // only the call matters
	})
}

// What cannot be read counts as spent; a budget of one process and one of several follow each other.
func TestALedgerOfOtherKinds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for state, want := range map[string]int{`{"gone":7`: 0, ``: 10, `{"at":1,"reserved":4}`: 6} {
			s := newShelf(4 * time.Millisecond)
			s.state = []byte(state)
			p := s.process(10, 0)
			time.Sleep(time.Second)
			if n := p.Left(); n != want {
				t.Errorf("%q: %d left, want %d", state, n, want)
			}
			if err := p.Suspend(t.Context()); err != nil {
				t.Error(err)
			}
			alone := New(10, time.Hour, time.Now)
			alone.Remember(memory.Memory{Save: func(context.Context, string, []byte) error { return nil }}, "read", logrus.NewEntry(logrus.New()))
			alone.Resume(s.state)
			if n := alone.Left(); n != want {
				t.Errorf("%q: alone, %d left, want %d", state, n, want)
			}
		}
	})
}
