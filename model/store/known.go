package store

import (
	"countersign/model"
	"countersign/model/store/database"
)

// known is what every group reads and the one before has left: as long as nobody else has written meanwhile, it need
// not be read again. Empty on PostgreSQL, where other replicas write all the time.
type known struct {
	state     database.State
	counters  counts
	forgotten *bool // whether any row was; nil: not looked at yet
	accounts  map[string]model.Account
	incidents map[string][]model.Incident // the open ones of accounts
}

// of returns what is known in a transaction: nothing where others have written.
func (m *known) of(q *database.Tx) *known {
	if state, ok := q.State(); ok && state == m.state {
		return m
	}
	return &known{}
}

// learn takes over what a group that is on disk has left.
func (m *known) learn(b *Batch) {
	state, ok := b.q.State()
	if !ok {
		return
	}
	if state != m.state {
		*m = known{state: state, accounts: map[string]model.Account{}, incidents: map[string][]model.Incident{}}
	}
	m.counters = b.counters
	if b.anyForgotten != nil {
		m.forgotten = b.anyForgotten
	}
	for id, e := range b.accounts {
		if e.stored || e.put {
			m.accounts[id] = e.Account
		}
	}
	for account := range b.watched {
		m.incidents[account] = []model.Incident{}
	}
	for k, e := range b.incidents {
		if e.open != nil {
			m.incidents[k.account] = append(m.incidents[k.account], *e.open)
		}
	}
}
