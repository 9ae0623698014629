package main

import (
	"database/sql"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"countersign/cmd/countersign/output"
	"countersign/cmd/countersign/upkeep"
	"countersign/provider/simulator"
)

// A backup made under load holds every callback that was acknowledged before it began. Put back into the place of
// a database that went on since, it serves, and after a poll nothing differs from what the provider says.
func TestWholeBackupAndRestore(t *testing.T) {
	t.Parallel()
	svc := historical(t, 10)
	in := install(t, svc, daySeconds)
	stop := in.daemon(t, "--backfill", "120d")
	s := &sender{in: in, key: "Basic " + svc.setting(t, simulator.AccountOneSpan, "callback_key"), took: map[string]int{}}
	over := make(chan struct{})
	var senders sync.WaitGroup
	for i := range 4 {
		senders.Go(func() { s.run(fmt.Sprintf("ref%d", i), over) })
	}
	eventually(t, "some load", func() bool { return s.taken() > 40 })
	s.mu.Lock()
	before := slices.Sorted(maps.Keys(s.took))
	s.mu.Unlock()
	file := filepath.Join(t.TempDir(), "backup.db")
	in.said(t, "backup", file)
	more := s.taken() + 20
	eventually(t, "more load", func() bool { return s.taken() > more })
	close(over)
	senders.Wait()

	info, err := os.Stat(file)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	left, err := filepath.Glob(filepath.Join(filepath.Dir(file), ".*"))
	require.NoError(t, err)
	require.Empty(t, left)
	db, err := sql.Open("sqlite3", "file:"+file+"?mode=ro")
	require.NoError(t, err)
	require.Equal(t, "ok", one[string](db, "PRAGMA integrity_check"))
	for _, ref := range before {
		require.Equal(t, 1, one[int](db, "SELECT COUNT(*) FROM callbacks WHERE ref = ? AND verdict = 'accepted'", ref), ref)
	}
	held := one[int](db, "SELECT COUNT(*) FROM callbacks")
	require.NoError(t, db.Close())
	_, stderr, code := in.verb(t, "backup", file)
	require.Equal(t, output.ExitFailed, code)
	require.Contains(t, stderr, "is there already")

	_, stderr, code = in.verb(t, "restore", file)
	require.Equal(t, output.ExitFailed, code)
	require.Contains(t, stderr, "a daemon or a poll uses the database: stop it")
	require.Zero(t, stop())
	now := in.table(t)
	require.Greater(t, one[int](now, "SELECT COUNT(*) FROM callbacks"), held)
	newest := one[int](now, "SELECT seq FROM counters")
	require.NoError(t, now.Close())
	require.Contains(t, in.said(t, "restore", file), "is kept as")
	again := in.table(t)
	require.Equal(t, held, one[int](again, "SELECT COUNT(*) FROM callbacks"))
	require.GreaterOrEqual(t, one[int](again, "SELECT seq FROM counters"), newest, "no seq is given out twice")
	kept, err := filepath.Glob(filepath.Join(in.dir, "countersign.db.before-*"))
	require.NoError(t, err)
	require.Len(t, slices.DeleteFunc(kept, func(n string) bool {
		return strings.HasSuffix(n, "-shm") || strings.HasSuffix(n, "-wal") || strings.HasSuffix(n, upkeep.LostList)
	}), 1)

	in.daemon(t, "--backfill", "120d")
	in.said(t, "poll")
	in.said(t, "verify")
	in.filesWhole(t, svc)
}

// Where a provider lists nothing, no backfill brings back what came after a backup: restore names it, and tracks it
// again.
func TestWholeRestoreWhereNothingIsListed(t *testing.T) {
	t.Parallel()
	const account = simulator.AccountAutosign
	s, _, in := script(t, simulator.Options{Services: []string{"autosign"}})
	for _, ref := range []string{"c1", "c2", "c3"} {
		s.autosignIs(ref, "started")
	}
	in.said(t, "track", account, "c1")
	in.said(t, "poll")
	file := filepath.Join(t.TempDir(), "backup.db")
	in.said(t, "backup", file)
	in.said(t, "track", account, "c2", "c3")
	in.said(t, "poll")

	out := in.said(t, "restore", file)
	require.Contains(t, out, "2 refs: c2 c3; the provider lists nothing, so only `countersign track "+account+" --file ")
	require.Equal(t, 1, in.rows(t))
	_, stderr, code := in.verb(t, "verify")
	require.Zero(t, code)
	require.Contains(t, stderr,
		account+": the provider lists nothing, so transactions that the table does not have cannot be found")
	list, err := filepath.Glob(filepath.Join(in.dir, "countersign.db.before-*"+upkeep.LostList))
	require.NoError(t, err)
	require.Len(t, list, 1)
	require.Contains(t, in.said(t, "track", account, "--file", list[0]), "2 refs new")
	in.said(t, "poll")
	in.becomes(t, "c3", said{"status": "in_progress", "confirmed": true})

	require.Contains(t, in.said(t, "restore", file, "--track"), "2 refs new")
	in.said(t, "poll")
	in.becomes(t, "c2", said{"status": "in_progress", "confirmed": true})
}
