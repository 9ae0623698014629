package installed

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"countersign/cmd/countersign/installtest"
	"countersign/cmd/countersign/output"
	"countersign/provider/simulator"
)

// Forgetting beside a daemon: nothing about the people is left in the database, its log and the documents, and
// neither a poll nor a backfill brings the row back.
func TestForget(t *testing.T) {
	t.Parallel()
	svc := installtest.Historical(t, 10)
	in := installtest.Install(t, svc, installtest.DaySeconds)
	in.Daemon(t, "--backfill", "120d")
	ref := svc.Completed(t)
	in.Shows(t, "a completed row with its documents", func() bool {
		stdout, _, code := in.Verb(t, "show", simulator.AccountOneSpan, "--json", "--", ref)
		return code == output.ExitDone && strings.Contains(stdout, `"state":"stored"`) &&
			!strings.Contains(stdout, `"state":"waiting"`)
	})
	row := in.Row(t, ref)
	require.NotEmpty(t, row.Signers)
	folders, err := filepath.Glob(filepath.Join(in.Dir, "documents", "*", "*", "*", ref))
	require.NoError(t, err)
	require.NotEmpty(t, folders)

	stdout := in.Said(t, "forget", "--yes", simulator.AccountOneSpan, "--", ref)
	require.Contains(t, stdout, "is forgotten: 1 row, ")
	require.NotContains(t, stdout, "run it again")
	for _, s := range row.Signers { // mail addresses are one person's in one transaction
		in.Nowhere(t, s.Email)
	}
	in.Nowhere(t, row.Name)
	folders, err = filepath.Glob(filepath.Join(in.Dir, "documents", "*", "*", "*", ref))
	require.NoError(t, err)
	require.Empty(t, folders)

	in.Said(t, "poll", "--account", simulator.AccountOneSpan)
	in.Said(t, "backfill", "--since", "200d", "--account", simulator.AccountOneSpan)
	_, stderr, code := in.Verb(t, "poll", "--account", simulator.AccountOneSpan, "--ref", ref)
	require.Equal(t, output.ExitFailed, code)
	require.Contains(t, stderr, "was forgotten")
	_, stderr, code = in.Verb(t, "show", simulator.AccountOneSpan, "--", ref)
	require.Equal(t, output.ExitFailed, code)
	require.Contains(t, stderr, "was forgotten on ")
	for _, s := range row.Signers {
		in.Nowhere(t, s.Email)
	}

	in.Said(t, "track", simulator.AccountOneSpan, "--", ref)
	in.Becomes(t, ref, installtest.Said{"status": "completed"})
}
