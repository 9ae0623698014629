package model

import "time"

// RunState is how far a run has come.
type RunState string

// The run states.
const (
	RunQueued  RunState = "queued"
	RunActive  RunState = "running"
	RunDone    RunState = "done"    // every part of it was done
	RunPartial RunState = "partial" // a part failed or was left over
	RunFailed  RunState = "failed"
)

// Run is one pass of a poll tier, a backfill, a verify or a retry for one account.
type Run struct {
	ID         string `gorm:"primaryKey"`
	Account    string
	Kind       string // active, idle, audit, backfill, verify, ref
	State      RunState
	Slot       *time.Time // the slot it belongs to; nil when asked for by hand
	Since      *time.Time
	Until      *time.Time
	Cursor     string // where the list stands, saved with each page
	Params     string // JSON: what the verb asked for
	Result     string // JSON: the result so far, such as the sums of a verify
	Note       string // why partial or failed
	Listed     int
	Asked      int
	Changed    int
	Gaps       int
	Queued     int       // documents queued
	Total      int       // what it expects to handle; 0: not known
	Left       int       // rows left over for the next slot
	CreatedAt  time.Time `gorm:"autoCreateTime:false"`
	StartedAt  *time.Time
	FinishedAt *time.Time
	BeatAt     *time.Time // the last sign of life of the process that works on it
}
