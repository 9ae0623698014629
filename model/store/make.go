package store

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"countersign/model/store/durable"
)

// makeFile makes an empty database of ours. It gets its name once it is whole and on disk, so that an empty file is
// never one that we began. Another process may have been faster: then there is nothing to do.
func makeFile(ctx context.Context, path string, mode fs.FileMode) error {
	err := durable.Write(path, durable.How{Mode: mode}, func(f *os.File) error {
		err := Stamp(ctx, f.Name())
		durable.CrashPoint("database written")
		return err
	})
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("database cannot be made: %w", err)
	}
	durable.CrashPoint("database linked")
	return nil
}

// Stamp says in a SQLite file that nobody uses whose it is, and gives it a mark that no other has: by it a log that
// was left beside another file is known. It is on disk when it returns.
func Stamp(ctx context.Context, path string) error {
	mark, err := newMark()
	if err != nil {
		return err
	}
	db := sql.OpenDB(&connector{dsn: sqliteURI(path, map[string][]string{"mode": {"rw"}}), pragmas: "PRAGMA synchronous = FULL"})
	db.SetMaxOpenConns(1)
	_, err = db.ExecContext(ctx, fmt.Sprintf(`PRAGMA application_id = %d; PRAGMA user_version = %d; PRAGMA journal_mode = WAL`, applicationID, mark))
	return errors.Join(err, db.Close())
}

// marked says whether a user_version is a mark: earlier versions wrote 1 there.
func marked(v uint32) bool { return v > 1 }

func newMark() (uint32, error) {
	var b [4]byte
	_, err := rand.Read(b[:])
	return max(binary.BigEndian.Uint32(b[:])>>1, 2), err // SQLite's is signed
}

// probe commits without changing anything: SQLite writes no page for an UPDATE that changes nothing, so the mark is
// written anew. A database of before marks gets one.
func (q *sqlConn) probe() error {
	var mark uint32
	err := q.queryRow(`PRAGMA user_version`).Scan(&mark)
	if err == nil && !marked(mark) {
		mark, err = newMark()
	}
	if err != nil {
		return err
	}
	return q.exec(fmt.Sprintf(`PRAGMA user_version = %d`, mark))
}
