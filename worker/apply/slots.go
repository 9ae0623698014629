package apply

import "time"

// Tier is a kind of poll.
type Tier string

// The tiers.
const (
	Active Tier = "active"
	Idle   Tier = "idle"
	Audit  Tier = "audit"
)

// Tiers returns the tiers in the order in which they take the budget.
func Tiers() []Tier { return []Tier{Active, Idle, Audit} }

// Slot is when something is done again and again: a cron line, parsed by whoever read it.
type Slot interface {
	Next(after time.Time) time.Time // the first time after a given one, in UTC
	String() string                 // two slots with the same text are the same
}

// Schedules holds the slots of an account's tiers; a tier that it lacks is polled by hand only.
type Schedules map[Tier]Slot

// Next returns a tier's next slot after now; zero where the tier has none.
func (s Schedules) Next(t Tier, now time.Time) time.Time {
	if s[t] == nil {
		return time.Time{}
	}
	return s[t].Next(now.UTC())
}

// Interval returns the time between two slots of a tier, going by the next two; a day where the tier has none.
func (s Schedules) Interval(t Tier, now time.Time) time.Duration {
	first := s.Next(t, now)
	if first.IsZero() {
		return 24 * time.Hour
	}
	return s.Next(t, first).Sub(first)
}
