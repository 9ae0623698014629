// Package database is the SQLite file or PostgreSQL schema that the store's tables lie in: opening and migrating it,
// transactions, locks, and what can be wrong with it. It knows no table but its own: counters, locks and the steps of
// the schema. Times are UTC.
package database

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sirupsen/logrus"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"

	"countersign/model/store/database/handover"
	"countersign/model/store/database/postgres"
	"countersign/model/store/sqlitefile"
)

// Errors that callers test for. All but ErrNoRow may wrap what the database said.
var (
	ErrUnavailable = errors.New("database unavailable")
	ErrNoRow       = errors.New("no such row")
	ErrNewer       = errors.New("database was written by a newer countersign: upgrade this program")
	ErrOlder       = errors.New("database is not migrated: run countersign migrate")
	ErrLocked      = sqlitefile.ErrLocked
	ErrGone        = handover.ErrGone
)

// Options is what Open needs.
type Options struct {
	DSN      string // sqlite:PATH or postgres://…
	Now      func() time.Time
	Log      *logrus.Entry
	Mode     fs.FileMode // of a new SQLite file; 0600 if zero
	ReadOnly bool        // nothing is written, a SQLite file must exist
	// Spoiled is called when a SQLite database's own file could not be synced. It has to end the process without closing
	// the database; what was committed is in the log. nil keeps SQLite's behaviour, which can lose committed data.
	Spoiled  func(err error)
	SlowSync time.Duration // each commit of a SQLite file takes so much longer; 0 but in benchmarks
	Version  string        // of this program, for the rows of locks
	Mover    bool          // opened by what moves it: it may be gone, or not whole
}

// DB is one database. Its methods are safe for concurrent use.
type DB struct {
	Commits atomic.Int64 // transactions that this process wrote, each with a sync

	now      func() time.Time
	log      *logrus.Entry
	pg       bool
	readOnly bool
	path     string   // of the SQLite file
	dsn      string   // PostgreSQL's
	write    *gorm.DB // nil if read-only
	read     *gorm.DB
	texts    postgres.Texts
	steps    fs.FS       // the migrations of this dialect
	step     int64       // of the schema that this program knows
	older    atomic.Bool // the schema is older than this program: nothing works but Migrate
	fileMu   sync.Mutex
	file     sqlitefile.ID      // of the SQLite file, as it was opened
	opened   atomic.Int64       // grows where another file has taken its place
	keeper   *sqlitefile.Keeper // of the SQLite file that is written; else nil
	spoiled  func(error)
	changes  atomic.Int64 // transactions of Change, and files put in the place of ours
	looked   atomic.Int64 // SQLite's data_version when the schema was last looked at
	slower   time.Duration
	version  string
	mover    bool
	gone     chan struct{} // closed where the database was moved
	goes     sync.Once
}

// Open opens a database. A new or older one is opened too, but answers ErrOlder until Migrate.
func Open(ctx context.Context, o Options) (*DB, error) {
	d := &DB{now: o.Now, log: o.Log, readOnly: o.ReadOnly, spoiled: o.Spoiled, slower: o.SlowSync, version: o.Version,
		mover: o.Mover, gone: make(chan struct{})}
	var err error
	kind, rest, _ := strings.Cut(o.DSN, ":")
	switch kind {
	case "sqlite":
		d.path = rest
		err = d.openSQLite(ctx, rest, o.Mode)
	case "postgres", "postgresql":
		d.pg, d.dsn, err = true, o.DSN, d.openPostgres(ctx, o.DSN)
	default:
		err = fmt.Errorf("database %q: want sqlite:PATH or postgres://user@host/name", kind+":…")
	}
	if err == nil {
		err = d.know(ctx)
	}
	if err != nil {
		d.Close()
		return nil, err
	}
	return d, nil
}

// know looks at the schema of a database that was just opened.
func (d *DB) know(ctx context.Context) error {
	var err error
	if d.steps, err = migrations(d.Dialect()); err != nil {
		return err
	}
	if d.step, err = newestStep(d.steps); err != nil {
		return err
	}
	have, _, err := d.Schema(ctx)
	if err == nil && d.pg {
		err = d.examinePostgres(ctx, have)
	}
	if err != nil {
		return err
	}
	if err := d.checkSchema(ctx); err != nil || d.older.Load() {
		return err
	}
	return d.View(ctx, func(q *Tx) error { return refused(d, q) })
}

// checkSchema refuses a schema that this program does not know and notes one that lacks steps.
func (d *DB) checkSchema(ctx context.Context) error {
	have, want, err := d.Schema(ctx)
	switch {
	case err != nil:
		return err
	case have > want:
		return fmt.Errorf("schema %d, this program knows %d: %w", have, want, ErrNewer)
	}
	d.older.Store(have < want)
	return nil
}

// Dialect is "sqlite" or "postgres".
func (d *DB) Dialect() string {
	if d.pg {
		return "postgres"
	}
	return "sqlite"
}

// Postgres says whether the database is PostgreSQL.
func (d *DB) Postgres() bool { return d.pg }

// Path is the SQLite file; "" for PostgreSQL.
func (d *DB) Path() string { return d.path }

// Close closes the database. Nobody may use it any more.
func (d *DB) Close() error {
	var errs []error
	for _, db := range []*gorm.DB{d.read, d.write} { // the writer last: SQLite then folds its log into the file
		if db == nil {
			continue
		}
		if raw, err := db.DB(); err == nil {
			errs = append(errs, raw.Close())
		}
	}
	return errors.Join(errs...)
}

// config is gorm's, the same for each handle: no magic, no log of parameters.
func (d *DB) config() *gorm.Config {
	return &gorm.Config{
		SkipDefaultTransaction: true, TranslateError: true, DisableAutomaticPing: true,
		Logger: logger.Discard, NowFunc: d.now,
	}
}

// Healthy says whether the database can be written: a cheap probe, with a real commit.
func (d *DB) Healthy(ctx context.Context) error {
	if d.readOnly {
		return d.View(ctx, func(q *Tx) error { return q.QueryRow(`SELECT seq FROM counters`).Scan(new(int64)) })
	}
	return d.Change(ctx, func(q *Tx) error {
		if q.Postgres {
			return q.Exec(`UPDATE counters SET ordinal = ordinal WHERE id = 1`)
		}
		return q.probe()
	})
}

// Check reads an SQLite database through, however large it is. PostgreSQL looks after itself.
func (d *DB) Check(ctx context.Context) error {
	if d.pg {
		return nil
	}
	db, err := d.read.DB()
	if err != nil {
		return err
	}
	return d.explain(sqlitefile.QuickCheck(ctx, db, d.path))
}

// View runs f in a read transaction: all its queries see one state.
func (d *DB) View(ctx context.Context, f func(*Tx) error) error {
	if d.older.Load() {
		return ErrOlder
	}
	o := &sql.TxOptions{}
	if d.pg {
		o.Isolation, o.ReadOnly = sql.LevelRepeatableRead, true
	}
	return d.within(ctx, d.read, o, f)
}

// Change runs f in a write transaction of its own. Short and rare changes only: callbacks go through the store's
// group commit.
func (d *DB) Change(ctx context.Context, f func(*Tx) error) error {
	if err := d.Writable(); err != nil {
		return err
	}
	err := d.Write(ctx, func(q *Tx) error {
		d.changes.Add(1)
		return f(q)
	})
	if err == nil {
		d.Checkpoint()
	}
	return err
}

// mostTries bounds how often a transaction is tried again in which replicas met.
const mostTries = 5

// Write runs f in a write transaction. Where two replicas met, it is run again.
func (d *DB) Write(ctx context.Context, f func(*Tx) error) error {
	if err := d.checkFile(context.WithoutCancel(ctx)); err != nil {
		return err
	}
	for try := 1; ; try++ {
		err := d.within(ctx, d.write, &sql.TxOptions{}, func(q *Tx) error {
			if err := look(d, q); err != nil {
				return err
			}
			return f(q)
		})
		if err == nil {
			d.Commits.Add(1)
		}
		if try == mostTries || !postgres.Again(err) {
			return err
		}
	}
}

// Writable says why nothing can be written, if so.
func (d *DB) Writable() error {
	switch {
	case d.readOnly:
		return fmt.Errorf("%w: opened to be read only", ErrUnavailable)
	case d.older.Load():
		return ErrOlder
	}
	return nil
}
