package store

import (
	"context"
	"database/sql"
	"slices"
	"time"

	"countersign/model"
	"countersign/model/store/database"
)

// WorkKind says what is due.
type WorkKind int

// The kinds of work that a moment may bring.
const (
	WorkKnown      WorkKind = iota // rows to ask about
	WorkUnverified                 // refs to look up that only callbacks or hints have named
	WorkDocuments                  // documents to fetch
	WorkChanges                    // changes to announce, of no account
	WorkRuns                       // runs to work off
)

// Work is one account's work of a kind.
type Work struct {
	Account string
	Kind    WorkKind
}

// Agenda says when each work is next due. Work that is not in it is not known to be due.
type Agenda map[Work]time.Time

// Note brings a moment forward, never back.
func (a Agenda) Note(w Work, at time.Time) {
	if was, ok := a[w]; !ok || at.Before(was) {
		a[w] = at
	}
}

// OnWork has f called after each group that made rows or documents due, with the next moment of each work among them.
// It is called by the one that writes, so it must not block. What other processes write is not among it: Next tells.
func (s *Store) OnWork(f func(Agenda)) { s.onWork.Store(&f) }

// OnGroup has f called in the transaction of each group that makes something due, before it is committed. What f writes is
// there with the group; its error is the group's. Groups from the next one on are told.
func (s *Store) OnGroup(f func(*database.Tx, Agenda) error) { s.onGroup.Store(&f) }

// writeJobs lets others write what belongs to what the group has made due.
func (b *Batch) writeJobs() error {
	f := b.s.onGroup.Load()
	if f == nil {
		return nil
	}
	a := b.agenda()
	if len(a) == 0 {
		return nil
	}
	return (*f)(b.q, a)
}

// tell reports what a group that is on disk has made due.
func (s *Store) tell(b *Batch) {
	f := s.onWork.Load()
	if f == nil || b == nil {
		return
	}
	if a := b.agenda(); len(a) > 0 {
		(*f)(a)
	}
}

// agenda is what the group has made due.
func (b *Batch) agenda() Agenda {
	a := Agenda{}
	if len(b.changes) > 0 {
		a[Work{Kind: WorkChanges}] = b.now
	}
	for i := range b.runs {
		if b.runs[i].State == model.RunQueued {
			a[Work{b.runs[i].Account, WorkRuns}] = b.now
		}
	}
	for _, c := range b.order {
		if t := &c.now.Transaction; c.present && c.put && t.NextCheckAt != nil {
			a.Note(Work{t.Account, workOf(t)}, *t.NextCheckAt)
		}
	}
	for k, list := range b.documents {
		for _, e := range list {
			if e.put && !e.removed && e.NextTryAt != nil {
				a.Note(Work{k.Account, WorkDocuments}, *e.NextTryAt)
			}
		}
	}
	return a
}

// workOf is the kind of work that a due row is.
func workOf(t *model.Transaction) WorkKind {
	if t.Status == model.Unknown && t.Origin != model.OriginTrack && t.Origin != model.OriginPoll &&
		t.Origin != model.OriginBackfill {
		return WorkUnverified
	}
	return WorkKnown
}

// The ranks of due rows, in the order in which they are claimed; a row that is not due has none.
const (
	rankEnd, rankOther           = 0, 1 // known rows: claims of an end, others
	rankLooseEnd, rankLooseOther = 2, 3 // refs that only callbacks or hints have named
)

// dueRank is a row's rank; nil where nothing is due. It leads the index, so that neither a look nor a claim walks through
// a backlog.
func dueRank(t *model.Transaction) any {
	switch end := t.ReportedStatus.Final(); {
	case t.NextCheckAt == nil:
		return nil
	case workOf(t) == WorkUnverified && end:
		return rankLooseEnd
	case workOf(t) == WorkUnverified:
		return rankLooseOther
	case end:
		return rankEnd
	}
	return rankOther
}

// ranks are those of a kind of work.
func (k WorkKind) ranks() []int {
	if k == WorkUnverified {
		return []int{rankLooseEnd, rankLooseOther}
	}
	return []int{rankEnd, rankOther}
}

// A look takes one step into an index for each account and rank, past no more rows than are leased.
const (
	nextRow = `SELECT next_check_at FROM transactions WHERE account = ? AND due_rank = ? AND next_check_at IS NOT NULL` +
		` AND (lease_until IS NULL OR lease_until <= ?) ORDER BY next_check_at LIMIT 1`
	nextDocument = `SELECT next_try_at FROM documents WHERE account = ? AND next_try_at IS NOT NULL` +
		` AND (lease_until IS NULL OR lease_until <= ?) ORDER BY next_try_at LIMIT 1`
	nextAccount = `SELECT MIN(account) FROM documents WHERE account > ? AND next_try_at IS NOT NULL`
)

// Next reads when the work of accounts is next due, leased rows and documents left out. Documents of other accounts
// stand under the account "". Its price does not grow with what is due.
func (s *Store) Next(ctx context.Context, accounts []string, now time.Time) (Agenda, error) {
	a := Agenda{}
	err := s.View(ctx, func(q *database.Tx) error {
		for _, account := range accounts {
			for _, kind := range []WorkKind{WorkKnown, WorkUnverified} {
				for _, rank := range kind.ranks() {
					if err := next(q, a, Work{account, kind}, nextRow, account, rank, now); err != nil {
						return err
					}
				}
			}
		}
		return nextDocuments(q, a, accounts, now)
	})
	return a, err
}

// nextDocuments steps from account to account.
func nextDocuments(q *database.Tx, a Agenda, accounts []string, now time.Time) error {
	for at := ""; ; {
		var account sql.NullString
		if err := q.QueryRow(nextAccount, at).Scan(&account); err != nil || !account.Valid {
			return err
		}
		at = account.String
		w := Work{at, WorkDocuments}
		if !slices.Contains(accounts, at) {
			w.Account = ""
		}
		if err := next(q, a, w, nextDocument, at, now); err != nil {
			return err
		}
	}
}

func next(q *database.Tx, a Agenda, w Work, query string, args ...any) error {
	return q.Each(func(r *sql.Rows) error {
		var at time.Time
		err := r.Scan(database.Moment(&at))
		if err == nil {
			a.Note(w, at)
		}
		return err
	}, query, args...)
}
