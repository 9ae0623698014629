package sqlitefile

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"

	sqlite3 "github.com/mattn/go-sqlite3"
)

const (
	// StepsTable is where goose writes down the steps of the schema that were made.
	StepsTable = "goose_db_version"

	applicationID = 0x4353474E // "CSGN", in the header of each database that we make
	wholeUpTo     = 8 << 20    // bytes of a database that is read through at each start
	walHeader     = 32
	walFrame      = 24
	walLooked     = 16 << 20 // bytes of a log that are looked through
)

// Fault says that a database's file is not one of ours, or is no longer whole, and what to do. The file has
// been left as it is.
type Fault struct {
	Path, What, Cure string
}

func (e *Fault) Error() string { return "database: " + e.Path + " " + e.What + ": " + e.Cure }

const (
	cureElsewhere = "name another file in `database`, or put a backup in its place"
	cureRestore   = "put a backup in its place (with its -wal and -shm away), or move it away to begin with a new one"
	cureWAL       = "move that file away; it was left behind when this one was put in its place"
)

// header is what the first hundred bytes of a SQLite file say.
type header struct {
	size        int64 // of the file
	page, pages int64 // bytes a page, and how many there should be; 0 where it does not say
	app, mark   uint32
}

// Examine says what is wrong with an SQLite file, before anything is made or written. One that is not there is fine.
func Examine(ctx context.Context, path string) error {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("database: %w", err)
	}
	defer f.Close()
	h, err := examineHeader(f, path)
	if err != nil {
		return err
	}
	return examineInside(ctx, path, h, ReadPlain, true)
}

// Prepare makes a new file, or says what is wrong with one that is there before anything is written to it.
func Prepare(ctx context.Context, path string, mode fs.FileMode, readOnly bool) error {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) && !readOnly {
		return Create(ctx, path, mode)
	}
	if err != nil {
		return fmt.Errorf("database: %w", err)
	}
	defer f.Close()
	h, err := examineHeader(f, path)
	if err != nil {
		return err
	}
	if !readOnly {
		w, err := os.OpenFile(path, os.O_RDWR, 0)
		if err != nil {
			return fmt.Errorf("database is not writable: %w", err)
		}
		if err := w.Close(); err != nil {
			return err
		}
	}
	return examineInside(ctx, path, h, ReadPlain, !readOnly)
}

// prepareResting looks at a file that no process uses, as Prepare does at one in use.
func prepareResting(ctx context.Context, path string) error {
	f, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("database: %w", err)
	}
	defer f.Close()
	h, err := examineHeader(f, path)
	if err != nil {
		return err
	}
	return examineInside(ctx, path, h, readResting, false)
}

// examineHeader looks at a file without SQLite, which would mend or make what it does not find.
func examineHeader(f *os.File, path string) (h header, err error) {
	info, err := f.Stat()
	if err != nil {
		return h, fmt.Errorf("database: %w", err)
	}
	if info.IsDir() {
		return h, &Fault{path, "is a folder", "name a file in `database`"}
	}
	b := make([]byte, 100)
	n, err := io.ReadFull(f, b)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return h, fmt.Errorf("database: %w", err)
	}
	switch {
	case n == 0:
		return h, &Fault{path, "is empty, not a database: all that it held is gone", cureRestore}
	case !bytes.HasPrefix(b[:n], []byte("SQLite format 3\x00")):
		return h, &Fault{path, "is not a SQLite database", cureElsewhere}
	case n < len(b):
		return h, &Fault{path, fmt.Sprintf("is cut off: %d bytes are left of it", n), cureRestore}
	}
	at := func(i int) uint32 { return binary.BigEndian.Uint32(b[i:]) }
	h.size, h.page, h.mark, h.app = info.Size(), int64(binary.BigEndian.Uint16(b[16:])), at(60), at(68)
	if h.page == 1 {
		h.page = 65536
	}
	if at(24) == at(92) { // who wrote it knew of the page count
		h.pages = int64(at(28))
	}
	if err := examineLog(h, path); err != nil {
		return h, err
	}
	return h, examineSize(h, path)
}

// examineLog tells a log that was left by another file: SQLite would mix the two. It is known by the mark, which
// stands on the first page: growth, a start and each look at /readyz log that one.
func examineLog(h header, path string) error {
	f, err := os.Open(path + "-wal")
	if err != nil {
		return nil //nolint:nilerr // not there, or left to SQLite
	}
	defer f.Close()
	b, salts := make([]byte, walHeader+64), make([]byte, 8)
	if _, err := f.ReadAt(b[:walHeader], 0); err != nil || int64(binary.BigEndian.Uint32(b[8:])) != h.page {
		return nil //nolint:nilerr // SQLite leaves it alone too
	}
	copy(salts, b[16:24])
	for at := int64(walHeader); at < walLooked; at += walFrame + h.page {
		if _, err := f.ReadAt(b[:walFrame+64], at); err != nil || !bytes.Equal(b[8:16], salts) {
			return nil //nolint:nilerr // its end
		}
		mark := binary.BigEndian.Uint32(b[walFrame+60:])
		if binary.BigEndian.Uint32(b) == 1 && mark != h.mark {
			return &Fault{path + "-wal", "belongs to another database than the file beside it", cureWAL}
		}
	}
	return nil
}

// examineSize says whether pages are missing at the end. A checkpoint that was cut short leaves some of them in the
// log only.
func examineSize(h header, path string) error {
	if h.page < 512 || h.size >= h.page*h.pages {
		return nil
	}
	missing, logged := h.pages-h.size/h.page, int64(0)
	if info, err := os.Stat(path + "-wal"); err == nil && info.Size() > walHeader {
		logged = (info.Size() - walHeader) / (walFrame + h.page)
	}
	if missing <= logged {
		return nil
	}
	return &Fault{path, fmt.Sprintf("is cut off: %d bytes are left of %d", h.size, h.page*h.pages), cureRestore}
}

// examineInside reads a file through SQLite, without writing to it. Faults that are not the file's are left to who
// opens it next. Only one of at most wholeUpTo bytes is read through, where whole asks for it.
func examineInside(ctx context.Context, path string, h header, open func(string) (*sql.DB, error), whole bool) error {
	db, err := open(path)
	if err != nil {
		return nil //nolint:nilerr // left to who opens it next
	}
	defer db.Close()
	err = examineOwner(ctx, db, path, h.app)
	if err == nil && whole && h.size <= wholeUpTo {
		err = QuickCheck(ctx, db, path)
	}
	return faultOf(err, path)
}

// faultOf keeps of an error what is the file's own fault.
func faultOf(err error, path string) error {
	var fault *Fault
	var lite sqlite3.Error
	switch {
	case errors.As(err, &fault):
		return err
	case errors.As(err, &lite) && lite.Code == sqlite3.ErrNotADB:
		return &Fault{path, "is not a SQLite database", cureElsewhere}
	case errors.As(err, &lite) && lite.Code == sqlite3.ErrCorrupt:
		return damaged(path, lite.Error())
	}
	return nil
}

func damaged(path, how string) error {
	return &Fault{path, "is damaged (" + strings.Join(strings.Fields(how), " ") + ")", cureRestore}
}

// QuickCheck reads a database through and says what it finds first.
func QuickCheck(ctx context.Context, db *sql.DB, path string) error {
	var said string
	if err := db.QueryRowContext(ctx, `PRAGMA quick_check(1)`).Scan(&said); err != nil {
		return err
	}
	if said != "ok" {
		return damaged(path, strings.TrimPrefix(said, "*** in database main ***"))
	}
	return nil
}

// Tables are some that no database of ours lacks.
func Tables() []string { return []string{"callbacks", "counters", "outbox", "transactions"} }

// examineOwner tells a database of another program from ours: one that was rescued with SQLite's own tools has no
// application id, and one whose making was cut short may have no tables yet.
func examineOwner(ctx context.Context, db *sql.DB, path string, app uint32) error {
	if app != 0 && app != applicationID {
		return &Fault{path, fmt.Sprintf("belongs to another program (application id 0x%08X)", app), cureElsewhere}
	}
	rows, err := db.QueryContext(ctx,
		`SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name`)
	if err != nil {
		return err
	}
	defer rows.Close()
	var names []string
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return err
		}
		names = append(names, name)
	}
	if err := rows.Err(); err != nil || len(names) == 0 || len(names) == 1 && names[0] == StepsTable {
		return err
	}
	for _, own := range append(Tables(), StepsTable) {
		switch {
		case slices.Contains(names, own):
		case app == applicationID:
			return damaged(path, "table "+own+" is missing")
		default:
			return &Fault{path, "belongs to another program (it has tables such as " + names[0] + ", and not ours)",
				cureElsewhere}
		}
	}
	return nil
}
