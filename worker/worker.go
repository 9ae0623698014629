// Package worker keeps the table true: it applies callbacks and answers (the only way to a
// status), asks providers what callbacks missed, keeps the gap ledger, and fetches signed files.
package worker

import (
	"context"
	"fmt"
	"runtime/debug"
	"sync"
	"time"

	"github.com/sirupsen/logrus"
	"golang.org/x/sync/errgroup"
	"golang.org/x/time/rate"

	"countersign/model"
	"countersign/model/store"
	"countersign/worker/apply"
	"countersign/worker/files"
	"countersign/worker/pdf"
)

// Options is what a Worker needs. All of it is required, but for what says otherwise.
type Options struct {
	Store    *store.Store
	Accounts func() []*apply.Account // the current ones; SIGHUP swaps them
	Files    *files.Folder
	Now      func() time.Time
	Rand     func() float64 // 0 ≤ x < 1, for jitter
	Log      *logrus.Entry
	Owner    string // names this process in leases

	RetryWait time.Duration // first pause after a failed question or download; 30 s if zero
	RetryMost time.Duration // the longest; 30 min if zero
	Overlap   time.Duration // how far lists look back before the last good run; 15 min if zero
	Jitter    time.Duration // a slot starts up to this much later; 2 min if negative is not allowed; zero: none
	Tick      time.Duration // the loops look no more often than this; zero: as they like
	Workers   int           // questions under way per account; 4 if zero
	MinFree   int64         // documents_min_free in bytes
	Retention Retention
	Inspect   pdf.Inspector // looks into a file that came; pdf.InspectHere if nil, which nothing bounds
}

// Retention says how long what is stored is kept; zero keeps it.
type Retention struct {
	Bodies, Refused, Outbox, History time.Duration
	RefusedBytes                     int64 // of the bodies of refused callbacks, in all
}

// Worker runs the loops. Its methods are safe for concurrent use.
type Worker struct {
	Options
	mu      sync.Mutex
	nudges  map[string]chan struct{} // by loop
	tries   map[model.Key]int        // failed questions in a row, by row
	stopped map[string]time.Time     // accounts that wait: refused credentials, long Retry-After
	refused map[string]bool          // accounts whose credentials were refused
	foreign map[string]bool          // accounts whose credentials are of another account
	running map[string]bool          // runs in work, by account and kind, and lanes, by name
	open    map[incidentKey]bool     // incidents that are open, as far as this process knows
	began   time.Time                // when the first round of watching was
	lookUps map[string]*rate.Limiter // what hints may name that we do not know, by account
	inWork  sync.WaitGroup           // runs and lanes in work
}

type incidentKey struct{ account, kind string }

// New returns a worker. Nothing runs until Run; Callback and Answers work at once.
func New(o Options) *Worker {
	if o.RetryWait <= 0 {
		o.RetryWait = 30 * time.Second
	}
	if o.RetryMost <= 0 {
		o.RetryMost = 30 * time.Minute
	}
	if o.Overlap <= 0 {
		o.Overlap = 15 * time.Minute
	}
	if o.Workers <= 0 {
		o.Workers = 4
	}
	if o.Inspect == nil {
		o.Inspect = pdf.InspectHere
	}
	return &Worker{
		Options: o,
		nudges:  map[string]chan struct{}{},
		tries:   map[model.Key]int{},
		stopped: map[string]time.Time{},
		refused: map[string]bool{},
		foreign: map[string]bool{},
		running: map[string]bool{},
		open:    map[incidentKey]bool{},
		lookUps: map[string]*rate.Limiter{},
	}
}

// Nudge wakes every loop: something may be due. A loop in the middle of a round does another one after.
func (w *Worker) Nudge() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, ch := range w.nudges {
		select {
		case ch <- struct{}{}:
		default: // one is waiting already
		}
	}
}

// nudged is where a loop waits for nudges.
func (w *Worker) nudged(loop string) <-chan struct{} {
	w.mu.Lock()
	defer w.mu.Unlock()
	ch, ok := w.nudges[loop]
	if !ok {
		ch = make(chan struct{}, 1)
		w.nudges[loop] = ch
	}
	return ch
}

// Part names what a Run does.
type Part int

// The parts. A verb that works beside no daemon runs without the slots.
const (
	PartLoops Part = iota // confirmations, runs, downloads, gaps, streams
	PartSlots             // cron slots and catch-up
)

// Run works until ctx ends, then finishes the round in hand. It returns nil when ctx ended.
func (w *Worker) Run(ctx context.Context, parts ...Part) error {
	if err := w.loadIncidents(ctx); err != nil {
		return err
	}
	g, ctx := errgroup.WithContext(ctx)
	for _, p := range parts {
		switch p {
		case PartLoops:
			if err := w.sweepLinkFiles(ctx); err != nil {
				w.Log.WithField("err", err).Warn("the folder of links' files was not swept")
			}
			g.Go(func() error {
				return w.every(ctx, "confirm", 250*time.Millisecond, w.inLanes("confirm", w.confirmLanes))
			})
			g.Go(func() error { return w.every(ctx, "runs", time.Second, w.runsOnce) })
			g.Go(func() error {
				return w.every(ctx, "download", 500*time.Millisecond, w.inLanes("download", w.downloadLanes))
			})
			g.Go(func() error { return w.every(ctx, "gaps", time.Second, w.settleOnce) })
			g.Go(func() error { return w.every(ctx, "watch", time.Minute, w.watchOnce) })
			g.Go(func() error { return w.streams(ctx) })
		case PartSlots:
			g.Go(func() error { return w.slots(ctx) })
			g.Go(func() error { return w.every(ctx, "closer", time.Minute, w.pollCloser) })
			g.Go(func() error { return w.every(ctx, "prune", time.Hour, w.pruneOnce) })
		}
	}
	err := g.Wait()
	w.inWork.Wait()
	return err
}

// guard calls round and turns a panic into an error: one row that cannot be handled must not end
// the daemon.
func (w *Worker) guard(ctx context.Context, loop string, round func(context.Context) error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			w.Log.WithFields(logrus.Fields{"loop": loop, "stack": string(debug.Stack())}).Error("round panicked")
			err = fmt.Errorf("panic in %s", loop)
		}
	}()
	return round(ctx)
}

// every calls round now, then each tick or nudge, until ctx ends. A round's error is logged: the
// next round tries again.
func (w *Worker) every(ctx context.Context, loop string, tick time.Duration, round func(context.Context) error) error {
	nudged := w.nudged(loop)
	t := time.NewTicker(max(tick, w.Tick))
	defer t.Stop()
	for {
		if err := w.guard(ctx, loop, round); err != nil && ctx.Err() == nil {
			w.Log.WithFields(logrus.Fields{"loop": loop, "err": err}).Warn("round failed, trying again")
		}
		select {
		case <-ctx.Done():
			return nil
		case <-t.C:
		case <-nudged:
		}
	}
}

// account finds a configured account; nil if it was taken out.
func (w *Worker) account(id string) *apply.Account {
	for _, a := range w.Accounts() {
		if a.ID == id {
			return a
		}
	}
	return nil
}
