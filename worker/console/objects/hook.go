package objects

// Hook is how one hook does.
type Hook struct {
	ID           string `json:"id"`
	Type         string `json:"type" doc:"http, command, nats, or function where a program has embedded the worker"`
	Receiver     string `json:"receiver" doc:"its host, program or subject"`
	State        string `json:"state" doc:"active, failing, gone (the receiver said 410), new (the daemon has not seen it yet), removed (no longer in the config)"`
	Sent         int64  `json:"sent" doc:"announcements that the receiver has taken"`
	Waiting      int    `json:"waiting" doc:"to be sent, or to be sent again"`
	Dead         int    `json:"dead" doc:"given up; a replay sends them again"`
	Untold       int64  `json:"untold" doc:"changes that the hook has not looked at yet"`
	OldestAt     Stamp  `json:"oldest_waiting_at" doc:"since when the oldest of those that wait does"`
	Since        Stamp  `json:"since" doc:"changes before are not announced, but by a replay"`
	LastSentAt   Stamp  `json:"last_sent_at"`
	FailingSince Stamp  `json:"failing_since" doc:"the first of the attempts that failed since one went well"`
	RestsUntil   Stamp  `json:"rests_until" doc:"nothing is sent before"`
	LastAnswer   string `json:"last_answer" doc:"of the newest attempt that failed"`
}

// The states of a hook.
const (
	HookActive  = "active"
	HookFailing = "failing"
	HookGone    = "gone"
	HookNew     = "new"
	HookRemoved = "removed"
)

// Delivery is one announcement on its way to one hook.
type Delivery struct {
	ID        string `json:"id" doc:"the event's id, the webhook-id header of each attempt"`
	Hook      string `json:"hook"`
	Seq       int64  `json:"seq"`
	Account   string `json:"account"`
	Ref       string `json:"ref"`
	Kind      string `json:"kind"`
	From      string `json:"from"`
	To        string `json:"to"`
	Status    string `json:"status"`
	State     string `json:"state" doc:"waiting, sent, dead"`
	Attempts  int    `json:"attempts"`
	Answer    string `json:"answer" doc:"of the newest attempt"`
	LatencyMS int64  `json:"latency_ms" doc:"how long that took"`
	QueuedAt  Stamp  `json:"queued_at"`
	NextTryAt Stamp  `json:"next_try_at" doc:"null: it is done, or an earlier one of its transaction waits"`
	DoneAt    Stamp  `json:"done_at"`
}

// HookTested is what became of a test.
type HookTested struct {
	Hook      string `json:"hook"`
	ID        string `json:"id" doc:"the event's id"`
	Taken     bool   `json:"taken"`
	Answer    string `json:"answer"`
	LatencyMS int64  `json:"latency_ms"`
}

// HookReplayed is how many announcements are sent again.
type HookReplayed struct {
	Hook   string `json:"hook"`
	Queued int    `json:"queued"`
	DryRun bool   `json:"dry_run"`
}
