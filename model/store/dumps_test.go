package store

import (
	"context"
	"database/sql"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/pressly/goose/v3"

	"countersign/model"
)

// Each version's schema lies in testdata/schemas with made-up data in every table. A new migration needs the
// dump of the version before it: `go test ./model/store -run TestDumps -update-dumps`, with
// COUNTERSIGN_TEST_POSTGRES set and pg_dump at hand, makes those that are missing and changes none.
var updateDumps = flag.Bool("update-dumps", false, "make the dumps of schemas that are missing")

func dumpFile(dialect string, version int64) string {
	return filepath.Join("testdata", "schemas", dialect, fmt.Sprintf("%05d.sql", version))
}

// versions are the migrations, in order.
func (s *Store) versions(t *testing.T) (out []int64) {
	t.Helper()
	dir, err := s.steps()
	check(t, err)
	files, err := fs.Glob(dir, "*.sql")
	check(t, err)
	for _, f := range files {
		n, err := goose.NumericComponent(f)
		check(t, err)
		out = append(out, n)
	}
	slices.Sort(out)
	return out
}

// empty is a database without a schema.
func (d *db) empty(t *testing.T) *sql.DB {
	t.Helper()
	raw, err := d.write.DB()
	check(t, err)
	if !d.pg {
		for _, kind := range []string{"view", "table"} {
			for _, name := range answersTo(t, raw, "SELECT name FROM sqlite_master WHERE type = '"+kind+"' AND name NOT LIKE 'sqlite_%'") {
				run(t, raw, "DROP "+kind+` "`+name+`"`)
			}
		}
		return raw
	}
	schema := answersTo(t, raw, "SELECT current_schema()")[0]
	run(t, raw, "DROP SCHEMA "+schema+" CASCADE; CREATE SCHEMA "+schema)
	return raw
}

func run(t *testing.T, db *sql.DB, query string) {
	t.Helper()
	if _, err := db.Exec(query); err != nil {
		t.Fatalf("%v\n%.200s", err, query)
	}
}

func answersTo(t *testing.T, db *sql.DB, query string) (out []string) {
	t.Helper()
	rows, err := db.Query(query)
	check(t, err)
	defer rows.Close()
	for rows.Next() {
		var v string
		check(t, rows.Scan(&v))
		out = append(out, v)
	}
	check(t, rows.Err())
	return out
}

// load makes a database what it was in a version.
func (d *db) load(t *testing.T, version int64) *sql.DB {
	t.Helper()
	text, err := os.ReadFile(dumpFile(d.Dialect(), version))
	if err != nil {
		t.Fatalf("%v: make it as dumps_test.go says", err)
	}
	raw := d.empty(t)
	run(t, raw, string(text))
	afresh(raw)
	return raw
}

// afresh lets go of connections, which keep plans of what was there before.
func afresh(raw *sql.DB) {
	raw.SetMaxIdleConns(-1)
	raw.SetMaxIdleConns(2)
}

// tables are ours, without goose's.
func (d *db) tables(t *testing.T, raw *sql.DB) []string {
	t.Helper()
	query := "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND name <> 'goose_db_version' ORDER BY name"
	if d.pg {
		query = "SELECT table_name FROM information_schema.tables WHERE table_schema = current_schema() AND table_type = 'BASE TABLE' AND table_name <> 'goose_db_version' ORDER BY table_name"
	}
	return answersTo(t, raw, query)
}

// content is what columns of a table hold, each row as text, sorted.
func content(t *testing.T, raw *sql.DB, table string, columns []string) (out []string) {
	t.Helper()
	rows, err := raw.Query(`SELECT "` + strings.Join(columns, `", "`) + `" FROM ` + table)
	check(t, err)
	defer rows.Close()
	for rows.Next() {
		values, to := make([]any, len(columns)), make([]any, len(columns))
		for i := range values {
			to[i] = &values[i]
		}
		check(t, rows.Scan(to...))
		out = append(out, fmt.Sprint(values...))
	}
	check(t, rows.Err())
	slices.Sort(out)
	return out
}

func columnsIn(t *testing.T, raw *sql.DB, table string) []string {
	t.Helper()
	rows, err := raw.Query("SELECT * FROM " + table + " LIMIT 0")
	check(t, err)
	defer rows.Close()
	out, err := rows.Columns()
	check(t, err)
	return out
}

// upTo migrates step by step, for making a dump.
func (d *db) upTo(t *testing.T, raw *sql.DB, version int64) {
	t.Helper()
	dir, err := d.steps()
	check(t, err)
	dialect := goose.DialectSQLite3
	if d.pg {
		dialect = goose.DialectPostgres
	}
	p, err := goose.NewProvider(dialect, raw, dir, goose.WithDisableGlobalRegistry(true))
	check(t, err)
	_, err = p.UpTo(context.Background(), version)
	check(t, err)
}

// fill puts a row of made-up values into each table that has none.
func (d *db) fill(t *testing.T, raw *sql.DB) {
	t.Helper()
	for _, table := range d.tables(t, raw) {
		if answersTo(t, raw, "SELECT COUNT(*) FROM "+table)[0] != "0" {
			continue
		}
		rows, err := raw.Query("SELECT * FROM " + table + " LIMIT 0")
		check(t, err)
		types, err := rows.ColumnTypes()
		check(t, err)
		check(t, rows.Close())
		var names, values []string
		for _, c := range types {
			value := "1"
			switch kind := strings.ToUpper(c.DatabaseTypeName()); {
			case strings.Contains(kind, "TEXT"):
				value = "'made up'"
			case strings.Contains(kind, "BOOL"):
				value = "TRUE"
			case strings.Contains(kind, "TIME"):
				value = "'2026-01-31T12:00:00.000Z'"
			case strings.Contains(kind, "BLOB"):
				value = "X'00'"
			case strings.Contains(kind, "BYTEA"):
				value = `'\x00'`
			}
			for name, v := range map[string]string{
				"account": "'acc'", "ref": "'a'", "verdict": "'accepted'", "kind": "'status'", "status": "'in_progress'", "attention": "'[]'", "headers": "'{}'", "state": "'stored'",
				"metadata": "'{}'", "documents": "'[]'", "id": "'acc'", "outcome": "'applied'", "change": "'status'", "lease_until": "NULL", "link": "NULL", "hidden": "FALSE", "body": "NULL",
			} {
				if c.Name() == name && table != "counters" {
					value = v
				}
				if table == "gaps" && c.Name() == "kind" {
					value = "'missed'"
				}
			}
			names, values = append(names, `"`+c.Name()+`"`), append(values, value)
		}
		run(t, raw, "INSERT INTO "+table+" ("+strings.Join(names, ", ")+") VALUES ("+strings.Join(values, ", ")+")")
	}
	run(t, raw, "UPDATE counters SET seq = 1, version = 1, ordinal = 1")
	run(t, raw, "UPDATE goose_db_version SET tstamp = '2026-01-31 12:00:00'")
}

// whole is the whole database as SQL.
func (d *db) whole(t *testing.T, raw *sql.DB) string {
	t.Helper()
	if d.pg {
		return d.dumpPostgres(t, raw)
	}
	var b strings.Builder
	for _, kind := range []string{"table", "index", "view"} {
		for _, text := range answersTo(t, raw, "SELECT sql FROM sqlite_master WHERE type = '"+kind+"' AND sql IS NOT NULL AND name NOT LIKE 'sqlite_%' ORDER BY name") {
			b.WriteString(text + ";\n")
		}
	}
	for _, table := range append(d.tables(t, raw), "goose_db_version") {
		var quoted []string
		for _, c := range columnsIn(t, raw, table) {
			quoted = append(quoted, `quote("`+c+`")`)
		}
		for _, row := range answersTo(t, raw, "SELECT "+strings.Join(quoted, " || ', ' || ")+" FROM "+table) {
			b.WriteString("INSERT INTO " + table + " VALUES (" + row + ");\n")
		}
	}
	return b.String()
}

func (d *db) dumpPostgres(t *testing.T, raw *sql.DB) string {
	t.Helper()
	schema := answersTo(t, raw, "SELECT current_schema()")[0]
	out, err := exec.Command("pg_dump", "--inserts", "--no-owner", "--no-privileges", "--no-comments", "--schema", schema, os.Getenv("COUNTERSIGN_TEST_POSTGRES")).Output()
	check(t, err)
	text := strings.ReplaceAll(string(out), schema+".", "")
	text = regexp.MustCompile(`(?m)^(--.*|\\.*|SET .*|SELECT pg_catalog\.set_config.*|CREATE SCHEMA .*)\n`).ReplaceAllString(text, "")
	return regexp.MustCompile(`\n\n+`).ReplaceAllString(strings.TrimSpace(text), "\n") + "\n"
}

func TestDumpsOfEverySchemaAreThere(t *testing.T) {
	both(t, func(t *testing.T, d *db) {
		all := d.versions(t)
		for i, version := range all[:len(all)-1] {
			name := dumpFile(d.Dialect(), version)
			if _, err := os.Stat(name); err == nil {
				continue
			} else if !*updateDumps {
				t.Fatalf("%v: a new migration needs the dump of the version before it; make it as dumps_test.go says", err)
			}
			raw := d.empty(t)
			if i > 0 {
				raw = d.load(t, all[i-1])
			}
			d.upTo(t, raw, version)
			d.fill(t, raw)
			check(t, os.MkdirAll(filepath.Dir(name), 0o755))
			check(t, os.WriteFile(name, []byte(d.whole(t, raw)), 0o644))
		}
	})
}

func TestEverySchemaIsBroughtToTheNewestWithItsData(t *testing.T) {
	both(t, func(t *testing.T, d *db) {
		all := d.versions(t)
		for _, version := range all[:len(all)-1] {
			raw := d.load(t, version)
			was := map[string][]string{}
			columns := map[string][]string{}
			for _, table := range d.tables(t, raw) {
				columns[table] = columnsIn(t, raw, table)
				was[table] = content(t, raw, table, columns[table])
				if len(was[table]) == 0 {
					t.Errorf("the dump of %d has nothing in %s", version, table)
				}
			}
			afresh(raw)
			old, err := Open(t.Context(), d.options())
			check(t, err)
			have, want, err := old.Schema(t.Context())
			check(t, err)
			same(t, "schema", []int64{have, want}, []int64{version, all[len(all)-1]})
			_, err = old.Transaction(t.Context(), key("a"))
			same(t, "it is read after it is migrated", err, ErrOlder)
			_, _, err = old.Migrate(t.Context())
			check(t, err)
			afresh(raw)
			for table, rows := range was {
				same(t, fmt.Sprintf("%s of %d", table, version), content(t, raw, table, columns[table]), rows)
			}
			check(t, old.Close())
			d.works(t)
		}
	})
}

// works says that a migrated database can be read and written, and its views answer.
func (d *db) works(t *testing.T) {
	t.Helper()
	s := d.again(t)
	now := &db{Store: s, clock: d.clock, dsn: d.dsn}
	same(t, "an old row", now.get(t, key("a")).Ref, "a")
	now.do(t, func(b *Batch) error {
		b.AddCallback(Packed{Callback: model.Callback{Account: "acc", Ref: "a", Type: "moved", DedupeKey: "new", Verdict: model.Accepted, Outcome: model.Applied, At: noon, Body: []byte("{}")}})
		return nil
	}, key("a"))
	now.do(t, move(key("a"), "completed"), key("a"))
	same(t, "after a callback", string(now.get(t, key("a")).Status), "completed")
	for _, view := range []string{"v1_transactions", "v1_signers", "v1_documents", "v1_changes", "v1_gaps", "v1_accounts"} {
		if now.count(t, view) == 0 {
			t.Errorf("%s is empty", view)
		}
	}
	first, last, err := now.Feed(t.Context())
	check(t, err)
	same(t, "feed", [2]int64{first, last}, [2]int64{1, 2})
	check(t, s.Healthy(t.Context()))
}
