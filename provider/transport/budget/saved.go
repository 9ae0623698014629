package budget

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"github.com/sirupsen/logrus"

	"countersign/provider/transport/memory"
)

// Remember has what is spent outlive the process under a name, from Resume on.
// Where several processes use the memory at a time, they spend the budget together.
func (b *Budget) Remember(m memory.Memory, name string, log *logrus.Entry) {
	if m.Shared() {
		b.shared = &shared{owner: m.Owner}
		b.record = memory.NewShared(m, name, log, b.exchange, b.exchanged)
		return
	}
	b.record = memory.NewRecord(m, name, log, b.save)
}

// spent is what a budget saves. Times are milliseconds since 1970.
type spent struct {
	At       int64      `json:"at"`       // when it was written
	Reserved int        `json:"reserved"` // calls that may have left since
	Gone     [][2]int64 `json:"gone"`     // calls that have left: when at the latest, how many
	Until    int64      `json:"until"`    // no call before
	Since    int64      `json:"since"`
	Refused  int        `json:"refused"`

	// Where several processes spend the budget together.
	Shares map[string]part   `json:"shares,omitempty"` // by process
	Pace   int64             `json:"pace,omitempty"`
	Took   [allKinds][]int64 `json:"took,omitzero"` // the newest grants of each kind
}

// pauseMost is the longest pause that is believed.
const pauseMost = 24 * time.Hour

// grain is how exactly the time of a departure is saved: never earlier, and at most so much later.
const grain = 250 * time.Millisecond

// save returns the state with the next reservation in it, if one is wanted.
func (b *Budget) save() (state []byte, written func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.clock()
	b.used(now)
	more := 0
	if b.wanted {
		more = min(max(2*b.size, 1), max(b.limit/10, 1))
	}
	s := spent{
		At: now.UnixMilli(), Reserved: b.out + b.credit + more,
		Until: milli(b.until), Since: milli(b.since), Refused: b.refused,
	}
	for _, at := range b.log {
		ms := at.Add(grain-1).UnixNano() / int64(grain) * grain.Milliseconds()
		if n := len(s.Gone); n > 0 && s.Gone[n-1][0] == ms {
			s.Gone[n-1][1]++
			continue
		}
		s.Gone = append(s.Gone, [2]int64{ms, 1})
	}
	state, _ = json.Marshal(s) //nolint:errcheck // numbers always marshal
	return state, func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		if more > 0 && b.record.IsOpen() {
			b.credit, b.size, b.wanted = b.credit+more, more, false
		}
		b.dispatch()
	}
}

// reserved says whether a call may leave, and else has a reservation written, after which dispatch is called. The first
// reservation is one call, each next one twice as many up to a tenth of the budget: little is lost by a kill soon
// after a start, and one write serves many calls later.
func (b *Budget) reserved() bool {
	if b.limit == 0 || b.credit > 0 || !b.record.IsOpen() {
		return true
	}
	b.wanted = true
	b.record.Changed()
	return false
}

// Resume takes over what was saved, nil where nothing was. What may have left since then has left now. From then on,
// until Suspend, calls leave out of reservations that are on disk before.
func (b *Budget) Resume(state []byte) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.record == nil || b.record.IsOpen() {
		return
	}
	if b.shared != nil {
		b.resumeShared()
		return
	}
	now := b.clock()
	s := spent{At: now.UnixMilli()}
	if err := json.Unmarshal(state, &s); err != nil && len(state) > 0 {
		s = spent{At: now.UnixMilli(), Reserved: b.limit} // what cannot be read counts as spent
	}
	var log []time.Time
	note := func(at time.Time, n int64) {
		for range min(n, int64(b.limit)) {
			log = append(log, earlier(at, now))
		}
	}
	for _, g := range s.Gone {
		note(time.UnixMilli(g[0]), g[1])
	}
	note(now, int64(s.Reserved))
	for _, p := range s.Shares {
		note(now, int64(p.Calls))
	}
	for _, at := range b.log {
		if at.After(b.suspended) {
			log = append(log, at)
		}
	}
	slices.SortFunc(log, time.Time.Compare)
	b.log = log
	// The clock may have been set back.
	if left := min(s.Until-s.At, s.Until-now.UnixMilli(), pauseMost.Milliseconds()); s.Until > 0 && left > 0 {
		b.until = later(b.until, now.Add(time.Duration(left)*time.Millisecond))
	}
	if since := time.UnixMilli(s.Since); s.Since > 0 && since.After(b.since) {
		b.since, b.refused = earlier(since, now), min(max(s.Refused, 0), 10)
	}
	b.credit, b.size, b.wanted = 0, 0, false
	b.record.Open()
	b.dispatch()
}

// Suspend saves what was spent to the call.
func (b *Budget) Suspend(ctx context.Context) error {
	if b.record == nil {
		return nil
	}
	b.mu.Lock()
	b.credit, b.wanted, b.suspended = 0, false, b.clock()
	if s := b.shared; s != nil {
		s.closing, s.began = true, b.suspended
	}
	b.mu.Unlock()
	err := b.record.Close(ctx)
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.shared != nil && err == nil {
		b.shared.settled()
	}
	return err
}

// Become changes the limit.
func (b *Budget) Become(limit int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.limit = max(limit, 0)
	b.dispatch()
}

func milli(at time.Time) int64 {
	if at.IsZero() {
		return 0
	}
	return at.UnixMilli()
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}
