package database

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"countersign/model/store/database/postgres"
	"countersign/model/store/sqlitefile"
)

// Tx runs SQL inside one transaction of either database. Placeholders are question marks.
type Tx struct {
	Postgres bool // the database is PostgreSQL
	Ran      int  // statements so far, but for those of Find, Take, Save and Affect

	ctx   context.Context
	pool  *gorm.DB // what gorm's is made of, where it is needed
	tx    *sql.Tx
	texts *postgres.Texts
	step  int64 // of the schema that this program knows
	state State

	conn  *sql.Conn      // of tx; only where something is written
	later postgres.Later // statements that are still to be sent; only on PostgreSQL
	fault error          // of one that was sent
}

// within runs f in a transaction of db.
func (d *DB) within(ctx context.Context, db *gorm.DB, o *sql.TxOptions, f func(*Tx) error) error {
	q, err := d.begin(ctx, db, o)
	if err != nil {
		return d.explain(err)
	}
	if q.conn != nil {
		defer q.conn.Close()
	}
	err = f(q)
	if sent := q.send(); sent != nil { // what f made of it says less
		err = sent
	}
	if err != nil {
		q.tx.Rollback()
		return d.explain(err)
	}
	return d.explain(q.tx.Commit())
}

func (d *DB) begin(ctx context.Context, db *gorm.DB, o *sql.TxOptions) (*Tx, error) {
	q := &Tx{ctx: ctx, pool: db, texts: &d.texts, Postgres: d.pg, step: d.step}
	pool, err := db.DB()
	if err != nil {
		return nil, err
	}
	if d.pg && o.ReadOnly || !d.pg && db != d.write {
		q.tx, err = pool.BeginTx(ctx, o)
		return q, err
	}
	if q.conn, err = pool.Conn(ctx); err != nil {
		return nil, err
	}
	if q.tx, err = q.conn.BeginTx(ctx, o); err != nil {
		return nil, errors.Join(err, q.conn.Close())
	}
	return q, nil
}

// send sends the statements that were kept back, in one way to the server.
func (q *Tx) send() error {
	if q.fault == nil {
		q.fault = q.later.Send(q.ctx, q.conn)
	}
	return q.fault
}

// gorm is the transaction as gorm has it.
func (q *Tx) gorm() *gorm.DB {
	q.send() //nolint:errcheck // a transaction in which one failed takes no more
	db := q.pool.Session(&gorm.Session{Context: q.ctx, NewDB: true})
	db.Statement.ConnPool = q.tx
	return db
}

// Pgx gives f a transaction of Write on PostgreSQL as pgx has it, after what was written in it before.
func (q *Tx) Pgx(f func(context.Context, pgx.Tx) error) error {
	if err := q.send(); err != nil {
		return err
	}
	return postgres.Within(q.conn, func(tx pgx.Tx) error { return f(q.ctx, tx) })
}

// State tells two moments of a SQLite database apart: where a Write began with the same one as the Write before, nobody
// has changed anything but that one. Any process counts.
type State struct{ version, changes int64 }

// State is how a Write found the database. False: there is nothing to compare it by.
func (q *Tx) State() (State, bool) { return q.state, q.state != State{} }

// Exec runs a statement. The driver keeps prepared statements by their text. On SQLite args are not kept. On PostgreSQL
// a transaction that writes keeps it back until something is read or the transaction ends: a way to the server for many.
func (q *Tx) Exec(query string, args ...any) error {
	switch {
	case q.conn != nil && q.Postgres:
		q.Ran++
		q.later.Queue(q.texts.Of(query), args...)
		return q.fault
	case q.conn != nil:
		q.Ran++
		return sqlitefile.Exec(q.ctx, q.conn, query, args)
	}
	rows, err := q.Query(query, args...)
	if err != nil {
		return err
	}
	for rows.Next() { //nolint:revive // a statement that returns rows is run to its end
	}
	if err := rows.Err(); err != nil {
		rows.Close()
		return err
	}
	return rows.Close()
}

// Query runs a query whose rows the caller closes.
func (q *Tx) Query(query string, args ...any) (*sql.Rows, error) {
	q.Ran++
	if err := q.send(); err != nil {
		return nil, err
	}
	if q.Postgres {
		query = q.texts.Of(query)
	}
	return q.tx.QueryContext(q.ctx, query, args...)
}

// QueryRow runs a query for one row.
func (q *Tx) QueryRow(query string, args ...any) *sql.Row {
	q.Ran++
	q.send() //nolint:errcheck // a transaction in which one failed takes no more
	if q.Postgres {
		query = q.texts.Of(query)
	}
	return q.tx.QueryRowContext(q.ctx, query, args...)
}

// Each runs a query and calls scan for each row.
func (q *Tx) Each(scan func(*sql.Rows) error, query string, args ...any) error {
	rows, err := q.Query(query, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := scan(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

// Words reads a query's single column.
func (q *Tx) Words(query string, args ...any) (out []string, err error) {
	err = q.Each(func(r *sql.Rows) error {
		var v string
		err := r.Scan(&v)
		out = append(out, v)
		return err
	}, query, args...)
	return out, err
}

// Find reads a query's rows into a slice of structs, column by column. Columns that a struct lacks are left out.
func (q *Tx) Find(to any, query string, args ...any) error {
	return q.gorm().Raw(query, args...).Scan(to).Error
}

// Take reads a query's one row into a struct; ErrNoRow if there is none.
func (q *Tx) Take(to any, query string, args ...any) error {
	done := q.gorm().Raw(query, args...).Scan(to)
	if done.Error == nil && done.RowsAffected == 0 {
		return ErrNoRow
	}
	return done.Error
}

// Save writes a slice of structs, each over the row that has its key.
func (q *Tx) Save(rows any) error {
	return q.gorm().Clauses(clause.OnConflict{UpdateAll: true}).CreateInBatches(rows, 100).Error
}

// Affect runs a statement and says how many rows it changed.
func (q *Tx) Affect(query string, args ...any) (int64, error) {
	done := q.gorm().Exec(query, args...)
	return done.RowsAffected, done.Error
}

// look notes how a transaction that writes found the database. Where others have changed something, the schema may be
// theirs by now.
func look(d *DB, q *Tx) error {
	if q.Postgres {
		return nil
	}
	var version int64
	if err := q.QueryRow(`PRAGMA data_version`).Scan(&version); err != nil {
		return err
	}
	q.state = State{version, d.changes.Load()}
	if d.looked.Load() == q.state.version {
		return nil
	}
	err := q.checkStep()
	if err == nil {
		err = refused(d, q)
	}
	if err == nil {
		d.looked.Store(version)
	}
	return err
}

// checkStep refuses to write to a schema that somebody else has brought beyond ours. PostgreSQL's is
// looked at when it is opened only: each look would be a way to the server.
func (q *Tx) checkStep() error {
	if q.Postgres {
		return nil
	}
	var have int64
	if err := q.QueryRow(`SELECT MAX(version_id) FROM goose_db_version WHERE is_applied`).Scan(&have); err != nil {
		return err
	}
	if have > q.step {
		return fmt.Errorf("%w: schema %d, this program knows %d: %w", ErrUnavailable, have, q.step, ErrNewer)
	}
	return nil
}

// probe commits without changing anything: SQLite writes no page for an UPDATE that changes nothing, so the file's
// mark is written anew.
func (q *Tx) probe() error {
	var mark uint32
	if err := q.QueryRow(`PRAGMA user_version`).Scan(&mark); err != nil {
		return err
	}
	return q.Exec(fmt.Sprintf(`PRAGMA user_version = %d`, mark))
}
