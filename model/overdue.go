package model

import "time"

// CatchUp is how long whoever begins to poll may take until what was missed before counts as overdue: catching up
// begins at once.
const CatchUp = 10 * time.Minute

// PollsOverdue says whether no poll of an account's active tier has ended well for two slots, and for half a slot more
// (an hour at most) in which the second one may still end. What is called overdue already (open) stays so until a poll
// ends well in time. An account that was never polled well counts from its first start; one without slots is never
// overdue. next is the slot after a time, zero where there is none. began is since when somebody polls, zero where
// nobody does.
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
