// Package sqlitefile cares for one SQLite file: it makes and opens it, knows it again, says what is wrong with it,
// copies it, and puts another in its place. What the tables hold is the store's business.
package sqlitefile

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"

	"countersign/model/store/durable"
)

// Create makes an empty database of ours. It gets its name once it is whole and on disk, so that an empty file is
// never one that we began. Another process may have been faster: then there is nothing to do.
func Create(ctx context.Context, path string, mode fs.FileMode) error {
	err := durable.Write(path, durable.How{Mode: mode}, func(f *os.File) error {
		err := stamp(ctx, f.Name())
		durable.CrashPoint("database written")
		return err
	})
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("database cannot be made: %w", err)
	}
	durable.CrashPoint("database linked")
	return nil
}

// stamp says in a file that nobody uses whose it is, and gives it a mark that no other has: by it a log that was left
// beside another file is known. Pages that retention frees can be given back. It is on disk when stamp returns.
func stamp(ctx context.Context, path string) error {
	var b [4]byte
	if _, err := rand.Read(b[:]); err != nil {
		return err
	}
	mark := max(binary.BigEndian.Uint32(b[:])>>1, 1) // SQLite's is signed
	db := sql.OpenDB(&connector{DSN: uri(path, url.Values{"mode": {"rw"}}), Pragmas: "PRAGMA synchronous = FULL"})
	db.SetMaxOpenConns(1)
	_, err := db.ExecContext(ctx,
		fmt.Sprintf(`PRAGMA auto_vacuum = INCREMENTAL; PRAGMA application_id = %d; PRAGMA user_version = %d; PRAGMA journal_mode = WAL`,
			applicationID, mark))
	return errors.Join(err, db.Close())
}
