package engine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"countersign/cmd/countersign/output"
	"countersign/cmd/countersign/output/progress"
	"countersign/model"
	"countersign/model/store"
	"countersign/model/store/database"
)

// follower waits for runs, whoever works them off, and says what they meet.
type follower struct {
	runs  []model.Run
	shows progress.Display
	out   io.Writer // where errors of providers go; nil: nowhere
	now   func() time.Time

	over  bool                // there is nothing left to wait for
	since time.Time           // when it began
	said  map[string]string   // the newest error that was told, by account
	moved map[string]standing // when each run last got on
}

// standing is how far a run was at a time.
type standing struct {
	at    time.Time
	state model.RunState
	done  int
}

var errStopped = errors.New("stopped: what is not done is resumed by the daemon or by the same verb")

const (
	noDaemon = 2 * time.Second // a daemon that is away for longer has stopped
	spare    = time.Minute     // beyond what a run waits by itself
)

// served says whether a daemon runs.
func served(ctx context.Context, s *store.Store) (bool, error) {
	_, err := s.LockOwner(ctx, database.LockServe)
	if errors.Is(err, store.ErrNoRow) {
		return false, nil
	}
	return err == nil, err
}

// accounts are those of the runs.
func (f *follower) accounts() (out []string) {
	for _, r := range f.runs {
		if !slices.Contains(out, r.Account) {
			out = append(out, r.Account)
		}
	}
	return out
}

// daemon follows a daemon until the runs are over, or it has stopped.
func (f *follower) daemon(ctx context.Context, q *Queue) error {
	seen := f.now()
	for {
		over, err := f.done(ctx, q)
		if ctx.Err() != nil {
			return errStopped
		}
		if err != nil || over {
			return err
		}
		up, err := served(ctx, q.Store)
		switch {
		case err != nil && ctx.Err() == nil:
			return err
		case up:
			seen = f.now()
		case f.now().Sub(seen) > noDaemon:
			return nil
		}
		if !q.Env.Wait(ctx, 200*time.Millisecond) {
			return errStopped
		}
	}
}

// done is ended that also says what the accounts' questions meet, and gives up where a run does not get on.
func (f *follower) done(ctx context.Context, q *Queue) (bool, error) {
	if f.since.IsZero() {
		f.since, f.said, f.moved = f.now(), map[string]string{}, map[string]standing{}
	}
	over, err := f.ended(ctx, q)
	if err != nil {
		return false, err
	}
	f.over = over
	for _, id := range f.accounts() {
		acc, err := q.Store.Account(ctx, id)
		if errors.Is(err, store.ErrNoRow) {
			continue // no daemon knows it yet
		}
		if err != nil {
			return false, err
		}
		f.tell(acc)
		if err := f.stuck(acc, time.Duration(q.Config.Retry.First)*4+spare); err != nil && !over {
			f.over = true
			return false, err
		}
	}
	return over, nil
}

// tell prints an account's newest error, once.
func (f *follower) tell(acc model.Account) {
	if acc.LastError == "" || acc.LastErrorAt == nil || acc.LastErrorAt.Before(f.since.Truncate(time.Millisecond)) {
		return
	}
	if f.said[acc.ID] == acc.LastError || f.out == nil {
		return
	}
	f.said[acc.ID] = acc.LastError
	fmt.Fprintf(f.out, "%s: %s\n", acc.ID, output.Plain(acc.LastError))
}

// stuck is an error where a run of the account has not got on for so long and its provider is why.
func (f *follower) stuck(acc model.Account, most time.Duration) error {
	now := f.now()
	why := f.said[acc.ID]
	if acc.RestsUntil != nil && acc.RestsUntil.After(now) && why == "" {
		why = acc.LastError
	}
	for _, r := range f.runs {
		is := standing{now, r.State, r.Listed + r.Asked}
		was, known := f.moved[r.ID]
		if !known || was.state != is.state || was.done != is.done {
			f.moved[r.ID] = is
			continue
		}
		if r.Account != acc.ID || r.FinishedAt != nil || why == "" || now.Sub(was.at) <= most {
			continue
		}
		return fmt.Errorf("account %s, %s: no answer for %s: %s; the run stays, and goes on once the provider answers",
			r.Account, r.Kind, output.Lasting(now.Sub(was.at)), output.Plain(why))
	}
	return nil
}

// ended reads how the runs stand, shows it, and says whether they and the documents that they queued are done.
func (f *follower) ended(ctx context.Context, q *Queue) (bool, error) {
	all := true
	for i := range f.runs {
		r, err := q.Store.RunByID(ctx, f.runs[i].ID)
		if err != nil {
			return false, err
		}
		f.runs[i] = r
		all = all && r.FinishedAt != nil
	}
	f.shows.Show(f.runs)
	if !all {
		return false, nil
	}
	for _, r := range f.runs {
		if r.Queued == 0 {
			continue
		}
		busy, err := q.documentsInWork(ctx, r.Account)
		if err != nil || busy {
			return false, err
		}
	}
	return true, nil
}

// documentsInWork says whether a document waits that has not been tried yet, or is due to be.
func (q *Queue) documentsInWork(ctx context.Context, account string) (bool, error) {
	docs, err := q.Store.Documents(ctx, store.DocumentFilter{Account: account, State: model.DocumentWaiting})
	if err != nil {
		return false, err
	}
	soon := q.Env.UTC().Add(time.Second)
	for _, d := range docs {
		if d.NextTryAt != nil && d.NextTryAt.Before(soon) {
			return true, nil
		}
	}
	return false, nil
}
