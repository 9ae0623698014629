// Package jobs is the port through which processes share work: a job says which rows to look at and when, the rows say
// what there is to do. So a job that is lost, doubled or late does no harm: whoever works it off claims what is due, and
// ends at once where nothing is.
package jobs

import (
	"context"
	"errors"
	"time"

	"countersign/model/store/database"
)

// The kinds of jobs.
const (
	Rows      = "rows"      // an account's rows to ask about
	Refs      = "refs"      // an account's refs to look up that only callbacks or hints have named
	Documents = "documents" // an account's documents to fetch; of the account "": those of accounts that are configured no longer
	Runs      = "runs"      // an account's runs to work off
	Announce  = "announce"  // changes to announce, of no account
	Slot      = "slot"      // a slot of the account's tier ID that has come: its run is to be queued
	Round     = "round"     // what one process looks at for all, now and then; ID says what
)

// Job says what to look at. Two that are equal are one.
type Job struct {
	Kind    string
	Account string
	ID      string
	At      time.Time // it is worked off then, or as soon as somebody has time for it
}

// Grain is how finely moments are told apart: jobs of one account and kind that are due within one are one.
const Grain = 250 * time.Millisecond

// Due is the moment at which a job for something due at a time is worked off: the next grain, never sooner than now.
func Due(at, now time.Time) time.Time {
	if at.Before(now) {
		at = now
	}
	if t := at.UTC().Truncate(Grain); t.Before(at) {
		return t.Add(Grain)
	}
	return at.UTC()
}

// Handler works a job off. It may be called for one job more than once, in several processes. Its context ends when the
// process stops or the job has taken too long. An error has it called again after a pause that grows.
type Handler func(ctx context.Context, j Job) error

// Later is the error of a handler that wants to be called again after a while: it is no failure. The job stays as it is.
func Later(wait time.Duration) error { return later{wait} }

type later struct{ wait time.Duration }

func (later) Error() string { return "later" }

// Wait is what Later was given; false for any other error.
func Wait(err error) (time.Duration, bool) {
	var l later
	ok := errors.As(err, &l)
	return max(l.wait, 0), ok
}

// Queue is where jobs wait. Its methods are safe for concurrent use.
type Queue interface {
	// Put writes jobs in somebody's transaction: with its end they are there, or were never.
	Put(q *database.Tx, jobs []Job) error
	// Add writes jobs in a transaction of its own.
	Add(ctx context.Context, jobs ...Job) error
	// Run has handlers, by kind, work jobs off until ctx ends, then waits for those in hand. Jobs of other kinds are left
	// to processes that know them.
	Run(ctx context.Context, handlers map[string]Handler) error
}
