package transport

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"countersign/provider"
	"countersign/provider/transport/memory"
)

// disk is what outlives the processes of a test, and the service that counts their calls.
type disk struct {
	mu     sync.Mutex
	states map[string][]byte
	saves  int
	slow   time.Duration // how long a save takes
	full   atomic.Bool
	log    []time.Time // when each call came
	answer func(*http.Request) (*http.Response, error)
}

func newDisk() *disk {
	return &disk{states: map[string][]byte{}, slow: 5 * time.Millisecond, answer: answer(200, "")}
}

// minute is a minute and what departures are rounded by.
const minute = time.Minute + time.Second

// most is the largest number of calls in any sixty seconds.
func most(log []time.Time) int {
	top, from := 0, 0
	for i := range log {
		for !log[i].Before(log[from].Add(time.Minute)) {
			from++
		}
		top = max(top, i-from+1)
	}
	return top
}

// process is one life of a program on a disk.
type process struct {
	*Transport
	disk *disk
	dead atomic.Bool
}

var errDisk = errors.New("the disk is full")

func (d *disk) process(t *testing.T, limit int, change ...func(*Options)) *process {
	t.Helper()
	p := &process{disk: d}
	o := Options{
		Account: "sales", Base: p, Now: time.Now, Service: "https://api.example.org", Attempts: 1,
		Budget: map[provider.Class]int{provider.ClassRead: limit}, Memory: memory.Memory{Load: p.load, Save: p.save},
	}
	for _, c := range change {
		c(&o)
	}
	p.Transport = New(o)
	if err := p.Resume(t.Context()); err != nil {
		t.Fatal(err)
	}
	return p
}

func (p *process) load(context.Context) (map[string][]byte, error) {
	p.disk.mu.Lock()
	defer p.disk.mu.Unlock()
	out := map[string][]byte{}
	for name, state := range p.disk.states {
		out[name] = state
	}
	return out, nil
}

func (p *process) save(_ context.Context, name string, state []byte) error {
	time.Sleep(p.disk.slow)
	p.disk.mu.Lock()
	defer p.disk.mu.Unlock()
	if p.dead.Load() || p.disk.full.Load() {
		return errDisk
	}
	p.disk.saves++
	p.disk.states[name] = state
	return nil
}

func (p *process) RoundTrip(r *http.Request) (*http.Response, error) {
	p.disk.mu.Lock()
	if p.dead.Load() {
		p.disk.mu.Unlock()
		return nil, errDisk
	}
	p.disk.log = append(p.disk.log, time.Now())
	p.disk.mu.Unlock()
	return p.disk.answer(r)
}

// run calls without pause from many places until it is killed, or else stops as it should.
func (p *process) run(t *testing.T, length time.Duration, kill bool) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	for range 60 {
		wg.Go(func() {
			for ctx.Err() == nil {
				req, _ := http.NewRequestWithContext(provider.WithWork(ctx, provider.WorkBackfill), http.MethodGet, address, nil)
				p.Client().Do(req) //nolint:errcheck,bodyclose // only departures matter
				time.Sleep(200 * time.Millisecond)
			}
		})
	}
	time.Sleep(length)
	p.dead.Store(kill)
	cancel()
	wg.Wait()
	if err := p.Suspend(context.WithoutCancel(ctx)); (err != nil) != kill {
		t.Errorf("killed: %v; suspended: %v", kill, err)
	}
}

// A process that is killed at any moment, and again, leaves a budget to the next one that is not exceeded in any
// minute.
func TestTheBudgetHoldsOverManyKills(t *testing.T) {
	t.Parallel()
	for _, limit := range []int{1, 3, 10, 30, 100, 600} {
		for _, longest := range []time.Duration{2 * time.Second, 20 * time.Second, 3 * time.Minute} {
			synctest.Test(t, func(t *testing.T) {
				d, chance := newDisk(), rand.New(rand.NewPCG(uint64(limit), uint64(longest)))
				for range 40 {
					d.process(t, limit).run(t, time.Duration(chance.Int64N(int64(longest))), chance.IntN(4) > 0)
				}
				if n := most(d.log); n > limit || len(d.log) == 0 {
					t.Errorf("budget %d, lives of up to %s: %d in a minute, %d in all", limit, longest, n, len(d.log))
				}
			})
		}
	}
}

// One that lives uses its budget up, and writes little for that.
func TestReservationsCostALivingProcessNothing(t *testing.T) {
	t.Parallel()
	for _, limit := range []int{10, 100, 600} {
		synctest.Test(t, func(t *testing.T) {
			d := newDisk()
			d.slow = 50 * time.Millisecond
			d.process(t, limit).run(t, 20*time.Minute, false)
			want := 20 * (limit - 1)
			if limit >= 100 {
				want = 20 * limit * 98 / 100
			}
			if n := most(d.log); n > limit || len(d.log) < want || d.saves > 20*11+10 {
				t.Errorf("budget %d: %d in a minute, %d in all, want %d; %d writes", limit, n, len(d.log), want, d.saves)
			}
		})
	}
}

// A process that ended as it should leaves the exact count.
func TestASuspendedBudgetIsExact(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDisk()
		first := d.process(t, 100)
		for range 40 {
			get(t, first.Client()) //nolint:errcheck,bodyclose // only the budget matters
		}
		if err := first.Suspend(t.Context()); err != nil {
			t.Fatal(err)
		}
		next := d.process(t, 100)
		if n := next.BudgetLeft(provider.ClassRead); n != 60 {
			t.Errorf("%d left, want 60", n)
		}
		get(t, next.Client()) //nolint:errcheck,bodyclose // only the budget matters
		if err := errors.Join(next.Suspend(t.Context()), first.Resume(t.Context())); err != nil ||
			first.BudgetLeft(provider.ClassRead) != 59 {
			t.Errorf("who comes back knows %d left, want 59: %v", first.BudgetLeft(provider.ClassRead), err)
		}
		time.Sleep(minute)
		if n := first.BudgetLeft(provider.ClassRead); n != 100 {
			t.Errorf("%d left a minute later", n)
		}
	})
}

// While nothing can be written no call leaves; then they go on by themselves.
func TestCallsWaitForADiskThatCannotBeWritten(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDisk()
		d.full.Store(true)
		p := d.process(t, 10)
		got := make(chan error, 1)
		go func() {
			_, err := get(t, p.Client()) //nolint:bodyclose // no body
			got <- err
		}()
		time.Sleep(10 * time.Minute)
		if len(d.log) != 0 {
			t.Fatal("a call left that nothing on disk covers")
		}
		d.full.Store(false)
		if err := <-got; err != nil || len(d.log) != 1 {
			t.Errorf("%d left: %v", len(d.log), err)
		}
		if err := p.Suspend(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// A pause and a rest go on where a killed process left them, whatever the clock says; another service is tried at once.
func TestPausesAndRestsOutliveTheProcess(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDisk()
		d.answer = answer(429, "", "Retry-After", "600")
		first := d.process(t, 100)
		get(t, first.Client()) //nolint:errcheck,bodyclose // refused
		d.answer = answer(500, "")
		ill := d.process(t, 100, func(o *Options) { o.Budget = map[provider.Class]int{provider.ClassFiles: 100} })
		for range breakAfter {
			ctx := provider.WithClass(t.Context(), provider.ClassFiles)
			req, _ := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
			ill.Client().Do(req) //nolint:errcheck,bodyclose // it fails
		}
		time.Sleep(10 * time.Second)
		first.dead.Store(true)
		ill.dead.Store(true)
		next := d.process(t, 100)
		left, open := time.Until(next.PausedUntil(provider.ClassRead)), next.BreakerOpen()
		if left < 589*time.Second || left > 591*time.Second || !open {
			t.Errorf("paused for %s more, breaker open: %v", left, open)
		}
		if d.process(t, 100, func(o *Options) { o.Service = "https://other.example.org" }).BreakerOpen() {
			t.Error("another service rests")
		}
		back := d.process(t, 100, func(o *Options) { o.Now = func() time.Time { return time.Now().Add(-24 * time.Hour) } })
		if left := time.Until(back.PausedUntil(provider.ClassRead).Add(24 * time.Hour)); left > 601*time.Second ||
			left < 589*time.Second {
			t.Errorf("paused for %s where the clock went back", left)
		}
		time.Sleep(20 * time.Second)
		if next.BreakerOpen() {
			t.Error("the rest does not end")
		}
	})
}

// What cannot be read counts as spent.
func TestASpoiledStateCountsAsSpent(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDisk()
		d.states[string(provider.ClassRead)], d.states[breakerState] = []byte(`{"gone":7`), []byte("?")
		p := d.process(t, 10)
		if n := p.BudgetLeft(provider.ClassRead); n != 0 || p.BreakerOpen() {
			t.Errorf("%d left", n)
		}
		time.Sleep(minute)
		if n := p.BudgetLeft(provider.ClassRead); n != 10 {
			t.Errorf("%d left a minute later", n)
		}
	})
}

// Calls of before a reload and after it spend one budget, and the breaker stays open.
func TestAReloadSplitsNoBudget(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDisk()
		old := d.process(t, 10)
		next := New(Options{Account: "sales", Base: old, Now: time.Now, Service: "https://api.example.org", Attempts: 1,
			Budget: map[provider.Class]int{provider.ClassRead: 20}, Memory: memory.Memory{Load: old.load, Save: old.save}})
		next.Continue(old.Transport, true)
		if err := next.Resume(t.Context()); err != nil {
			t.Fatal(err)
		}
		both := &process{Transport: next, disk: d}
		var wg sync.WaitGroup
		for _, p := range []*process{old, both} {
			wg.Go(func() { p.run(t, 5*time.Minute, false) })
		}
		wg.Wait()
		if n := most(d.log); n > 20 || len(d.log) < 5*19 {
			t.Errorf("%d in a minute, %d in all", n, len(d.log))
		}
		d.answer = answer(500, "")
		for range breakAfter {
			get(t, old.Client()) //nolint:errcheck,bodyclose // it fails
		}
		if !old.BreakerOpen() || !next.BreakerOpen() {
			t.Error("the breaker is not one")
		}
	})
}

// What calls with an older key meet says nothing about a newer one: no pause, no open breaker, saved or not.
func TestAnotherKeyBeginsWithoutPausesAndBreaker(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		before, after int // what the service answers the older key, before and after the newer one is there
	}{"a pause": {429, 200}, "a late pause": {200, 429}, "an open breaker": {500, 200}, "a late failure": {200, 500}} {
		synctest.Test(t, func(t *testing.T) {
			d := newDisk()
			old := d.process(t, 100)
			calls := func(code int) {
				d.answer = answer(code, "", "Retry-After", "3600")
				for range breakAfter {
					get(t, old.Client()) //nolint:errcheck,bodyclose // what is learned of it matters
				}
			}
			calls(c.before)
			next := New(Options{
				Account: "sales", Base: old, Now: time.Now, Service: "https://api.example.org", Attempts: 1,
				Budget: map[provider.Class]int{provider.ClassRead: 100}, Memory: memory.Memory{Load: old.load, Save: old.save},
			})
			next.Continue(old.Transport, false)
			if err := next.Resume(t.Context()); err != nil {
				t.Fatal(err)
			}
			if err := next.Replace(t.Context(), old.Transport); err != nil {
				t.Fatal(err)
			}
			calls(c.after)
			time.Sleep(time.Second)
			if until := next.PausedUntil(provider.ClassRead); !until.IsZero() || next.BreakerOpen() {
				t.Errorf("%s: paused until %s, breaker open: %t", name, until, next.BreakerOpen())
			}
			if n := next.BudgetLeft(provider.ClassRead); n >= 100 {
				t.Errorf("%s: %d left: calls with either key leave from one place", name, n)
			}
			if again := d.process(t, 100); again.BreakerOpen() || !again.PausedUntil(provider.ClassRead).IsZero() {
				t.Errorf("%s: it comes back with a restart", name)
			}
		})
	}
}
