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
	if err := s.prepareFile(s.path, 0); err != nil {
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
	s.file = id
	return s.checkSchema(context.Background())
}
