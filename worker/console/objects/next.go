package objects

import (
	"time"

	"countersign/model"
)

// Why a transaction is asked about next, where no reason of its own makes it due.
const (
	NextAudit   = "audit"   // the audit looks at final rows for 30 days
	NextActive  = "active"  // the active poll asks about it
	NextIdle    = "idle"    // the idle poll does: there was no news for a week
	NextNamed   = "named"   // a list, a callback or `verify` names it, or nobody asks again
	NextRemoved = "removed" // never: its account is not in the config
)

const (
	auditedFor  = 30 * 24 * time.Hour
	newsFor     = 7 * 24 * time.Hour
	expiresSoon = 48 * time.Hour
)

// NextQuestion says when a transaction is asked about next, and why: a model.DueReason or one of the words above. slots
// are its account's next polls by tier; nil where the account is not in the config. at is nil where the time is not
// known; one that has passed means now.
func NextQuestion(t model.Transaction, slots map[string]time.Time, now time.Time) (at *time.Time, why string) {
	if t.NextCheckAt != nil {
		return t.NextCheckAt, string(t.DueReason)
	}
	news := now.Sub(t.ChangedAt)
	switch {
	case slots == nil:
		return nil, NextRemoved
	case t.Deleted, t.Status.Final() && news > auditedFor:
		return nil, NextNamed
	case t.Status.Final():
		why = NextAudit
	case news <= newsFor, t.ExpiresAt != nil && t.ExpiresAt.Before(now.Add(expiresSoon)):
		why = NextActive
	default:
		why = NextIdle
	}
	if slot, ok := slots[why]; ok {
		at = &slot
	}
	return at, why
}
