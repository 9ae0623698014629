package store

import (
	"strings"
	"time"

	"countersign/model/store/database"
)

const (
	searchedAtOnce = 5000                   // rows that are looked through between two looks at the clock
	searchesFor    = 150 * time.Millisecond // after which a page ends, with what was found by then
)

// search lists a page of rows that hold a text: those whose ref or own id it is, on the first page, then others in the
// order of lists. It looks through so many rows as it can in a moment. A page may be short of rows, or hold none, and
// have a next one: further ones are looked through there.
func (s *Store) search(q *database.Tx, f Filter, limit int) (numbers []int64, next string, err error) {
	if f.Cursor == "" {
		if numbers, err = f.exactly(q, limit); err != nil || len(numbers) > 0 {
			return numbers, f.beginning(), err
		}
	}
	all := f
	all.Search = ""
	like, args := f.like()
	for began := s.now(); ; {
		query, values, err := all.keys(q, searchedAtOnce)
		if err != nil || query == "" {
			return numbers, "", err
		}
		page, err := numbersOf(q, query, values...)
		if err != nil || len(page) == 0 {
			return numbers, "", err
		}
		found, err := f.among(q, page, like, args)
		if err != nil {
			return nil, "", err
		}
		last := page[len(page)-1]
		full := len(numbers)+len(found) > limit
		if full {
			found = found[:limit-len(numbers)]
			last = found[len(found)-1]
		}
		numbers = append(numbers, found...)
		if !full && len(page) < searchedAtOnce {
			return numbers, "", nil
		}
		if all.Cursor, err = placeOf(q, last); err != nil {
			return nil, "", err
		}
		if len(numbers) == limit || s.now().Sub(began) >= searchesFor {
			return numbers, all.Cursor, nil
		}
	}
}

// beginning is the cursor before all rows.
func (f Filter) beginning() string {
	if f.Oldest {
		return place{time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC), 0}.String()
	}
	return place{time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC), 0}.String()
}

// placeOf is the cursor behind a row.
func placeOf(q *database.Tx, n int64) (string, error) {
	p := place{n: n}
	err := q.QueryRow(`SELECT changed_at FROM transactions WHERE n = ?`, n).Scan(database.Moment(&p.at))
	return p.String(), err
}

// exactly finds the rows whose ref or own id is the text, by their indexes.
func (f Filter) exactly(q *database.Tx, limit int) ([]int64, error) {
	accounts, err := q.Words(accountsWithRows)
	if err != nil || len(accounts) == 0 {
		return nil, err
	}
	rest := f
	rest.Search = ""
	byID, byRef := rest.where(), rest.where()
	byID.Add("external_id <> '' AND external_id = ?", f.Search)
	byRef.In("account", accounts)
	byRef.Add("ref = ?", f.Search)
	order := " ORDER BY changed_at DESC, n DESC LIMIT ?"
	if f.Oldest {
		order = " ORDER BY changed_at, n LIMIT ?"
	}
	args := append(append(byID.Args, byRef.Args...), limit)
	return numbersOf(q, "SELECT n FROM (SELECT n, changed_at FROM transactions t"+byID.SQL()+
		" UNION SELECT n, changed_at FROM transactions t"+byRef.SQL()+") k"+order, args...)
}

// like is the condition that a row holds the text, and is not one of exactly.
func (f Filter) like() (part string, args []any) {
	text := "%" + likeEscaper.Replace(strings.ToLower(f.Search)) + "%"
	return `t.ref <> ? AND t.external_id <> ? AND (LOWER(t.name) LIKE ? ESCAPE '\' OR LOWER(t.ref) LIKE ? ESCAPE '\' OR LOWER(t.external_id) LIKE ? ESCAPE '\' OR EXISTS (
  SELECT 1 FROM signers g WHERE t.signer_rows > 0 AND g.txn = t.n AND (LOWER(g.name) LIKE ? ESCAPE '\' OR LOWER(g.email) LIKE ? ESCAPE '\')))`,
		[]any{f.Search, f.Search, text, text, text, text, text}
}

// among are those of numbers, in their order, that meet a condition.
func (f Filter) among(q *database.Tx, numbers []int64, condition string, args []any) (out []int64, err error) {
	meets := map[int64]bool{}
	for from := 0; from < len(numbers); from += 500 {
		part := numbers[from:min(from+500, len(numbers))]
		w := database.Where{}
		values := make([]any, len(part))
		for i, n := range part {
			values[i] = n
		}
		w.Add("t.n IN (?"+strings.Repeat(", ?", len(part)-1)+")", values...)
		w.Add(condition, args...)
		found, err := numbersOf(q, "SELECT t.n FROM transactions t"+w.SQL(), w.Args...)
		if err != nil {
			return nil, err
		}
		for _, n := range found {
			meets[n] = true
		}
	}
	for _, n := range numbers {
		if meets[n] {
			out = append(out, n)
		}
	}
	return out, nil
}
