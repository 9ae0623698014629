package engine

import (
	"context"
	"time"

	"github.com/sirupsen/logrus"

	"countersign/cmd/countersign/config"
	"countersign/model"
	"countersign/model/store"
	"countersign/worker/apply"
	"countersign/worker/ask/runs"
)

// QueueBackfills queues what no finished backfill covers, for each account that lists.
func (e *Engine) QueueBackfills(ctx context.Context, o ServeOptions) error {
	if o.Backfill.At == nil {
		return nil
	}
	for _, a := range e.Accounts.List() {
		if err := e.queueBackfill(ctx, a, *o.Backfill.At, nil); err != nil {
			return err
		}
	}
	return nil
}

// queueBackfill queues one account's backfill. One that is waiting or in work is resumed instead; without a
// slot of a schedule, so is one that a finished backfill covers already.
func (e *Engine) queueBackfill(ctx context.Context, a *apply.Account, since time.Time, slot *time.Time) error {
	log := e.Log.WithField("account", a.ID)
	if a.Provider.Lister == nil {
		log.Warn("no backfill: the provider lists nothing, give the refs to `countersign track --file`")
		return nil
	}
	until := e.Env.UTC()
	if slot == nil {
		done, err := e.Store.Runs(ctx,
			store.RunFilter{Account: a.ID, Kind: runs.KindBackfill, States: []model.RunState{model.RunDone}, Limit: 200})
		if err != nil {
			return err
		}
		if from := covered(done); from != nil && !from.After(since) {
			log.Info("backfill covered already")
			return nil
		} else if from != nil {
			until = from.Add(time.Duration(e.Config.ListOverlap))
		}
	}
	r, err := e.Worker.Runs.Queue(ctx, model.Run{Account: a.ID, Kind: runs.KindBackfill, Since: &since, Until: &until, Slot: slot},
		true)
	if err == nil && r.ID != "" { // else another process has queued the slot's
		log.WithFields(logrus.Fields{"loop": runs.KindBackfill,
			"since": r.Since.Format(time.RFC3339)}).Info("backfill queued")
	}
	return err
}

// covered says from when on finished backfills have loaded everything; nil where there is none. What
// is younger than a backfill is covered by the polls.
func covered(done []model.Run) (from *time.Time) {
	for _, r := range done {
		if r.Since != nil && (from == nil || r.Since.Before(*from)) {
			from = r.Since
		}
	}
	return from
}

// repeatBackfill queues the backfill again on its schedule.
func (e *Engine) repeatBackfill(ctx context.Context, o ServeOptions) error {
	if o.Schedule.String() == "" {
		return nil
	}
	for {
		now := e.Env.UTC()
		slot := o.Schedule.Next(now)
		if !e.Env.Wait(ctx, slot.Sub(now)) {
			return nil
		}
		since, err := config.ParseSpan(o.Backfill.Raw, e.Env.Now())
		if err != nil {
			return err
		}
		for _, a := range e.Accounts.List() {
			if err := e.queueBackfill(ctx, a, since, &slot); err != nil {
				e.Log.WithFields(logrus.Fields{"account": a.ID, "err": err}).Warn("scheduled backfill not queued")
			}
		}
	}
}
