package sqlitefile

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"sync"
	"sync/atomic"
	"time"

	sqlite3 "github.com/mattn/go-sqlite3"
	"github.com/sirupsen/logrus"
)

// LogBound is the size of a log that is told of: somebody keeps an old state of the database open.
const LogBound = 64 << 20

const (
	pageSize = 4096
	logLimit = 16 << 20 // what SQLite leaves of the log's file when it begins it anew

	looksAfter = 8    // commits between two looks at how far the log has grown
	foldAt     = 2000 // pages that only the log has: they are brought into the database's file
	foldAtOnce = 600  // as many the one that writes brings over itself, between two groups

	foldIn     = time.Minute
	foldRest   = time.Second // after a pass that somebody was in the way of
	shrinkEach = 20 * time.Second
)

// Keeper brings the log of a database in use into its file, as SQLite would by itself, but for three things. The bulk
// goes over beside the one that writes, so that callbacks wait for the little that came meanwhile. A log that a long
// reader has let grow becomes small again when he is gone. And SQLite tells nobody that the file could not be synced:
// systems drop what they could not write, and the next checkpoint would take it for written and give the log away that
// still holds it. So whoever has the database open ends then, without closing it (Spoiled): the next start reads the
// log from its beginning.
type Keeper struct {
	Path    string
	Writer  *sql.DB
	Log     *logrus.Entry
	Spoiled func(error)

	Every    time.Duration // between two looks of Run at the size of the log; 20 s if zero
	running  atomic.Bool
	wake     chan struct{}
	commits  atomic.Int64
	folding  sync.Mutex  // a pass is under way
	folded   atomic.Bool // a pass has brought all over that there was when it began
	hindered atomic.Bool // the last could not
	warned   bool
}

// NewKeeper makes the keeper of a database that has one writer.
func NewKeeper(path string, writer *sql.DB, log *logrus.Entry, spoiled func(error)) *Keeper {
	return &Keeper{Path: path, Writer: writer, Log: log, Spoiled: spoiled, wake: make(chan struct{}, 1)}
}

// LogSize is how large the log beside a database is; 0 where there is none.
func LogSize(path string) int64 {
	info, err := os.Stat(path + "-wal")
	if err != nil {
		return 0
	}
	return info.Size()
}

// progress says how far a log is folded into its file.
type progress struct {
	busy        bool // somebody was in the way
	pages, done int
}

func (p progress) left() int { return p.pages - p.done }

// Checkpoint runs SQLite's checkpoint in one of its modes and says whether somebody was in the way.
func (k *Keeper) Checkpoint(ctx context.Context, mode string) (busy bool, err error) {
	p, err := k.fold(ctx, k.Writer, mode)
	return p.busy, err
}

func (k *Keeper) fold(ctx context.Context, db *sql.DB, mode string) (p progress, err error) {
	err = db.QueryRowContext(ctx, `PRAGMA wal_checkpoint(`+mode+`)`).Scan(&p.busy, &p.pages, &p.done)
	var lite sqlite3.Error
	if errors.As(err, &lite) && lite.ExtendedCode == sqlite3.ErrIoErrFsync && k.Spoiled != nil {
		k.Spoiled(err)
	}
	return p, err
}

// Committed is called by the one that writes, after each commit. Without a running Run it does the whole work itself.
func (k *Keeper) Committed() {
	ended := k.folded.Swap(false)
	if k.commits.Add(1)%looksAfter != 0 && !ended {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), foldIn)
	defer cancel()
	p, err := k.fold(ctx, k.Writer, "NOOP")
	switch {
	case err != nil || p.left() == 0 || p.left() < foldAt && !ended:
	case p.pages > LogBound/2/pageSize && k.running.Load() && !k.hindered.Load():
		k.folding.Lock() // passes are too slow for what is written: it waits for the one under way
		_, err = k.fold(ctx, k.Writer, "PASSIVE")
		k.folding.Unlock()
	case !k.running.Load(), ended && p.left() < foldAtOnce:
		_, err = k.fold(ctx, k.Writer, "PASSIVE") // with all of it brought over, the log begins anew
	default:
		select {
		case k.wake <- struct{}{}:
		default:
		}
	}
	k.tell(err)
}

func (k *Keeper) tell(err error) {
	if err != nil {
		k.Log.WithField("err", err).Warn("the database's log could not be brought into its file, it grows")
	}
}

// Run folds the log and looks after its size, until ctx ends.
func (k *Keeper) Run(ctx context.Context) {
	k.running.Store(true)
	defer k.running.Store(false)
	every := k.Every
	if every == 0 {
		every = shrinkEach
	}
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-k.wake:
			k.folded.Store(k.pass(ctx))
		case <-tick.C:
			k.shrink(ctx)
		}
		if k.hindered.Load() {
			rest := time.NewTimer(min(foldRest, every))
			select {
			case <-ctx.Done():
			case <-rest.C:
			}
			rest.Stop()
		}
	}
}

// own runs f on a connection that waits for nobody. It is opened each time: the file may be another by now.
func (k *Keeper) own(ctx context.Context, f func(context.Context, *sql.DB) error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), foldIn)
	defer cancel()
	db := sql.OpenDB(&connector{
		DSN:     uri(k.Path, url.Values{"mode": {"rw"}, "_busy_timeout": {"0"}, "_synchronous": {"FULL"}}),
		Pragmas: `PRAGMA wal_autocheckpoint = 0`,
	})
	db.SetMaxOpenConns(1)
	return errors.Join(f(ctx, db), db.Close())
}

// pass brings over what the log holds when it begins, and says whether it did. One that comes no further than the last
// was hindered: somebody reads an older state, or it went wrong. The one that writes is in the way for a moment only.
func (k *Keeper) pass(ctx context.Context) (all bool) {
	k.folding.Lock()
	defer k.folding.Unlock()
	further := false
	err := k.own(ctx, func(ctx context.Context, db *sql.DB) error {
		was, err := k.fold(ctx, db, "NOOP")
		if err != nil {
			return err
		}
		is, err := k.fold(ctx, db, "PASSIVE")
		all = is.done >= was.pages
		further = all || is.busy || is.done > was.done // busy: the one that writes does it just now
		return err
	})
	k.tell(err)
	k.hindered.Store(!further || err != nil)
	return all && err == nil
}

// shrink cuts off a log that has grown and that nobody needs any more, and warns once of one that somebody needs.
func (k *Keeper) shrink(ctx context.Context) {
	size := LogSize(k.Path)
	if size > logLimit {
		if k.pass(ctx) {
			k.tell(k.own(ctx, func(ctx context.Context, db *sql.DB) error {
				_, err := k.fold(ctx, db, "TRUNCATE") // one that writes just now does it with its next commit: see logLimit
				return err
			}))
			size = LogSize(k.Path)
		}
	}
	log := k.Log.WithField("size", megabytes(size))
	switch {
	case size >= LogBound && !k.warned:
		k.warned = true
		log.Warn("the database's log stays large while somebody keeps an old state of the database open: " +
			"end that reader, and the log becomes small by itself")
	case size < LogBound && k.warned:
		k.warned = false
		log.Info("the database's log is small again")
	}
}

func megabytes(n int64) string { return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20)) }
