package store

import (
	"context"
	"slices"

	"countersign/model/store/database"
	"countersign/model/store/terms"
)

// hits asks the index, and returns what makes a page of its answer; nil where the index cannot answer in time. Rows that
// it does not know yet were read before, so that none is missed that it takes meanwhile.
func (p *search) hits(ctx context.Context, at spot) (page func(*database.Tx) (*spot, error), err error) {
	if !p.indexed {
		return nil, nil
	}
	asked, cancel := context.WithTimeout(ctx, asksFor)
	defer cancel()
	var parts []string
	var numbers []int64
	err = p.View(asked, func(q *database.Tx) error {
		if parts, err = p.parts(q); err != nil || at.part == partArrived {
			return err
		}
		numbers, err = searched(q, parts, false, 0, mostSorted+1)
		return err
	})
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case err != nil:
		p.log.WithField("err", err).Debug("the search index did not answer: a search looks through the table")
		return nil, nil
	case at.part == partArrived || len(numbers) > mostSorted:
		if at.part == partChanged {
			at = spot{part: partArrived}
		}
		if p.Oldest {
			numbers = nil
		}
		return func(q *database.Tx) (*spot, error) {
			return p.arrived(q, parts, at, numbers[:min(len(numbers), lookedAtOnce)])
		}, nil
	}
	return func(q *database.Tx) (*spot, error) { return p.changed(q, numbers, at) }, nil
}

const (
	sampled = 60 // rows that show how many of those whose words begin as short as can be fit
	denseAt = 4  // one in so many
)

// parts are what the index is asked for. Words that begin with three characters it finds one after the other; for longer
// ones it must first gather all that begin so, which takes long where they are many. Such a word is asked for by its
// first three characters, and what does not fit is left out afterwards.
func (p *search) parts(q *database.Tx) (out []string, err error) {
	for _, word := range p.query.Indexed() {
		start := terms.Start(word)
		part := beginning(q, start)
		if start != word && !q.Postgres {
			numbers, err := searched(q, []string{part}, false, 0, sampled)
			if err != nil {
				return nil, err
			}
			rows, err := termsOf(q, numbers)
			if err != nil {
				return nil, err
			}
			fits := 0
			for _, row := range rows {
				if (terms.Query{Words: []string{word}}).Begins(row.Words()) {
					fits++
				}
			}
			if len(numbers) < sampled || fits*denseAt < sampled {
				part = beginning(q, word)
			}
		} else if q.Postgres {
			part = beginning(q, word)
		}
		out = append(out, part)
	}
	return out, nil
}

// changed makes a page of rows that are sorted by their change.
func (p *search) changed(q *database.Tx, numbers []int64, at spot) (*spot, error) {
	which, arg := among(q, "t.n", append(numbers, p.behind...))
	rows, err := p.ordered(q, at.at, len(numbers)+len(p.behind), which, arg)
	if err != nil {
		return nil, err
	}
	for part := range slices.Chunk(rows, max(p.limit, 100)) {
		fits, err := p.fitting(q, numbersAt(part), p.query.Begins)
		if err != nil {
			return nil, err
		}
		for _, r := range part {
			if at.at = r; fits[r.n] && p.full(at) {
				return &p.last, nil
			}
		}
	}
	return nil, nil
}

func numbersAt(rows []place) []int64 {
	out := make([]int64, len(rows))
	for i, r := range rows {
		out[i] = r.n
	}
	return out
}

// arrived makes a page of rows in the order of their arrival. first are the first of them, where they are known.
func (p *search) arrived(q *database.Tx, parts []string, at spot, first []int64) (*spot, error) {
	for numbers := first; ; numbers = nil {
		if numbers == nil {
			var err error
			if numbers, err = searched(q, parts, p.Oldest, at.at.n, lookedAtOnce); err != nil {
				return nil, err
			}
		}
		last := len(numbers) < lookedAtOnce
		for _, n := range p.behind { // those among them, and after them where they are the last
			within := last || p.before(n, numbers[len(numbers)-1])
			if within && (at.at.n == 0 || p.before(at.at.n, n)) {
				numbers = append(numbers, n)
			}
		}
		slices.SortFunc(numbers, func(a, b int64) int {
			if p.before(a, b) {
				return -1
			}
			return 1
		})
		numbers = slices.Compact(numbers)
		chosen, err := p.chosenAmong(q, numbers)
		if err != nil {
			return nil, err
		}
		for part := range slices.Chunk(chosen, max(p.limit, 100)) {
			fits, err := p.fitting(q, part, p.query.Begins)
			if err != nil {
				return nil, err
			}
			for _, n := range part {
				if at.at.n = n; fits[n] && p.full(at) {
					return &p.last, nil
				}
			}
		}
		if last {
			return nil, nil
		}
		at.at.n = numbers[len(numbers)-1]
		if p.late() {
			return &at, nil
		}
	}
}

// before says whether a row comes before another in the order of arrival as the list has it.
func (p *search) before(a, b int64) bool { return a > b != p.Oldest && a != b }

// late says whether a page has taken as long as it may.
func (p *search) late() bool { return !p.clock().Before(p.ends) }

// chosenAmong are those of numbers, in their order, that the filter chooses and that are not exact.
func (p *search) chosenAmong(q *database.Tx, numbers []int64) ([]int64, error) {
	w := p.where()
	which, arg := among(q, "t.n", numbers)
	w.Add(which, arg)
	found, err := numbersOf(q, "SELECT t.n FROM transactions t"+w.SQL(), w.Args...)
	if err != nil {
		return nil, err
	}
	chosen := map[int64]bool{}
	for _, n := range found {
		chosen[n] = true
	}
	return slices.DeleteFunc(slices.Clone(numbers), func(n int64) bool { return !chosen[n] }), nil
}

// fitting says which rows fit, those left out that came first because the text is their ref or own id.
func (p *search) fitting(q *database.Tx, numbers []int64, fits func([]string) bool) (map[int64]bool, error) {
	rows, err := termsOf(q, numbers)
	out := make(map[int64]bool, len(rows))
	for n, row := range rows {
		out[n] = !p.query.Exactly(row) && fits(row.Words())
	}
	return out, err
}

// look looks through rows in the order of lists, for as long as a page may take.
func (p *search) look(q *database.Tx, at spot) (*spot, error) {
	fits := p.query.Inside
	if at.part == partFurther {
		fits = func(words []string) bool { return p.query.Inside(words) && !p.query.Begins(words) }
	}
	f := p.Filter
	if first := f.first(); at.at.n != first.n || !at.at.at.Equal(first.at) {
		f.Cursor = at.at.String()
	}
	for {
		query, args, err := f.keys(q, lookedAtOnce)
		if err != nil || query == "" {
			return nil, err
		}
		numbers, err := numbersOf(q, query, args...)
		if err != nil || len(numbers) == 0 {
			return nil, err
		}
		found, err := p.fitting(q, numbers, fits)
		if err != nil {
			return nil, err
		}
		for _, n := range numbers {
			if found[n] && p.full(spot{at.part, place{n: n}, p.looked + 1}) {
				p.looked = p.last.looked
				return p.behindRow(q, p.last)
			}
			p.looked++
		}
		if len(numbers) < lookedAtOnce {
			return nil, nil
		}
		last, err := p.behindRow(q, spot{at.part, place{n: numbers[len(numbers)-1]}, p.looked})
		if err != nil || p.late() {
			return last, err
		}
		f.Cursor = last.at.String()
	}
}

// behindRow completes a spot that names its row only.
func (p *search) behindRow(q *database.Tx, at spot) (*spot, error) {
	if !at.at.at.IsZero() { // an exact one
		return &at, nil
	}
	err := q.QueryRow(`SELECT changed_at FROM transactions WHERE n = ?`, at.at.n).Scan(database.Moment(&at.at.at))
	return &at, err
}
