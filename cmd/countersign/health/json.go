package health

import (
	"time"

	"countersign/cmd/countersign/config"
	"countersign/cmd/countersign/engine"
	"countersign/cmd/countersign/output"
)

// accountStatusJSON is how one account does.
type accountStatusJSON struct {
	ID             string         `json:"id"`
	Provider       string         `json:"provider"`
	Configured     bool           `json:"configured"`
	CallbackURL    string         `json:"callback_url"`
	LastCallbackAt *string        `json:"last_callback_at"`
	LastPollAt     *string        `json:"last_poll_at"`
	NextPollAt     *string        `json:"next_poll_at"`
	PollOverdue    bool           `json:"poll_overdue"`
	Open           int            `json:"open"`
	Overdue        int            `json:"overdue"`
	Told           int            `json:"told"`
	Missed         int            `json:"missed"`
	Late           int            `json:"late"`
	Refused        int            `json:"refused"`
	Share          *float64       `json:"share"` // null where nothing changed
	Quarantined    int            `json:"quarantined"`
	Reach          string         `json:"reach"`
	RestsUntil     *string        `json:"rests_until"`
	LastError      string         `json:"last_error"`
	LastErrorAt    *string        `json:"last_error_at"`
	Incidents      []incidentJSON `json:"incidents"`
}

type incidentJSON struct {
	Kind     string  `json:"kind"`
	Message  string  `json:"message"`
	OpenedAt *string `json:"opened_at"`
}

// statusJSON is the last line: the whole.
type statusJSON struct {
	Daemon        string        `json:"daemon"` // running, not_running, died
	Since         *string       `json:"since"`
	Owner         string        `json:"owner"`
	Ready         *bool         `json:"ready"` // null: not known
	Why           []string      `json:"why"`
	Database      string        `json:"database"`
	Documents     string        `json:"documents"`
	DocumentsFree *int64        `json:"documents_free"` // bytes
	Quarantined   int           `json:"quarantined"`
	Problems      []problemJSON `json:"problems"`
	OK            bool          `json:"ok"` // exit 0
}

type problemJSON struct {
	Account string `json:"account"`
	Kind    string `json:"kind"`
	Message string `json:"message"`
}

func timeText(t *time.Time) *string {
	if t == nil || t.IsZero() {
		return nil
	}
	s := t.UTC().Format(output.StampLayout)
	return &s
}

// accountObject is what `status --json` prints of one account.
func (h *Report) accountObject(env *engine.Env, c *config.Config, a Account) accountStatusJSON {
	o := accountStatusJSON{
		ID: a.ID, Provider: a.Provider, Configured: a.Configured != nil, LastCallbackAt: timeText(a.LastCallbackAt),
		LastPollAt:  timeText(a.LastPollAt),
		PollOverdue: a.Overdue, Open: a.OpenRows, Overdue: a.Late, Told: a.Share.Reported, Missed: a.Share.Missed,
		Late: a.Share.Late, Refused: a.Share.Refused,
		Quarantined: a.Quarantined, Reach: a.Reaches(env), RestsUntil: timeText(h.Rests(a, env.Now())),
		LastError:   a.LastError,
		LastErrorAt: timeText(a.LastErrorAt), Incidents: []incidentJSON{},
	}
	if a.Configured != nil {
		o.CallbackURL, o.NextPollAt = c.CallbackURL(a.ID), timeText(a.Configured.NextPoll(env.Now()))
	}
	if a.Share.All() > 0 {
		share := a.Share.Fraction()
		o.Share = &share
	}
	for _, i := range h.Open {
		if i.Account == a.ID {
			o.Incidents = append(o.Incidents, incidentJSON{i.Kind, i.Message, timeText(&i.OpenedAt)})
		}
	}
	return o
}

// object is the last line of `status --json`.
func (h *Report) object(c *config.Config) statusJSON {
	o := statusJSON{
		Daemon: h.Daemon, Since: timeText(&h.Lock.Since), Owner: h.Lock.Owner, Why: h.Ready.Why,
		Database: c.DatabaseShown(), Documents: h.Folder,
		Quarantined: h.Quarantined(), Problems: []problemJSON{}, OK: h.Err() == nil,
	}
	if h.Ready.Known {
		o.Ready = &h.Ready.Ready
	}
	if o.Why == nil {
		o.Why = []string{}
	}
	if h.Free >= 0 {
		o.DocumentsFree = &h.Free
	}
	for _, p := range h.Problems {
		o.Problems = append(o.Problems, problemJSON{p.Account, p.Kind, p.Message})
	}
	return o
}

// PrintJSON prints an object for each account, and the whole last.
func (h *Report) PrintJSON(env *engine.Env, c *config.Config) error {
	out := env.JSONLines()
	for _, a := range h.Accounts {
		if err := out.Write(h.accountObject(env, c, a)); err != nil {
			return err
		}
	}
	return out.Write(h.object(c))
}
