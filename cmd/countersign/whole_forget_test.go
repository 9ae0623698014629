package main

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"countersign/cmd/countersign/output"
	"countersign/provider/simulator"
)

// Forgetting beside a daemon: nothing about the people is left in the database, its log and the documents, and
// neither a poll nor a backfill brings the row back.
func TestWholeForget(t *testing.T) {
	t.Parallel()
	svc := historical(t, 10)
	in := install(t, svc, daySeconds)
	in.daemon(t, "--backfill", "120d")
	ref := svc.completed(t)
	eventually(t, "a completed row with its documents", func() bool {
		stdout, _, code := in.verb(t, "show", simulator.AccountOneSpan, "--json", "--", ref)
		return code == output.ExitDone && strings.Contains(stdout, `"state":"stored"`) &&
			!strings.Contains(stdout, `"state":"waiting"`)
	})
	row := in.row(t, ref)
	require.NotEmpty(t, row.Signers)
	folders, err := filepath.Glob(filepath.Join(in.dir, "documents", "*", "*", "*", ref))
	require.NoError(t, err)
	require.NotEmpty(t, folders)

	stdout := in.said(t, "forget", "--yes", simulator.AccountOneSpan, "--", ref)
	require.Contains(t, stdout, "is forgotten: 1 row, ")
	require.NotContains(t, stdout, "run it again")
	for _, s := range row.Signers { // mail addresses are one person's in one transaction
		in.nowhere(t, s.Email)
	}
	in.nowhere(t, row.Name)
	folders, err = filepath.Glob(filepath.Join(in.dir, "documents", "*", "*", "*", ref))
	require.NoError(t, err)
	require.Empty(t, folders)

	in.said(t, "poll", "--account", simulator.AccountOneSpan)
	in.said(t, "backfill", "--since", "200d", "--account", simulator.AccountOneSpan)
	_, stderr, code := in.verb(t, "poll", "--account", simulator.AccountOneSpan, "--ref", ref)
	require.Equal(t, output.ExitFailed, code)
	require.Contains(t, stderr, "was forgotten")
	_, stderr, code = in.verb(t, "show", simulator.AccountOneSpan, "--", ref)
	require.Equal(t, output.ExitFailed, code)
	require.Contains(t, stderr, "was forgotten on ")
	for _, s := range row.Signers {
		in.nowhere(t, s.Email)
	}

	in.said(t, "track", simulator.AccountOneSpan, "--", ref)
	in.becomes(t, ref, said{"status": "completed"})
}
