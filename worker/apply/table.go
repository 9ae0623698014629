package apply

import (
	"time"

	"github.com/sirupsen/logrus"
	"golang.org/x/time/rate"

	"countersign/model"
	"countersign/model/store"
	"countersign/worker/incidents"
)

// Options is what a Table needs. All of it is required, but for what says otherwise.
type Options struct {
	Store    *store.Store
	Accounts func() []*Account // the current ones; a reload swaps them
	Now      func() time.Time
	Log      *logrus.Entry
}

// Table changes transactions and what belongs to them, by callbacks, answers, hints and operators. It is safe for
// concurrent use.
type Table struct {
	store     *store.Store
	accounts  func() []*Account
	now       func() time.Time
	log       *logrus.Entry
	incidents *incidents.Table
	lookUps   lookUps
}

// New returns a table.
func New(o Options) *Table {
	return &Table{
		store: o.Store, accounts: o.Accounts, now: o.Now, log: o.Log,
		incidents: incidents.New(o.Store, o.Log),
		lookUps:   lookUps{of: map[string]*rate.Limiter{}},
	}
}

// Incidents returns what the operator must act on.
func (tb *Table) Incidents() *incidents.Table { return tb.incidents }

// account finds a configured account; nil if it was taken out.
func (tb *Table) account(id string) *Account {
	for _, a := range tb.accounts() {
		if a.ID == id {
			return a
		}
	}
	return nil
}

// NewRow returns the row of a transaction about which nothing is known yet.
func NewRow(providerName string, k model.Key) model.Transaction {
	return model.Transaction{
		Account: k.Account, Ref: k.Ref, Provider: providerName, Status: model.Unknown, SignersSet: true,
	}
}

// Record writes one change of a row to the history, the feed and the outbox. A row whose status is still unknown is
// never announced.
func Record(b *store.Batch, t model.Transaction, c model.RowChange, source string, at time.Time, announce bool) {
	b.AddChange(model.Change{
		Account: t.Account, Ref: t.Ref, Kind: c.Kind, From: c.From, To: c.To, Status: t.Status,
		Confirmed: t.Confirmed, Source: source, At: at, Signer: c.Signer, Document: c.Document,
		Announce: announce && t.Status != model.Unknown,
	})
}
