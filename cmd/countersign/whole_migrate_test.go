package main

import (
	"database/sql"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/cmd/countersign/output"
	"countersign/provider/simulator"
)

// older puts the database of the first version in place.
func (in installation) older(t *testing.T) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "model", "store", "testdata", "schemas", "sqlite", "00001.sql"))
	require.NoError(t, err)
	for _, end := range []string{"", "-wal", "-shm"} {
		os.Remove(filepath.Join(in.dir, "countersign.db"+end)) //nolint:errcheck // may not be there
	}
	db, err := sql.Open("sqlite3", "file:"+filepath.Join(in.dir, "countersign.db")+"?_journal_mode=WAL")
	require.NoError(t, err)
	_, err = db.Exec(string(text))
	require.NoError(t, err)
	require.NoError(t, db.Close())
}

// A migration that is killed has done each step whole or not at all, and the next start does the rest. What
// was there before lies beside, and goes back.
func TestWholeMigrationKilled(t *testing.T) {
	t.Parallel()
	binary := builtProgram(t)
	in := install(t, playServices(t, simulator.Options{Transactions: -1}), 1)
	require.Zero(t, in.start(t, binary, "migrate").exit(t)) // makes the key
	const reached = "SELECT MAX(version_id) FROM goose_db_version WHERE is_applied"
	newest := one[int](in.table(t), reached)
	between := 0
	for range 5 {
		in.older(t)
		p := in.start(t, binary, "migrate")
		select {
		case <-p.done:
		case <-time.After(time.Duration(20+rand.IntN(250)) * time.Millisecond):
		}
		p.kill()
		db := in.table(t)
		require.Equal(t, "ok", one[string](db, "PRAGMA integrity_check"))
		step := one[int](db, reached)
		require.NotZero(t, step)
		if step < newest {
			between++
		}
		require.NoError(t, db.Close())
		require.Zero(t, in.start(t, binary, "migrate").exit(t), "again")
		db = in.table(t)
		require.Equal(t, newest, one[int](db, reached))
		require.Equal(t, 1, one[int](db, "SELECT COUNT(*) FROM v1_transactions"))
		require.NoError(t, db.Close())
	}
	t.Logf("%d of 5 were killed before the end", between)

	in.older(t)
	require.Contains(t, in.said(t, "migrate"), "as it was before: ")
	before := filepath.Join(in.dir, "countersign.db.before-00001")
	old, err := sql.Open("sqlite3", "file:"+before+"?mode=ro")
	require.NoError(t, err)
	require.Equal(t, 1, one[int](old, reached))
	require.NoError(t, old.Close())
	in.said(t, "restore", before)

	in.write(t, "INSERT INTO goose_db_version (version_id, is_applied) VALUES (99999, 1)")
	for _, args := range [][]string{{"serve"}, {"migrate"}, {"list"}, {"restore", filepath.Join(in.dir, "countersign.db.before-99999")}} {
		if args[0] == "restore" {
			require.NoError(t, os.Rename(filepath.Join(in.dir, "countersign.db"), args[1]))
		}
		_, stderr, code := in.verb(t, args...)
		require.Equal(t, output.ExitFailed, code, args)
		require.Contains(t, stderr, "database was written by a newer countersign: upgrade this program", args)
	}
}
