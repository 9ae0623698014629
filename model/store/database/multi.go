package database

import (
	"database/sql"
	"sync"

	"countersign/model/store/database/values"
)

// Multi is a statement that takes any number of rows, its text made once for each size.
type Multi struct {
	width int
	text  map[int]string
}

// NewMulti makes a statement of what stands before and after its rows, each of width values.
func NewMulti(before string, width int, after string) *Multi {
	m := &Multi{width: width, text: map[int]string{}}
	for _, n := range []int{1, 2, 4, 8, 16, 32, 64, 128, 256} {
		m.text[n] = before + values.Rows(n, width) + after
	}
	return m
}

// Text is the statement for n rows, n being one of its sizes.
func (m *Multi) Text(n int) string { return m.text[n] }

// Insert runs the statement for n rows; add appends the values of row i.
func (m *Multi) Insert(q *Tx, n int, add func(args []any, i int) []any) error {
	return values.Chunks(n, q.Postgres, func(from, to int) error {
		room, _ := rooms.Get().(*[]any)
		if room == nil || q.Postgres { // which sends them later
			fresh := make([]any, 0, (to-from)*m.width)
			room = &fresh
		}
		args := (*room)[:0]
		for i := from; i < to; i++ {
			args = add(args, i)
		}
		err := q.Exec(m.Text(to-from), args...)
		if !q.Postgres {
			clear(args)
			*room = args
			rooms.Put(room)
		}
		return err
	})
}

// rooms are where the values of SQLite's statements stand until they have run: *[]any, emptied.
var rooms sync.Pool

// Find runs a query for n keys, the last ones repeated to fill up a size.
func (m *Multi) Find(q *Tx, n int, add func(args []any, i int) []any, scan func(*sql.Rows) error) error {
	for from := 0; from < n; {
		size := 1
		for size < n-from && size < 256 {
			size *= 2
		}
		args := make([]any, 0, size*m.width)
		for i := range size {
			args = add(args, min(from+i, n-1))
		}
		if err := q.Each(scan, m.Text(size), args...); err != nil {
			return err
		}
		from += size
	}
	return nil
}
