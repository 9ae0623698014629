package health

import (
	"slices"
	"strings"

	"countersign/cmd/countersign/config"
	"countersign/cmd/countersign/engine"
	"countersign/worker/console/objects"
)

// accountObject is what `status --json` prints of one account.
func (h *Report) accountObject(env *engine.Env, c *config.Config, a Account) objects.Account {
	o := objects.Account{
		ID: a.ID, Provider: a.Provider, Configured: a.Configured != nil, LastCallbackAt: objects.Maybe(a.LastCallbackAt),
		LastPollAt:  objects.Maybe(a.LastPollAt),
		PollOverdue: a.Overdue, Open: a.OpenRows, Overdue: a.Late, Told: a.Share.Reported, Missed: a.Share.Missed,
		Late: a.Share.Late, Refused: a.Share.Refused,
		Quarantined: a.Quarantined, Reach: a.Reaches(env), RestsUntil: objects.Maybe(h.Rests(a, env.Now())),
		LastError:   a.LastError,
		LastErrorAt: objects.Maybe(a.LastErrorAt), Incidents: []objects.Incident{},
		Next: []objects.Slot{}, Budget: map[string]int{}, BudgetUse: []objects.BudgetUse{}, Due: a.DueRows,
	}
	if a.Configured != nil {
		o.CallbackURL, o.NextPollAt = c.CallbackURL(a.ID), objects.Maybe(a.Configured.NextPoll(env.Now()))
		for _, p := range a.Configured.Polls(env.Now()) {
			o.Next = append(o.Next, objects.Slot{Tier: p.Tier, At: objects.At(p.Next)})
		}
		for class, n := range a.Configured.Budgets() {
			o.Budget[string(class)] = n
			o.BudgetUse = append(o.BudgetUse, objects.BudgetUse{Class: string(class), Limit: n})
		}
		slices.SortFunc(o.BudgetUse, func(x, y objects.BudgetUse) int { return strings.Compare(x.Class, y.Class) })
	}
	if a.Share.All() > 0 {
		share := a.Share.Fraction()
		o.Share = &share
	}
	for _, i := range h.Open {
		if i.Account == a.ID {
			o.Incidents = append(o.Incidents, objects.OfIncident(i))
		}
	}
	o.State = stateOf(o)
	return o
}

// object is the last line of `status --json`.
func (h *Report) object(c *config.Config) objects.Health {
	o := objects.Health{
		Daemon: h.Daemon, Since: objects.At(h.Lock.Since), Owner: h.Lock.Owner, Why: h.Ready.Why,
		Database: c.DatabaseShown(), Documents: h.Folder,
		Quarantined: h.Quarantined(), Problems: []objects.Problem{}, Hooks: h.Hooks, OK: h.Err() == nil,
	}
	if h.Ready.Known {
		o.Ready = &h.Ready.Ready
	}
	if o.Hooks == nil {
		o.Hooks = []objects.Hook{}
	}
	o.Replicas, o.Jobs = []objects.Replica{}, []objects.Jobs{}
	for _, r := range h.Replicas {
		o.Replicas = append(o.Replicas, objects.Replica{Owner: r.Owner, Since: objects.At(r.Since), BeatAt: objects.At(r.BeatAt),
			Version: r.Version})
	}
	for _, j := range h.Jobs {
		o.Jobs = append(o.Jobs, objects.Jobs(j))
	}
	if o.Why == nil {
		o.Why = []string{}
	}
	if h.Free >= 0 {
		o.DocumentsFree = &h.Free
	}
	for _, p := range h.Problems {
		o.Problems = append(o.Problems, objects.Problem{Account: p.Account, Kind: p.Kind, Message: p.Message})
	}
	return o
}

// Objects are what `status --json` prints of the accounts.
func (h *Report) Objects(env *engine.Env, c *config.Config) []objects.Account {
	out := make([]objects.Account, len(h.Accounts))
	for i, a := range h.Accounts {
		out[i] = h.accountObject(env, c, a)
	}
	return out
}

// PrintJSON prints an object for each account, and the whole last.
func (h *Report) PrintJSON(env *engine.Env, c *config.Config) error {
	out := env.JSONLines()
	for _, a := range h.Objects(env, c) {
		if err := out.Write(a); err != nil {
			return err
		}
	}
	return out.Write(h.object(c))
}

// stateOf is an account's state in a word.
func stateOf(o objects.Account) string {
	switch {
	case !o.Configured:
		return objects.AccountRemoved
	case len(o.Incidents) > 0:
		return objects.AccountIncident
	case o.RestsUntil.Time() != nil:
		return objects.AccountRests
	}
	return objects.AccountWell
}
