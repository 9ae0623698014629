// Package queue is where verbs put the runs that they ask for.
package queue

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/sirupsen/logrus"

	"countersign/cmd/countersign/config"
	"countersign/cmd/countersign/output"
	"countersign/model"
	"countersign/model/store"
	"countersign/provider"
	"countersign/worker/apply"
	"countersign/worker/ask/runs"
)

// Queue is where verbs put the runs that they ask for. It needs no provider and no secret: whoever works builds those.
type Queue struct {
	Config    *config.Config
	Providers map[string]provider.Driver
	Store     *store.Store
	Runs      *runs.Runs
	Log       *logrus.Entry
	Out       *output.Printer
	Now       func() time.Time
}

// Polls queues a whole pass of each tier for each of the accounts: those named, or all.
func (q *Queue) Polls(ctx context.Context, ids []string, tiers []apply.Tier) ([]model.Run, error) {
	accounts, err := q.Chosen(ids)
	if err != nil {
		return nil, err
	}
	var queued []model.Run
	for _, acc := range accounts {
		for _, t := range tiers {
			r := model.Run{Account: acc.ID, Kind: string(t), Params: Params(runs.Params{Whole: true})}
			if r, err = q.Runs.Queue(ctx, r, false); err != nil {
				return nil, err
			}
			queued = append(queued, r)
		}
	}
	return queued, nil
}

// Chosen returns the accounts that a verb is for: those named, or all.
func (q *Queue) Chosen(ids []string) (out []*config.Account, err error) {
	for i := range q.Config.Accounts {
		if len(ids) == 0 {
			out = append(out, &q.Config.Accounts[i])
		}
	}
	for _, id := range ids {
		acc, ok := q.Config.Account(id)
		if !ok {
			return nil, output.Usagef("account %q is not in the config: it has %s", id, strings.Join(q.Names(), ", "))
		}
		out = append(out, acc)
	}
	return out, nil
}

// Names are the ids of the accounts.
func (q *Queue) Names() (out []string) {
	for _, acc := range q.Config.Accounts {
		out = append(out, acc.ID)
	}
	return out
}

// Params writes what a run is asked to do.
func Params(p runs.Params) string {
	text, err := json.Marshal(p)
	if err != nil {
		return "" // strings, numbers and booleans always marshal
	}
	return string(text)
}

// Failures turns the runs that did not end well into the verb's error: one line an account.
func Failures(runs []model.Run) error {
	var errs []error
	for _, r := range runs {
		if r.State == model.RunFailed || r.State == model.RunPartial {
			errs = append(errs, fmt.Errorf("account %s, %s: %s", r.Account, r.Kind, r.Note))
		}
	}
	return errors.Join(errs...)
}
