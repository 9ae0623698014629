package worker

import (
	"context"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"countersign/model/store"
	"countersign/model/store/database"
	"countersign/worker/apply"
	"countersign/worker/jobs"
)

// What processes share goes through jobs; a process that is alone by its lock needs none: there the rows' leases and the
// agenda in memory do the same.

// ahead is how much sooner than something is due its job is written by a look at the table.
const ahead = 5 * time.Second

// rounds is how often one process looks at something for all.
var rounds = map[string]time.Duration{
	"due": 2 * time.Second, "gaps": 5 * time.Second, "watch": time.Minute, "closer": time.Minute, "prune": time.Hour,
}

// kinds is the kind of job of each kind of work.
var kinds = map[store.WorkKind]string{
	store.WorkKnown: jobs.Rows, store.WorkUnverified: jobs.Refs, store.WorkDocuments: jobs.Documents,
	store.WorkChanges: jobs.Announce, store.WorkRuns: jobs.Runs,
}

// putJobs writes the jobs of what a group has made due, with the group.
func (w *Worker) putJobs(q *database.Tx, a store.Agenda) error { return w.jobs.Put(q, w.jobsOf(a)) }

// jobsOf is a job for each work.
func (w *Worker) jobsOf(a store.Agenda) (out []jobs.Job) {
	now := w.now()
	for work, at := range a {
		if work.Kind == store.WorkChanges && w.Deliver.None() {
			continue
		}
		out = append(out, jobs.Job{Kind: kinds[work.Kind], Account: work.Account, At: jobs.Due(at, now)})
	}
	return out
}

// share works jobs off, with other processes, until ctx ends.
func (w *Worker) share(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	put := map[string]time.Time{}
	g.Go(func() error {
		return w.every(ctx, "rounds", time.Second, func(ctx context.Context) error { return w.putRounds(ctx, put) })
	})
	g.Go(func() error { return w.every(ctx, "confirm", 2*time.Second, w.putDue) }) // nudged by a reload and by retries
	g.Go(func() error {
		return w.jobs.Run(ctx, map[string]jobs.Handler{
			jobs.Rows: func(ctx context.Context, j jobs.Job) error {
				return w.lanesOf(ctx, "confirm", w.confirmLanes(), store.Work{Account: j.Account, Kind: store.WorkKnown})
			},
			jobs.Refs: func(ctx context.Context, j jobs.Job) error {
				return w.lanesOf(ctx, "confirm", w.confirmLanes(), store.Work{Account: j.Account, Kind: store.WorkUnverified})
			},
			jobs.Documents: func(ctx context.Context, j jobs.Job) error {
				return w.lanesOf(ctx, "download", w.downloadLanes(), store.Work{Account: j.Account, Kind: store.WorkDocuments})
			},
			jobs.Runs:     w.runsOf,
			jobs.Announce: func(ctx context.Context, _ jobs.Job) error { return w.inLanes(ctx, "announce", w.announceLanes()) },
			jobs.Slot: func(ctx context.Context, j jobs.Job) error {
				return w.slots.Queue(ctx, j.Account, apply.Tier(j.ID), j.At)
			},
			jobs.Round: w.round,
		})
	})
	return g.Wait()
}

// putRounds writes the jobs of the rounds whose time has come; each process does, and one of them gets each.
func (w *Worker) putRounds(ctx context.Context, put map[string]time.Time) error {
	now := w.now()
	var list []jobs.Job
	for name, every := range rounds {
		if at := now.Truncate(every); put[name].Before(at) {
			list = append(list, jobs.Job{Kind: jobs.Round, ID: name, At: at})
		}
	}
	err := w.jobs.Add(ctx, list...)
	for _, j := range list {
		if err == nil {
			put[j.ID] = j.At
		}
	}
	return err
}

// round makes a round for all. One that is long over is left to the next.
func (w *Worker) round(ctx context.Context, j jobs.Job) error {
	every, ok := rounds[j.ID]
	if !ok || w.now().Sub(j.At) > 2*every+time.Minute {
		return nil
	}
	do := map[string]func(context.Context) error{
		"due": w.putDue, "gaps": w.Table.SettleGaps, "watch": w.watch.Round, "closer": w.slots.PollCloser, "prune": w.prune,
	}[j.ID]
	return w.guard(ctx, j.ID, do)
}

// putDue writes jobs of what the table has due: what others have written without a job, and what a dead process leaves
// once its lease is over.
func (w *Worker) putDue(ctx context.Context) error {
	now := w.now()
	var accounts []string
	for _, a := range w.served() {
		accounts = append(accounts, a.ID)
	}
	next, err := w.store.Next(ctx, accounts, now)
	if err != nil {
		return err
	}
	due := store.Agenda{{Kind: store.WorkChanges}: now}
	for work, at := range next {
		if at.Before(now.Add(ahead)) {
			due[work] = at
		}
	}
	waiting, err := w.store.FreeRuns(ctx)
	if err != nil {
		return err
	}
	for _, account := range waiting {
		due[store.Work{Account: account, Kind: store.WorkRuns}] = now
	}
	return w.jobs.Add(ctx, w.jobsOf(due)...)
}

// lanesOf makes a round of the lanes of a work.
func (w *Worker) lanesOf(ctx context.Context, loop string, lanes []lane, work store.Work) error {
	return w.inLanes(ctx, loop, slices.DeleteFunc(lanes, func(l lane) bool { return l.work != work }))
}

// runsOf works off the runs of an account, one of each kind at a time.
func (w *Worker) runsOf(ctx context.Context, j jobs.Job) error {
	lanes, err := w.runLanes(ctx, j.Account)
	if err != nil {
		return err
	}
	return w.inLanes(ctx, "runs", lanes)
}

// inLanes makes a round of lanes side by side, and waits for them.
func (w *Worker) inLanes(ctx context.Context, loop string, lanes []lane) error {
	var g errgroup.Group
	for _, l := range lanes {
		g.Go(func() error { return w.inLane(ctx, loop, l) })
	}
	return g.Wait()
}

// inLane makes a round of a lane. Where one is under way in this process, that one makes another after it.
func (w *Worker) inLane(ctx context.Context, loop string, l lane) error {
	w.mu.Lock()
	if w.running[l.name] {
		w.again[l.name] = true
		w.mu.Unlock()
		return nil
	}
	w.running[l.name] = true
	w.mu.Unlock()
	for {
		err := w.guard(ctx, loop, l.round)
		w.mu.Lock()
		again := w.again[l.name] && err == nil && ctx.Err() == nil
		delete(w.again, l.name)
		if !again {
			delete(w.running, l.name)
		}
		w.mu.Unlock()
		if !again {
			return err
		}
	}
}
