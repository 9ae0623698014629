package model

import "time"

// Share says how many changes callbacks reported in time, and how the others came to be known.
type Share struct {
	Reported, Missed, Late, Refused int
	Unsubscribed, NoEvent           int // not the callbacks' fault: not in the share
}

// All is how many changes callbacks should have reported.
func (t Share) All() int { return t.Reported + t.Missed + t.Late + t.Refused }

// Fraction is reported / (reported + missed + late + refused); 1 where nothing changed.
func (t Share) Fraction() float64 {
	if t.All() == 0 {
		return 1
	}
	return float64(t.Reported) / float64(t.All())
}

// Percentiles summarise durations, each of them one that occurred. Of is how many there were; all fields are zero
// where Of is.
type Percentiles struct {
	Of            int
	P50, P90, P99 time.Duration
}

// Repairs says how long changes that no callback told in time stayed unknown, going by the gaps that count.
type Repairs struct {
	// Bound runs from the last answer that did not show the change: no change stayed unknown for longer. A transaction
	// that nothing had named before has no such answer and is left out.
	Bound Percentiles
	// Dated runs from the time that the provider gives the change, where it gives one.
	Dated Percentiles
	// Late is how long after it was found a change's callback came.
	Late Percentiles
}

// Step is one step of a signer's progress, as a browser told it. Nothing in it was checked.
type Step struct {
	Name string
	At   time.Time // UTC
}

// DriftLine is one field in which a verify found the table and the truth to differ.
type DriftLine struct {
	Run      string
	Ref      string
	Field    string
	About    string // which signer or document; ""
	Account  string
	Ours     string
	Theirs   string
	Repaired bool
	FoundAt  time.Time
}

// TableName is gorm's name for the table.
func (DriftLine) TableName() string { return "drift" }
