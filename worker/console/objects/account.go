package objects

import "countersign/model"

// Account is how one account does.
type Account struct {
	ID             string         `json:"id"`
	Provider       string         `json:"provider"`
	Configured     bool           `json:"configured"`
	State          string         `json:"state"`
	CallbackURL    string         `json:"callback_url"`
	LastCallbackAt Stamp          `json:"last_callback_at"`
	LastPollAt     Stamp          `json:"last_poll_at"`
	NextPollAt     Stamp          `json:"next_poll_at"`
	Next           []Slot         `json:"next"`
	PollOverdue    bool           `json:"poll_overdue"`
	Open           int            `json:"open"`
	Due            int            `json:"due"`
	Overdue        int            `json:"overdue"`
	Budget         map[string]int `json:"budget"` // questions a minute, by class
	BudgetUse      []BudgetUse    `json:"budget_use"`
	Told           int            `json:"told"`
	Missed         int            `json:"missed"`
	Late           int            `json:"late"`
	Refused        int            `json:"refused"`
	Share          *float64       `json:"share"` // null where nothing changed
	Quarantined    int            `json:"quarantined"`
	Reach          string         `json:"reach"`
	RestsUntil     Stamp          `json:"rests_until"`
	LastError      string         `json:"last_error"`
	LastErrorAt    Stamp          `json:"last_error_at"`
	Incidents      []Incident     `json:"incidents"`
}

// The states of an account.
const (
	AccountWell     = "well"
	AccountIncident = "incident" // one is open
	AccountRests    = "rests"    // no question goes out for now
	AccountRemoved  = "removed"  // it was taken out of the config
)

// BudgetUse is how the budget of a class of calls stands. Only the daemon that makes the calls knows what is left.
type BudgetUse struct {
	Class       string `json:"class"`
	Limit       int    `json:"limit"`        // calls a minute
	Left        *int   `json:"left"`         // calls that could go out now; null: not known here
	PausedUntil Stamp  `json:"paused_until"` // before which none goes out, because the service asked for a pause; null: it has not
}

// Slot is when a tier is polled next.
type Slot struct {
	Tier string `json:"tier"`
	At   Stamp  `json:"at"`
}

// Incident is something that the operator must act on.
type Incident struct {
	ID       string `json:"id"`
	Account  string `json:"account"`
	Kind     string `json:"kind"`
	Message  string `json:"message"`
	OpenedAt Stamp  `json:"opened_at"`
	ClosedAt Stamp  `json:"closed_at"` // null while it is open
}

// OfIncident is what is shown of one.
func OfIncident(i model.Incident) Incident {
	return Incident{i.ID, i.Account, i.Kind, i.Message, At(i.OpenedAt), Stamp{i.ClosedAt}}
}

// Health is how the whole does: the last line of `status --json`.
type Health struct {
	Daemon        string    `json:"daemon"` // running, not_running, died
	Since         Stamp     `json:"since"`
	Owner         string    `json:"owner"`
	Ready         *bool     `json:"ready"` // null: not known
	Why           []string  `json:"why"`
	Database      string    `json:"database"`
	Documents     string    `json:"documents"`
	DocumentsFree *int64    `json:"documents_free"` // bytes
	Quarantined   int       `json:"quarantined"`
	Problems      []Problem `json:"problems"`
	Hooks         []Hook    `json:"hooks"`
	Replicas      []Replica `json:"replicas"` // on PostgreSQL: the daemons; else none
	Jobs          []Jobs    `json:"jobs"`     // that they share
	OK            bool      `json:"ok"`       // exit 0
}

// Replica is a daemon that uses the database, or did until not long ago.
type Replica struct {
	Owner   string `json:"owner"`
	Since   Stamp  `json:"since"`
	BeatAt  Stamp  `json:"beat_at"` // when it was last heard of
	Version string `json:"version"`
}

// Jobs is how many jobs of a kind there are.
type Jobs struct {
	Kind     string `json:"kind"`
	Waiting  int    `json:"waiting"`
	Running  int    `json:"running"`
	Retrying int    `json:"retrying"`
}

// Problem is something that is wrong now, beside incidents.
type Problem struct {
	Account string `json:"account"`
	Kind    string `json:"kind"`
	Message string `json:"message"`
}
