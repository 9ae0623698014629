package database

import (
	"context"
	"errors"
	"time"

	sqlite3 "github.com/mattn/go-sqlite3"
)

const (
	looksAfter   = 8    // commits between two looks at how far the log has grown
	checkpointAt = 2000 // pages of it that are then brought into the database's file
	checkpointIn = time.Minute
)

// Checkpoint brings the log of a SQLite database into its file once it has grown, as SQLite would by itself, but for
// one thing: SQLite tells nobody that the file could not be synced. Systems drop what they could not write, and the
// next checkpoint would take it for written and give the log away that still holds it. So whoever has the database open
// ends then, without closing it (Options.Spoiled): the next start reads the log from its beginning.
func (d *DB) Checkpoint() {
	if d.pg || d.commits.Add(1)%looksAfter != 0 {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), checkpointIn)
	defer cancel()
	_, left, err := d.walCheckpoint(ctx, "NOOP")
	if err == nil && left >= checkpointAt {
		_, _, err = d.walCheckpoint(ctx, "PASSIVE")
	}
	if err != nil {
		d.log.WithField("err", err).Warn("the database's log could not be brought into its file, it grows")
	}
}

// walCheckpoint says whether somebody was in the way, and how many pages only the log has now.
func (d *DB) walCheckpoint(ctx context.Context, mode string) (busy bool, left int, err error) {
	db, err := d.write.DB()
	if err != nil {
		return false, 0, err
	}
	var log, done int
	err = db.QueryRowContext(ctx, `PRAGMA wal_checkpoint(`+mode+`)`).Scan(&busy, &log, &done)
	var lite sqlite3.Error
	if errors.As(err, &lite) && lite.ExtendedCode == sqlite3.ErrIoErrFsync && d.spoiled != nil {
		d.spoiled(err)
	}
	return busy, log - done, err
}
