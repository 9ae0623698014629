package model

import "time"

// CatchUp is the time that a process has, after it begins to poll, before slots missed earlier count as overdue.
// Catching up begins at once.
const CatchUp = 10 * time.Minute

// PollsOverdue reports whether an account's active tier has had no poll that ended well for two slots and half a slot
// more (at most an hour), in which the second poll may still end. Once overdue (open), an account stays overdue until
// a poll ends well in time. An account that was never polled well counts from its first start; one without slots is
// never overdue. next returns the slot after a time, zero where there is none. began is when the running process began
// to poll, zero where no process polls.
func PollsOverdue(acc Account, next func(after time.Time) time.Time, open bool, began, now time.Time) bool {
	last := acc.FirstStartAt
	if acc.LastPollAt != nil {
		last = *acc.LastPollAt
	}
	first := next(last)
	if first.IsZero() {
		return false
	}
	second := next(first)
	switch slot := second.Sub(first); {
	case second.IsZero():
		return false
	case open:
		return now.After(second)
	default:
		return now.After(second.Add(min(slot/2, time.Hour))) && (began.IsZero() || now.Sub(began) >= min(slot, CatchUp))
	}
}
