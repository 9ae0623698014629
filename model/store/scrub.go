package store

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
func (s *Store) Scrub(ctx context.Context, whole bool) (clean bool, err error) {
	if s.pg {
		return true, nil
	}
	if err := s.writable(); err != nil {
		return false, err
	}
	db, err := s.write.DB()
	if err != nil {
		return false, err
	}
	if whole {
		// In a file and not in memory: the database may be large. The setting is the connection's, which is the only one.
		for _, query := range []string{`PRAGMA temp_store = FILE`, `VACUUM`, `PRAGMA temp_store = MEMORY`} {
			if _, err := db.ExecContext(ctx, query); err != nil {
				return false, fmt.Errorf("vacuum: %w", s.explain(err))
			}
		}
	}
	for try := 0; ; try++ {
		busy, _, err := s.walCheckpoint(ctx, "TRUNCATE")
		if err != nil {
			return false, s.explain(err)
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
func (s *Store) FileSize() (int64, error) {
	if s.pg {
		return 0, nil
	}
	info, err := os.Stat(s.path)
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}
