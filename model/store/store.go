// Package store keeps what countersign knows in SQLite or PostgreSQL, with gorm over goose
// migrations. Writes go through one group commit (Do); reads see what is committed. Times are UTC.
package store

import (
	"context"
	"errors"
	"io/fs"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sirupsen/logrus"

	"countersign/model/store/database"
	"countersign/model/store/seal"
)

// Errors that callers test for. All but ErrNoRow may wrap what the database said.
var (
	ErrBusy        = errors.New("too many changes are waiting to be written")
	ErrCursor      = errors.New("not a cursor of this list")
	ErrUnavailable = database.ErrUnavailable
	ErrNoRow       = database.ErrNoRow
	ErrNewer       = database.ErrNewer
	ErrOlder       = database.ErrOlder
	ErrLocked      = database.ErrLocked
	ErrKey         = seal.ErrKey
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
	// the database; what was committed is in the log. nil keeps SQLite's behaviour, which can lose committed data.
	Spoiled  func(err error)
	SlowSync time.Duration // each commit of a SQLite file takes so much longer; 0 but in benchmarks
	Version  string        // of this program, for the rows of locks
	Mover    bool          // opened by what moves it: it may be gone, or not whole
}

// handle is the database below the tables. It is embedded so that a Store opens, migrates, locks and closes as the
// database does.
type handle = database.DB

// Store is the tables. Its methods are safe for concurrent use. Run must have returned before Close.
type Store struct {
	*handle
	now    func() time.Time
	shapes *shapes
	sql    *statements
	box    *seal.Box
	log    *logrus.Entry

	dictionaries *dictionaries
	scratches    sync.Pool // *[]byte, in which headers and body are put together

	groupMax int
	queue    chan *unit
	gate     sync.RWMutex // guards running, and that nothing is queued once Run has drained
	running  bool
	group    sync.Mutex // one group is written at a time
	known    known      // what the last group left
	entries  entries
	pace     pace
	clock    func() time.Time // finer than now
	onWork   atomic.Pointer[func(Agenda)]
	onGroup  atomic.Pointer[func(*database.Tx, Agenda) error]

	exchanges  chan struct{} // as many as mostExchanges
	rows       allRows
	searchable chan struct{} // rows have words that the search index does not know
	filled     func()        // is called when the search index has been filled; nil but in tests
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
	box, err := seal.New(o.Key, o.OldKeys...)
	if err != nil {
		return nil, err
	}
	now := utcClock(o.Now)
	db, err := database.Open(ctx,
		database.Options{DSN: o.DSN, Now: now, Log: o.Log, Mode: o.Mode, ReadOnly: o.ReadOnly, Spoiled: o.Spoiled,
			SlowSync: o.SlowSync, Version: o.Version, Mover: o.Mover})
	if err != nil {
		return nil, err
	}
	sh := newShapes()
	return &Store{
		handle: db, now: now, clock: o.Now, shapes: sh, sql: newStatements(sh), box: box, log: o.Log,
		dictionaries: newDictionaries(), searchable: make(chan struct{}, 1),
		exchanges: make(chan struct{}, mostExchanges),
		groupMax:  positive(o.GroupMax, 512), queue: make(chan *unit, positive(o.Queue, 4096)),
	}, nil
}

func positive(n, otherwise int) int {
	if n > 0 {
		return n
	}
	return otherwise
}

// utcClock rounds a clock to the database's precision, so that a stored time equals the one in memory.
func utcClock(now func() time.Time) func() time.Time {
	return func() time.Time { return now().UTC().Truncate(time.Millisecond) }
}

// LogSize is how large the log of a SQLite database is; 0 for PostgreSQL.
func (s *Store) LogSize() int64 {
	if s.Postgres() {
		return 0
	}
	return database.LogSize(s.Path())
}
