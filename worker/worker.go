// Package worker runs the loops that keep the table true: it asks providers about what is due, works off runs and
// slots, fetches signed files, settles the gap ledger and watches the time. What they do stands in the packages below.
package worker

import (
	"context"
	"errors"
	"maps"
	"sync"
	"time"

	"github.com/sirupsen/logrus"
	"golang.org/x/sync/errgroup"

	"countersign/model/store"
	"countersign/worker/apply"
	"countersign/worker/ask"
	"countersign/worker/ask/runs"
	"countersign/worker/deliver"
	"countersign/worker/documents"
	"countersign/worker/files"
	"countersign/worker/jobs"
	"countersign/worker/pdf"
	"countersign/worker/poll"
	"countersign/worker/verify"
)

// Options is what a Worker needs. All of it is required, but for what says otherwise.
type Options struct {
	Store    *store.Store
	Accounts func() []*apply.Account // the current ones; a reload swaps them
	Files    files.Archive
	Now      func() time.Time
	Rand     func() float64 // 0 ≤ x < 1, for jitter
	Log      *logrus.Entry
	Owner    string // names this process in leases

	RetryWait time.Duration // first pause after a failed question or download; 30 s if zero
	RetryMost time.Duration // the longest; 30 min if zero
	Overlap   time.Duration // how far lists look back before the last good run; 15 min if zero
	Jitter    time.Duration // delays each slot by a random time up to this; zero: none
	Tick      time.Duration // the loops look no more often than this; zero: as they like
	Workers   int           // questions under way per account; 4 if zero
	MinFree   int64         // documents_min_free in bytes
	Retention poll.Retention
	Jobs      jobs.Queue             // shares work with other processes; nil: the process works alone
	Hooks     func() []*deliver.Hook // the current ones; none if nil
	Inspect   pdf.Inspector          // looks into a file that came; pdf.InspectHere if nil, which nothing bounds
}

// Worker runs the loops. It is safe for concurrent use.
type Worker struct {
	Table     *apply.Table // callbacks, answers, hints and operators change it, with Run or without
	Gate      *ask.Gate
	Asker     *ask.Asker
	Runs      *runs.Runs
	Tiers     *poll.Tiers
	Documents *documents.Documents
	Deliver   *deliver.Deliver

	slots   *poll.Slots
	streams *poll.Streams
	watch   *poll.Watch

	mu      sync.Mutex
	nudges  map[string]chan struct{} // by loop
	running map[string]bool          // lanes in work, by name
	again   map[string]bool          // those of them whose round is to be made once more
	agenda  agenda                   // what is due when
	lifted  map[string]bool          // runs by hand that wait and have ended their account's rest
	inWork  sync.WaitGroup           // lanes in work

	tick  time.Duration
	owner string
	only  []string // accounts that Run works for; none: all

	jobs     jobs.Queue
	store    *store.Store
	now      func() time.Time
	accounts func() []*apply.Account
	log      *logrus.Entry
}

// New returns a worker. Nothing runs until Run; the parts that it shows work at once.
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
	if o.Hooks == nil {
		o.Hooks = func() []*deliver.Hook { return nil }
	}
	if o.Inspect == nil {
		o.Inspect = pdf.InspectHere
	}
	w := &Worker{
		nudges: map[string]chan struct{}{}, running: map[string]bool{}, again: map[string]bool{}, tick: o.Tick, owner: o.Owner, store: o.Store, now: o.Now,
		accounts: o.Accounts, log: o.Log, jobs: o.Jobs,
	}
	w.build(o)
	if w.jobs != nil {
		w.store.OnGroup(w.putJobs)
	}
	return w
}

// build makes the parts and gives each what it needs.
func (w *Worker) build(o Options) {
	w.Table = apply.New(apply.Options{Store: o.Store, Accounts: o.Accounts, Now: o.Now, Log: o.Log})
	incidents := w.Table.Incidents()
	w.Gate = ask.NewGate(ask.GateOptions{
		Store: o.Store, Incidents: incidents, Now: o.Now, Rand: o.Rand, Log: o.Log,
		RetryWait: o.RetryWait, RetryMost: o.RetryMost,
	})
	w.Asker = ask.New(ask.Options{
		Store: o.Store, Table: w.Table, Gate: w.Gate, Now: o.Now, Log: o.Log,
		Owner: o.Owner, Workers: o.Workers,
	})
	w.Tiers = poll.NewTiers(poll.TiersOptions{
		Store: o.Store, Table: w.Table, Asker: w.Asker, Now: o.Now, Log: o.Log, Overlap: o.Overlap,
	})
	kinds := w.Tiers.Kinds()
	maps.Copy(kinds, verify.New(verify.Options{
		Store: o.Store, Table: w.Table, Asker: w.Asker, Now: o.Now, RetryWait: o.RetryWait,
		Hash: func(ctx context.Context, path string) (string, int64, error) { return o.Files.Hash(ctx, path) },
	}).Kinds())
	kinds[runs.KindRetry] = w.retry
	w.Runs = runs.New(runs.Options{
		Store: o.Store, Asker: w.Asker, Accounts: o.Accounts, Now: o.Now, Log: o.Log, Nudge: w.waking("runs"), Kinds: kinds,
		Owner: o.Owner,
	})
	w.slots = poll.NewSlots(poll.SlotsOptions{
		Store: o.Store, Runs: w.Runs, Accounts: o.Accounts, Now: o.Now, Rand: o.Rand, Log: o.Log,
		Jitter: o.Jitter, Tick: o.Tick, Jobs: o.Jobs,
	})
	w.streams = poll.NewStreams(poll.StreamsOptions{
		Store: o.Store, Table: w.Table, Gate: w.Gate, Accounts: w.served, Nudge: w.waking("streams"), Log: o.Log, Guard: w.guard,
		Owner: o.Owner,
	})
	w.Documents = documents.New(documents.Options{
		Store: o.Store, Files: o.Files, Incidents: incidents, Inspect: o.Inspect, Accounts: o.Accounts, Now: o.Now, Log: o.Log, Gate: w.Gate,
		Owner:     o.Owner,
		RetryWait: o.RetryWait, RetryMost: o.RetryMost, Workers: o.Workers, MinFree: o.MinFree,
	})
	w.Deliver = deliver.New(deliver.Options{
		Store: o.Store, Incidents: incidents, Hooks: o.Hooks, Now: o.Now, Rand: o.Rand, Log: o.Log, Owner: o.Owner,
	})
	w.watch = poll.NewWatch(poll.WatchOptions{
		Store: o.Store, Incidents: incidents, Accounts: o.Accounts, Now: o.Now, Log: o.Log, Retention: o.Retention,
		Standing: w.Gate.Note,
	})
}

// Resume lets every account be asked again at once, after a reload. What waits because of how the changed accounts were
// before is due.
func (w *Worker) Resume(ctx context.Context, changed ...string) error {
	defer w.Nudge()
	errs := []error{w.Gate.Resume(ctx)}
	for _, account := range changed {
		errs = append(errs, w.store.HastenDocuments(ctx, account, w.now()))
	}
	return errors.Join(errs...)
}

// Part names what a Run does.
type Part int

// The parts. A verb that works beside no daemon runs without the slots.
const (
	PartLoops Part = iota // confirmations, runs, downloads, gaps, streams
	PartSlots             // cron slots and catch-up, hooks
)

// Run works until ctx ends, then finishes the round in hand. It returns nil when ctx ended.
func (w *Worker) Run(ctx context.Context, parts ...Part) error {
	if err := w.Table.Incidents().Load(ctx); err != nil {
		if ctx.Err() != nil {
			return nil
		}
		return err
	}
	g, ctx := errgroup.WithContext(ctx)
	loop := func(name string, tick time.Duration, round func(context.Context) error) {
		g.Go(func() error { return w.every(ctx, name, tick, round) })
	}
	for _, p := range parts {
		switch p {
		case PartLoops:
			g.Go(func() error {
				defer w.streams.Close()
				return w.every(ctx, "streams", poll.StreamsEvery, w.streams.Round)
			})
			if w.jobs != nil {
				g.Go(func() error { return w.share(ctx) })
				continue
			}
			w.store.OnWork(w.noted)
			loop("agenda", time.Second, w.readAgenda)
			loop("confirm", 250*time.Millisecond, w.startDue("confirm", w.confirmLanes, isRows))
			loop("runs", time.Second, w.workRuns)
			loop("download", 500*time.Millisecond, w.startDue("download", w.downloadLanes, isDocuments))
			loop("gaps", time.Second, w.Table.SettleGaps)
			loop("watch", time.Minute, w.watch.Round)
		case PartSlots:
			g.Go(func() error { return w.slots.Run(ctx) })
			if w.jobs != nil {
				continue
			}
			loop("announce", 250*time.Millisecond, w.announce)
			loop("closer", time.Minute, w.slots.PollCloser)
			loop("prune", time.Hour, w.inTurn("prune", 50*time.Minute, w.prune))
		}
	}
	err := g.Wait()
	w.inWork.Wait()
	return err
}

// inTurn is a round that one process makes for all, no other within so long after.
func (w *Worker) inTurn(name string, lasts time.Duration, round func(context.Context) error) func(context.Context) error {
	return func(ctx context.Context) error {
		mine, err := w.store.TakeTurn(ctx, name, w.owner, lasts)
		if err != nil || !mine {
			return err
		}
		return round(ctx)
	}
}

// prune lets retention take what is old enough, finishes what was to be forgotten, and judges quarantined files again
// where the rules are newer than their judgement.
func (w *Worker) prune(ctx context.Context) error {
	if err := w.watch.Prune(ctx); err != nil {
		return err
	}
	if err := w.Documents.SweepForgotten(ctx); err != nil {
		return err
	}
	return w.Documents.JudgeQuarantined(ctx)
}
