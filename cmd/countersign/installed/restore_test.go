package installed

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"countersign/cmd/countersign/installtest"
	"countersign/cmd/countersign/upkeep"
	"countersign/provider/simulator"
)

// Where a provider lists nothing, no backfill brings back what came after a backup: restore names it, and tracks it
// again.
func TestRestoreWhereNothingIsListed(t *testing.T) {
	t.Parallel()
	const account = simulator.AccountAutosign
	s, _, in := installtest.Script(t, simulator.Options{Services: []string{"autosign"}})
	for _, ref := range []string{"c1", "c2", "c3"} {
		autosignIs(s, ref, "started")
	}
	in.Said(t, "track", account, "c1")
	in.Said(t, "poll")
	file := filepath.Join(t.TempDir(), "backup.db")
	in.Said(t, "backup", file)
	in.Said(t, "track", account, "c2", "c3")
	in.Said(t, "poll")

	out := in.Said(t, "restore", file)
	require.Contains(t, out, "2 refs: c2 c3; the provider lists nothing, so only `countersign track "+account+" --file ")
	require.Equal(t, 1, in.Rows(t))
	_, stderr, code := in.Verb(t, "verify")
	require.Zero(t, code)
	require.Contains(t, stderr,
		account+": the provider lists nothing, so transactions that the table does not have cannot be found")
	list, err := filepath.Glob(filepath.Join(in.Dir, "countersign.db.before-*"+upkeep.LostList))
	require.NoError(t, err)
	require.Len(t, list, 1)
	require.Contains(t, in.Said(t, "track", account, "--file", list[0]), "2 refs new")
	in.Said(t, "poll")
	in.Becomes(t, "c3", installtest.Said{"status": "in_progress", "confirmed": true})

	require.Contains(t, in.Said(t, "restore", file, "--track"), "2 refs new")
	in.Said(t, "poll")
	in.Becomes(t, "c2", installtest.Said{"status": "in_progress", "confirmed": true})
}
