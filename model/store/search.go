package store

import (
	"context"
	"database/sql"
	"encoding/base64"
	"encoding/binary"
	"slices"
	"time"

	"countersign/model"
	"countersign/model/store/database"
	"countersign/model/store/terms"
)

const (
	lookedAtOnce = 500                    // rows that are looked through between two looks at the clock
	searchesFor  = 140 * time.Millisecond // after which a page ends, with what was found by then: with its last step 150
	asksFor      = 100 * time.Millisecond // that the index may take; or else rows are looked through
	mostBehind   = 1000                   // rows that the index may not know yet; with more, rows are looked through
	mostSorted   = 3000                   // rows that are sorted by their change; more of them come in order of arrival
)

// Found is a page of a search.
type Found struct {
	Rows []model.Transaction
	Next string // more of the same; "": there is none
	// Further is where rows are looked through one after the other, also for what stands inside a word; "": all have
	// been. It finds nothing that Rows of this search had.
	Further string
	// Looked is how many rows were looked through so far, of Of (0: not counted); 0: the index knew.
	Looked, Of int
}

// The parts of a search, one after the other. A cursor names the part that it stands in.
const (
	partExact   = 'e' // rows whose ref or own id the text is
	partChanged = 'c' // words that begin so, in the order of lists
	partArrived = 'a' // the same, in the order of arrival: where there are too many to sort
	partLook    = 'l' // all rows, in the order of lists
	partFurther = 'f' // the same, without those whose words begin so
)

// spot is where a search has come to: its part, the last row, and how many rows were looked through.
type spot struct {
	part   byte
	at     place
	looked int64
}

func (p spot) String() string {
	b := binary.AppendVarint([]byte{p.part}, p.at.at.UnixMilli())
	return base64.RawURLEncoding.EncodeToString(binary.AppendVarint(binary.AppendVarint(b, p.at.n), p.looked))
}

func readSpot(text string) (p spot, err error) {
	raw, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil || len(raw) == 0 {
		return p, ErrCursor
	}
	p.part, raw = raw[0], raw[1:]
	for _, to := range []func(int64){
		func(v int64) { p.at.at = time.UnixMilli(v).UTC() }, func(v int64) { p.at.n = v }, func(v int64) { p.looked = v },
	} {
		v, n := binary.Varint(raw)
		if n <= 0 {
			return p, ErrCursor
		}
		raw = raw[n:]
		to(v)
	}
	if len(raw) > 0 || !slices.Contains([]byte{partExact, partChanged, partArrived, partLook, partFurther}, p.part) ||
		p.at.at.Year() < 0 || p.at.at.Year() > 9999 {
		return p, ErrCursor
	}
	return p, nil
}

// search is one page that is being made.
type search struct {
	*Store
	Filter // without Search
	query  terms.Query
	ends   time.Time
	limit  int

	numbers []int64 // found so far
	last    spot    // of the last of them
	behind  []int64 // rows that the index does not know
	indexed bool    // the index can be asked
	looked  int64
}

// Search lists a page of rows that hold a text: first those whose ref or own id it is, then those whose words begin so,
// the newest first. Where there is no index of words, it is behind, or the text has no word of three characters, rows
// are looked through, and a page may be short, or empty, and have a next one.
func (s *Store) Search(ctx context.Context, f Filter) (out Found, err error) {
	p := &search{Store: s, Filter: f, query: terms.Read(f.Search), ends: s.clock().Add(searchesFor),
		limit: positive(f.Limit, 50)}
	p.Filter.Search, p.Filter.Cursor = "", ""
	at := spot{part: partExact, at: f.first()}
	if f.Cursor != "" {
		if at, err = readSpot(f.Cursor); err != nil {
			return out, err
		}
	}
	p.looked = at.looked
	var next *spot
	if err = s.View(ctx, func(q *database.Tx) error {
		if err := p.state(q); err != nil || at.part != partExact {
			return err
		}
		next, err = p.exact(q, at.at)
		return err
	}); err != nil {
		return out, err
	}
	if next == nil {
		if at.part == partExact {
			at = spot{part: p.second(), at: f.first()}
		}
		if next, err = p.rest(ctx, at); err != nil {
			return out, err
		}
	}
	return p.found(ctx, next)
}

// found reads the rows of a page, and says where it goes on.
func (p *search) found(ctx context.Context, next *spot) (out Found, err error) {
	if next != nil {
		out.Next = next.String()
	}
	looks := next != nil && (next.part == partLook || next.part == partFurther)
	switch {
	case looks:
		out.Further = out.Next
	case p.looked == 0 && len(p.query.Words) > 0:
		out.Further = spot{part: partFurther, at: p.first()}.String()
	}
	err = p.View(ctx, func(q *database.Tx) error {
		out.Rows, err = p.inOrder(q, p.numbers, false)
		return err
	})
	if out.Looked = int(p.looked); looks && err == nil {
		out.Of, err = p.countOf(ctx, p.Filter)
	}
	return out, err
}

// first is the place before all rows.
func (f Filter) first() place {
	if f.Oldest {
		return place{at: time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC)}
	}
	return place{at: time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)}
}

// second is the part after the exact ones.
func (p *search) second() byte {
	if p.indexed {
		return partChanged
	}
	return partLook
}

// state looks at what the index knows.
func (p *search) state(q *database.Tx) error {
	there, usable, err := searchIndex(q)
	if err != nil || !there || !usable || len(p.query.Indexed()) == 0 {
		return err
	}
	if p.behind, err = numbersOf(q, `SELECT n FROM search_queue LIMIT ?`, mostBehind+1); err != nil {
		return err
	}
	added, err := numbersOf(q, unfilled, mostBehind+1)
	p.behind = append(p.behind, added...)
	p.indexed = len(p.behind) <= mostBehind
	return err
}

// rest goes on after the exact ones.
func (p *search) rest(ctx context.Context, at spot) (next *spot, err error) {
	if at.part == partChanged || at.part == partArrived {
		hits, err := p.hits(ctx, at)
		if err != nil {
			return nil, err
		}
		if hits != nil {
			err = p.View(ctx, func(q *database.Tx) error {
				next, err = hits(q)
				return err
			})
			return next, err
		}
		at = spot{part: partLook, at: p.first()} // the index is gone, or takes too long
	}
	err = p.View(ctx, func(q *database.Tx) error {
		next, err = p.look(q, at)
		return err
	})
	return next, err
}

// full adds a row that fits, unless the page is full.
func (p *search) full(at spot) bool {
	if len(p.numbers) == p.limit {
		return true
	}
	p.numbers, p.last = append(p.numbers, at.at.n), at
	return false
}

// ordered is the query for rows of a condition beyond a place, in the order of lists.
func (p *search) ordered(q *database.Tx, at place, limit int, condition string, args ...any) ([]place, error) {
	order, beyond := " ORDER BY changed_at DESC, n DESC LIMIT ?", "(changed_at, n) < (?, ?)"
	if p.Oldest {
		order, beyond = " ORDER BY changed_at, n LIMIT ?", "(changed_at, n) > (?, ?)"
	}
	w := p.Filter.where()
	w.Add(condition, args...)
	w.Add(beyond, at.at, at.n)
	return placesOf(q, "SELECT n, changed_at FROM transactions t"+w.SQL()+order, append(w.Args, limit)...)
}

func placesOf(q *database.Tx, query string, args ...any) (out []place, err error) {
	err = q.Each(func(r *sql.Rows) error {
		var p place
		err := r.Scan(&p.n, database.Moment(&p.at))
		out = append(out, p)
		return err
	}, query, args...)
	return out, err
}

// exact finds the rows whose ref or own id the text is, by their indexes.
func (p *search) exact(q *database.Tx, at place) (next *spot, err error) {
	numbers, err := p.exactly(q)
	if err != nil || len(numbers) == 0 {
		return nil, err
	}
	which, arg := among(q, "t.n", numbers)
	rows, err := p.ordered(q, at, p.limit+1, which, arg)
	for _, r := range rows {
		if p.full(spot{part: partExact, at: r}) {
			return &p.last, nil
		}
	}
	if len(rows) > 0 && !p.indexed { // the others take a while
		next = &spot{part: partLook, at: p.first()}
	}
	return next, err
}

// mostExact bounds how many rows of one own id come before others.
const mostExact = 1000

// exactly are the numbers of the rows whose ref or own id the text is.
func (p *search) exactly(q *database.Tx) ([]int64, error) {
	accounts, err := q.Words(accountsWithRows)
	if err != nil || len(accounts) == 0 {
		return nil, err
	}
	w := database.Where{}
	w.In("account", accounts)
	w.Add("ref = ?", p.query.Text)
	return numbersOf(q, "SELECT n FROM transactions"+w.SQL()+
		" UNION SELECT n FROM (SELECT n FROM transactions WHERE external_id <> '' AND external_id = ? ORDER BY n LIMIT ?) k",
		append(w.Args, p.query.Text, mostExact)...)
}
