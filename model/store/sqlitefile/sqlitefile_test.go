package sqlitefile

import (
	"context"
	"database/sql"
	"errors"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// run changes a file past everybody.
func run(t *testing.T, path, query string) {
	t.Helper()
	db, err := plain(path, url.Values{"mode": {"rw"}})
	check(t, err)
	_, err = db.ExecContext(context.Background(), query)
	check(t, errors.Join(err, db.Close()))
}

// made is a new database with as little in it as one of ours has.
func made(t *testing.T, dir, name string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	check(t, Create(t.Context(), path, 0o640))
	run(t, path, `CREATE TABLE goose_db_version (version_id INTEGER, is_applied BOOLEAN); INSERT INTO goose_db_version VALUES (1, TRUE);
CREATE TABLE counters (seq INTEGER, version INTEGER, ordinal INTEGER); INSERT INTO counters VALUES (3, 2, 9);
CREATE TABLE transactions (name TEXT, hidden BOOLEAN); INSERT INTO transactions VALUES ('`+name+`', FALSE), ('a hint', TRUE);
CREATE TABLE callbacks (n INTEGER, at STAMP); INSERT INTO callbacks VALUES (1, 1769860800000);
CREATE TABLE history (seq INTEGER, at STAMP); INSERT INTO history VALUES (1, 1769857200000);
CREATE TABLE outbox (seq INTEGER)`)
	return path
}

// nameIn is what made has written into a database.
func nameIn(t *testing.T, path string) (name string) {
	t.Helper()
	db, err := ReadPlain(path)
	check(t, err)
	err = db.QueryRowContext(t.Context(), `SELECT name FROM transactions WHERE NOT hidden`).Scan(&name)
	check(t, errors.Join(err, db.Close()))
	return name
}

func TestWhatIsWrongWithAFileIsSaid(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		spoil func(t *testing.T, path string)
		want  string // "" is nothing
	}{
		"ours":      {func(*testing.T, string) {}, ""},
		"not there": {func(t *testing.T, path string) { check(t, os.Remove(path)) }, ""},
		"just made": {func(t *testing.T,
			path string) {
			check(t, errors.Join(os.Remove(path), Create(t.Context(), path, 0)))
		}, ""},
		"empty": {func(t *testing.T, path string) { check(t, os.Truncate(path, 0)) }, "is empty, not a database"},
		"cut off": {func(t *testing.T, path string) { check(t, os.Truncate(path, 4096)) },
			"is cut off: 4096 bytes are left of"},
		"beheaded": {func(t *testing.T, path string) { check(t, os.Truncate(path, 50)) }, "is cut off: 50 bytes are left"},
		"a letter": {func(t *testing.T, path string) {
			check(t, os.WriteFile(path, []byte("Dear Ann, this is no database"), 0o600))
		}, "is not a SQLite database"},
		"a folder": {func(t *testing.T, path string) { check(t, errors.Join(os.Remove(path), os.Mkdir(path, 0o700))) },
			"is a folder"},
		"another's": {func(t *testing.T, path string) { run(t, path, `PRAGMA application_id = 7`) },
			"belongs to another program (application id 0x00000007)"},
		"nobody's": {func(t *testing.T, path string) { run(t, path, `PRAGMA application_id = 0; DROP TABLE outbox`) },
			"belongs to another program (it has tables such as callbacks"},
		"rescued": {func(t *testing.T, path string) { run(t, path, `PRAGMA application_id = 0`) }, ""},
		"a table gone": {func(t *testing.T, path string) { run(t, path, `DROP TABLE outbox`) },
			"is damaged (table outbox is missing)"},
		"another's log": {func(t *testing.T, path string) {
			other := made(t, t.TempDir(), "other.db")
			db, err := plain(other, url.Values{"mode": {"rw"}})
			check(t, err)
			// its first page goes into the log
			_, err = db.ExecContext(t.Context(), `PRAGMA user_version = 77; CREATE TABLE more (n INTEGER)`)
			check(t, err)
			log, err := os.ReadFile(other + "-wal")
			check(t, errors.Join(err, db.Close(), os.WriteFile(path+"-wal", log, 0o600)))
		}, "belongs to another database than the file beside it"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := made(t, t.TempDir(), "test.db")
			test.spoil(t, path)
			err := Examine(t.Context(), path)
			var fault *Fault
			switch {
			case test.want == "" && err != nil:
				t.Errorf("got %v", err)
			case test.want != "" && (!errors.As(err, &fault) || !strings.Contains(err.Error(), test.want) || fault.Cure == ""):
				t.Errorf("got %v, want %q and a cure", err, test.want)
			}
		})
	}
}

// A folder of backups may be read-only, and nothing belongs beside a backup.
func TestABackupIsReadWithoutALogBesideIt(t *testing.T) {
	t.Parallel()
	dir, other := t.TempDir(), t.TempDir()
	backup := filepath.Join(dir, "backup.db")
	check(t, Copy(t.Context(), made(t, other, "test.db"), backup, false))
	_, err := ReadThrough(t.Context(), backup)
	check(t, err)
	check(t, CopyResting(t.Context(), backup, filepath.Join(other, "restored.db"), true))
	if beside, err := os.ReadDir(dir); err != nil || len(beside) != 1 {
		t.Errorf("beside the backup: %v, %v", beside, err)
	}
}

// What only the log beside a file holds is read with it.
func TestABackupWithItsLogIsReadWithIt(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	from := made(t, dir, "test.db")
	use, err := plain(from, url.Values{"mode": {"rw"}})
	check(t, err)
	defer use.Close()
	_, err = use.ExecContext(t.Context(), `UPDATE transactions SET name = 'newer' WHERE NOT hidden`)
	check(t, err)
	to := filepath.Join(dir, "copy.db")
	check(t, CopyResting(t.Context(), from, to, false))
	if got := nameIn(t, to); got != "newer" {
		t.Errorf("the copy holds %q", got)
	}
}

func TestACopyIsWholeAndTakesNoName(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	from, to := made(t, dir, "test.db"), filepath.Join(dir, "copy.db")
	use, err := plain(from, url.Values{"mode": {"rw"}}) // it is in use
	check(t, err)
	defer use.Close()
	_, err = use.ExecContext(t.Context(), `UPDATE transactions SET name = 'newer' WHERE NOT hidden`)
	check(t, err)
	check(t, Copy(t.Context(), from, to, false))
	if got := nameIn(t, to); got != "newer" {
		t.Errorf("the copy holds %q", got)
	}
	if info, err := os.Stat(to); err != nil || info.Mode() != 0o600 {
		t.Errorf("its mode: %v, %v", info.Mode(), err)
	}
	e, err := ReadThrough(t.Context(), to)
	check(t, err)
	if want := time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC); e.NewestAt == nil || !e.NewestAt.Equal(want) {
		t.Errorf("newest at %v, want %v", e.NewestAt, want)
	}
	if e.NewestAt = nil; e != (Examined{Schema: 1, Transactions: 1, Seq: 3, Version: 2, Ordinal: 9}) {
		t.Errorf("the copy is said to hold %+v", e)
	}
	if err := Copy(t.Context(), from, to, false); err == nil || !strings.Contains(err.Error(), "is there already") {
		t.Errorf("over another file: got %v", err)
	}
	check(t, Copy(t.Context(), from, to, true))
	if err := Copy(t.Context(), filepath.Join(dir, "none.db"), filepath.Join(dir, "more.db"), false); err == nil {
		t.Error("a copy of nothing was made")
	}
	if left, err := filepath.Glob(filepath.Join(dir, ".*")); len(left) > 0 || err != nil {
		t.Errorf("%v, %v are left", left, err)
	}
}

func TestADatabaseTakesAnothersPlace(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(place string){
		"a whole one":   func(string) {},
		"a damaged one": func(place string) { check(t, os.WriteFile(place, []byte("no database at all"), 0o600)) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			place, next := made(t, dir, "old.db"), made(t, dir, "new.db")
			spoil(place)
			was, err := os.ReadFile(place)
			check(t, err)
			check(t, os.WriteFile(place+"-shm", []byte("of the old one"), 0o600))
			old, err := UnusedName(next) // it is there
			check(t, err)
			if old != next+"-2" {
				t.Errorf("an unused name: %s", old)
			}
			check(t, Replace(t.Context(), next, place, old))
			if got := nameIn(t, place); got != "new.db" {
				t.Errorf("in the place is %q", got)
			}
			is, err := os.ReadFile(old)
			if err != nil || string(is) != string(was) {
				t.Errorf("what was there is not under its new name: %v", err)
			}
			check(t, Remove(place))
			check(t, Remove(place))
			if _, err := os.Stat(place); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("after its removal: %v", err)
			}
		})
	}
}

// Nobody may lose what they read.
func TestADatabaseInUseIsNotReplaced(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	place, next := made(t, dir, "old.db"), made(t, dir, "new.db")
	use, err := plain(place, url.Values{"mode": {"rw"}, "_busy_timeout": {"50"}})
	check(t, err)
	defer use.Close()
	_, err = use.ExecContext(t.Context(), `UPDATE transactions SET name = 'logged'`)
	check(t, err)
	tx, err := use.BeginTx(t.Context(), &sql.TxOptions{})
	check(t, err)
	var n int
	check(t, tx.QueryRowContext(t.Context(), `SELECT COUNT(*) FROM transactions`).Scan(&n))
	if err := Replace(t.Context(), next, place, place+".before"); err == nil ||
		!strings.Contains(err.Error(), "try again") {
		t.Errorf("got %v, want it refused", err)
	}
	check(t, tx.Rollback())
	if got := nameIn(t, place); got != "logged" {
		t.Errorf("in the place is %q", got)
	}
}

func TestAFileThatTookTheNameIsAnother(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	one := made(t, dir, "one.db")
	was, err := Identify(one)
	check(t, err)
	run(t, one, `CREATE TABLE more (n INTEGER)`)
	if is, err := Identify(one); err != nil || is != was {
		t.Errorf("after a change it is another: %v", err)
	}
	check(t, os.Rename(made(t, dir, "other.db"), one))
	if is, err := Identify(one); err != nil || is == was {
		t.Errorf("another file is taken for it: %v", err)
	}
}
