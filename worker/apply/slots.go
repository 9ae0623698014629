package apply

import (
	"fmt"
	"time"

	"github.com/robfig/cron/v3"
)

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

// Slot is when something is done again and again: a cron line, parsed. The zero value is no slot.
type Slot struct {
	line string
	cron cron.Schedule
}

// ParseSlot reads a cron line of five fields, or of six with seconds first, in UTC. It refuses what the library would
// panic at or never fire.
func ParseSlot(line string) (s Slot, err error) {
	defer func() {
		if recover() != nil { // the parser panics at "TZ=0"
			s, err = Slot{}, fmt.Errorf("%q is not a cron line", line)
		}
	}()
	p := cron.NewParser(cron.SecondOptional | cron.Minute | cron.Hour | cron.Dom | cron.Month | cron.Dow | cron.Descriptor)
	schedule, err := p.Parse(line)
	if err != nil {
		return Slot{}, fmt.Errorf("%q is not a cron line: %w", line, err)
	}
	if schedule.Next(time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)).IsZero() {
		return Slot{}, fmt.Errorf("%q never fires", line)
	}
	return Slot{line, schedule}, nil
}

// String returns the line that was parsed; "" for no slot.
func (s Slot) String() string { return s.line }

// IsZero reports whether there is no slot.
func (s Slot) IsZero() bool { return s.cron == nil }

// Next returns the first time after a given one; zero where there is no slot.
func (s Slot) Next(after time.Time) time.Time {
	if s.cron == nil {
		return time.Time{}
	}
	return s.cron.Next(after.UTC())
}

// Schedules holds the slots of an account's tiers; a tier that it lacks is polled by hand only.
type Schedules map[Tier]Slot

// Next returns a tier's next slot after now; zero where the tier has none.
func (s Schedules) Next(t Tier, now time.Time) time.Time { return s[t].Next(now) }

// Interval returns the time between two slots of a tier, going by the next two; a day where the tier has none.
func (s Schedules) Interval(t Tier, now time.Time) time.Duration {
	first := s.Next(t, now)
	if first.IsZero() {
		return 24 * time.Hour
	}
	return s.Next(t, first).Sub(first)
}
