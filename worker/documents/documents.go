// Package documents fetches the files that belong to transactions, from the provider or from a callback's link, checks
// them and gives them their place. What becomes of a document is for model.Settle to say; each step is one database
// transaction, and a file has its name, on disk, before its row says so.
package documents

import (
	"context"
	"time"

	"github.com/sirupsen/logrus"

	"countersign/model/store"
	"countersign/worker/apply"
	"countersign/worker/ask"
	"countersign/worker/files"
	"countersign/worker/incidents"
	"countersign/worker/pdf"
)

// Options is what Documents need. A verb that fetches nothing leaves out Gate and what follows it.
type Options struct {
	Store     *store.Store
	Files     files.Archive
	Incidents *incidents.Table
	Inspect   pdf.Inspector           // looks into a file that came
	Accounts  func() []*apply.Account // the current ones; a reload swaps them
	Now       func() time.Time
	Log       *logrus.Entry

	Gate      *ask.Gate     // says whether an account may be asked
	Owner     string        // names this process in leases
	RetryWait time.Duration // first pause after a fetch that brought no file
	RetryMost time.Duration // the longest
	Workers   int           // files under way per account
	MinFree   int64         // bytes that the document folder's file system must have left
}

// Documents work on the files of transactions. Safe for concurrent use.
type Documents struct {
	store     *store.Store
	files     files.Archive
	incidents *incidents.Table
	reader    pdf.Inspector
	accounts  func() []*apply.Account
	now       func() time.Time
	log       *logrus.Entry

	gate                 *ask.Gate
	owner                string
	retryWait, retryMost time.Duration
	workers              int
	minFree              int64
}

// New returns Documents. Nothing is fetched until a lane's round.
func New(o Options) *Documents {
	return &Documents{
		store: o.Store, files: o.Files, incidents: o.Incidents, reader: o.Inspect, accounts: o.Accounts, now: o.Now, log: o.Log,
		gate: o.Gate, owner: o.Owner, retryWait: o.RetryWait, retryMost: o.RetryMost, workers: o.Workers, minFree: o.MinFree,
	}
}

// Lane is a part of the work that holds up no other: its round does what is due in it.
type Lane struct {
	Account string // "": of those that are no longer configured
	Name    string
	Round   func(context.Context) error
}

// account finds a configured account; nil if it was taken out.
func (ds *Documents) account(id string) *apply.Account {
	for _, a := range ds.accounts() {
		if a.ID == id {
			return a
		}
	}
	return nil
}
