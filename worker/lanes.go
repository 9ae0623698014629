package worker

import (
	"context"
	"fmt"
	"slices"

	"github.com/sirupsen/logrus"

	"countersign/model"
	"countersign/model/store"
	"countersign/worker/apply"
)

// lane is a loop's work for one account. What holds up one lane, an account whose budget is used up or a file that
// comes by the byte, holds up no other.
type lane struct {
	name  string
	work  store.Work // what the lane works off
	round func(context.Context) error
}

// startLanes starts a round of each lane whose last one has ended, and says whose work is begun. It returns at once; Run
// waits for them.
func (w *Worker) startLanes(ctx context.Context, loop string, lanes []lane) (begun map[store.Work]bool) {
	begun = map[store.Work]bool{}
	for _, l := range lanes {
		log := w.log.WithField("loop", loop)
		failed := func(err error) { log.WithField("err", err).Warn("round failed, trying again") }
		if w.startLane(ctx, loop, l, failed) {
			begun[l.work] = true
		}
	}
	return begun
}

// startLane starts a round of a lane unless its last one is still in work: false. failed is told how it failed.
func (w *Worker) startLane(ctx context.Context, loop string, l lane, failed func(error)) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.running[l.name] {
		return false
	}
	w.running[l.name] = true
	w.inWork.Go(func() {
		defer func() {
			w.mu.Lock()
			defer w.mu.Unlock()
			delete(w.running, l.name)
		}()
		if err := w.guard(ctx, loop, l.round); err != nil && ctx.Err() == nil {
			failed(err)
		}
	})
	return true
}

// confirmLanes ask about the rows that are due between the slots. Each account has a lane for its rows and one for
// unverified refs: those have a tenth of the budget and may come in floods, and must not stand in the way of the
// others.
func (w *Worker) confirmLanes() (out []lane) {
	for _, a := range w.served() {
		for _, kind := range []store.WorkKind{store.WorkKnown, store.WorkUnverified} {
			f := store.DueFilter{Known: kind == store.WorkKnown, Unverified: kind == store.WorkUnverified}
			round := func(ctx context.Context) error { return w.Asker.Confirm(ctx, a, f) }
			work := store.Work{Account: a.ID, Kind: kind}
			out = append(out, lane{fmt.Sprintf("confirm\x00%s\x00%t", a.ID, f.Known), work, round})
		}
	}
	return out
}

// downloadLanes fetch the documents that are due.
func (w *Worker) downloadLanes() (out []lane) {
	for _, l := range w.Documents.Lanes() {
		if w.serves(l.Account) {
			work := store.Work{Account: l.Account, Kind: store.WorkDocuments}
			out = append(out, lane{l.Name, work, l.Round})
		}
	}
	return out
}

// announceLanes are the hooks'.
func (w *Worker) announceLanes() (out []lane) {
	for _, l := range w.Deliver.Lanes() {
		out = append(out, lane{name: "announce\x00" + l.Name, round: func(ctx context.Context) error {
			err := l.Round(ctx)
			if err != nil && ctx.Err() == nil {
				w.log.WithFields(logrus.Fields{"hook": l.Name, "err": err}).Warn("announcements stopped, trying again")
			}
			return nil
		}})
	}
	return out
}

// announce starts a round of each hook.
func (w *Worker) announce(ctx context.Context) error {
	w.startLanes(ctx, "announce", w.announceLanes())
	return nil
}

// workRuns starts the runs that wait.
func (w *Worker) workRuns(ctx context.Context) error {
	lanes, err := w.runLanes(ctx, "")
	w.startLanes(ctx, "runs", lanes)
	return err
}

// runLanes work off the runs of an account, or of all, that wait. One run of an account and kind is in work at a time. A
// run that somebody asked for ends the rest of its account.
func (w *Worker) runLanes(ctx context.Context, account string) (out []lane, err error) {
	waiting, err := w.Runs.Waiting(ctx)
	if err != nil {
		return nil, err
	}
	w.lift(waiting)
	slices.SortStableFunc(waiting, func(a, b model.Run) int { return place(a) - place(b) })
	for _, r := range waiting {
		if !w.serves(r.Account) || account != "" && account != r.Account {
			continue
		}
		log := w.log.WithFields(logrus.Fields{"account": r.Account, "loop": r.Kind})
		out = append(out, lane{name: "run\x00" + r.Account + "\x00" + r.Kind, round: func(ctx context.Context) error {
			err := w.guard(ctx, r.Kind, func(ctx context.Context) error {
				w.liftFor(r) // what was in work before it may have brought the account to rest again
				return w.Runs.Work(ctx, r.ID)
			})
			if err != nil && ctx.Err() == nil {
				log.WithField("err", err).Warn("run not finished, it will be resumed")
			}
			return nil
		}})
	}
	return out, nil
}

// lift ends the rest of each account that a new run by hand is of, once a run, so that a run in work before it goes on.
func (w *Worker) lift(waiting []model.Run) {
	w.mu.Lock()
	defer w.mu.Unlock()
	lifted := map[string]bool{}
	for _, r := range waiting {
		if isByHand(r) {
			lifted[r.ID] = true
			if !w.lifted[r.ID] {
				w.liftFor(r)
			}
		}
	}
	w.lifted = lifted
}

// liftFor ends the rest of a run's account where somebody asked for the run and it has not begun.
func (w *Worker) liftFor(r model.Run) {
	for _, a := range w.accounts() {
		if a.ID == r.Account && isByHand(r) {
			w.Gate.Lift(a)
		}
	}
}

func isByHand(r model.Run) bool { return r.Slot == nil && r.StartedAt == nil }

// place is where a run stands in its lane: one that somebody waits for before one that gave way to it.
func place(r model.Run) int {
	if isByHand(r) {
		return 0
	}
	return 1
}

// Only restricts Run to some accounts: a verb that names accounts works for no other. Without any it works for all. It
// must be called before Run.
func (w *Worker) Only(accounts ...string) { w.only = accounts }

// serves says whether Run works for an account.
func (w *Worker) serves(account string) bool {
	return len(w.only) == 0 || slices.Contains(w.only, account)
}

// served are the accounts that Run works for.
func (w *Worker) served() []*apply.Account {
	return slices.DeleteFunc(slices.Clone(w.accounts()), func(a *apply.Account) bool { return !w.serves(a.ID) })
}
