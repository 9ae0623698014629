package store

import (
	"context"
	"database/sql"
	"sort"
	"time"

	"countersign/model"
	"countersign/model/store/database"
	"countersign/model/store/durable"
)

// documentRow is a document as it rests. The lease is the store's.
type documentRow struct {
	model.Document `gorm:"embedded"`
	Sealed         []byte `gorm:"column:link"`
	LeaseUntil     *time.Time
	LeaseOwner     string
}

// TableName is gorm's name for the table.
func (documentRow) TableName() string { return "documents" }

type documentEntry struct {
	model.Document
	put, removed bool
}

func (b *Batch) documentsOf(k model.Key) ([]*documentEntry, error) {
	if list, ok := b.documents[k]; ok {
		return list, nil
	}
	var found []documentRow
	err := b.q.Find(&found, `SELECT * FROM documents WHERE account = ? AND ref = ? ORDER BY doc_id, kind, version`, k.Account, k.Ref)
	if err != nil {
		return nil, b.fail(err)
	}
	list := make([]*documentEntry, 0, len(found))
	for _, r := range found {
		d, err := b.s.openDocument(r)
		if err != nil {
			return nil, err
		}
		list = append(list, &documentEntry{Document: d})
	}
	if b.documents == nil {
		b.documents = map[model.Key][]*documentEntry{}
	}
	b.documents[k] = list
	return list, nil
}

// Documents returns the documents of a row, every version.
func (b *Batch) Documents(k model.Key) ([]model.Document, error) {
	list, err := b.documentsOf(k)
	out := make([]model.Document, 0, len(list))
	for _, e := range list {
		if !e.removed {
			out = append(out, e.Document)
		}
	}
	return out, err
}

// PutDocument adds or writes a document, keeps the row's counts right, and ends the document's
// lease. One without an ID is new; its id is returned.
func (b *Batch) PutDocument(d model.Document) string {
	k := model.Key{Account: d.Account, Ref: d.Ref}
	list, err := b.documentsOf(k)
	if err != nil {
		b.fail(err) //nolint:errcheck // the group is given up
		return ""
	}
	counters := b.counters
	if d.CreatedAt.IsZero() {
		d.CreatedAt = b.now
	}
	if d.ID == "" {
		d.ID = b.id("d")
	}
	d.Version = max(d.Version, 1)
	var e *documentEntry
	for _, x := range list {
		if x.ID == d.ID {
			e = x
		}
	}
	if e == nil {
		e = &documentEntry{}
		b.documents[k] = append(list, e)
		b.undo = append(b.undo, func() { b.documents[k], b.counters = list, counters })
	}
	was := *e
	e.Document, e.put = d, true
	b.undo = append(b.undo, func() { *e = was })
	b.recount(k)
	return d.ID
}

// RemoveDocument takes away a document that Documents returned, such as a version that turned out to
// be the one before, and keeps the row's counts right.
func (b *Batch) RemoveDocument(d model.Document) {
	k := model.Key{Account: d.Account, Ref: d.Ref}
	list, err := b.documentsOf(k)
	if err != nil {
		b.fail(err) //nolint:errcheck // the group is given up
		return
	}
	for _, e := range list {
		if e.ID == d.ID {
			was := *e
			e.removed = true
			b.undo = append(b.undo, func() { *e = was })
		}
	}
	b.recount(k)
}

// recount keeps a row's counts of documents right.
func (b *Batch) recount(k model.Key) {
	if c := b.touchRow(k); c != nil {
		c.now.DocsTotal, c.now.DocsStored = countDocuments(b.documents[k])
	}
}

// countDocuments counts documents, whatever their versions, and those whose newest version is stored.
func countDocuments(list []*documentEntry) (total, stored int) {
	type name struct {
		id   string
		kind model.DocumentKind
	}
	newest := map[name]*documentEntry{}
	for _, e := range list {
		if e.removed {
			continue
		}
		n := name{e.DocID, e.Kind}
		if old := newest[n]; old == nil || e.Version > old.Version {
			newest[n] = e
		}
	}
	for _, e := range newest {
		if e.State == model.DocumentStored {
			stored++
		}
	}
	return len(newest), stored
}

func (b *Batch) writeDocuments() error {
	var put []documentRow
	for k, list := range b.documents {
		c := b.rows[k]
		goes := c != nil && c.gone && !c.present
		for _, e := range list {
			if e.removed {
				if err := b.q.Exec(`DELETE FROM documents WHERE id = ?`, e.ID); err != nil {
					return err
				}
				continue
			}
			if !e.put || goes && e.LinkFile == "" {
				continue
			}
			r, err := b.s.sealDocument(e.Document)
			if err != nil {
				return err
			}
			put = append(put, r)
		}
	}
	if len(put) == 0 {
		return nil
	}
	sort.Slice(put, func(i, j int) bool { return put[i].ID < put[j].ID })
	return b.q.Save(put)
}

func (s *Store) sealDocument(d model.Document) (r documentRow, err error) {
	r.Document = d
	if d.Facts.Signatures == nil {
		r.Facts.Signatures = []model.EmbeddedSignature{} // what is nil would be written as NULL
	}
	if d.Link != "" {
		r.Sealed, err = s.box.Seal([]byte(d.Link), "document "+d.ID)
	}
	return r, err
}

func (s *Store) openDocument(r documentRow) (model.Document, error) {
	d := r.Document
	if len(d.Facts.Signatures) == 0 {
		d.Facts.Signatures = nil
	}
	if len(r.Sealed) == 0 {
		return d, nil
	}
	link, err := s.box.Open(r.Sealed, "document "+d.ID)
	d.Link = string(link)
	return d, err
}

func (s *Store) openDocuments(rows []documentRow) ([]model.Document, error) {
	out := make([]model.Document, len(rows))
	for i, r := range rows {
		d, err := s.openDocument(r)
		if err != nil {
			return nil, err
		}
		out[i] = d
	}
	return out, nil
}

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

// DocumentCount is how many of an account's documents are in a state.
type DocumentCount struct {
	Account   string
	State     model.DocumentState
	Documents int
}

// CountDocuments counts the documents that are not stored, by account and state. It reads an index and no document.
func (s *Store) CountDocuments(ctx context.Context) (out []DocumentCount, err error) {
	err = s.View(ctx, func(q *database.Tx) error {
		return q.Each(func(r *sql.Rows) error {
			var c DocumentCount
			err := r.Scan(&c.Account, &c.State, &c.Documents)
			out = append(out, c)
			return err
		}, `SELECT account, state, COUNT(*) FROM documents WHERE `+notStored+` GROUP BY state, account ORDER BY state, account`)
	})
	return out, err
}

// notStored names the index of documents that are not stored; SQLite does not see by itself that
// `state = 'waiting'` says so too.
const notStored = "state <> 'stored'"

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

// Holding returns the ids of the documents that may have a file in the hold folder: one that is held,
// or that a link was fetched for when the process ended.
func (s *Store) Holding(ctx context.Context) (map[string]bool, error) {
	out := map[string]bool{}
	err := s.View(ctx, func(q *database.Tx) error {
		return q.Each(func(r *sql.Rows) error {
			var id string
			err := r.Scan(&id)
			out[id] = true
			return err
		}, holding)
	})
	return out, err
}

const holding = `SELECT id FROM documents WHERE ` + notStored + ` AND (held <> '' OR link IS NOT NULL)`

// DocumentsDue chooses documents to fetch: those of one account, or of all but some.
type DocumentsDue struct {
	Account string   // any if empty
	Except  []string // accounts
	Now     time.Time
	Limit   int // 20 if zero
}

// ClaimDocuments leases documents whose time has come to one owner: no other gets them until the
// lease is over or they are put.
func (s *Store) ClaimDocuments(ctx context.Context, f DocumentsDue, owner string, lease time.Duration) (out []model.Document, err error) {
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
