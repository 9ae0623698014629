package main

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"time"

	"countersign/cmd/countersign/config"
	"countersign/cmd/countersign/engine"
	"countersign/cmd/countersign/output"
	"countersign/model"
	"countersign/model/store"
	"countersign/model/store/database"
	"countersign/model/store/durable"
)

// The states of the daemon, as `status --json` prints them.
const (
	daemonRunning = "running"
	daemonStopped = "not_running"
	daemonDied    = "died" // it ended without giving its lock back
)

// health is what `status` tells: how the daemon, what it needs, and each account do.
type health struct {
	daemon   string
	lock     database.LockRow // the daemon's; of one that died its last
	ready    readiness
	folder   string
	free     int64 // bytes; -1: the folder is not there yet, or does not tell
	full     bool
	accounts []accountHealth
	open     []model.Incident
	problems []problem
}

// accountHealth is how one account does.
type accountHealth struct {
	model.Account
	configured  *config.Account // nil: it was taken out of the config
	open, late  int
	share       store.Share
	overdue     bool // its polls are
	quarantined int
}

// problem is something that is wrong now and that no daemon may have written down as an incident.
type problem struct {
	account string // "" for the whole
	kind    string
	message string
	since   *time.Time
}

// look gathers what `status` tells, of one account or of all. It writes nothing.
func look(ctx context.Context, env *engine.Env, c *config.Config, s *store.Store, account string) (*health, error) {
	h := &health{folder: c.DocumentsFolder()}
	if err := h.lookAtDaemon(ctx, env, c, s); err != nil {
		return nil, err
	}
	h.lookAtFolder(int64(c.DocumentsMinFree))
	open, err := s.Incidents(ctx, true)
	if err != nil {
		return nil, err
	}
	h.open = slices.DeleteFunc(open, func(i model.Incident) bool { return account != "" && i.Account != account })
	return h, h.lookAtAccounts(ctx, env, c, s, account)
}

// lookAtDaemon says whether a daemon runs, died, or is not ready.
func (h *health) lookAtDaemon(ctx context.Context, env *engine.Env, c *config.Config, s *store.Store) (err error) {
	h.daemon = daemonRunning
	h.lock, err = s.LockOwner(ctx, database.LockServe)
	if errors.Is(err, store.ErrNoRow) {
		h.daemon = daemonStopped
		if h.lock, err = s.LockLeft(ctx, database.LockServe); err == nil {
			h.daemon = daemonDied
			h.problem("", "daemon died", "it ended without being stopped: start it again, its log or the system's says why", &h.lock.BeatAt)
		} else if errors.Is(err, store.ErrNoRow) {
			err = nil
		}
	}
	if err != nil || h.daemon != daemonRunning {
		return err
	}
	h.ready = askReady(ctx, c)
	if h.ready.known && !h.ready.ready {
		h.problem("", "not ready", cmp.Or(strings.Join(h.ready.why, "; "), "callbacks are answered 503"), nil)
	}
	return nil
}

// lookAtFolder says whether documents can still be stored.
func (h *health) lookAtFolder(least int64) {
	free, err := durable.Free(h.folder)
	if err != nil {
		h.free = -1
		if !errors.Is(err, fs.ErrNotExist) {
			h.problem("", "documents", err.Error(), nil)
		}
		return
	}
	h.free, h.full = free, free < least
	if h.full {
		h.problem("", "documents", h.folder+" has "+output.BytesShown(free)+" left, below documents_min_free: make room, or nothing is fetched", nil)
	}
}

// lookAtAccounts says how the accounts do: those of the config in their order, then those that were taken out.
func (h *health) lookAtAccounts(ctx context.Context, env *engine.Env, c *config.Config, s *store.Store, only string) error {
	list, err := s.Accounts(ctx)
	if err != nil {
		return err
	}
	remembered := map[string]model.Account{}
	for _, a := range list {
		remembered[a.ID] = a
	}
	for i := range c.Accounts {
		a, known := remembered[c.Accounts[i].ID]
		if !known {
			a = model.Account{ID: c.Accounts[i].ID, Provider: c.Accounts[i].Provider}
		}
		is := accountHealth{Account: a, configured: &c.Accounts[i]}
		is.overdue = known && h.pollsOverdue(a, is.configured, env.Now())
		h.accounts = append(h.accounts, is)
		delete(remembered, a.ID)
	}
	for _, id := range slices.Sorted(maps.Keys(remembered)) {
		h.accounts = append(h.accounts, accountHealth{Account: remembered[id]})
	}
	h.accounts = slices.DeleteFunc(h.accounts, func(a accountHealth) bool { return only != "" && a.ID != only })
	return h.count(ctx, env, s)
}

// count adds to the accounts what has to be counted.
func (h *health) count(ctx context.Context, env *engine.Env, s *store.Store) error {
	late, err := s.DueCount(ctx, env.Now().Add(-overdueAfter))
	if err != nil {
		return err
	}
	documents, err := s.CountDocuments(ctx)
	if err != nil {
		return err
	}
	month := env.Now().Add(-30 * config.Day)
	for i := range h.accounts {
		a := &h.accounts[i]
		for _, n := range documents {
			if n.Account == a.ID && n.State == model.DocumentQuarantined {
				a.quarantined += n.Documents
			}
		}
		if a.overdue && !slices.ContainsFunc(h.open, func(i model.Incident) bool { return i.Account == a.ID && i.Kind == model.PollOverdue }) {
			h.problem(a.ID, "poll overdue", "no poll of the active tier has ended well for two slots", a.LastPollAt)
		}
		if a.configured == nil {
			continue
		}
		a.late = late[a.ID]
		if a.open, err = s.CountOpenRows(ctx, store.OpenFilter{Account: a.ID, Tier: "open"}); err != nil {
			return err
		}
		if a.share, err = s.Share(ctx, a.ID, &month); err != nil {
			return err
		}
	}
	return nil
}

// pollsOverdue is model.PollsOverdue for whoever is no daemon: a daemon that has just begun may still catch up.
func (h *health) pollsOverdue(is model.Account, a *config.Account, now time.Time) bool {
	open := slices.ContainsFunc(h.open, func(i model.Incident) bool { return i.Account == is.ID && i.Kind == model.PollOverdue })
	var began time.Time
	if h.daemon == daemonRunning {
		began = h.lock.Since
	}
	return model.PollsOverdue(is, a.Polling.Active.Next, open, began, now)
}

func (h *health) problem(account, kind, message string, since *time.Time) {
	h.problems = append(h.problems, problem{account, kind, message, since})
}

// quarantined is how many files wait for a person.
func (h *health) quarantined() (n int) {
	for _, a := range h.accounts {
		n += a.quarantined
	}
	return n
}

// reach says whose transactions an account's lists show: as the daemon found out, else as the settings have it.
func (a *accountHealth) reach(env *engine.Env) string {
	if a.configured == nil {
		return ""
	}
	return cmp.Or(a.Reach, a.configured.Reach(env.Providers))
}

// rests is until when the account rests; nil where it does not, or where nobody is there who would ask.
func (h *health) rests(a accountHealth, now time.Time) *time.Time {
	if h.daemon != daemonRunning || a.RestsUntil == nil || !a.RestsUntil.After(now) {
		return nil
	}
	return a.RestsUntil
}

// err is the exit code: 3 where something is wrong.
func (h *health) err() error {
	if len(h.open)+len(h.problems) == 0 {
		return nil
	}
	return &output.ExitError{Code: output.ExitDrift}
}
