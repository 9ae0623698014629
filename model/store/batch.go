package store

import (
	"database/sql"
	"fmt"
	"time"

	"countersign/model"
	"countersign/model/store/database"
)

// groupTime bounds the writing of a group on PostgreSQL; SQLite's wait is its busy timeout.
const groupTime = 30 * time.Second

// Batch is the state that the changes of a group read and write, all of it in memory until the group is written. If a
// change fails, the Batch is dropped and the other changes run on a new one. A Batch must not be used after Apply
// returns.
type Batch struct {
	s      *Store
	q      *database.Tx
	now    time.Time
	broken error // the database failed under a lazy query

	known           *known // what the group before has left
	counters, began counts
	rows            map[model.Key]*cached
	order           []*cached // those that were put or removed, once each
	copies          map[DedupeKey]*copyOf
	callbacks       []*stored
	byID            map[string]*stored
	outcomes        map[string]model.Outcome
	rowOutcomes     map[model.Key]model.Outcome
	released        []DedupeKey
	amended         []*stored
	moved           map[callbackDay]int // callbacks that got another verdict
	changes         []model.Change
	gaps            map[model.Key][]*gapEntry
	reported        map[reportedKey]int
	accounts        map[string]*accountEntry
	documents       map[model.Key][]*documentEntry
	incidents       map[incidentKey]*incidentEntry
	seals           map[string]*sealsOf
	watched         map[string]bool // accounts whose open incidents are in incidents
	progress        []step
	runs            []model.Run
	transport       []transportState
	drift           []model.DriftLine
	verified        []verifiedRef
	firsts          map[firstKey]int
	anyForgotten    *bool // nil: not looked at yet
	recalled        map[model.Key]bool
	dictionaries    map[uint32]bool // those that the group has written
	searchable      bool            // rows have words that the search index does not know
	confirmations   []Confirmation
}

// counts is the counters' row, which a group locks first, so that numbers are given out in the order of commits.
type counts struct{ seq, version, ordinal int64 }

// cached is a row as it was when the group began and as it is now.
type cached struct {
	was, now row
	exists   bool // in the database
	present  bool // for the changes of this group
	put      bool
	listed   bool // in Batch.order
	gone     bool // was in the database and is to be removed
}

// entries are what groups hold their rows in, used again by the next: two rows are two kilobytes. Only the one that writes
// touches them.
type entries struct{ spare []*cached }

// mostSpare bounds how many entries rest: as many as a large group has rows.
const mostSpare = 256

func (e *entries) take() *cached {
	last := len(e.spare) - 1
	if last < 0 {
		return &cached{}
	}
	c := e.spare[last]
	e.spare = e.spare[:last]
	return c
}

// give takes the entries of a group back that nobody looks at any more.
func (e *entries) give(b *Batch) {
	if b == nil {
		return
	}
	for _, c := range b.rows {
		if len(e.spare) == mostSpare {
			break
		}
		*c = cached{}
		e.spare = append(e.spare, c)
	}
	b.rows, b.order = nil, nil
}

func (c *cached) shape(s *shapes) *shape {
	switch {
	case !c.present || !c.put:
		return nil
	case !c.exists || c.gone:
		return &s.add
	}
	return s.changed(&c.was, &c.now)
}

// newBatch locks the counters and loads every row that the units name.
func (s *Store) newBatch(q *database.Tx, group []*unit) (*Batch, error) {
	b := &Batch{
		s: s, q: q, now: s.now(), rows: map[model.Key]*cached{}, copies: map[DedupeKey]*copyOf{}, byID: map[string]*stored{},
		outcomes: map[string]model.Outcome{}, accounts: map[string]*accountEntry{},
	}
	var err error
	b.known = s.known.of(q)
	b.began, b.anyForgotten = b.known.counters, b.known.forgotten
	if b.known.accounts == nil {
		if b.began, err = lockCounters(q); err != nil {
			return nil, err
		}
	}
	b.counters = b.began
	var keys []model.Key
	var dedupe []DedupeKey
	for _, u := range group {
		for _, k := range u.Keys {
			if _, ok := b.rows[k]; !ok {
				b.rows[k] = s.entries.take()
				keys = append(keys, k)
			}
		}
		for _, d := range u.Dedupe {
			if _, ok := b.copies[d]; !ok && d.Key != "" {
				b.copies[d] = nil
				dedupe = append(dedupe, d)
			}
		}
	}
	if err := b.fetchRows(keys); err != nil {
		return nil, err
	}
	return b, b.fetchCopies(dedupe)
}

// number is a row's, or nil where there is none.
func (b *Batch) number(k model.Key) any {
	if c := b.rows[k]; c != nil && c.present {
		return c.now.n
	}
	return nil
}

// know loads the rows among keys that the group has not loaded yet.
func (b *Batch) know(keys []model.Key) error {
	var missing []model.Key
	for _, k := range keys {
		if _, ok := b.rows[k]; !ok && k.Ref != "" {
			b.rows[k] = b.s.entries.take()
			missing = append(missing, k)
		}
	}
	return b.fetchRows(missing)
}

// lockCounters makes all writers of rows, in any process, wait for each other. On SQLite the transaction does so from
// its beginning, on PostgreSQL the lock on the counters' row. The rows themselves need no locks then; only leases are
// written besides.
func lockCounters(q *database.Tx) (c counts, err error) {
	query := `SELECT seq, version, ordinal FROM counters WHERE id = 1`
	if q.Postgres {
		query += ` FOR UPDATE`
	}
	err = q.Each(func(r *sql.Rows) error { return r.Scan(&c.seq, &c.version, &c.ordinal) }, query)
	return c, err
}

func (b *Batch) fetchRows(keys []model.Key) error {
	if len(keys) == 0 {
		return nil
	}
	rows, err := b.s.load(b.q, keys)
	if err != nil {
		return err
	}
	for _, r := range rows {
		c := b.rows[r.Key()]
		if c == nil {
			return fmt.Errorf("store: row %s was not asked for", r.Key())
		}
		c.was, c.now, c.exists, c.present = *r, *r, true, true
	}
	return nil
}

// Now is the time of the group.
func (b *Batch) Now() time.Time { return b.now }

// fail records that a lazy query failed in the database: the whole group is given up.
func (b *Batch) fail(err error) error {
	if err != nil && b.broken == nil {
		b.broken = err
	}
	return err
}

func (b *Batch) entry(k model.Key) *cached {
	c, ok := b.rows[k]
	if ok {
		return c
	}
	c = b.s.entries.take()
	b.rows[k] = c
	b.fail(b.fetchRows([]model.Key{k})) //nolint:errcheck // the group is given up
	return c
}

// Transaction returns a row with its signers, as the changes before this one left it; false if
// there is none.
func (b *Batch) Transaction(k model.Key) (model.Transaction, bool) {
	c := b.entry(k)
	t := c.now.Transaction
	if !c.present {
		return model.Transaction{}, false
	}
	return t, true
}

// Put writes a row. With d.Grew it gets the next global version. The store keeps Seq and the
// documents' counts itself, and a row that is put is leased no longer. Only what differs is written.
func (b *Batch) Put(t model.Transaction, d model.Decision) {
	c := b.entry(t.Key())
	b.list(c)
	was := c.now
	c.now.Transaction = t
	if !c.present {
		b.counters.ordinal++
		was = row{n: b.counters.ordinal}
	}
	c.now.Seq, c.now.DocsTotal, c.now.DocsStored, c.now.Version = was.Seq, was.DocsTotal, was.DocsStored, was.Version
	if d.Grew || !c.present {
		b.counters.version++
		c.now.Version = b.counters.version
	}
	if !t.SignersSet {
		c.now.Signers, c.now.SignersSet = was.Signers, was.SignersSet
	}
	c.now.n = was.n
	c.now.signerRows, c.now.leased = len(c.now.Signers), false
	c.present, c.put = true, true
}

// list marks a row as one to be written.
func (b *Batch) list(c *cached) {
	if !c.listed {
		c.listed = true
		b.order = append(b.order, c)
	}
}

// Remove takes a row away, with its signers, documents, gaps and progress. Its callbacks stay, and so
// do documents whose file is held.
func (b *Batch) Remove(k model.Key) {
	c := b.entry(k)
	b.list(c)
	c.gone = c.gone || c.exists
	c.now, c.present = row{}, false
	c.now.Account, c.now.Ref = k.Account, k.Ref
}

// touchRow returns a row that the store itself changes (Seq, counts); nil if there is none.
func (b *Batch) touchRow(k model.Key) *cached {
	c := b.entry(k)
	if !c.present {
		return nil
	}
	b.list(c)
	c.put = true
	return c
}
