package sqlitefile

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"

	"countersign/model/store/durable"
)

// errInUse is of a log that somebody reads just now.
var errInUse = errors.New("database is in use")

// logEnds are the ends of the names of the files that SQLite keeps beside a database.
func logEnds() []string { return []string{"-wal", "-shm"} }

// RemoveLogs removes the files that SQLite keeps beside a database that nobody has open.
func RemoveLogs(path string) error {
	for _, end := range logEnds() {
		if err := os.Remove(path + end); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// Remove removes a database that nobody has open. One that is not there is no error.
func Remove(path string) error {
	err := os.Remove(path)
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	return errors.Join(err, RemoveLogs(path))
}

// Folded says whether all that a database holds lies in its own file, so that it can be moved without its log.
func Folded(path string) bool {
	info, err := os.Stat(path + "-wal")
	return err != nil || info.Size() == 0
}

// UnusedName returns the name, with a number at its end if a file has it.
func UnusedName(name string) (string, error) {
	for n, try := 1, name; ; try = fmt.Sprintf("%s-%d", name, n) {
		if _, err := os.Lstat(try); errors.Is(err, fs.ErrNotExist) {
			return try, nil
		} else if err != nil {
			return "", err
		}
		n++
	}
}

// Replace puts a database that nobody has open in the place of another one, which gets a name of its own. A kill on
// the way leaves the one or the other, whole, in the place.
func Replace(ctx context.Context, from, place, old string) error {
	if err := foldLog(ctx, place); errors.Is(err, errInUse) {
		return fmt.Errorf("somebody reads %s just now: try again", place)
	} else if err != nil { // damaged: what it has of a log goes with it
		for _, end := range logEnds() {
			if err := os.Rename(place+end, old+end); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
		}
	}
	if err := os.Link(place, old); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := RemoveLogs(place); err != nil { // they are of another file, and would be read into the new one
		return err
	}
	if err := durable.SyncDir(filepath.Dir(place)); err != nil {
		return err
	}
	return durable.Rename(from, place)
}

// foldLog brings what is in the log into the database's file.
func foldLog(ctx context.Context, path string) error {
	if _, err := os.Stat(path); err != nil {
		return err
	}
	db, err := plain(path, url.Values{"mode": {"rw"}, "_busy_timeout": {"5000"}})
	if err != nil {
		return err
	}
	var busy, log, done int
	err = db.QueryRowContext(ctx, `PRAGMA wal_checkpoint(TRUNCATE)`).Scan(&busy, &log, &done)
	if err == nil && busy != 0 {
		err = errInUse
	}
	return errors.Join(err, db.Close())
}
