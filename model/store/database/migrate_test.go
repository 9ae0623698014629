package database

import (
	"errors"
	"fmt"
	"io/fs"
	"testing"
	"testing/fstest"
)

// colours is a step that no program has.
const colours = `-- +goose Up
ALTER TABLE accounts ADD COLUMN colour TEXT NOT NULL DEFAULT 'blue';
DROP TABLE verified;
`

func stepOfColours(d *db) string { return fmt.Sprintf("%05d_colours.sql", d.step+1) }

// later gives a database a program that knows one step more.
func (d *db) later(t *testing.T) *DB {
	t.Helper()
	steps := fstest.MapFS{stepOfColours(d): {Data: []byte(colours)}}
	names, err := fs.Glob(d.steps, "*.sql")
	check(t, err)
	for _, name := range names {
		text, err := fs.ReadFile(d.steps, name)
		check(t, err)
		steps[name] = &fstest.MapFile{Data: text}
	}
	next := d.again(t)
	next.steps, next.step = steps, d.step+1
	check(t, next.checkSchema(t.Context()))
	return next
}

// An older database is not used before it is migrated. Its data outlives the step, and the older program, which may
// still have it open, writes to it no more.
func TestAnOlderDatabaseIsBroughtUpWithItsData(t *testing.T) {
	both(t, func(t *testing.T, d *db) {
		check(t, d.Change(t.Context(), func(q *Tx) error {
			return q.Exec(`INSERT INTO accounts (id, provider, first_start_at) VALUES ('acc', 'simulated', ?)`, noon)
		}))
		next := d.later(t)
		if err := next.View(t.Context(), nothing); !errors.Is(err, ErrOlder) {
			t.Fatalf("before the migration: got %v, want ErrOlder", err)
		}
		from, to, err := next.Migrate(t.Context())
		check(t, err)
		same(t, "steps", []int64{from, to}, []int64{d.step, d.step + 1})
		var colour string
		check(t, next.View(t.Context(), func(q *Tx) error {
			return q.QueryRow(`SELECT colour FROM accounts WHERE provider = 'simulated'`).Scan(&colour)
		}))
		same(t, "the new column", colour, "blue")
		check(t, next.Change(t.Context(), nothing))
		if _, err := Open(t.Context(), optionsOf(d.dsn)); !errors.Is(err, ErrNewer) {
			t.Errorf("the older program opens it: got %v, want ErrNewer", err)
		}
		if d.pg {
			return // it looks when it opens only
		}
		if err := d.Change(t.Context(), nothing); !errors.Is(err, ErrNewer) {
			t.Errorf("the older program writes: got %v, want ErrNewer", err)
		}
	})
}

// A step that fails is not done at all, and the next try begins before it.
func TestAStepThatFailsLeavesNothing(t *testing.T) {
	both(t, func(t *testing.T, d *db) {
		next := d.later(t)
		steps := next.steps.(fstest.MapFS)
		steps[stepOfColours(d)] = &fstest.MapFile{Data: []byte(colours + "DROP TABLE no_such_table;\n")}
		if _, _, err := next.Migrate(t.Context()); err == nil {
			t.Fatal("a faulty step was done")
		}
		have, _, err := next.Schema(t.Context())
		check(t, err)
		same(t, "schema", have, d.step)
		steps[stepOfColours(d)] = &fstest.MapFile{Data: []byte(colours)}
		_, _, err = next.Migrate(t.Context())
		check(t, err)
	})
}
