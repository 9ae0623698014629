// Package migration brings a database to the schema of this version, and leaves a copy of it as it was before.
package migration

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/sirupsen/logrus"

	"countersign/model/store"
	"countersign/model/store/database"
	"countersign/model/store/durable"
	"countersign/model/store/sqlitefile"
)

// Quietly makes or updates the schema: of a SQLite database unless a daemon uses it. On PostgreSQL processes that start
// together take turns, and older daemons go on: steps of one minor version only add.
func Quietly(ctx context.Context, s *store.Store, owner string, log *logrus.Entry) error {
	if s.Postgres() {
		_, _, err := s.Migrate(ctx)
		return err
	}
	err := s.WithLock(ctx, database.LockServe, owner, func(ctx context.Context) error {
		have, want, err := s.Schema(ctx)
		if err != nil || have == want {
			return err
		}
		backup, err := CopyBefore(ctx, s, have)
		if err != nil {
			return err
		}
		switch {
		case have > 0 && backup != "":
			log.WithFields(logrus.Fields{"from": have,
				"source": backup}).Info("bringing the database to this version, kept as it was before")
		case have > 0:
			log.WithField("from", have).Warn("bringing the database to this version; there is no copy of it as it was before")
		}
		_, _, err = s.Migrate(ctx)
		return err
	})
	if errors.Is(err, store.ErrLocked) {
		return fmt.Errorf("a daemon of another version uses the database: %w", err)
	}
	return err
}

// CopyBefore copies a SQLite database to a name that tells the step that it has, and returns the name; "" where
// there is nothing to keep, or no room: then it is migrated all the same, since a daemon that does not start
// loses more.
func CopyBefore(ctx context.Context, s *store.Store, have int64) (string, error) {
	size, err := s.FileSize()
	if err != nil || have == 0 || size == 0 {
		return "", err
	}
	free, err := durable.Free(filepath.Dir(s.Path()))
	if err != nil || free < size+size/4+spareAfterCopy {
		return "", err
	}
	backup := fmt.Sprintf("%s.before-%05d", s.Path(), have)
	return backup, sqlitefile.Copy(ctx, s.Path(), backup, true)
}

// spareAfterCopy is what a copy must leave for callbacks.
const spareAfterCopy = 64 << 20
