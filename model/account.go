package model

import "time"

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
	// NotUnderstoodInARow counts the proved callbacks that were not understood since the last that was.
	NotUnderstoodInARow int    `gorm:"column:not_understood_in_a_row"`
	Registration        string // JSON of the last one seen
	Reach               string // whose transactions its lists show, in the provider's words
	LastError           string // of its questions, without secrets; "": the newest went well
	LastErrorAt         *time.Time
	RestsUntil          *time.Time // no question goes out before; nil: it does not rest
}
