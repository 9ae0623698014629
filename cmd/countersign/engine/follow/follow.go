// Package follow waits for runs, whoever works them off, and says what they meet.
package follow

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

// Follower waits for runs.
type Follower struct {
	Runs  []model.Run
	Shows progress.Display
	Out   io.Writer // where errors of providers go; nil: nowhere
	Now   func() time.Time
	Wait  func(ctx context.Context, d time.Duration) bool // false once ctx has ended
	First time.Duration                                   // retry.first

	Over  bool                // there is nothing left to wait for
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

// ErrStopped is of a verb that was stopped before its runs were done.
var ErrStopped = errors.New("stopped: what is not done is resumed by the daemon or by the same verb")

const (
	noDaemon = 2 * time.Second // a daemon that is away for longer has stopped
	spare    = time.Minute     // beyond what a run waits by itself
)

// Served says whether a daemon runs.
func Served(ctx context.Context, s *store.Store) (bool, error) {
	_, err := s.LockOwner(ctx, database.LockServe)
	if errors.Is(err, store.ErrNoRow) {
		return false, nil
	}
	return err == nil, err
}

// Accounts are those of the runs.
func (f *Follower) Accounts() (out []string) {
	for _, r := range f.Runs {
		if !slices.Contains(out, r.Account) {
			out = append(out, r.Account)
		}
	}
	return out
}

// Daemon follows a daemon until the runs are over, or it has stopped.
func (f *Follower) Daemon(ctx context.Context, s *store.Store) error {
	seen := f.Now()
	for {
		over, err := f.Done(ctx, s)
		if ctx.Err() != nil {
			return ErrStopped
		}
		if err != nil || over {
			return err
		}
		up, err := Served(ctx, s)
		switch {
		case err != nil && ctx.Err() == nil:
			return err
		case up:
			seen = f.Now()
		case f.Now().Sub(seen) > noDaemon:
			return nil
		}
		if !f.Wait(ctx, 200*time.Millisecond) {
			return ErrStopped
		}
	}
}

// Done is Ended that also says what the accounts' questions meet, and gives up where a run does not get on.
func (f *Follower) Done(ctx context.Context, s *store.Store) (bool, error) {
	if f.since.IsZero() {
		f.since, f.said, f.moved = f.Now(), map[string]string{}, map[string]standing{}
	}
	over, err := f.Ended(ctx, s)
	if err != nil {
		return false, err
	}
	f.Over = over
	for _, id := range f.Accounts() {
		acc, err := s.Account(ctx, id)
		if errors.Is(err, store.ErrNoRow) {
			continue // no daemon knows it yet
		}
		if err != nil {
			return false, err
		}
		f.tell(acc)
		if err := f.stuck(acc, f.First*4+spare); err != nil && !over {
			f.Over = true
			return false, err
		}
	}
	return over, nil
}

// tell prints an account's newest error, once.
func (f *Follower) tell(acc model.Account) {
	if acc.LastError == "" || acc.LastErrorAt == nil || acc.LastErrorAt.Before(f.since.Truncate(time.Millisecond)) {
		return
	}
	if f.said[acc.ID] == acc.LastError || f.Out == nil {
		return
	}
	f.said[acc.ID] = acc.LastError
	fmt.Fprintf(f.Out, "%s: %s\n", acc.ID, output.Plain(acc.LastError))
}

// stuck is an error where a run of the account has not got on for so long and its provider is why.
func (f *Follower) stuck(acc model.Account, most time.Duration) error {
	now := f.Now()
	why := f.said[acc.ID]
	if acc.RestsUntil != nil && acc.RestsUntil.After(now) && why == "" {
		why = acc.LastError
	}
	for _, r := range f.Runs {
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
			r.Account, r.Kind, output.English().Lasting(now.Sub(was.at)), output.Plain(why))
	}
	return nil
}

// Ended reads how the runs stand, shows it, and says whether they and the documents that they queued are done.
func (f *Follower) Ended(ctx context.Context, s *store.Store) (bool, error) {
	all := true
	for i := range f.Runs {
		r, err := s.RunByID(ctx, f.Runs[i].ID)
		if err != nil {
			return false, err
		}
		f.Runs[i] = r
		all = all && r.FinishedAt != nil
	}
	f.Shows.Show(f.Runs)
	if !all {
		return false, nil
	}
	for _, r := range f.Runs {
		if r.Queued == 0 {
			continue
		}
		busy, err := f.documentsInWork(ctx, s, r.Account)
		if err != nil || busy {
			return false, err
		}
	}
	return true, nil
}

// documentsInWork says whether a document waits that has not been tried yet, or is due to be.
func (f *Follower) documentsInWork(ctx context.Context, s *store.Store, account string) (bool, error) {
	docs, err := s.Documents(ctx, store.DocumentFilter{Account: account, State: model.DocumentWaiting})
	if err != nil {
		return false, err
	}
	soon := f.Now().Add(time.Second)
	for _, d := range docs {
		if d.NextTryAt != nil && d.NextTryAt.Before(soon) {
			return true, nil
		}
	}
	return false, nil
}
