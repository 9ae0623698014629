package budget

import "time"

// step is the time between two calls at an even pace.
func (b *Budget) step() time.Duration { return window / time.Duration(b.limit) }

// share returns a tenth of the budget as so many calls in so much time: a tenth of seven is one
// call in ten sevenths of the window.
func (b *Budget) share() (calls int, in time.Duration) {
	calls = max(b.limit/10, 1)
	return calls, window * time.Duration(calls*10) / time.Duration(b.limit)
}

// choose picks the kind of work whose first waiter leaves now, or -1 and the time at which to look
// again; a zero time means that only another call's departure or arrival can change anything.
func (b *Budget) choose(now time.Time) (int, time.Time) {
	if b.limit == 0 {
		return b.first(func(int) bool { return true }), time.Time{}
	}
	used := b.used(now)
	if used >= b.limit {
		if len(b.log) == 0 {
			return -1, time.Time{}
		}
		return -1, b.log[0].Add(window)
	}
	if k := b.first(func(k int) bool { return !now.Before(b.due(k)) }); k >= 0 {
		return k, time.Time{}
	}
	paced := b.pace.Add(-max(2*b.step(), grace))
	free := used < b.limit/2 || !now.Before(paced)
	if k := b.first(func(k int) bool { return k == confirms || k != unknowns && free }); k >= 0 {
		return k, time.Time{}
	}
	next := paced
	if b.onlyUnknown() {
		next = time.Time{}
	}
	for k := range b.kinds {
		if at := b.due(k); len(b.kinds[k].queue) > 0 && (next.IsZero() || at.Before(next)) {
			next = at
		}
	}
	if len(b.log) > 0 && !b.onlyUnknown() {
		if at := b.log[0].Add(window); at.Before(next) {
			next = at
		}
	}
	return -1, next
}

// first returns the first kind of work, in order, that has somebody waiting and that fits.
func (b *Budget) first(fits func(k int) bool) int {
	for k := range b.kinds {
		if len(b.kinds[k].queue) > 0 && fits(k) {
			return k
		}
	}
	return -1
}

// due is when a kind of work falls below its tenth.
func (b *Budget) due(k int) time.Time {
	n, in := b.share()
	took := b.kinds[k].took
	if len(took) < n {
		return time.Time{}
	}
	return took[0].Add(in)
}

func (b *Budget) onlyUnknown() bool {
	return b.first(func(k int) bool { return k != unknowns }) < 0
}

// Left is how many calls could leave now.
func (b *Budget) Left() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.clock()
	if b.limit == 0 {
		return unbounded
	}
	if now.Before(b.until) {
		return 0
	}
	if b.sharing() {
		return b.leftShared(now)
	}
	return b.limit - b.used(now)
}

// unbounded is what is left of a budget that has no bound.
const unbounded = 1 << 30

// Paused is the time before which nothing leaves; zero when nothing is paused.
func (b *Budget) Paused() time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.clock().Before(b.until) {
		return time.Time{}
	}
	return b.until
}

// Pause keeps everything of the class back for a while.
func (b *Budget) Pause(wait time.Duration) {
	if b == nil || wait <= 0 {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if until := b.clock().Add(wait); until.After(b.until) {
		b.until = until
		b.pauseChanged(false)
	}
	b.dispatch()
}

// Unpause lets everything of the class leave again: the pause was asked of other credentials.
func (b *Budget) Unpause() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.until.IsZero() || b.refused > 0 {
		b.until, b.since, b.refused = time.Time{}, time.Time{}, 0
		b.pauseChanged(true)
	}
	b.dispatch()
}

// pauseChanged has the pause written down.
func (b *Budget) pauseChanged(cleared bool) {
	if b.shared == nil {
		b.record.Changed()
		return
	}
	b.shared.pauses++
	b.shared.cleared = b.shared.cleared || cleared
	b.ask()
}

// The pauses after a refusal that names none.
const (
	refusedFirst = 2 * time.Second
	refusedMost  = time.Minute
)

// RefusedAt notes a refusal that asked for no certain pause and returns the pause to make, which
// doubles with each refusal in a row. Calls that were under way together count as one, also where one of them was taken
// meanwhile.
func (b *Budget) RefusedAt(left time.Time, atLeast time.Duration) time.Duration {
	if b == nil {
		return max(refusedFirst, atLeast)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.clock()
	if b.since.IsZero() || !left.Before(b.since) {
		b.refused, b.since = min(b.refused+1, 10), now
	}
	return max(min(refusedFirst<<max(b.refused-1, 0), refusedMost), atLeast)
}

// Taken notes that the service took a call.
func (b *Budget) Taken(left time.Time) {
	if b == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if !left.Before(b.since) {
		b.refused = 0
	}
}

// Inherit takes over another's log and pause.
func (b *Budget) Inherit(old *Budget) {
	old.mu.Lock()
	now := old.clock()
	old.used(now)
	log, until, since, refused := append([]time.Time(nil), old.log...), old.until, old.since, old.refused
	for range old.out {
		log = append(log, now)
	}
	old.mu.Unlock()
	b.mu.Lock()
	defer b.mu.Unlock()
	b.until, b.since, b.refused = until, since, refused
	if b.limit > 0 {
		b.log = log
	}
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
