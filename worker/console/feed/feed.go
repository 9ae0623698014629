// Package feed tells readers of the change feed when there is more to read, and streams it to them.
package feed

import (
	"context"
	"sync"
	"time"

	"countersign/model"
	"countersign/model/store"
)

// Options is what a Feed needs.
type Options struct {
	Store *store.Store
	Every time.Duration // how often the table is looked at while somebody waits; 200 ms if zero
	Beat  time.Duration // how often a stream says that it is alive; 15 s if zero
	Now   func() time.Time
}

// Feed wakes whoever waits for changes. However many wait, the table is looked at once; what is new each of them reads
// for itself, so that a slow one loses nothing and costs no memory. It is safe for concurrent use.
type Feed struct {
	Options

	mu      sync.Mutex
	waiting int
	looking bool
	stopped bool
	seq     int64         // the newest that was seen
	moved   chan struct{} // closed when seq grows
	over    chan struct{} // closed when the daemon stops
	stop    sync.Once
	looks   sync.WaitGroup
}

// New returns a feed that looks at nothing until somebody waits.
func New(o Options) *Feed {
	if o.Every <= 0 {
		o.Every = 200 * time.Millisecond
	}
	if o.Beat <= 0 {
		o.Beat = 15 * time.Second
	}
	return &Feed{Options: o, moved: make(chan struct{}), over: make(chan struct{})}
}

// Stop ends every stream and every wait at once.
func (f *Feed) Stop() {
	f.stop.Do(func() {
		f.mu.Lock()
		f.stopped = true // no look begins that would not be waited for
		f.mu.Unlock()
		close(f.over)
	})
	f.looks.Wait()
}

// Over is closed when the feed stops.
func (f *Feed) Over() <-chan struct{} { return f.over }

// Wait returns when a change has a seq above after, when ctx ends, or when the feed stops.
func (f *Feed) Wait(ctx context.Context, after int64) {
	f.mu.Lock()
	if f.stopped {
		f.mu.Unlock()
		return
	}
	f.waiting++
	if !f.looking {
		f.looking = true
		f.looks.Go(f.look)
	}
	f.mu.Unlock()
	defer func() {
		f.mu.Lock()
		f.waiting--
		f.mu.Unlock()
	}()
	for {
		f.mu.Lock()
		seq, moved := f.seq, f.moved
		f.mu.Unlock()
		if seq > after {
			return
		}
		select {
		case <-moved:
		case <-ctx.Done():
			return
		case <-f.over:
			return
		}
	}
}

// look looks at the table as long as somebody waits.
func (f *Feed) look() {
	tick := time.NewTicker(f.Every)
	defer tick.Stop()
	for {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		_, seq, err := f.Store.Feed(ctx)
		cancel()
		f.mu.Lock()
		if err == nil && seq > f.seq {
			f.seq = seq
			close(f.moved)
			f.moved = make(chan struct{})
		}
		if f.waiting == 0 {
			f.looking = false
			f.mu.Unlock()
			return
		}
		f.mu.Unlock()
		select {
		case <-tick.C:
		case <-f.over:
			f.mu.Lock()
			f.looking = false
			f.mu.Unlock()
			return
		}
	}
}

// atMost is how many parts of the feed are looked through for one answer.
const atMost = 10

// Read returns what a filter chooses after its seq, at once or, where there is none, when something comes within wait.
// upto is the seq up to which there is nothing else; there may be more behind it.
func (f *Feed) Read(ctx context.Context, c store.ChangeFilter, wait time.Duration) (
	out []model.Change, upto int64, err error,
) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	patience, done := context.WithTimeout(ctx, wait)
	defer done()
	for parts := 0; ; {
		out, upto, err = f.Store.ChangesOfKind(ctx, c)
		if err != nil || len(out) > 0 {
			return out, upto, err
		}
		if upto > c.After { // others were looked through
			c.After = upto
			if parts++; parts == atMost {
				return out, upto, nil
			}
			continue
		}
		if wait <= 0 || patience.Err() != nil {
			return out, upto, nil
		}
		select {
		case <-f.over:
			return out, upto, nil
		default:
		}
		f.Wait(patience, upto)
	}
}

// Waiting is how many wait for changes.
func (f *Feed) Waiting() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.waiting
}
