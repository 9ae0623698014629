package moving

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
	sqlite3 "github.com/mattn/go-sqlite3"
	"golang.org/x/sync/errgroup"

	"countersign/model/store/database"
)

// stretch is the rows of a table up to a key, behind the stretch before it.
type stretch struct {
	to    []any  // nil: up to the end
	quick string // of the rows when they were copied, in the source's own words; "": they were not
	rows  int64
	sum   string // of them, in the form of both
	there string // what was read back in the copy; "": nothing since it was written
}

// tablesAtOnce is how many tables are read at a time.
const tablesAtOnce = 3

// each runs f for each table, some at a time.
func (m *Mover) each(ctx context.Context, f func(context.Context, *table) error) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(tablesAtOnce)
	for _, t := range m.tables {
		g.Go(func() error { return f(ctx, t) })
	}
	return g.Wait()
}

// pass copies of a table what has changed since the last pass, and tells how many rows it wrote or took away.
func (m *Mover) pass(ctx context.Context, t *table) (moved int64, err error) {
	var from []any
	for i := 0; ; i++ {
		if err := ctx.Err(); err != nil {
			return moved, context.Cause(ctx)
		}
		s := &t.stretches[i]
		rows, more, quick, err := m.changed(ctx, t, from, *s)
		if err != nil {
			return moved, err
		}
		if more { // it has become two
			t.stretches = slices.Insert(t.stretches, i, stretch{to: rows[len(rows)-1].key})
			s = &t.stretches[i]
		}
		if quick != s.quick {
			n, taken, err := m.bring(ctx, t, from, s.to, rows)
			if moved += n; err != nil {
				return moved, err
			}
			*s = stretch{to: s.to, rows: int64(len(rows))}
			if !taken {
				s.quick, s.sum = quick, sumOf(rows)
			}
		}
		m.tell(s.rows)
		if s.to == nil {
			return moved, nil
		}
		from = s.to
	}
}

// changed reads the rows of a stretch, unless they are those of the last pass.
func (m *Mover) changed(ctx context.Context, t *table, from []any, s stretch) (
	rows []row, more bool, quick string, err error,
) {
	err = m.from.View(ctx, func(q *database.Tx) error {
		if s.quick != "" {
			if quick, err = m.quick(q, t, from, s.to); err != nil || quick == s.quick {
				return err
			}
		}
		if rows, more, err = m.read(q, t, from, s.to); err != nil {
			return err
		}
		to := s.to
		if more {
			to = rows[len(rows)-1].key
		}
		quick, err = m.quick(q, t, from, to)
		return err
	})
	return rows, more, quick, err
}

// quick is a sum of a stretch that the database makes by itself, many times faster than by the form of both. It
// compares with none but its own.
func (m *Mover) quick(q *database.Tx, t *table, from, to []any) (string, error) {
	w := t.within(from, to)
	if q.Postgres {
		var sum string
		err := q.QueryRow(`SELECT COUNT(*) || ' ' || COALESCE(encode(sha256(convert_to(string_agg(r::text, chr(10)), 'UTF8')), 'hex'), '')
FROM (SELECT `+t.names()+` FROM `+t.name+w.SQL()+` ORDER BY `+t.key()+`) r`, w.Args...).Scan(&sum)
		return sum, err
	}
	quoted := make([]string, len(t.columns))
	for i, c := range t.columns {
		quoted[i] = `quote("` + c.name + `")`
	}
	var n int64
	var all sql.RawBytes
	h := sha256.New()
	err := q.Each(func(r *sql.Rows) error {
		err := r.Scan(&n, &all)
		h.Write(all)
		return err
	}, `SELECT COUNT(*), COALESCE(group_concat(r, char(10)), '') FROM (SELECT `+strings.Join(quoted, `||','||`)+` AS r FROM `+t.name+
		w.SQL()+` ORDER BY `+t.key()+`)`, w.Args...)
	return strconv.FormatInt(n, 10) + " " + hex.EncodeToString(h.Sum(nil)), err
}

// bring makes a stretch of the copy what rows are. Rows that differ there are taken away first. taken: one cannot be
// written yet, since another row there still has what only one may have; the next pass comes again.
func (m *Mover) bring(ctx context.Context, t *table, from, to []any, rows []row) (moved int64, taken bool, err error) {
	there, err := m.there(ctx, t, from, to)
	if err != nil {
		return 0, false, err
	}
	missing := make([]row, 0, len(rows))
	for _, r := range rows {
		name := string(formOf(r.key))
		if there[name].form != nil && string(there[name].form) == string(r.form) {
			delete(there, name)
			continue
		}
		missing = append(missing, r)
	}
	if len(missing)+len(there) == 0 {
		return 0, false, nil
	}
	moved = int64(len(missing) + len(there))
	err = m.to.Change(ctx, func(q *database.Tx) error {
		if err := m.takeAway(q, t, there); err != nil {
			return err
		}
		return m.put(q, t, missing)
	})
	if !unique(err) {
		return moved, false, err
	}
	return moved, true, m.to.Change(ctx, func(q *database.Tx) error { return m.takeAway(q, t, there) })
}

// there reads a stretch of the copy, by the form of its keys.
func (m *Mover) there(ctx context.Context, t *table, from, to []any) (map[string]row, error) {
	out := map[string]row{}
	for more := true; more; {
		var rows []row
		err := m.to.View(ctx, func(q *database.Tx) (err error) {
			rows, more, err = m.read(q, t, from, to)
			return err
		})
		if err != nil {
			return nil, err
		}
		for _, r := range rows {
			out[string(formOf(r.key))] = r
			from = r.key
		}
	}
	return out, nil
}

func formOf(values []any) (form []byte) {
	for _, v := range values {
		form = appendForm(form, v)
	}
	return form
}

// takeAway removes rows from the copy.
func (m *Mover) takeAway(q *database.Tx, t *table, rows map[string]row) error {
	one := "(" + strings.Repeat("?, ", len(t.keys)-1) + "?)"
	for _, r := range rows {
		if err := q.Exec(`DELETE FROM `+t.name+` WHERE (`+t.key()+`) = `+one, r.key...); err != nil {
			return err
		}
		if err := search(q, t, r); err != nil {
			return err
		}
	}
	return nil
}

// put writes rows into the copy.
func (m *Mover) put(q *database.Tx, t *table, rows []row) error {
	err := t.insert.Insert(q, len(rows), func(args []any, i int) []any {
		for c, v := range rows[i].values {
			args = append(args, rested(t.columns[c].kind, v, q.Postgres))
		}
		return args
	})
	for i := 0; i < len(rows) && err == nil; i++ {
		err = search(q, t, rows[i])
	}
	return err
}

// search tells the search index of the copy that the words of a row that it has may be others.
func search(q *database.Tx, t *table, r row) error {
	if t.name != "transactions" && t.name != "signers" {
		return nil
	}
	return q.Exec(`INSERT INTO search_queue (n, ticket) SELECT CAST(? AS BIGINT), 1 FROM search_state WHERE upto >= ?
ON CONFLICT (n) DO UPDATE SET ticket = search_queue.ticket + 1`, r.key[0], r.key[0])
}

// unique says whether err is that another row has what only one may have.
func unique(err error) bool {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return pg.Code == "23505"
	}
	var lite sqlite3.Error
	return errors.As(err, &lite) && lite.Code == sqlite3.ErrConstraint
}
