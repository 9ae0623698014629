package store

import (
	"context"
	"database/sql"
	"sort"
	"strings"
	"time"

	"countersign/model"
	"countersign/model/store/database"
	"countersign/model/store/durable"
)

// DocumentFilter chooses documents; the zero value is all, the newest first.
type DocumentFilter struct {
	Account, Ref string
	State        model.DocumentState
	Limit        int    // all if zero
	Before       string // an id: those before it, for the next page
}

// Documents lists documents, the newest first; those of one row by name and version.
func (s *Store) Documents(ctx context.Context, f DocumentFilter) (out []model.Document, err error) {
	err = s.View(ctx, func(q *database.Tx) error {
		w := database.Where{}
		w.Text("account = ?", f.Account)
		w.Text("ref = ?", f.Ref)
		w.Text("state = ?", string(f.State))
		if f.State != "" && f.State != model.DocumentStored {
			w.Add(notStored)
		}
		w.Text("id < ?", f.Before)
		order := " ORDER BY id DESC"
		if f.Ref != "" {
			order = " ORDER BY kind DESC, doc_id, version"
		}
		if f.Limit > 0 {
			order += " LIMIT ?"
			w.Args = append(w.Args, f.Limit)
		}
		var rows []documentRow
		if err := q.Find(&rows, "SELECT * FROM documents"+w.SQL()+order, w.Args...); err != nil {
			return err
		}
		out, err = s.openDocuments(rows)
		return err
	})
	return out, err
}

// notStored names the index of documents that are not stored; SQLite does not see by itself that
// `state = 'waiting'` says so too.
const notStored = "state <> 'stored'"

// Held says of rows which states their files have that did not come or are kept apart, the newest version of each.
func (s *Store) Held(ctx context.Context, keys []model.Key) (map[model.Key][]model.DocumentState, error) {
	out := map[model.Key][]model.DocumentState{}
	if len(keys) == 0 {
		return out, nil
	}
	args := make([]any, 0, 2*len(keys))
	for _, k := range keys {
		args = append(args, k.Account, k.Ref)
	}
	err := s.View(ctx, func(q *database.Tx) error {
		return q.Each(func(r *sql.Rows) error {
			var k model.Key
			var state model.DocumentState
			err := r.Scan(&k.Account, &k.Ref, &state)
			out[k] = append(out[k], state)
			return err
		}, heldDocuments+strings.Repeat(" OR d.account = ? AND d.ref = ?", len(keys))[len(" OR "):]+") ORDER BY d.id", args...)
	})
	return out, err
}

const heldDocuments = `SELECT d.account, d.ref, d.state FROM documents d WHERE d.state IN ('quarantined', 'failed', 'unobtainable')
  AND NOT EXISTS (SELECT 1 FROM documents n WHERE n.account = d.account AND n.ref = d.ref AND n.doc_id = d.doc_id
  AND n.kind = d.kind AND n.version > d.version) AND (`

// Document returns one document; ErrNoRow if there is none.
func (s *Store) Document(ctx context.Context, id string) (d model.Document, err error) {
	err = s.View(ctx, func(q *database.Tx) error {
		var r documentRow
		if err := q.Take(&r, `SELECT * FROM documents WHERE id = ?`, id); err != nil {
			return err
		}
		d, err = s.openDocument(r)
		return err
	})
	return d, err
}

// DocumentCount is how many documents of an account are in a state.
type DocumentCount struct {
	Account   string
	State     model.DocumentState
	Documents int
}

// CountDocuments counts the documents that are not stored, by account and state.
func (s *Store) CountDocuments(ctx context.Context) (out []DocumentCount, err error) {
	err = s.View(ctx, func(q *database.Tx) error {
		return q.Each(func(r *sql.Rows) error {
			var c DocumentCount
			err := r.Scan(&c.Account, &c.State, &c.Documents)
			out = append(out, c)
			return err
		}, documentSums)
	})
	return out, err
}

// StoredDocuments counts the documents that are stored: all but the others, since no index has just these.
func (s *Store) StoredDocuments(ctx context.Context) (n int, err error) {
	err = s.View(ctx, func(q *database.Tx) error {
		return q.QueryRow(`SELECT (SELECT COUNT(*) FROM documents) - (SELECT COUNT(*) FROM documents WHERE ` + notStored + `)`).Scan(&n)
	})
	return n, err
}

// OldestWaitingDocument is since when the oldest document waits that is not here yet; nil where none waits.
func (s *Store) OldestWaitingDocument(ctx context.Context) (since *time.Time, err error) {
	err = s.View(ctx, func(q *database.Tx) error {
		return q.Each(func(r *sql.Rows) error {
			since = new(time.Time)
			return r.Scan(database.Moment(since))
		}, `SELECT created_at FROM documents WHERE id = (SELECT MIN(id) FROM documents WHERE state = 'waiting' AND `+notStored+`)`)
	})
	return since, err
}

const documentSums = `SELECT account, state, COUNT(*) FROM documents WHERE ` + notStored +
	` GROUP BY account, state ORDER BY account, state`

// OverdueDocuments counts an account's documents that have been waiting since before a time, though
// the provider has said that their transaction is completed.
func (s *Store) OverdueDocuments(ctx context.Context, account string, before time.Time) (n int, err error) {
	err = s.View(ctx, func(q *database.Tx) error {
		return q.QueryRow(overdueDocuments, account, before).Scan(&n)
	})
	return n, err
}

const overdueDocuments = `SELECT COUNT(*) FROM documents d WHERE d.state = 'waiting' AND d.state <> 'stored' AND d.account = ? AND d.created_at < ?
  AND EXISTS (SELECT 1 FROM transactions t WHERE t.account = d.account AND t.ref = d.ref AND t.status = 'completed' AND t.confirmed)`

// InHoldFolder returns the ids of the documents that may have a file in the hold folder: one that is held,
// or that a link was fetched for when the process ended.
func (s *Store) InHoldFolder(ctx context.Context) (map[string]bool, error) {
	out := map[string]bool{}
	err := s.View(ctx, func(q *database.Tx) error {
		return q.Each(func(r *sql.Rows) error {
			var id string
			err := r.Scan(&id)
			out[id] = true
			return err
		}, inHoldFolder)
	})
	return out, err
}

const inHoldFolder = `SELECT id FROM documents WHERE ` + notStored + ` AND (held <> '' OR link IS NOT NULL)`

// DocumentsDue chooses documents to fetch: those of one account, or of all but some.
type DocumentsDue struct {
	Account string   // any if empty
	Except  []string // accounts
	Now     time.Time
	Limit   int // 20 if zero
}

// HastenDocuments makes an account's documents due that wait.
func (s *Store) HastenDocuments(ctx context.Context, account string, now time.Time) error {
	return s.Change(ctx, func(q *database.Tx) error {
		return q.Exec(`UPDATE documents SET next_try_at = ? WHERE account = ? AND state = 'waiting' AND next_try_at > ?`,
			now, account, now)
	})
}

// ClaimDocuments leases documents whose time has come to one owner: no other gets them until the
// lease is over or they are put.
func (s *Store) ClaimDocuments(ctx context.Context, f DocumentsDue, owner string, lease time.Duration) (
	out []model.Document, err error,
) {
	skip := ""
	if s.Postgres() {
		skip = " FOR UPDATE SKIP LOCKED"
	}
	w := database.Where{}
	w.Add("next_try_at <= ?", f.Now)
	w.Add("(lease_until IS NULL OR lease_until <= ?)", f.Now)
	w.Text("account = ?", f.Account)
	for _, a := range f.Except {
		w.Add("account <> ?", a)
	}
	found, err := s.documentsDue(ctx, w)
	if err != nil || !found {
		return nil, err
	}
	err = s.Change(ctx, func(q *database.Tx) error {
		args := append([]any{f.Now.Add(lease), owner}, w.Args...)
		var rows []documentRow
		err := q.Find(&rows, `UPDATE documents SET lease_until = ?, lease_owner = ? WHERE id IN (
  SELECT id FROM documents`+w.SQL()+` ORDER BY next_try_at, id LIMIT ?`+skip+`
) RETURNING *`, append(args, positive(f.Limit, 20))...)
		if err != nil {
			return err
		}
		sort.Slice(rows, func(i, j int) bool { return rows[i].ID < rows[j].ID })
		out, err = s.openDocuments(rows)
		return err
	})
	if len(out) > 0 && err == nil {
		durable.CrashPoint("documents claimed")
	}
	return out, err
}

// documentsDue looks before a claim takes the write lock: mostly nothing is due.
func (s *Store) documentsDue(ctx context.Context, w database.Where) (found bool, err error) {
	err = s.View(ctx, func(q *database.Tx) error {
		return q.QueryRow(`SELECT EXISTS (SELECT 1 FROM documents`+w.SQL()+`)`, w.Args...).Scan(&found)
	})
	return found, err
}
