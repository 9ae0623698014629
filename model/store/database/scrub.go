package database

import (
	"context"
	"fmt"
	"os"
	"time"
)

// Scrub lets nothing of what was deleted lie about in a SQLite file's log, and with whole, which rewrites
// the file while callers wait, not in the file either: a page may hold an older copy of what it gave to its
// neighbour. False where somebody reads an old state just now and the log could not be emptied. On
// PostgreSQL its own vacuum does that in time, and Scrub nothing.
func (d *DB) Scrub(ctx context.Context, whole bool) (clean bool, err error) {
	if d.pg {
		return true, nil
	}
	if err := d.Writable(); err != nil {
		return false, err
	}
	db, err := d.write.DB()
	if err != nil {
		return false, err
	}
	if whole {
		// In a file and not in memory: the database may be large. The setting is the connection's, which is the only one.
		for _, query := range []string{`PRAGMA temp_store = FILE`, `VACUUM`, `PRAGMA temp_store = MEMORY`} {
			if _, err := db.ExecContext(ctx, query); err != nil {
				return false, fmt.Errorf("vacuum: %w", d.explain(err))
			}
		}
	}
	for try := 0; ; try++ {
		busy, err := d.keeper.Checkpoint(ctx, "TRUNCATE")
		if err != nil {
			return false, d.explain(err)
		}
		if !busy || try == scrubTries {
			return !busy, nil
		}
		if err := pause(ctx, scrubPause); err != nil {
			return false, err
		}
	}
}

const (
	scrubTries = 20
	scrubPause = 100 * time.Millisecond
)

// FileSize is how large a SQLite file is; 0 for PostgreSQL.
func (d *DB) FileSize() (int64, error) {
	if d.pg {
		return 0, nil
	}
	info, err := os.Stat(d.path)
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}
