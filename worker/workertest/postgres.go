package workertest

import (
	"database/sql"
	"errors"
	"fmt"
	"hash/maphash"
	"net/url"
	"os"
	"testing"
)

// PostgresSchema makes a schema of the test's own and returns the address of a database that sees it.
func PostgresSchema(t testing.TB) string {
	t.Helper()
	base := os.Getenv("COUNTERSIGN_TEST_POSTGRES")
	if base == "" {
		t.Skip("COUNTERSIGN_TEST_POSTGRES names no database to test on")
	}
	name := fmt.Sprintf("worker_%d_%x", os.Getpid(), schema(t))
	run := func(query string) {
		db, err := sql.Open("pgx", base)
		if err == nil {
			_, err = db.Exec(query)
			err = errors.Join(err, db.Close())
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	run("CREATE SCHEMA " + name)
	t.Cleanup(func() { run("DROP SCHEMA " + name + " CASCADE") })
	u, err := url.Parse(base)
	Check(t, err)
	q := u.Query()
	q.Set("search_path", name)
	u.RawQuery = q.Encode()
	return u.String()
}

// schema is a number for each test's schema.
func schema(t testing.TB) uint64 { return maphash.String(maphash.MakeSeed(), t.Name()) }
