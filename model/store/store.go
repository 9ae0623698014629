// Package store keeps what countersign knows in SQLite or PostgreSQL, with gorm over goose
// migrations. Writes go through one group commit (Do); reads see what is committed. Times are UTC.
package store

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
)

// Errors that callers test for. All but ErrNoRow may wrap what the database said.
var (
	ErrBusy        = errors.New("too many changes are waiting to be written")
	ErrUnavailable = errors.New("database unavailable")
	ErrNoRow       = errors.New("no such row")
	ErrNewer       = errors.New("database was written by a newer countersign: upgrade this program")
	ErrOlder       = errors.New("database is not migrated: run countersign migrate")
	ErrHeld        = errors.New("lock is held")
	ErrKey         = errors.New("the installation key does not fit: was key_file replaced?")
	ErrCursor      = errors.New("not a cursor of this list")
)

// Options is what Open needs.
type Options struct {
	DSN      string   // sqlite:PATH or postgres://…
	Key      []byte   // the installation key, 32 bytes; without it nothing secret can be written or read
	OldKeys  [][]byte // those before it: what rests under them can be read
	Now      func() time.Time
	Log      *logrus.Entry // nil: silent
	Queue    int           // changes that may wait to be written; 4096 if zero
	GroupMax int           // changes in one commit; 512 if zero
	Mode     fs.FileMode   // of a new SQLite file; 0600 if zero
	ReadOnly bool          // nothing is written, a SQLite file must exist
	// Spoiled is called when a SQLite database's own file could not be synced. It has to end the process without closing
	// the database; what was committed is in the log. nil: SQLite's way, which may lose it.
	Spoiled func(err error)
}

// Store is the database. Its methods are safe for concurrent use.
type Store struct {
	now      func() time.Time
	log      *logrus.Entry
	pg       bool
	readOnly bool
	path     string   // of the SQLite file
	dsn      string   // PostgreSQL's
	write    *gorm.DB // nil if read-only
	read     *gorm.DB
	texts    texts
	shapes   *shapes
	sql      *statements
	box      *sealer
	step     int64       // of the schema that this program knows
	older    atomic.Bool // the schema is older than this program: nothing works but Migrate
	fileMu   sync.Mutex
	file     fileID // of the SQLite file, as it was opened
	commits  atomic.Int64
	spoiled  func(error)

	groupMax int
	queue    chan *unit
	gate     sync.RWMutex // guards running, and that nothing is queued once Run has drained
	running  bool
	group    sync.Mutex // one group is written at a time
}

// Open opens the database. A new or older one is opened too, but answers ErrOlder until Migrate.
func Open(ctx context.Context, o Options) (*Store, error) {
	if o.Now == nil {
		return nil, errors.New("store: Options.Now is needed")
	}
	if o.Log == nil {
		quiet := logrus.New()
		quiet.SetLevel(logrus.PanicLevel)
		o.Log = logrus.NewEntry(quiet)
	}
	box, err := newSealer(o.Key, o.OldKeys...)
	if err != nil {
		return nil, err
	}
	sh := newShapes()
	s := &Store{
		shapes: sh, sql: newStatements(sh),
		now: utcClock(o.Now), log: o.Log, readOnly: o.ReadOnly, box: box,
		groupMax: positive(o.GroupMax, 512), spoiled: o.Spoiled, queue: make(chan *unit, positive(o.Queue, 4096)),
	}
	kind, rest, _ := strings.Cut(o.DSN, ":")
	switch kind {
	case "sqlite":
		s.path, err = rest, s.openSQLite(ctx, rest, o.Mode)
	case "postgres", "postgresql":
		s.pg, s.dsn, err = true, o.DSN, s.openPostgres(ctx, o.DSN)
	default:
		err = fmt.Errorf("database %q: want sqlite:PATH or postgres://user@host/name", kind+":…")
	}
	var have int64
	if err == nil {
		have, s.step, err = s.Schema(ctx)
	}
	if err == nil && s.pg {
		err = s.examinePostgres(ctx, have)
	}
	if err == nil {
		err = s.checkSchema(ctx)
	}
	if err != nil {
		s.Close() //nolint:errcheck // the first error tells more
		return nil, err
	}
	return s, nil
}

// checkSchema refuses a schema that this program does not know and notes one that lacks steps.
func (s *Store) checkSchema(ctx context.Context) error {
	have, want, err := s.Schema(ctx)
	switch {
	case err != nil:
		return err
	case have > want:
		return fmt.Errorf("schema %d, this program knows %d: %w", have, want, ErrNewer)
	}
	s.older.Store(have < want)
	return nil
}

// Dialect is "sqlite" or "postgres".
func (s *Store) Dialect() string {
	if s.pg {
		return "postgres"
	}
	return "sqlite"
}

// Path is the SQLite file; "" for PostgreSQL.
func (s *Store) Path() string { return s.path }

// Close closes the database. Run must have returned.
func (s *Store) Close() error {
	var errs []error
	for _, db := range []*gorm.DB{s.read, s.write} { // the writer last: SQLite then folds its log into the file
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
func (s *Store) config() *gorm.Config {
	return &gorm.Config{
		SkipDefaultTransaction: true, TranslateError: true, DisableAutomaticPing: true,
		Logger: logger.Discard, NowFunc: s.now,
	}
}

// Healthy says whether the database can be written: a cheap probe, with a real commit.
func (s *Store) Healthy(ctx context.Context) error {
	if s.readOnly {
		return s.view(ctx, func(q *sqlConn) error { return q.queryRow(`SELECT seq FROM counters`).Scan(new(int64)) })
	}
	return s.change(ctx, func(q *sqlConn) error {
		if q.pg {
			return q.exec(`UPDATE counters SET ordinal = ordinal WHERE id = 1`)
		}
		return q.probe()
	})
}

// view runs f in a read transaction: all its queries see one state.
func (s *Store) view(ctx context.Context, f func(*sqlConn) error) error {
	if s.older.Load() {
		return ErrOlder
	}
	o := &sql.TxOptions{}
	if s.pg {
		o.Isolation, o.ReadOnly = sql.LevelRepeatableRead, true
	}
	return s.within(ctx, s.read, o, f)
}

// change runs f in a write transaction, beside the group commit. Short and rare changes only.
func (s *Store) change(ctx context.Context, f func(*sqlConn) error) error {
	if err := s.writable(); err != nil {
		return err
	}
	if err := s.checkFile(); err != nil {
		return err
	}
	for try := 0; ; try++ {
		err := s.within(ctx, s.write, &sql.TxOptions{}, func(q *sqlConn) error {
			if err := q.checkStep(); err != nil {
				return err
			}
			return f(q)
		})
		if try == 3 || !again(err) {
			if err == nil {
				s.checkpoint()
			}
			return err
		}
	}
}

// writable says why nothing can be written, if so.
func (s *Store) writable() error {
	switch {
	case s.readOnly:
		return fmt.Errorf("%w: opened to be read only", ErrUnavailable)
	case s.older.Load():
		return ErrOlder
	}
	return nil
}

func positive(n, otherwise int) int {
	if n > 0 {
		return n
	}
	return otherwise
}

// utcClock rounds a clock to what the database keeps, so that what was written and what is still
// in memory compare equal.
func utcClock(now func() time.Time) func() time.Time {
	return func() time.Time { return now().UTC().Truncate(time.Millisecond) }
}
