package budget

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"countersign/provider"
)

// departure is one call that left, as a test's log keeps it.
type departure struct {
	at   time.Time
	work provider.Work
}

// rush runs callers that call without pause until stop, and returns who left when. Each call takes
// latency. The callers are numbered by kind of work.
func rush(b *Budget, callers map[provider.Work]int, latency, length time.Duration) []departure {
	ctx, cancel := context.WithTimeout(context.Background(), length)
	defer cancel()
	var mu sync.Mutex
	var log []departure
	var wg sync.WaitGroup
	for work, n := range callers {
		for range n {
			wg.Go(func() {
				for {
					p, err := b.Take(ctx, work)
					if err != nil {
						return
					}
					p.Depart()
					mu.Lock()
					log = append(log, departure{time.Now(), work})
					mu.Unlock()
					time.Sleep(latency)
				}
			})
		}
	}
	wg.Wait()
	return log
}

// most is the largest number of departures in any sixty seconds.
func most(log []departure) int {
	top, from := 0, 0
	for i := range log {
		for !log[i].at.Before(log[from].at.Add(time.Minute)) {
			from++
		}
		top = max(top, i-from+1)
	}
	return top
}

func share(log []departure, work provider.Work) int {
	n := 0
	for _, d := range log {
		if d.work == work {
			n++
		}
	}
	return n
}

func TestTheBudgetIsNeverExceededAndUsedUp(t *testing.T) {
	t.Parallel()
	for _, limit := range []int{1, 3, 9, 10, 25, 30, 99, 100, 120, 600} {
		for _, callers := range []map[provider.Work]int{{provider.WorkBackfill: 200}, {provider.WorkConfirm: 200},
			{provider.WorkActive: 100, provider.WorkConfirm: 3, provider.WorkAudit: 50}} {
			synctest.Test(t, func(t *testing.T) {
				log := rush(New(limit, time.Hour, time.Now), callers, 300*time.Millisecond, 20*time.Minute)
				want := 20 * (limit - 1)
				if limit >= 100 {
					want = 20 * limit * 98 / 100
				}
				if n := most(log); n > limit || len(log) < want {
					t.Errorf("budget %d, %v: %d in a minute, %d in all, want %d", limit, callers, n, len(log), want)
				}
			})
		}
	}
}

func TestTheBudgetHoldsUnderAnyLoad(t *testing.T) {
	t.Parallel()
	works := []provider.Work{provider.WorkConfirm, provider.WorkDownload, provider.WorkActive, provider.WorkIdle,
		provider.WorkAudit, provider.WorkBackfill, provider.WorkUnknown}
	rapid.Check(t, func(r *rapid.T) {
		limit := rapid.IntRange(1, 150).Draw(r, "limit")
		type arrival struct {
			after, patience time.Duration
			work            provider.Work
		}
		arrivals := rapid.SliceOfN(rapid.Custom(func(r *rapid.T) arrival {
			return arrival{
				time.Duration(rapid.IntRange(0, 2000).Draw(r, "after")) * time.Millisecond,
				time.Duration(rapid.SampledFrom([]int{1, 1000, 100000}).Draw(r, "patience")) * time.Millisecond,
				rapid.SampledFrom(works).Draw(r, "work"),
			}
		}), 1, 400).Draw(r, "arrivals")
		synctest.Test(t, func(*testing.T) {
			b := New(limit, time.Hour, time.Now)
			var mu sync.Mutex
			var log []departure
			var wg sync.WaitGroup
			for _, a := range arrivals {
				time.Sleep(a.after)
				wg.Go(func() {
					ctx, cancel := context.WithTimeout(context.Background(), a.patience)
					defer cancel()
					p, err := b.Take(ctx, a.work)
					if err != nil {
						return
					}
					time.Sleep(a.after / 4) // on its way to the wire
					p.Depart()
					mu.Lock()
					log = append(log, departure{time.Now(), a.work})
					mu.Unlock()
				})
			}
			wg.Wait()
			if n := most(log); n > limit {
				r.Errorf("%d in a minute with a budget of %d", n, limit)
			}
			b.mu.Lock()
			defer b.mu.Unlock()
			if b.out != 0 {
				r.Errorf("%d places are lost", b.out)
			}
		})
	})
}

func TestEachKindOfWorkIsSureOfATenth(t *testing.T) {
	t.Parallel()
	all := map[provider.Work]int{provider.WorkConfirm: 150, provider.WorkDownload: 150, provider.WorkActive: 150,
		provider.WorkIdle: 150, provider.WorkAudit: 150, provider.WorkBackfill: 150, provider.WorkUnknown: 150}
	for _, limit := range []int{5, 30, 100, 120} {
		synctest.Test(t, func(t *testing.T) {
			log := rush(New(limit, time.Hour, time.Now), all, time.Millisecond, time.Hour)
			for work := range all {
				tenth, n := 60*limit/10, share(log, work)
				switch {
				case work == provider.WorkConfirm && n < 3*tenth:
					t.Errorf("budget %d: confirmations left %d times, want the rest", limit, n)
				case work != provider.WorkConfirm && (n < tenth*97/100 || n > tenth*105/100+limit/2+1): // who comes first has more
					t.Errorf("budget %d: %s left %d times, want a tenth, %d", limit, work, n, tenth)
				}
			}
			if n := most(log); n > limit {
				t.Errorf("%d in a minute", n)
			}
		})
	}
}

func TestTheRestGoesInOrder(t *testing.T) {
	t.Parallel()
	order := []provider.Work{provider.WorkConfirm, provider.WorkDownload, provider.WorkActive, provider.WorkIdle,
		provider.WorkAudit, provider.WorkBackfill}
	for i, first := range order[:5] {
		synctest.Test(t, func(t *testing.T) {
			callers, start := map[provider.Work]int{}, time.Now()
			for _, w := range order[i:] {
				callers[w] = 150
			}
			log := rush(New(100, time.Hour, time.Now), callers, time.Millisecond, 11*time.Minute)
			for len(log) > 0 && log[0].at.Sub(start) < time.Minute { // who comes first to an empty budget has it
				log = log[1:]
			}
			for _, w := range order[i+1:] {
				if share(log, w) > 120 || share(log, w) < 95 {
					t.Errorf("%s left %d times beside %s", w, share(log, w), first)
				}
			}
		})
	}
}

func TestUnknownRefsGetATenthAtMost(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		log := rush(New(100, time.Hour, time.Now), map[provider.Work]int{provider.WorkUnknown: 200}, time.Millisecond,
			10*time.Minute)
		if n := most(log); n > 10 || len(log) < 95 {
			t.Errorf("%d in a minute, %d in all", n, len(log))
		}
	})
}

func TestAConfirmationDoesNotWaitForABurstToAge(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := New(100, time.Hour, time.Now)
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() { rush(b, map[provider.Work]int{provider.WorkBackfill: 200}, time.Second, 10*time.Minute) })
		time.Sleep(3 * time.Minute)
		for range 100 {
			began := time.Now()
			p, err := b.Take(ctx, provider.WorkConfirm)
			if err != nil {
				t.Fatal(err)
			}
			p.Depart()
			if waited := time.Since(began); waited > 1500*time.Millisecond {
				t.Errorf("waited %s", waited)
			}
			time.Sleep(3 * time.Second)
		}
		cancel()
		wg.Wait()
	})
}

func TestAWaiterThatGivesUpLeavesNothingBehind(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := New(2, time.Hour, time.Now)
		one, _ := b.Take(t.Context(), provider.WorkConfirm)
		if _, err := b.Take(t.Context(), provider.WorkConfirm); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := b.Take(ctx, provider.WorkActive); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
		one.GiveBack()
		if b.Left() != 1 {
			t.Errorf("%d left", b.Left())
		}
		if _, err := b.Take(t.Context(), provider.WorkActive); err != nil {
			t.Error(err)
		}
		if _, err := b.Take(ctx, provider.WorkActive); err == nil {
			t.Error("a call that is over got a place")
		}
	})
}

func TestAPauseHoldsEverybody(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := New(0, 30*time.Second, time.Now)
		began := time.Now()
		b.Pause(20 * time.Second)
		if until := b.Paused(); until.Sub(began) != 20*time.Second {
			t.Errorf("paused until %s", until)
		}
		if _, err := b.Take(t.Context(), provider.WorkActive); err != nil || time.Since(began) != 20*time.Second {
			t.Errorf("left after %s: %v", time.Since(began), err)
		}
		got := make(chan error)
		b.Pause(10 * time.Second)
		go func() {
			_, err := b.Take(t.Context(), provider.WorkActive)
			got <- err
		}()
		synctest.Wait()
		b.Pause(time.Hour) // longer than a call may block: who waits is sent away
		var after *provider.RetryAfter
		if err := <-got; !errors.As(err, &after) || after.Wait != time.Hour {
			t.Errorf("got %v", err)
		}
		if _, err := b.Take(t.Context(), provider.WorkConfirm); !errors.As(err, &after) {
			t.Errorf("got %v", err)
		}
		time.Sleep(time.Hour)
		if _, err := b.Take(t.Context(), provider.WorkConfirm); err != nil || !b.Paused().IsZero() {
			t.Error(err)
		}
	})
}

func TestAClockThatIsSetBackStopsNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var back time.Duration
		b := New(5, time.Hour, func() time.Time { return time.Now().Add(-back) })
		for range 5 {
			p, _ := b.Take(t.Context(), provider.WorkConfirm)
			p.Depart()
		}
		began := time.Now()
		back = 6 * time.Hour
		if _, err := b.Take(t.Context(), provider.WorkConfirm); err != nil || time.Since(began) > 2*time.Minute ||
			time.Since(began) < time.Minute {
			t.Errorf("waited %s: %v", time.Since(began), err)
		}
	})
}
