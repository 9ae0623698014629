package sqlitefile

import (
	"errors"

	sqlite3 "github.com/mattn/go-sqlite3"
)

// Broken says whether err is SQLite's, about the database and not about what was asked of it.
func Broken(err error) bool {
	var lite sqlite3.Error
	if !errors.As(err, &lite) {
		return false
	}
	switch lite.Code {
	case sqlite3.ErrBusy, sqlite3.ErrLocked, sqlite3.ErrReadonly, sqlite3.ErrIoErr, sqlite3.ErrCorrupt, sqlite3.ErrFull,
		sqlite3.ErrCantOpen, sqlite3.ErrNotADB, sqlite3.ErrPerm, sqlite3.ErrNomem, sqlite3.ErrProtocol, sqlite3.ErrAuth:
		return true
	}
	return false
}
