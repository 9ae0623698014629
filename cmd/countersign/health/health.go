// Package health says how a daemon and its accounts do, seen from outside: from the database, the document folder and
// the daemon's own console. It writes nothing.
package health

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
	"countersign/cmd/countersign/config/values"
	"countersign/cmd/countersign/engine"
	"countersign/cmd/countersign/hooks"
	"countersign/cmd/countersign/output"
	"countersign/model"
	"countersign/model/store"
	"countersign/model/store/database"
	"countersign/model/store/durable"
	"countersign/worker/console/objects"
)

// The states of a daemon.
const (
	Running = "running"
	Stopped = "not_running"
	Died    = "died" // it ended without giving its lock back
)

// Report is how the daemon, what it needs, and each account do.
type Report struct {
	Daemon   string           // Running, Stopped or Died
	Lock     database.LockRow // the daemon's; of one that died its last
	Ready    Readiness        // of one that runs
	Folder   string           // for documents
	Free     int64            // bytes in it; -1: it is not there yet, or does not tell
	Full     bool             // less than documents_min_free is left
	Accounts []Account        // those of the config in their order, then those that were taken out
	Open     []model.Incident
	Problems []Problem
	Replicas []database.LockRow // on PostgreSQL, the oldest first
	Jobs     []store.JobCount
	Hooks    []objects.Hook // as `hooks list` shows them
}

// Account is how one account does.
type Account struct {
	model.Account
	Configured  *config.Account // nil: it was taken out of the config
	OpenRows    int
	DueRows     int // rows whose time has come
	Late        int // rows that are due for longer than OverdueAfter
	Share       model.Share
	Overdue     bool // its polls are
	Quarantined int  // files
}

// Problem is something that is wrong now and that no daemon may have written down as an incident.
type Problem struct {
	Account string // "" for the whole
	Kind    string
	Message string // in English
	Since   *time.Time

	key string // of the sentence that Message is; "": it is none of ours
}

// The kinds of problem.
const (
	DaemonDied  = "daemon died"
	NotReady    = "not ready"
	Documents   = "documents"
	PollOverdue = "poll overdue"
)

// OverdueAfter is how long a row may be due before it counts as late.
const OverdueAfter = 5 * time.Minute

// Look gathers it, of one account or of all. It writes nothing.
func Look(ctx context.Context, env *engine.Env, c *config.Config, s *store.Store, account string) (*Report, error) {
	h := &Report{Folder: folderOf(c)}
	if err := h.lookAtDaemon(ctx, env, c, s); err != nil {
		return nil, err
	}
	if err := h.lookAtReplicas(ctx, s); err != nil {
		return nil, err
	}
	if err := h.lookAtFolder(ctx, s, int64(c.DocumentsMinFree), c.DocumentsAddress().Local()); err != nil {
		return nil, err
	}
	open, err := s.Incidents(ctx, true)
	if err != nil {
		return nil, err
	}
	h.Open = slices.DeleteFunc(open, func(i model.Incident) bool { return account != "" && i.Account != account })
	if account == "" {
		if h.Hooks, err = hooks.List(ctx, c, s); err != nil {
			return nil, err
		}
	}
	return h, h.lookAtAccounts(ctx, env, c, s, account)
}

// Inside gathers it for the daemon's own console: that it runs is known.
func Inside(ctx context.Context, env *engine.Env, c *config.Config, s *store.Store) (h *Report, err error) {
	h = &Report{Folder: folderOf(c), Daemon: Running}
	h.Lock, err = s.LockOwner(ctx, database.LockServe)
	if err != nil && !errors.Is(err, store.ErrNoRow) {
		return nil, err
	}
	if h.Open, err = s.Incidents(ctx, true); err != nil {
		return nil, err
	}
	return h, h.lookAtAccounts(ctx, env, c, s, "")
}

// folderOf is the folder whose room counts: that of the documents or, where those are in a bucket, that of the spool.
func folderOf(c *config.Config) string { return cmp.Or(c.DocumentsFolder(), c.SpoolFolder()) }

// lookAtDaemon says whether a daemon runs, died, or is not ready.
func (h *Report) lookAtDaemon(ctx context.Context, env *engine.Env, c *config.Config, s *store.Store) (err error) {
	h.Daemon = Running
	h.Lock, err = s.LockOwner(ctx, database.LockServe)
	if errors.Is(err, store.ErrNoRow) {
		h.Daemon = Stopped
		if h.Lock, err = s.LockLeft(ctx, database.LockServe); err == nil {
			h.Daemon = Died
			h.know("", DaemonDied, "cli.problem.daemon_died", &h.Lock.BeatAt)
		} else if errors.Is(err, store.ErrNoRow) {
			err = nil
		}
	}
	if err != nil || h.Daemon != Running {
		return err
	}
	h.Ready = AskReady(ctx, c)
	if h.Ready.Known && !h.Ready.Ready {
		h.problem("", NotReady, cmp.Or(strings.Join(h.Ready.Why, "; "), "callbacks are answered 503"), nil)
	}
	return nil
}

// lookAtReplicas lists the daemons that share the database, and their jobs.
func (h *Report) lookAtReplicas(ctx context.Context, s *store.Store) (err error) {
	if !s.Postgres() {
		return nil
	}
	if h.Replicas, err = s.LockRows(ctx, database.LockServe); err != nil {
		return err
	}
	h.Jobs, err = s.JobCounts(ctx)
	return err
}

// lookAtFolder says whether documents can still be stored.
func (h *Report) lookAtFolder(ctx context.Context, s *store.Store, least int64, local bool) error {
	free, err := durable.Free(h.Folder)
	if errors.Is(err, fs.ErrNotExist) {
		h.Free = -1
		stored, err := Stored(ctx, s)
		if stored && local { // without any the daemon has still to make it
			h.problem("", Documents, h.Folder+FolderGone, nil)
		}
		return err
	}
	if err != nil {
		h.Free = -1
		h.problem("", Documents, err.Error(), nil)
		return nil
	}
	h.Free, h.Full = free, free < least
	if h.Full {
		h.problem("", Documents,
			h.Folder+" has "+output.BytesShown(free)+" left, below documents_min_free: make room, or nothing is fetched", nil)
	}
	return nil
}

// FolderGone is what is wrong with a document folder that should be there and is not.
const FolderGone = " is gone: is its disk mounted? Documents that were stored there cannot be read, and new ones are not stored"

// Stored says whether any document was stored, so that the folder must be there.
func Stored(ctx context.Context, s *store.Store) (bool, error) {
	list, err := s.Documents(ctx, store.DocumentFilter{State: model.DocumentStored, Limit: 1})
	return len(list) > 0, err
}

// lookAtAccounts says how the accounts do: those of the config in their order, then those that were taken out.
func (h *Report) lookAtAccounts(ctx context.Context, env *engine.Env, c *config.Config, s *store.Store, only string) error {
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
		is := Account{Account: a, Configured: &c.Accounts[i]}
		is.Overdue = known && h.pollsOverdue(a, is.Configured, env.Now())
		h.Accounts = append(h.Accounts, is)
		delete(remembered, a.ID)
	}
	for _, id := range slices.Sorted(maps.Keys(remembered)) {
		h.Accounts = append(h.Accounts, Account{Account: remembered[id]})
	}
	h.Accounts = slices.DeleteFunc(h.Accounts, func(a Account) bool { return only != "" && a.ID != only })
	return h.count(ctx, env, s)
}

// count adds to the accounts what has to be counted.
func (h *Report) count(ctx context.Context, env *engine.Env, s *store.Store) error {
	late, err := s.DueCount(ctx, env.Now().Add(-OverdueAfter))
	if err != nil {
		return err
	}
	due, err := s.DueCount(ctx, env.Now())
	if err != nil {
		return err
	}
	documents, err := s.CountDocuments(ctx)
	if err != nil {
		return err
	}
	month := env.Now().Add(-30 * values.Day)
	for i := range h.Accounts {
		a := &h.Accounts[i]
		for _, n := range documents {
			if n.Account == a.ID && n.State == model.DocumentQuarantined {
				a.Quarantined += n.Documents
			}
		}
		if a.Overdue && !slices.ContainsFunc(h.Open,
			func(i model.Incident) bool { return i.Account == a.ID && i.Kind == model.PollOverdue }) {
			h.know(a.ID, PollOverdue, "cli.problem.poll_overdue", a.LastPollAt)
		}
		if a.Configured == nil {
			continue
		}
		a.Late, a.DueRows = late[a.ID], due[a.ID]
		if a.OpenRows, err = s.CountOpenRows(ctx, store.OpenFilter{Account: a.ID, Tier: "open"}); err != nil {
			return err
		}
		if a.Share, err = s.Share(ctx, a.ID, &month); err != nil {
			return err
		}
	}
	return nil
}

// pollsOverdue is model.PollsOverdue for whoever is no daemon: a daemon that has just begun may still catch up.
func (h *Report) pollsOverdue(is model.Account, a *config.Account, now time.Time) bool {
	open := slices.ContainsFunc(h.Open,
		func(i model.Incident) bool { return i.Account == is.ID && i.Kind == model.PollOverdue })
	var began time.Time
	if h.Daemon == Running {
		began = h.Lock.Since
	}
	return model.PollsOverdue(is, a.Polling.Active.Next, open, began, now)
}

func (h *Report) problem(account, kind, message string, since *time.Time) {
	h.Problems = append(h.Problems, Problem{Account: account, Kind: kind, Message: message, Since: since})
}

// Words is the message, in a language where it is a sentence of ours.
func (p Problem) Words(in output.Speech) string {
	if p.key != "" {
		return in.Say(p.key)
	}
	return output.Plain(p.Message)
}

// know adds a problem that there is a sentence for.
func (h *Report) know(account, kind, key string, since *time.Time) {
	h.Problems = append(h.Problems, Problem{account, kind, output.English().Say(key), since, key})
}

// Quarantined is how many files wait for a person.
func (h *Report) Quarantined() (n int) {
	for _, a := range h.Accounts {
		n += a.Quarantined
	}
	return n
}

// Reaches says whose transactions an account's lists show: as the daemon found out, else as the settings have it.
func (a Account) Reaches(env *engine.Env) string {
	if a.Configured == nil {
		return ""
	}
	return cmp.Or(a.Reach, a.Configured.Reach(env.Providers))
}

// Rests is until when the account rests; nil where it does not, or where nobody is there who would ask.
func (h *Report) Rests(a Account, now time.Time) *time.Time {
	if h.Daemon != Running || a.RestsUntil == nil || !a.RestsUntil.After(now) {
		return nil
	}
	return a.RestsUntil
}

// Err is the exit code: 3 where something is wrong.
func (h *Report) Err() error {
	if len(h.Open)+len(h.Problems) == 0 {
		return nil
	}
	return &output.ExitError{Code: output.ExitDrift}
}
