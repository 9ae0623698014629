package killed

import (
	"bytes"
	"database/sql"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/cmd/countersign/installtest"
	"countersign/cmd/countersign/output"
	"countersign/provider/simulator"
)

// lived is an installation that has taken some callbacks and was stopped well.
func lived(t *testing.T) (in installtest.Installation, file string) {
	t.Helper()
	svc := installtest.PlayServices(t, simulator.Options{Transactions: -1})
	in = installtest.Install(t, svc, 1)
	stop := in.Daemon(t)
	key, _ := svc.Account(simulator.AccountOneSpan).Settings["callback_key"].(string)
	for i := range 20 {
		code, _ := in.Post(simulator.AccountOneSpan, "application/json", "Basic "+key,
			installtest.OneSpanEvent("PACKAGE_CREATE", fmt.Sprintf("r-%d", i), time.Now()))
		require.Equal(t, http.StatusOK, code)
	}
	require.Zero(t, stop())
	return in, filepath.Join(in.Dir, "countersign.db")
}

// A file that is not a database of ours, or no longer whole, is named at the start with what to do, and left as it is.
func TestTornAndForeignDatabases(t *testing.T) {
	t.Parallel()
	restore := "put a backup in its place"
	for name, c := range map[string]struct {
		spoil func(t *testing.T, file string)
		says  []string
	}{
		"empty": {func(t *testing.T, file string) { require.NoError(t, os.Truncate(file, 0)) },
			[]string{"is empty", restore}},
		"a few bytes": {func(t *testing.T, file string) { require.NoError(t, os.Truncate(file, 60)) },
			[]string{"is cut off: 60 bytes are left", restore}},
		"half":               {half, []string{"is cut off: ", " bytes are left of ", restore}},
		"half, with a log":   {halfWithLog, []string{"is cut off: ", restore}},
		"garbage":            {garbage, []string{"is not a SQLite database", "name another file"}},
		"garbage in a page":  {badPage, []string{"is damaged (", restore}},
		"garbage in page 1":  {badFirstPage, []string{"is damaged (", restore}},
		"a table is missing": {sqlOn("DROP TABLE outbox"), []string{"is damaged (table outbox is missing)", restore}},
		"another program": {another("CREATE TABLE bookmarks (url); INSERT INTO bookmarks VALUES ('x')"),
			[]string{"belongs to another program", "bookmarks", "name another file"}},
		"its application id": {another("PRAGMA application_id = 0x12345678"),
			[]string{"belongs to another program (application id 0x12345678)", "name another file"}},
		"its migrations": {another("CREATE TABLE goose_db_version (version_id, is_applied); CREATE TABLE users (id)"),
			[]string{"belongs to another program", "name another file"}},
		"a folder":      {folder, []string{"is a folder", "name a file"}},
		"another's log": {anothersLog, []string{"countersign.db-wal belongs to another database", "move that file away"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in, file := lived(t)
			c.spoil(t, file)
			before := contents(file)
			for _, withoutKey := range []bool{false, true} {
				if withoutKey {
					require.NoError(t, os.Remove(filepath.Join(in.Dir, "countersign.key")))
				}
				out, code := refusesToStart(t, in)
				require.Equal(t, output.ExitFailed, code, out)
				require.Equal(t, 1, strings.Count(out, "error: "), out)
				require.Equal(t, 1, strings.Count(out, "\n"), out)
				for _, text := range append(c.says, file) {
					require.Contains(t, out, text)
				}
			}
			after := contents(file)
			require.True(t, before == after, "the file is as it was")
			require.NoFileExists(t, filepath.Join(in.Dir, "countersign.key"), "and no key is made for it")
		})
	}
}

// A log that was left lying when a backup was put in place is known, and the backup is not mixed with it.
func TestRestoreBesideAnOldLog(t *testing.T) {
	t.Parallel()
	in, file := lived(t)
	copied := filepath.Join(in.Dir, "copy.db")
	in.Said(t, "backup", copied)
	log := logOf(t, file)
	require.NoError(t, os.Rename(copied, file))
	require.NoError(t, os.WriteFile(file+"-wal", log, 0o600))
	out, code := refusesToStart(t, in)
	require.Equal(t, output.ExitFailed, code)
	require.Contains(t, out, "countersign.db-wal belongs to another database")
	require.NoError(t, os.Remove(file+"-wal"))
	stop := in.Daemon(t)
	require.Equal(t, 20, in.Rows(t))
	require.Zero(t, stop())
}

// A database of before application ids and marks is taken as it is, and one that SQLite made and nobody used.
func TestOlderDatabasesAreOurs(t *testing.T) {
	t.Parallel()
	for _, change := range []func(*testing.T, string){
		sqlOn("PRAGMA application_id = 0; PRAGMA user_version = 1"), another("VACUUM"),
	} {
		in, file := lived(t)
		change(t, file)
		require.Zero(t, in.Daemon(t)())
	}
}

// contents is what a database's file and its log hold.
func contents(file string) (all [2]string) {
	for i, suffix := range []string{"", "-wal"} {
		b, err := os.ReadFile(file + suffix)
		if err != nil {
			continue // a folder, or not there
		}
		all[i] = string(b)
	}
	return all
}

// refusesToStart runs serve, which must end by itself.
func refusesToStart(t *testing.T, in installtest.Installation) (out string, code int) {
	t.Helper()
	p := in.Start(t, installtest.OurProgram(t), "serve")
	code = p.Exit(t)
	return p.Out.String(), code
}

func sqlOn(query string) func(*testing.T, string) {
	return func(t *testing.T, file string) {
		t.Helper()
		db, err := sql.Open("sqlite3", "file:"+file)
		require.NoError(t, err)
		_, err = db.Exec(query)
		require.NoError(t, err)
		require.NoError(t, db.Close())
	}
}

// another puts a database in its place that we did not make.
func another(query string) func(*testing.T, string) {
	return func(t *testing.T, file string) {
		t.Helper()
		require.NoError(t, os.Remove(file))
		sqlOn(query)(t, file)
		if info, err := os.Stat(file); err == nil && info.Size() == 0 {
			sqlOn("CREATE TABLE x (y); DROP TABLE x")(t, file)
		}
	}
}

func half(t *testing.T, file string) {
	t.Helper()
	info, err := os.Stat(file)
	require.NoError(t, err)
	require.NoError(t, os.Truncate(file, info.Size()/2))
}

func halfWithLog(t *testing.T, file string) {
	t.Helper()
	log := logOf(t, file)
	half(t, file)
	require.NoError(t, os.WriteFile(file+"-wal", log, 0o600))
}

// logOf is a log of a few pages as a kill leaves it.
func logOf(t *testing.T, file string) []byte {
	t.Helper()
	db, err := sql.Open("sqlite3", "file:"+file)
	require.NoError(t, err)
	var mark int64
	require.NoError(t, db.QueryRow("PRAGMA user_version").Scan(&mark))
	_, err = db.Exec(fmt.Sprintf("PRAGMA user_version = %d", mark))
	require.NoError(t, err)
	log, err := os.ReadFile(file + "-wal")
	require.NoError(t, err)
	require.NotEmpty(t, log)
	require.NoError(t, db.Close())
	return log
}

func anothersLog(t *testing.T, file string) {
	t.Helper()
	_, other := lived(t)
	require.NoError(t, os.WriteFile(file+"-wal", logOf(t, other), 0o600))
}

func garbage(t *testing.T, file string) {
	t.Helper()
	require.NoError(t, os.WriteFile(file, bytes.Repeat([]byte("not a database "), 1000), 0o600))
}

func badPage(t *testing.T, file string) {
	t.Helper()
	b, err := os.ReadFile(file)
	require.NoError(t, err)
	middle := len(b) / 4096 / 2 * 4096
	copy(b[middle:middle+4096], bytes.Repeat([]byte{0xFF}, 4096))
	require.NoError(t, os.WriteFile(file, b, 0o600))
}

func badFirstPage(t *testing.T, file string) {
	t.Helper()
	b, err := os.ReadFile(file)
	require.NoError(t, err)
	copy(b[100:4096], bytes.Repeat([]byte{0xFF}, 4096-100))
	require.NoError(t, os.WriteFile(file, b, 0o600))
}

func folder(t *testing.T, file string) {
	t.Helper()
	require.NoError(t, os.Remove(file))
	require.NoError(t, os.MkdirAll(filepath.Join(file, "inside"), 0o700))
}
