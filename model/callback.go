package model

import "time"

// Verdict is what the listener decided about a callback: whether its proof holds and its body was understood.
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
	Applied         Outcome = "applied"
	NothingNew      Outcome = "nothing_new"
	Checking        Outcome = "checking"
	Ignored         Outcome = "ignored"
	ClaimUnresolved Outcome = "unresolved"
	TestEvent       Outcome = "test"
)

// Callback is one stored callback. Body is plain here; it rests compressed, a refused one encrypted.
type Callback struct {
	ID         string // made by the store, time-ordered
	Account    string
	Ref        string
	Type       string
	EventID    string
	DedupeKey  string // "": the callback never counts as a duplicate
	Verdict    Verdict
	Outcome    Outcome
	Note       string // why refused, ignored or not understood; no secrets, no names
	At         time.Time
	RemoteAddr string
	Headers    map[string]string // those that a proof or a person needs; of a header that is itself a secret, its HMAC
	Body       []byte            // nil when retention has taken it
	BodyHash   string            // SHA-256 of the body as it came, hex
	Sealed     bool              // the body rests encrypted (refused)
	Unproved   bool              // accepted as a hint: nothing proves who sent it
}

// MayExplain says whether a callback may explain a change: neither a copy of another nor one of no interest.
func (c *Callback) MayExplain() bool {
	return (c.Verdict == Accepted || c.Verdict == Refused) && c.Outcome != Ignored
}
