package documenso

import "time"

// Event is a callback's body.
type Event = event

// Milliseconds is a time as Documenso writes it, or null.
func Milliseconds(at time.Time) any { return milliseconds(at) }
