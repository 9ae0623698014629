package killed

import (
	"database/sql"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/cmd/countersign/installtest"
	"countersign/cmd/countersign/output"
	"countersign/provider/simulator"
)

// newerProgram is the real program with two steps of the schema more than the steps that it has.
func newerProgram(t *testing.T) (binary string, has int) {
	t.Helper()
	const steps = "model/store/database/migrations/sqlite/"
	names, err := filepath.Glob(filepath.Join("..", "..", "..", filepath.FromSlash(steps), "*.sql"))
	require.NoError(t, err)
	has = len(names)
	return installtest.BuildOverlaid(t, map[string]string{
		fmt.Sprintf("%s%05d_colour.sql", steps, has+1): "-- +goose Up\nALTER TABLE transactions ADD COLUMN colour TEXT NOT NULL DEFAULT 'blue';\nCREATE INDEX transactions_colour ON transactions (colour, ref);\n",
		fmt.Sprintf("%s%05d_shape.sql", steps, has+2):  "-- +goose Up\nALTER TABLE transactions ADD COLUMN shape TEXT NOT NULL DEFAULT 'round';\nCREATE TABLE shapes AS SELECT n, shape FROM transactions;\n",
	}), has
}

// A migration that is killed has done each step whole or not at all, and the next start does the rest. What
// was there before lies beside, and goes back.
func TestMigrationKilled(t *testing.T) {
	t.Parallel()
	binary := installtest.BuiltProgram(t)
	newer, has := newerProgram(t)
	in := installtest.Install(t, installtest.PlayServices(t, simulator.Options{Transactions: -1}), 1)
	require.Zero(t, in.Start(t, binary, "migrate").Exit(t))
	const rows = 5000
	in.Write(t, fmt.Sprintf(`WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < %d) INSERT INTO transactions (n, account, ref) SELECT n, 'acc', 'ref-' || n FROM c`, rows))
	older := filepath.Join(in.Dir, "older.db")
	require.Zero(t, in.Start(t, binary, "backup", older).Exit(t))
	const reached = "SELECT MAX(version_id) FROM goose_db_version WHERE is_applied"
	between := 0
	for range 5 {
		place(t, in, older)
		p := in.Start(t, newer, "migrate")
		select {
		case <-p.Done:
		case <-time.After(time.Duration(20+rand.IntN(250)) * time.Millisecond):
		}
		p.Kill()
		db := in.Table(t)
		require.Equal(t, "ok", installtest.One[string](db, "PRAGMA integrity_check"))
		step := installtest.One[int](db, reached)
		require.NotZero(t, step)
		if step < has+2 {
			between++
		}
		require.NoError(t, db.Close())
		require.Zero(t, in.Start(t, newer, "migrate").Exit(t), "again")
		db = in.Table(t)
		require.Equal(t, has+2, installtest.One[int](db, reached))
		require.Equal(t, rows,
			installtest.One[int](db, "SELECT COUNT(*) FROM v1_transactions v JOIN transactions t USING (account, ref) WHERE colour = 'blue' AND shape = 'round'"))
		require.Equal(t, rows, installtest.One[int](db, "SELECT COUNT(*) FROM shapes"))
		require.NoError(t, db.Close())
	}
	t.Logf("%d of 5 were killed before the end", between)

	place(t, in, older)
	migrate := in.Start(t, newer, "migrate")
	require.Zero(t, migrate.Exit(t))
	require.Contains(t, migrate.Out.String(), "as it was before: ")
	before := filepath.Join(in.Dir, fmt.Sprintf("countersign.db.before-%05d", has))
	old, err := sql.Open("sqlite3", "file:"+before+"?mode=ro")
	require.NoError(t, err)
	require.Equal(t, has, installtest.One[int](old, reached))
	require.NoError(t, old.Close())
	for _, args := range [][]string{{"serve"}, {"migrate"}, {"list"}, {"restore", filepath.Join(in.Dir, "newer.db")}} {
		if args[0] == "restore" {
			require.NoError(t, os.Rename(filepath.Join(in.Dir, "countersign.db"), args[1]))
		}
		_, stderr, code := in.Verb(t, args...)
		require.Equal(t, output.ExitFailed, code, args)
		require.Contains(t, stderr, "database was written by a newer countersign: upgrade this program", args)
	}
	in.Said(t, "restore", before)
	require.Equal(t, rows, installtest.One[int](in.Table(t), "SELECT COUNT(*) FROM v1_transactions"))
}

// place puts a copy of a database in the place of the installation's.
func place(t *testing.T, in installtest.Installation, from string) {
	t.Helper()
	text, err := os.ReadFile(from)
	require.NoError(t, err)
	for _, end := range []string{"", "-wal", "-shm"} {
		os.Remove(filepath.Join(in.Dir, "countersign.db"+end)) //nolint:errcheck // may not be there
	}
	require.NoError(t, os.WriteFile(filepath.Join(in.Dir, "countersign.db"), text, 0o600))
}
