// Package model holds the words of countersign (transaction, callback, document, change, gap, run, account, incident)
// and the one function, Decide, that chooses a transaction's status. It is pure: it reads no clock, does no I/O and
// imports nothing of ours. The words are those of docs/how-it-works.md; the gorm tags are strings and pull nothing in.
package model

import "time"

// Status is where a transaction stands, in countersign's own words.
type Status string

// The statuses. All but unknown, draft and in_progress are final.
const (
	Unknown    Status = "unknown"     // named, but not yet confirmed to exist: never announced
	Draft      Status = "draft"       // exists at the provider, not sent
	InProgress Status = "in_progress" // sent, somebody still has to act
	Completed  Status = "completed"   // signed by all; its documents can be fetched
	Declined   Status = "declined"    // refused by a signer or the sender's counterpart
	Expired    Status = "expired"     // ran out of time
	Cancelled  Status = "cancelled"   // withdrawn by the sender
	OptedOut   Status = "opted_out"   // a recipient opted out of signing electronically
	Failed     Status = "failed"      // the provider could not process it
)

// Statuses returns every status, in the order of the grids in docs/grids.md.
func Statuses() []Status {
	return []Status{Unknown, Draft, InProgress, Completed, Declined, Expired, Cancelled, OptedOut, Failed}
}

// Final says whether s ends a transaction's life.
func (s Status) Final() bool {
	switch s {
	case Completed, Declined, Expired, Cancelled, OptedOut, Failed:
		return true
	}
	return false
}

// Known says whether s is one of Statuses.
func (s Status) Known() bool {
	switch s {
	case Unknown, Draft, InProgress:
		return true
	}
	return s.Final()
}

// Key names a transaction: the account and the provider's own id, an opaque string.
type Key struct {
	Account string
	Ref     string
}

func (k Key) String() string { return k.Account + "/" + k.Ref }

// Origin is how a row came to be. It decides whether a first sight may be a gap.
type Origin string

// The origins.
const (
	OriginClaim    Origin = "callback"
	OriginPoll     Origin = "poll"
	OriginBackfill Origin = "backfill"
	OriginTrack    Origin = "track"
	OriginHint     Origin = "hint" // hidden until the provider knows it (design: rule 2)
)

// Transaction is one row of the table. Times are UTC; a nil time is one nobody told us.
type Transaction struct {
	Account  string `gorm:"primaryKey"`
	Ref      string `gorm:"primaryKey"`
	Provider string

	ExternalID     string
	Name           string
	Status         Status
	ProviderStatus string // the provider's own word, as it came
	Confirmed      bool   // the status is the provider's answer, not only a callback's word
	ReportedStatus Status // what a callback says and no fetch has confirmed; "" if nothing
	Reason         string // why declined, cancelled or failed, in the provider's words

	Archived bool
	Trashed  bool
	Deleted  bool
	NotFound bool
	Test     bool

	Attention   []Attention `gorm:"serializer:json"`
	Signers     []Signer    `gorm:"-"`
	SignersSet  bool        `gorm:"-"` // Signers was loaded or observed, so it may be compared and written
	Metadata    string      // JSON object, as the provider gave it
	SignersDone int
	SignersAll  int `gorm:"column:signers_total"`

	SentAt       *time.Time // when the provider says it was sent
	ProviderTime *time.Time // newest provider time seen; shown, never decides
	CreatedAt    *time.Time `gorm:"autoCreateTime:false"` // the provider's creation time
	ExpiresAt    *time.Time
	FirstSeenAt  time.Time
	ChangedAt    time.Time // our clock: when status, flags or signers last changed
	ConfirmedAt  *time.Time
	AskedAt      *time.Time // when the question was sent whose answer last confirmed the row

	TrackedBy string     // who asked to follow it, as the history names sources: "operator NAME"; "": nobody
	TrackedAt *time.Time // when that was asked for last

	Origin  Origin
	Hidden  bool  // an unverified ref, shown to nobody until the provider confirms it
	Version int64 // grows with status, flags and signers and with nothing else
	Seq     int64 // seq of the row's newest change

	NextCheckAt *time.Time // when the row is due for a fetch; nil: with its tier's slot
	DueReason   DueReason
	DueSince    *time.Time // when the newest claim came that made it due: a question sent before does not settle it
	HintedAt    *time.Time // when the newest hint's question is due, or was: the next hint has its own a minute later

	LostAnswers   int        // answers thrown away in a row because the row had moved
	NotFoundCount int        // answers "not found" in a row
	NotFoundAt    *time.Time // the newest of them
	DeleteAt      *time.Time // when a delete event was claimed

	Recheck      int        // questions asked since ReportedStatus was first doubted
	RefutedAs    Status     // the status whose re-asking ended with another answer
	RefutedAt    *time.Time // when that was
	Fingerprint  string     // of the newest observation that a fetch applied
	OpenGaps     int        // gaps of this row that a callback may still explain
	DocsTotal    int        `gorm:"column:documents_total"`
	DocsStored   int        `gorm:"column:documents_stored"`
	ProviderMark string     // the provider's own change mark from a list (an update time or the like)
}

// Key returns the row's name.
func (t Transaction) Key() Key { return Key{t.Account, t.Ref} }

// Open says whether the transaction may still move: not final, not deleted.
func (t Transaction) Open() bool { return !t.Status.Final() && !t.Deleted }

// DueReason says why a row is due, in a word that `show` prints.
type DueReason string

// The due reasons.
const (
	DueNone     DueReason = ""
	DueConfirm  DueReason = "confirm"   // a claim waits for the provider's answer
	DueRecheck  DueReason = "recheck"   // an answer fell short of what a claim named
	DueNew      DueReason = "new"       // tracked, or named for the first time
	DueHint     DueReason = "hint"      // a browser or an unverified callback named it
	DueStream   DueReason = "stream"    // an event of a stream named it
	DueMoved    DueReason = "moved"     // the row changed while the question was out
	DueNotFound DueReason = "not_found" // the provider did not know it; asked again with growing pauses
	DueAsked    DueReason = "asked"     // an operator asked for it
)

// SignerStatus is where one signer stands.
type SignerStatus string

// The signer statuses.
const (
	SignerWaiting  SignerStatus = "waiting"
	SignerViewed   SignerStatus = "viewed"
	SignerSigned   SignerStatus = "signed"
	SignerDeclined SignerStatus = "declined"
	SignerLocked   SignerStatus = "locked"
	SignerRemoved  SignerStatus = "removed"
)

// Signer is one person who has to act. Ref is the provider's id of the signer, unique in a transaction.
type Signer struct {
	Ref      string       `json:"ref"`
	Name     string       `json:"name"`
	Email    string       `json:"email"`
	Role     string       `json:"role"`
	Order    int          `json:"order"`
	Status   SignerStatus `json:"status"`
	ViewedAt *time.Time   `json:"viewed_at"`
	SignedAt *time.Time   `json:"signed_at"`
	Reason   string       `json:"reason"`
}

// AttentionKind names something that a person must act on.
type AttentionKind string

// The kinds of attention.
const (
	SignerLockedOut     AttentionKind = "signer_locked"
	IdentityCheckFailed AttentionKind = "identity_check_failed"
	EmailBounced        AttentionKind = "email_bounced"
	SenderMustFinish    AttentionKind = "sender_must_finish"
	FileError           AttentionKind = "file_error"
)

// Attention is one thing that a person must act on. Signer is a signer's ref, or "".
type Attention struct {
	Kind    AttentionKind `json:"kind"`
	Signer  string        `json:"signer"`
	Message string        `json:"message"`
	Since   time.Time     `json:"since"`
}

// DocumentKind is what a document is; `download` in the config chooses among them.
type DocumentKind string

// The document kinds.
const (
	SignedDocument   DocumentKind = "signed"
	EvidenceDocument DocumentKind = "evidence"
)

// DocumentState is how far a document has come.
type DocumentState string

// The document states.
const (
	DocumentWaiting      DocumentState = "waiting"
	DocumentStored       DocumentState = "stored"
	DocumentQuarantined  DocumentState = "quarantined"
	DocumentUnobtainable DocumentState = "unobtainable"
	DocumentFailed       DocumentState = "failed"
)

// DocumentStates lists every state.
func DocumentStates() []DocumentState {
	return []DocumentState{DocumentWaiting, DocumentStored, DocumentQuarantined, DocumentUnobtainable, DocumentFailed}
}

// DocumentRef names one document that a provider holds for a transaction. ID is the provider's id,
// unique in the transaction and kind; Name is the provider's name, never used as a path unescaped.
type DocumentRef struct {
	ID   string
	Kind DocumentKind
	Name string
	// Mark is the provider's mark of the file's content, "" where it has none: another mark means that another
	// file lies there now (Documenso's documentDataId), which becomes the next version.
	Mark string
}
