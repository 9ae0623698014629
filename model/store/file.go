package store

import (
	"context"
	"fmt"
	"os"
	"syscall"

	"gorm.io/gorm"
)

// fileID tells one file from another that took its name.
type fileID struct {
	dev, inode uint64
}

func identify(path string) (fileID, error) {
	info, err := os.Stat(path)
	if err != nil {
		return fileID{}, err
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return fileID{}, nil
	}
	return fileID{uint64(st.Dev), st.Ino}, nil //nolint:unconvert // Dev is int32 elsewhere
}

// checkFile makes sure that what is written still has a name: SQLite would go on writing to a file
// that was removed, and what we acknowledged would be gone. A file put in its place is opened anew.
func (s *Store) checkFile() error {
	if s.pg {
		return nil
	}
	s.fileMu.Lock()
	defer s.fileMu.Unlock()
	id, err := identify(s.path)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	if id == s.file {
		return nil
	}
	if err := s.prepareFile(context.Background(), s.path, 0); err != nil {
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	for db, conns := range map[*gorm.DB]int{s.write: 1, s.read: sqliteReaders} {
		raw, err := db.DB()
		if err != nil {
			return err
		}
		raw.SetMaxIdleConns(-1) // closes them
		raw.SetMaxIdleConns(conns)
	}
	if err := s.checkSchema(context.Background()); err != nil { // looked at again by the next that writes
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	s.file = id
	return nil
}

// checkStep refuses to write to a schema that somebody else has brought beyond ours. PostgreSQL's is
// looked at when it is opened only: each look would be a way to the server.
func (q *sqlConn) checkStep() error {
	if q.pg {
		return nil
	}
	var have int64
	if err := q.queryRow(`SELECT MAX(version_id) FROM goose_db_version WHERE is_applied`).Scan(&have); err != nil {
		return err
	}
	if have > q.step {
		return fmt.Errorf("%w: schema %d, this program knows %d: %w", ErrUnavailable, have, q.step, ErrNewer)
	}
	return nil
}
