// Package store keeps what countersign knows in SQLite or PostgreSQL, with gorm over goose
// migrations. Writes go through one group commit (Do); reads see what is committed. Times are UTC.
package store

import (
	"time"

	"countersign/model"
)

// Verdict is what became of a callback at the door.
type Verdict string

// The verdicts.
const (
	Accepted      Verdict = "accepted"
	Duplicate     Verdict = "duplicate"
	Refused       Verdict = "refused"
	NotUnderstood Verdict = "not_understood"
)

// Outcome is what an accepted callback did.
type Outcome string

// The outcomes.
const (
	Applied    Outcome = "applied"
	NothingNew Outcome = "nothing_new"
	Checking   Outcome = "checking"
	Ignored    Outcome = "ignored"
	Unresolved Outcome = "unresolved"
	TestEvent  Outcome = "test"
)

// Callback is one stored callback. Body is plain here; it rests compressed, a refused one encrypted.
type Callback struct {
	ID         string // made by the store, time-ordered
	Account    string
	Ref        string
	Type       string
	EventID    string
	DedupeKey  string // "" takes none
	Verdict    Verdict
	Outcome    Outcome
	Note       string // why refused, ignored or not understood; no secrets, no names
	At         time.Time
	RemoteAddr string
	Headers    map[string]string // those that matter; a header that is a secret as its HMAC
	Body       []byte            // nil when retention has taken it
	BodyHash   string            // SHA-256 of the body as it came, hex
	Sealed     bool              // the body rests encrypted (refused)

	packed   []byte // Body as it rests, made by Pack
	headers  string
	isPacked bool
}

// Document is one file that belongs to a transaction.
type Document struct {
	ID        string `gorm:"primaryKey"` // ours
	Account   string
	Ref       string
	DocID     string // the provider's
	Kind      model.DocumentKind
	Name      string
	Version   int // 1, 2 … where a later file differed
	State     model.DocumentState
	Reason    string // why quarantined, failed, unobtainable; or what it waits for
	SHA256    string `gorm:"column:sha256"`
	Size      int64
	Path      string // in the document store, slash-separated
	Attempts  int
	NextTryAt *time.Time // nil: not due
	StoredAt  *time.Time
	CreatedAt time.Time  `gorm:"autoCreateTime:false"`
	Link      string     `gorm:"-"` // where the file lies, if only a callback said so; rests encrypted
	LinkAt    *time.Time // when the link came; nil without one
	Mark      string     // the provider's mark of the file's content; "" where it has none
	Held      string     // SHA-256 of the file in the hold folder, which waits for the provider to confirm; "" if none
	// What is known of the signatures in the file; the zero value until they are checked.
	Facts model.SignatureFacts `gorm:"embedded"`
}

// Change is one entry of the change feed. Ref is "" for an incident.
type Change struct {
	Seq       int64 `gorm:"primaryKey;autoIncrement:false"`
	Account   string
	Ref       string
	Kind      model.ChangeKind
	From      string `gorm:"column:from_word"`
	To        string `gorm:"column:to_word"`
	Status    model.Status
	Confirmed bool
	Source    string // "callback ID", "poll RUN", "confirm", "backfill RUN", "operator"
	At        time.Time
	Announce  bool `gorm:"-"` // an outbox row is written with it
}

// Incident is something that the operator must act on. One of a kind is open per account.
type Incident struct {
	ID       string `gorm:"primaryKey"`
	Account  string
	Kind     string
	Message  string
	OpenedAt time.Time
	ClosedAt *time.Time
}

// The incident kinds.
const (
	CallbacksSilent     = "callbacks_silent"
	CallbacksRefused    = "callbacks_refused"
	RegistrationChanged = "registration_changed"
	CredentialsRefused  = "credentials_refused"
	PollOverdue         = "poll_overdue"
	DocumentsOverdue    = "documents_overdue"
)

// RunState is how far a run has come.
type RunState string

// The run states.
const (
	RunQueued  RunState = "queued"
	RunActive  RunState = "running"
	RunDone    RunState = "done"    // every part of it was done
	RunPartial RunState = "partial" // a part failed or was left over
	RunFailed  RunState = "failed"
)

// Run is one pass of a poll tier, a backfill, a verify or a retry for one account.
type Run struct {
	ID         string `gorm:"primaryKey"`
	Account    string
	Kind       string // active, idle, audit, backfill, verify, ref
	State      RunState
	Slot       *time.Time // the slot it belongs to; nil when asked for by hand
	Since      *time.Time
	Until      *time.Time
	Cursor     string // where the list stands, saved with each page
	Params     string // JSON: what the verb asked for
	Result     string // what it comes to so far, JSON: the sum of a verify
	Note       string // why partial or failed
	Listed     int
	Asked      int
	Changed    int
	Gaps       int
	Queued     int       // documents queued
	Total      int       // what it expects to handle; 0: not known
	Left       int       // rows left over for the next slot
	CreatedAt  time.Time `gorm:"autoCreateTime:false"`
	StartedAt  *time.Time
	FinishedAt *time.Time
	BeatAt     *time.Time // the last sign of life of the process that works on it
}

// Account is what the store remembers of a configured account.
type Account struct {
	ID             string `gorm:"primaryKey"`
	Provider       string
	RemoteID       string // the provider's own account id
	FirstStartAt   time.Time
	LastCallbackAt *time.Time // accepted
	LastPollAt     *time.Time // end of the last good active run
	ListedUntil    *time.Time // up to where the changed-since list is known, less the overlap
	RefusedInARow  int        `gorm:"column:refused_in_a_row"`
	Registration   string     // JSON of the last one seen
}
