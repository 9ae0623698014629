package store

import (
	"context"
	"database/sql"
	"strconv"
	"strings"
	"sync"

	"gorm.io/gorm"
)

// sqlConn runs SQL inside one transaction of either database. Placeholders are question marks.
type sqlConn struct {
	ctx   context.Context
	db    *gorm.DB // the transaction, for gorm's builder
	tx    *sql.Tx
	texts *texts
	pg    bool
	step  int64 // of the schema that this program knows
}

// within runs f in a transaction of db.
func (s *Store) within(ctx context.Context, db *gorm.DB, o *sql.TxOptions, f func(*sqlConn) error) error {
	q, err := s.begin(ctx, db, o)
	if err != nil {
		return s.explain(err)
	}
	if err := f(q); err != nil {
		q.tx.Rollback() //nolint:errcheck // the first error tells more
		return s.explain(err)
	}
	return s.explain(q.tx.Commit())
}

func (s *Store) begin(ctx context.Context, db *gorm.DB, o *sql.TxOptions) (*sqlConn, error) {
	tx := db.WithContext(ctx).Begin(o)
	if tx.Error != nil {
		return nil, tx.Error
	}
	return &sqlConn{ctx: ctx, db: tx, tx: tx.Statement.ConnPool.(*sql.Tx), texts: &s.texts, pg: s.pg, step: s.step}, nil
}

// exec runs a statement. On SQLite it is run as a query, which takes the driver one crossing into C
// where its Exec takes one for each argument. The driver keeps prepared statements by their text.
func (q *sqlConn) exec(query string, args ...any) error {
	if q.pg {
		_, err := q.tx.ExecContext(q.ctx, q.texts.rebound(query), args...)
		return err
	}
	rows, err := q.tx.QueryContext(q.ctx, query, args...)
	if err != nil {
		return err
	}
	for rows.Next() { //nolint:revive // a statement that returns rows is run to its end
	}
	if err := rows.Err(); err != nil {
		rows.Close() //nolint:errcheck // the first error tells more
		return err
	}
	return rows.Close()
}

func (q *sqlConn) query(query string, args ...any) (*sql.Rows, error) {
	if q.pg {
		query = q.texts.rebound(query)
	}
	return q.tx.QueryContext(q.ctx, query, args...)
}

func (q *sqlConn) queryRow(query string, args ...any) *sql.Row {
	if q.pg {
		query = q.texts.rebound(query)
	}
	return q.tx.QueryRowContext(q.ctx, query, args...)
}

// each runs a query and calls scan for each row.
func (q *sqlConn) each(scan func(*sql.Rows) error, query string, args ...any) error {
	rows, err := q.query(query, args...)
	if err != nil {
		return err
	}
	defer rows.Close() //nolint:errcheck // rows.Err has told
	for rows.Next() {
		if err := scan(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

// texts keeps PostgreSQL's form of each statement.
type texts struct {
	mu   sync.RWMutex
	made map[string]string
}

// mostTexts bounds how many are kept; queries put together from a filter come in many shapes.
const mostTexts = 300

func (t *texts) rebound(query string) string {
	t.mu.RLock()
	text, ok := t.made[query]
	t.mu.RUnlock()
	if ok {
		return text
	}
	text = rebind(query)
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.made == nil || len(t.made) >= mostTexts {
		t.made = map[string]string{}
	}
	t.made[query] = text
	return text
}

// rebind turns question marks into PostgreSQL's numbered placeholders. No literal in our SQL has one.
func rebind(query string) string {
	var b strings.Builder
	n := 0
	for i := 0; i < len(query); i++ {
		if query[i] != '?' {
			b.WriteByte(query[i])
			continue
		}
		n++
		b.WriteByte('$')
		b.WriteString(strconv.Itoa(n))
	}
	return b.String()
}

// rowsOf is "(?,?),(?,?)…": n rows of width placeholders.
func rowsOf(n, width int) string {
	one := "(" + strings.Repeat("?,", width-1) + "?)"
	return strings.Repeat(one+",", n-1) + one
}

// multi is a statement that takes many rows, its text made once for each size.
type multi struct {
	width int
	text  map[int]string
}

func newMulti(before string, width int, after string) *multi {
	m := &multi{width: width, text: map[int]string{}}
	for _, n := range []int{1, 4, 16, 64, 256} {
		m.text[n] = before + rowsOf(n, width) + after
	}
	return m
}

// insert runs the statement for n rows; add appends the values of row i.
func (m *multi) insert(q *sqlConn, n int, add func(args []any, i int) []any) error {
	return chunks(n, q.pg, func(from, to int) error {
		args := make([]any, 0, (to-from)*m.width)
		for i := from; i < to; i++ {
			args = add(args, i)
		}
		return q.exec(m.text[to-from], args...)
	})
}

// find runs a query for n keys, the last ones repeated to fill up a size.
func (m *multi) find(q *sqlConn, n int, add func(args []any, i int) []any, scan func(*sql.Rows) error) error {
	for from := 0; from < n; {
		size := 1
		for size < n-from && size < 256 {
			size *= 4
		}
		args := make([]any, 0, size*m.width)
		for i := range size {
			args = add(args, min(from+i, n-1))
		}
		if err := q.each(scan, m.text[size], args...); err != nil {
			return err
		}
		from += size
	}
	return nil
}

// chunks cuts n rows into pieces of few sizes, so that few statements are prepared. SQLite gains
// nothing from larger ones, PostgreSQL a way to the server.
func chunks(n int, pg bool, do func(from, to int) error) error {
	sizes := []int{256, 64, 16, 4, 1}
	if !pg {
		sizes = sizes[1:]
	}
	for from := 0; from < n; {
		for _, size := range sizes {
			if n-from >= size {
				if err := do(from, from+size); err != nil {
					return err
				}
				from += size
				break
			}
		}
	}
	return nil
}

// words reads a query's single column.
func words(q *sqlConn, query string, args ...any) (out []string, err error) {
	err = q.each(func(r *sql.Rows) error {
		var v string
		err := r.Scan(&v)
		out = append(out, v)
		return err
	}, query, args...)
	return out, err
}
