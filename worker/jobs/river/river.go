// Package river carries jobs on PostgreSQL through River, an engine for jobs that lives in the same database: a job is
// there with the transaction that made it due, goes to one process, and comes back when that one dies.
package river

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"
	"github.com/riverqueue/river/rivertype"
	"github.com/sirupsen/logrus"

	"countersign/model/store/database"
	"countersign/worker/jobs"
)

const (
	queue   = "countersign"
	places  = 5000      // handlers under way: they bound themselves by account, so that none holds a place of another
	conns   = 6         // of our pool
	tries   = 1000      // a job that fails comes back; the rows are what counts
	keeps   = time.Hour // finished jobs stay: a slot that a late process queues again is known
	timeout = time.Hour // longer than the longest download; what takes longer is found due again
	rescue  = timeout + 15*time.Minute
	early   = 5 * time.Second // jobs are handed out so much before their time, and wait in hand: the engine looks as often
	version = 1               // of the args
	stops   = 8 * time.Second
)

// Queue is jobs.Queue on PostgreSQL.
type Queue struct {
	pool  *pgxpool.Pool
	write *river.Client[pgx.Tx] // works nothing off
	now   func() time.Time
	log   *logrus.Entry
	owner string
}

// Options is what Open needs. All of it is required.
type Options struct {
	DSN   string // of a connection that keeps its session: no pooler that gives it to others between transactions
	Now   func() time.Time
	Log   *logrus.Entry
	Owner string // names this process
}

// Open connects, and brings River's own tables to this version; processes that start together take turns.
func Open(ctx context.Context, o Options) (*Queue, error) {
	config, err := pgxpool.ParseConfig(o.DSN)
	if err != nil {
		return nil, errors.New("database postgres://…: the address cannot be read") // err may show a password
	}
	config.MaxConns = conns
	x := &Queue{now: o.Now, log: o.Log, owner: o.Owner}
	if x.pool, err = pgxpool.NewWithConfig(ctx, config); err != nil {
		return nil, fmt.Errorf("%w: %w", database.ErrUnavailable, err)
	}
	if err = x.migrate(ctx); err == nil {
		x.write, err = river.NewClient(riverpgxv5.New(x.pool), &river.Config{Logger: x.slog()})
	}
	if err != nil {
		x.pool.Close()
		return nil, fmt.Errorf("jobs: %w", err)
	}
	return x, nil
}

// Close ends the connections. Run must have returned.
func (x *Queue) Close() { x.pool.Close() }

// migrateLock makes processes take turns: "csgn", 1.
const migrateLock = 0x6373676e<<8 | 1

func (x *Queue) migrate(ctx context.Context) error {
	conn, err := x.pool.Acquire(ctx)
	if err != nil {
		return err
	}
	defer conn.Release()
	const lock = `SELECT pg_advisory_lock(hashtextextended(current_schema(), $1))`
	if _, err := conn.Exec(ctx, lock, int64(migrateLock)); err != nil {
		return err
	}
	defer conn.Exec(context.WithoutCancel(ctx), //nolint:errcheck // it ends with the session
		`SELECT pg_advisory_unlock(hashtextextended(current_schema(), $1))`, int64(migrateLock))
	m, err := rivermigrate.New(riverpgxv5.New(x.pool), &rivermigrate.Config{Logger: x.slog()})
	if err != nil {
		return err
	}
	_, err = m.Migrate(ctx, rivermigrate.DirectionUp, nil)
	return err
}

// args is a job as River keeps it.
type args struct {
	kind    string
	Account string    `json:"account,omitempty"`
	ID      string    `json:"id,omitempty"`
	At      time.Time `json:"at"`
	Version int       `json:"v"`
}

// Kind is called by River.
func (a args) Kind() string { return a.kind }

func (x *Queue) params(list []jobs.Job) []river.InsertManyParams {
	out := make([]river.InsertManyParams, 0, len(list))
	for _, j := range list {
		at := j.At.Add(-early)
		if now := x.now(); at.Before(now) {
			at = time.Time{} // at once
		}
		out = append(out, river.InsertManyParams{
			Args: args{j.Kind, j.Account, j.ID, j.At.UTC(), version},
			InsertOpts: &river.InsertOpts{Queue: queue, ScheduledAt: at, MaxAttempts: tries,
				UniqueOpts: river.UniqueOpts{ByArgs: true}},
		})
	}
	return out
}

// Put writes jobs in somebody's transaction.
func (x *Queue) Put(q *database.Tx, list []jobs.Job) error {
	if len(list) == 0 {
		return nil
	}
	return q.Pgx(func(ctx context.Context, tx pgx.Tx) error {
		_, err := x.write.InsertManyTx(ctx, tx, x.params(list))
		return err
	})
}

// Add writes jobs in a transaction of its own.
func (x *Queue) Add(ctx context.Context, list ...jobs.Job) error {
	if len(list) == 0 {
		return nil
	}
	_, err := x.write.InsertMany(ctx, x.params(list))
	return err
}

// Run works jobs off until ctx ends.
func (x *Queue) Run(ctx context.Context, handlers map[string]jobs.Handler) error {
	workers := river.NewWorkers()
	for kind, h := range handlers {
		river.AddWorkerArgs(workers, args{kind: kind}, &worker{Queue: x, handle: h, stop: ctx})
	}
	client, err := river.NewClient(riverpgxv5.New(x.pool), &river.Config{
		ID: fmt.Sprintf("%.60s %d", x.owner, x.now().UnixNano()), Logger: x.slog(), Workers: workers,
		Queues:              map[string]river.QueueConfig{queue: {MaxWorkers: places}},
		FetchOnlyKnownKinds: true, FetchCooldown: 50 * time.Millisecond, FetchPollInterval: 500 * time.Millisecond,
		JobTimeout: timeout, RescueStuckJobsAfter: rescue, RetryPolicy: pauses{x.now},
		CompletedJobRetentionPeriod: keeps,
	})
	if err != nil {
		return err
	}
	for wait := time.Second; ; {
		err := client.Start(context.WithoutCancel(ctx))
		if err == nil {
			break
		}
		x.log.WithField("err", err).Warn("jobs are not worked off yet, trying again")
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(wait):
		}
	}
	<-ctx.Done()
	soft, end := context.WithTimeout(context.WithoutCancel(ctx), stops)
	defer end()
	if err := client.Stop(soft); err == nil {
		return nil
	}
	hard, end := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer end()
	return client.StopAndCancel(hard)
}

// pauses says when a job that failed comes back. The rows say when something is asked again, so that this is short.
type pauses struct{ now func() time.Time }

// NextRetry is called by River.
func (p pauses) NextRetry(j *rivertype.JobRow) time.Time {
	return p.now().Add(min(time.Second<<min(j.Attempt, 6), time.Minute))
}

// worker works off the jobs of one kind.
type worker struct {
	river.WorkerDefaults[args]
	*Queue
	handle jobs.Handler
	stop   context.Context
}

// Work is called by River.
func (w *worker) Work(ctx context.Context, job *river.Job[args]) error {
	a := job.Args
	if a.Version > version {
		w.log.WithFields(logrus.Fields{"loop": job.Kind, "account": a.Account}).
			Warn("a job is of a newer version: it is left to a process that knows it")
		return river.JobSnooze(time.Minute)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(w.stop, cancel)()
	if wait := a.At.Sub(w.now()); wait > 0 {
		t := time.NewTimer(min(wait, 2*early))
		defer t.Stop()
		select {
		case <-t.C:
		case <-ctx.Done():
			return river.JobSnooze(0)
		}
	}
	err := w.handle(ctx, jobs.Job{Kind: job.Kind, Account: a.Account, ID: a.ID, At: a.At})
	if wait, ok := jobs.Wait(err); ok {
		return river.JobSnooze(wait)
	}
	if w.stop.Err() != nil {
		return river.JobSnooze(0) // somebody else goes on
	}
	if err != nil {
		w.log.WithFields(logrus.Fields{"loop": job.Kind, "account": a.Account, "err": err}).Warn("round failed, trying again")
	}
	return err
}

// slog passes River's warnings on. What it says of each failed job, we have said.
func (x *Queue) slog() *slog.Logger { return slog.New(handler{x.log.WithField("loop", "jobs")}) }

type handler struct{ log *logrus.Entry }

// Enabled lets warnings through.
func (h handler) Enabled(_ context.Context, l slog.Level) bool { return l >= slog.LevelWarn }

// Handle logs one; the texts of River hold no row's content.
func (h handler) Handle(_ context.Context, r slog.Record) error {
	entry, told := h.log, false
	r.Attrs(func(a slog.Attr) bool {
		switch a.Key {
		case "error", "err":
			entry = entry.WithField("err", a.Value.String())
		case "job_id":
			told = true
		}
		return true
	})
	if told {
		entry.Debug("jobs: " + r.Message)
	} else {
		entry.Warn("jobs: " + r.Message)
	}
	return nil
}

// WithAttrs adds nothing.
func (h handler) WithAttrs([]slog.Attr) slog.Handler { return h }

// WithGroup adds nothing.
func (h handler) WithGroup(string) slog.Handler { return h }
