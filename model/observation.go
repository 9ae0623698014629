package model

import (
	"slices"
	"time"
)

// Evidence is how much an observation proves. The words never leave the code: people read
// "confirmed" or "a callback says".
type Evidence int

// The evidence, from the least to the most.
const (
	Hint      Evidence = iota // anyone could have said it
	WeakClaim                 // the sender proved itself, but not what it says (Dropbox Sign's hash)
	Claim                     // the sender proved itself and the body
	Verified                  // we asked and the provider answered
)

func (e Evidence) String() string {
	return [...]string{"hint", "weak claim", "claim", "verified"}[e]
}

// Absence is what an answer says of a transaction that is not there.
type Absence int

// The absences.
const (
	Present  Absence = iota
	NotFound         // 404, or 403 on one transaction: the provider does not know it, or not for this key
	Gone             // 410: it was there and was cancelled or removed (Dropbox Sign)
)

// Flag is a yes or no that an observation may leave unsaid.
type Flag int8

// The values of a Flag.
const (
	Unsaid Flag = iota
	Yes
	No
)

// FlagOf turns a known yes or no into a Flag.
func FlagOf(b bool) Flag {
	if b {
		return Yes
	}
	return No
}

// over returns the flag's value, or old where it is unsaid.
func (f Flag) over(old bool) bool {
	if f == Unsaid {
		return old
	}
	return f == Yes
}

// Observation is what a callback or an answer says about one transaction. Empty fields say
// nothing, except in a whole answer (Evidence Verified), where Status and Signers are all there is.
type Observation struct {
	Ref string
	// Alias is another name of the transaction, such as a number that a service's callbacks give it: only a question
	// leads from it to the ref. In a callback's observation Ref is the alias too; in an answer Ref is the row's, and Alias
	// what was asked for.
	Alias    string
	Evidence Evidence
	Type     string // the callback's event type, in the provider's word; "" for an answer
	Absence  Absence

	Status         Status // "" where it tells none
	ProviderStatus string
	Archived       Flag
	Trashed        Flag
	Deleted        Flag // a claim: half of what it takes to be deleted; an answer: the provider shows it as deleted
	Test           Flag

	ExternalID string
	Name       string
	Reason     string
	Metadata   string   // JSON object
	Signers    []Signer // nil: nothing said
	// Attention lists what a person must act on: all of it in an answer, what is new in a callback.
	Attention []Attention
	// Judges lists the kinds of attention that this answer can judge: one that stands in the row and is missing from
	// Attention is resolved.
	Judges []AttentionKind

	SentAt       *time.Time
	ProviderTime *time.Time
	CreatedAt    *time.Time
	ExpiresAt    *time.Time
	Mark         string // the provider's change mark, as a list shows it

	Documents []DocumentRef // what can be fetched once completed; nil: nothing said

	// Refetch says that the callback tells of something only a fetch can show.
	Refetch bool
	// Acted says that the callback tells of a signer's act: viewed, signed or declined, whoever it was. Only what was
	// sent can be acted on.
	Acted bool

	// Skipped is what could not be read and was left out of the rest, such as one odd signer among good ones.
	Skipped []Skipped

	// Set by the worker, not by providers.

	At      time.Time // when the callback came, or when the answer came
	AskedAt time.Time // when the question was sent (answers)
	Version int64     // the newest version when the question was sent (answers)
	Asked   Asked     // why it was asked, for a first sight
}

// Skipped counts records of one kind that could not be read.
type Skipped struct {
	Kind   string // one of the Skipped kinds
	Count  int
	Sample string // the form of the first one: names of members and types of values, without the values
}

// The kinds of records that may be skipped.
const (
	SkippedTransaction = "transaction"
	SkippedSigner      = "signer"
	SkippedDocument    = "document"
	SkippedOther       = "record"
)

// lacks reports whether records of a kind were skipped, so that the observation's list of them is incomplete.
func (o Observation) lacks(kind string) bool {
	for _, s := range o.Skipped {
		if s.Kind == kind {
			return true
		}
	}
	return false
}

// Asked says what kind of work a question belonged to.
type Asked string

// The kinds of work.
const (
	AskedConfirm  Asked = "confirm"
	AskedPoll     Asked = "poll"
	AskedBackfill Asked = "backfill"
	AskedVerify   Asked = "verify"
	AskedRef      Asked = "ref" // poll --ref, a button: one ask of the re-asking too
	AskedOperator Asked = "operator"
)

// Fetched says whether the observation is a provider's answer.
func (o Observation) Fetched() bool { return o.Evidence == Verified }

// sent reports whether a claim shows that the transaction was sent because a signer acted, even where the claim may
// not name that status. A claim that names the status draft contradicts this.
func (o Observation) sent() bool {
	if o.Status == Draft {
		return false
	}
	acts := func(s Signer) bool {
		return s.Status == SignerViewed || s.Status == SignerSigned || s.Status == SignerDeclined
	}
	return o.Acted || slices.ContainsFunc(o.Signers, acts)
}

// Rules is what a provider tells Decide about its own ways. It is data: returned once by each provider.
type Rules struct {
	Provider string
	// Forward lists, for each status, the statuses a claim may move it to.
	Forward map[Status][]Status
	// GoneIs is the status that a 410 means for an open row; "" where 410 is no more than not found.
	GoneIs Status
	// GoneAfter are the claimed statuses after which Gone says nothing about the end (a removal).
	GoneAfter []Status
	// DeletedIs is the status of an open row whose delete event and a "not found" agree; "" where a deletion leaves
	// the status as it was (Documenso: cancelled).
	DeletedIs Status
	// Confirms lists pairs: an answer of the first confirms a row that says the second
	// (Autosign: expired confirms cancelled).
	Confirms map[Status]Status
	// FinalMoves lists, for a final status, the final statuses a claim of its own rule may move it to
	// (Autosign: expired becomes cancelled).
	FinalMoves map[Status][]Status
	// Tells lists the callback types that tell of a change: for ChangeCreated and ChangeStatus by the
	// new status, for ChangeSigner by the signer's new status, for a flag under "" (up) and "off" (down).
	// A status that is not listed falls back to "".
	Tells map[GapChange]map[Status][]string
	// NoEvent are the changes for which the provider has no event at all.
	NoEvent []GapChange
	// Confirm says after which claims the provider is asked at once.
	Confirm ConfirmPolicy
	// RecheckAfter are the pauses of re-asking (rule 8), from the config.
	RecheckAfter []time.Duration
	// Debounce runs from the first claim since the last question.
	Debounce time.Duration
}

// ConfirmPolicy is the account's `confirm`.
type ConfirmPolicy string

// The policies.
const (
	ConfirmFinal ConfirmPolicy = "final"
	ConfirmAll   ConfirmPolicy = "all"
)

// GapChange is what a gap may be about.
type GapChange string

// The changes that a gap may be about.
const (
	ChangeCreated  GapChange = "created"
	ChangeStatus   GapChange = "status"
	ChangeArchived GapChange = "archived"
	ChangeTrashed  GapChange = "trashed"
	ChangeSigner   GapChange = "signer"
)

// TypesFor lists the callback types that tell of a change to a status.
func (r Rules) TypesFor(c GapChange, to Status) []string {
	m := r.Tells[c]
	if types, ok := m[to]; ok {
		return types
	}
	return m[""]
}

// Allows says whether a claim may move from one status to another.
func (r Rules) Allows(from, to Status) bool {
	for _, s := range r.Forward[from] {
		if s == to {
			return true
		}
	}
	return false
}
