package killed

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

	"countersign/cmd/countersign/installtest"
	"countersign/cmd/countersign/output"
	"countersign/cmd/countersign/upkeep"
	"countersign/provider/simulator"
)

// A backup made under load holds every callback that was acknowledged before it began. Put back into the place of
// a database that went on since, it serves, and after a poll nothing differs from what the provider says.
func TestBackupAndRestore(t *testing.T) {
	t.Parallel()
	svc := installtest.Historical(t, 10)
	in := installtest.Install(t, svc, installtest.DaySeconds)
	stop := in.Daemon(t, "--backfill", "120d")
	s := &sender{in: in, key: "Basic " + svc.Setting(t, simulator.AccountOneSpan, "callback_key"), took: map[string]int{}}
	over := make(chan struct{})
	var senders sync.WaitGroup
	for i := range 4 {
		senders.Go(func() { s.run(fmt.Sprintf("ref%d", i), over) })
	}
	installtest.Eventually(t, "some load", func() bool { return s.taken() > 40 })
	s.mu.Lock()
	before := slices.Sorted(maps.Keys(s.took))
	s.mu.Unlock()
	file := filepath.Join(t.TempDir(), "backup.db")
	in.Said(t, "backup", file)
	more := s.taken() + 20
	installtest.Eventually(t, "more load", func() bool { return s.taken() > more })
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
	require.Equal(t, "ok", installtest.One[string](db, "PRAGMA integrity_check"))
	for _, ref := range before {
		require.Equal(t, 1, installtest.One[int](db, "SELECT COUNT(*) FROM callbacks WHERE ref = ? AND verdict = 'accepted'", ref), ref)
	}
	held := installtest.One[int](db, "SELECT COUNT(*) FROM callbacks")
	require.NoError(t, db.Close())
	_, stderr, code := in.Verb(t, "backup", file)
	require.Equal(t, output.ExitFailed, code)
	require.Contains(t, stderr, "is there already")

	_, stderr, code = in.Verb(t, "restore", file)
	require.Equal(t, output.ExitFailed, code)
	require.Contains(t, stderr, "a daemon or a poll uses the database: stop it")
	require.Zero(t, stop())
	now := in.Table(t)
	require.Greater(t, installtest.One[int](now, "SELECT COUNT(*) FROM callbacks"), held)
	newest := installtest.One[int](now, "SELECT seq FROM counters")
	require.NoError(t, now.Close())
	require.Contains(t, in.Said(t, "restore", file), "is kept as")
	again := in.Table(t)
	require.Equal(t, held, installtest.One[int](again, "SELECT COUNT(*) FROM callbacks"))
	require.GreaterOrEqual(t, installtest.One[int](again, "SELECT seq FROM counters"), newest, "no seq is given out twice")
	kept, err := filepath.Glob(filepath.Join(in.Dir, "countersign.db.before-*"))
	require.NoError(t, err)
	require.Len(t, slices.DeleteFunc(kept, func(n string) bool {
		return strings.HasSuffix(n, "-shm") || strings.HasSuffix(n, "-wal") || strings.HasSuffix(n, upkeep.LostList)
	}), 1)

	in.Daemon(t, "--backfill", "120d")
	in.Said(t, "poll")
	in.Said(t, "verify")
	in.FilesWhole(t, svc)
}
