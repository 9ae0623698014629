package store

import (
	"sort"
	"time"

	"countersign/model"
)

// documentRow is a document as stored, with the store's lease.
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
	err := b.q.Find(&found, `SELECT * FROM documents WHERE account = ? AND ref = ? ORDER BY doc_id, kind, version`,
		k.Account, k.Ref)
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

// PutDocument adds or writes a document, updates the row's counts, and ends the document's lease. A document without
// an ID is new, and its id is returned.
func (b *Batch) PutDocument(d model.Document) string {
	k := model.Key{Account: d.Account, Ref: d.Ref}
	list, err := b.documentsOf(k)
	if err != nil {
		b.fail(err) //nolint:errcheck // the group is given up
		return ""
	}
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
	}
	e.Document, e.put = d, true
	b.recount(k)
	return d.ID
}

// RemoveDocument removes a document that Documents returned, such as a version that turned out to equal the one
// before, and updates the row's counts.
func (b *Batch) RemoveDocument(d model.Document) {
	k := model.Key{Account: d.Account, Ref: d.Ref}
	list, err := b.documentsOf(k)
	if err != nil {
		b.fail(err) //nolint:errcheck // the group is given up
		return
	}
	for _, e := range list {
		if e.ID == d.ID {
			e.removed = true
		}
	}
	b.recount(k)
}

// recount updates a row's counts of documents.
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
