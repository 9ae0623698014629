package sqlitefile

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"time"

	sqlite3 "github.com/mattn/go-sqlite3"
)

// connector opens connections to a SQLite file, each with its pragmas.
type connector struct {
	DSN, Pragmas string
	driver       sqlite3.SQLiteDriver
	slower       time.Duration // that each commit takes
}

// Driver is asked for by database/sql.
func (c *connector) Driver() driver.Driver { return &c.driver }

// Connect opens one connection.
func (c *connector) Connect(context.Context) (driver.Conn, error) { return c.Open() }

// Open opens one connection.
func (c *connector) Open() (*sqlite3.SQLiteConn, error) {
	conn, err := c.driver.Open(c.DSN)
	if err != nil {
		return nil, err
	}
	lite := conn.(*sqlite3.SQLiteConn)
	if _, err := lite.Exec(c.Pragmas, nil); err != nil {
		return nil, errors.Join(err, lite.Close())
	}
	if c.slower > 0 {
		lite.RegisterCommitHook(func() int { time.Sleep(c.slower); return 0 })
	}
	return lite, nil
}

// uri names a file to SQLite, with the parameters of a connection.
func uri(path string, q url.Values) string {
	u := url.URL{Scheme: "file", Opaque: (&url.URL{Path: filepath.ToSlash(path)}).EscapedPath(), RawQuery: q.Encode()}
	return u.String()
}

// plain opens a file as it is, with one connection and no pragmas.
func plain(path string, q url.Values) (*sql.DB, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	db := sql.OpenDB(&connector{DSN: uri(abs, q)})
	db.SetMaxOpenConns(1)
	return db, nil
}

// readResting opens a file that no process uses, such as a backup, only to read. SQLite then makes no log and no index
// of one beside the file, for which a folder that is read-only has no place. A file with a log beside it is opened like
// one in use, since the log may hold what the file lacks.
func readResting(path string) (*sql.DB, error) {
	for _, end := range logEnds() {
		if _, err := os.Lstat(path + end); !errors.Is(err, fs.ErrNotExist) {
			return ReadPlain(path)
		}
	}
	return plain(path, url.Values{"mode": {"ro"}, "immutable": {"1"}})
}

// ReadPlain opens a file as it is, only to read. SQLite may make a log beside it, as for every reader.
func ReadPlain(path string) (*sql.DB, error) {
	return plain(path, url.Values{"mode": {"ro"}, "_busy_timeout": {"5000"}})
}
