package store

import (
	"context"
	"database/sql"
	"encoding/base64"
	"slices"
	"strings"
	"time"

	"countersign/model"
	"countersign/model/store/database"
)

// PageFilter chooses what a page of gaps, documents, runs or incidents shows; the zero value is all, the newest first.
// What a table has no column for is not looked at.
type PageFilter struct {
	Accounts   []string
	Kinds      []string
	Changes    []string   // of gaps
	States     []string   // of documents and runs
	Signatures []string   // of documents
	Since      *time.Time // found, or asked for, since
	Until      *time.Time // before
	Limit      int        // 50 if zero
	Cursor     string
	// Soon ends a page after a tenth of a second, with what was found by then: where no index gives what is chosen, it may
	// be short, or empty, and have a next one. Without it pages are full, however long that takes.
	Soon bool
}

const (
	looksFor     = 100 * time.Millisecond // after which a page that is wanted soon ends
	looksAtFirst = 2000                   // rows that are looked through at first between two looks at the clock
	looksAtMost  = 64_000                 // and later on
)

// pageAt is where a page of a table with times ends.
type pageAt struct {
	at time.Time
	id string
}

func (p pageAt) String() string {
	return base64.RawURLEncoding.EncodeToString([]byte(database.Stamp(p.at) + "\x00" + p.id))
}

func readPageAt(text string) (p pageAt, err error) {
	raw, err := base64.RawURLEncoding.DecodeString(text)
	at, id, ok := strings.Cut(string(raw), "\x00")
	if err != nil || !ok {
		return p, ErrCursor
	}
	if p.at, err = database.ReadStamp(at); err != nil {
		return p, ErrCursor
	}
	p.id = id
	return p, nil
}

// between adds the times of a filter, by a column.
func (f PageFilter) between(w *database.Where, at string) {
	if f.Since != nil {
		w.Add(at+" >= ?", *f.Since)
	}
	if f.Until != nil {
		w.Add(at+" < ?", *f.Until)
	}
}

// listing is a table whose pages go by a column of times, the newest first, and then by id.
type listing struct {
	table, at string
	w         database.Where // what is chosen, but for times
	f         PageFilter
	index     string // that has the order of the list; "": the table is small
}

// source is what the rows are read from: where they are looked through, in the order of the list, whatever else SQLite
// thinks is fewer.
func (l listing) source(q *database.Tx) string {
	if l.index == "" || !l.looks() {
		return l.table
	}
	return l.table + hint(q, l.index)
}

// where chooses the rows of a part of the list: from one place on, and below another; nil is no bound.
func (l listing) where(from, below *pageAt) database.Where {
	w := database.Where{Parts: slices.Clone(l.w.Parts), Args: slices.Clone(l.w.Args)}
	l.f.between(&w, l.at)
	if from != nil {
		w.Add("("+l.at+", id) >= (?, ?)", from.at, from.id)
	}
	if below != nil {
		w.Add("("+l.at+", id) < (?, ?)", below.at, below.id)
	}
	return w
}

func (l listing) order() string { return " ORDER BY " + l.at + " DESC, id DESC LIMIT ?" }

// edge is where so many rows end, whether chosen or not; nil where there are fewer.
func (l listing) edge(q *database.Tx, below *pageAt, rows int) (edge *pageAt, err error) {
	l.w = database.Where{}
	w := l.where(nil, below)
	err = q.Each(func(r *sql.Rows) error {
		edge = &pageAt{}
		return r.Scan(database.Moment(&edge.at), &edge.id)
	}, "SELECT "+l.at+", id FROM "+l.table+w.SQL()+l.order()+" OFFSET ?", append(w.Args, 1, rows-1)...)
	return edge, err
}

// looks says whether a page is looked for, a part of the list at a time.
func (l listing) looks() bool {
	return l.f.Soon && len(l.f.Accounts)+len(l.f.Kinds)+len(l.f.Changes)+len(l.f.States) > 0
}

// pageOf reads a page of a list. end says where a row stands.
func pageOf[T any](ctx context.Context, s *Store, l listing, end func(T) pageAt) (out []T, next string, err error) {
	var below *pageAt
	if l.f.Cursor != "" {
		c, err := readPageAt(l.f.Cursor)
		if err != nil {
			return nil, "", err
		}
		below = &c
	}
	limit, ends := positive(l.f.Limit, 50), s.clock().Add(looksFor)
	err = s.View(ctx, func(q *database.Tx) error {
		for step := looksAtFirst; ; step = min(2*step, looksAtMost) {
			var edge *pageAt // nil: what is read is the rest
			if l.looks() {
				if edge, err = l.edge(q, below, step); err != nil {
					return err
				}
			}
			var part []T
			w := l.where(edge, below)
			if err := q.Find(&part, "SELECT * FROM "+l.source(q)+w.SQL()+l.order(), append(w.Args, limit+1-len(out))...); err != nil {
				return err
			}
			if out = append(out, part...); len(out) > limit || edge == nil {
				return nil
			}
			if below = edge; !s.clock().Before(ends) {
				next = edge.String()
				return nil
			}
		}
	})
	if len(out) > limit {
		out = out[:limit]
		next = end(out[limit-1]).String()
	}
	return out, next, err
}

// GapPage lists a page of the ledger: what is settled.
func (s *Store) GapPage(ctx context.Context, f PageFilter) ([]model.Gap, string, error) {
	return pageOf(ctx, s, listing{"gaps", "found_at", f.gaps(), f, "gaps_found"}, func(g model.Gap) pageAt { return pageAt{g.FoundAt, g.ID} })
}

func (f PageFilter) gaps() database.Where {
	w := database.Where{}
	w.Add("kind <> ?", string(model.GapPending))
	w.In("account", f.Accounts)
	w.In("kind", f.Kinds)
	w.In("change", f.Changes)
	return w
}

// RunPage lists a page of runs.
func (s *Store) RunPage(ctx context.Context, f PageFilter) ([]model.Run, string, error) {
	w := database.Where{}
	w.In("account", f.Accounts)
	w.In("kind", f.Kinds)
	w.In("state", f.States)
	return pageOf(ctx, s, listing{"runs", "created_at", w, f, "runs_created"}, func(r model.Run) pageAt { return pageAt{r.CreatedAt, r.ID} })
}

// IncidentPage lists a page of incidents. States are "open" and "closed".
func (s *Store) IncidentPage(ctx context.Context, f PageFilter) ([]model.Incident, string, error) {
	w := database.Where{}
	w.In("account", f.Accounts)
	w.In("kind", f.Kinds)
	if len(f.States) == 1 {
		w.Add(map[string]string{"open": "closed_at IS NULL"}[f.States[0]] +
			map[string]string{"closed": "closed_at IS NOT NULL"}[f.States[0]])
	}
	return pageOf(ctx, s, listing{"incidents", "opened_at", w, f, ""},
		func(i model.Incident) pageAt { return pageAt{i.OpenedAt, i.ID} })
}

// DocumentPage lists a page of documents, the newest first. Since and Until do not matter.
func (s *Store) DocumentPage(ctx context.Context, f PageFilter) (out []model.Document, next string, err error) {
	w := f.documents()
	w.Text("id < ?", f.Cursor)
	limit := positive(f.Limit, 50)
	err = s.View(ctx, func(q *database.Tx) error {
		var rows []documentRow
		if err := q.Find(&rows, "SELECT * FROM documents"+w.SQL()+" ORDER BY id DESC LIMIT ?",
			append(w.Args, limit+1)...); err != nil {
			return err
		}
		out, err = s.openDocuments(rows)
		return err
	})
	if len(out) > limit {
		out = out[:limit]
		next = out[limit-1].ID
	}
	return out, next, err
}

// oddSignature names the index of documents whose signature somebody may have to look at.
const oddSignature = "signature IN ('altered', 'unknown')"

func (f PageFilter) documents() database.Where {
	w := database.Where{}
	w.In("account", f.Accounts)
	w.In("state", f.States)
	w.In("signature", f.Signatures)
	if len(f.Signatures) > 0 && !slices.ContainsFunc(f.Signatures, func(s string) bool {
		return s != string(model.SignatureAltered) && s != string(model.SignatureUnknown)
	}) {
		w.Add(oddSignature)
	}
	stored := len(f.States) == 0
	for _, state := range f.States {
		stored = stored || state == string(model.DocumentStored)
	}
	if !stored {
		w.Add(notStored)
	}
	return w
}

// ChangeFilter chooses entries of the change feed; the zero value is all, from the beginning.
type ChangeFilter struct {
	After    int64 // a seq
	Accounts []string
	Kinds    []string
	Statuses []string
	Limit    int // 1000 if zero
}

// bare says whether every entry is chosen.
func (f ChangeFilter) bare() bool { return len(f.Accounts)+len(f.Kinds)+len(f.Statuses) == 0 }

func (f ChangeFilter) where() database.Where {
	w := database.Where{}
	w.Add("seq > ?", f.After)
	w.In("account", f.Accounts)
	w.In("kind", f.Kinds)
	w.In("status", f.Statuses)
	return w
}

// changesAtOnce is how many entries are looked through for those that a filter chooses.
const changesAtOnce = 20_000

// ChangesOfKind returns the entries of a filter after its seq, in order, and up to which seq it has looked: there is
// none of the filter up to there that was not returned. It looks through a part of the feed at a time.
func (s *Store) ChangesOfKind(ctx context.Context, f ChangeFilter) (out []model.Change, upto int64, err error) {
	limit := positive(f.Limit, 1000)
	err = s.View(ctx, func(q *database.Tx) error {
		var last int64
		if err := q.QueryRow(`SELECT seq FROM counters`).Scan(&last); err != nil {
			return err
		}
		upto = min(last, f.After+changesAtOnce)
		if f.bare() {
			upto = last
		}
		w := f.where()
		w.Add("seq <= ?", upto)
		return q.Find(&out, `SELECT * FROM history`+w.SQL()+` ORDER BY seq LIMIT ?`, append(w.Args, limit)...)
	})
	if len(out) == limit {
		upto = out[limit-1].Seq
	}
	return out, max(upto, f.After), err
}
