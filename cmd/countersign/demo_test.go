package main

import (
	"bytes"
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"countersign/cmd/countersign/demo"
	"countersign/cmd/countersign/output"
)

// The demo is the whole program: callbacks in, rows, polls, PDFs on disk, and a table that is right.
func TestDemoConverges(t *testing.T) {
	var out, errs bytes.Buffer
	code := run(t.Context(), []string{"demo", "--for", "8s", "--seed", "3", "--transactions", "40", "--json"},
		strings.NewReader(""), &out, &errs)
	require.Equal(t, output.ExitDone, code, errs.String())
	var r demo.Report
	require.NoError(t, json.Unmarshal(out.Bytes(), &r))
	require.True(t, r.Converged, out.String())
	require.Zero(t, r.Drift)
	require.Greater(t, r.Transactions, 20)
	require.Greater(t, r.Dropped, 5)
	require.Greater(t, r.Gaps.Missed+r.Gaps.Late+r.Gaps.Refused, 0)
	require.Greater(t, r.Documents.Stored, 5)
	require.Greater(t, r.Callbacks.Refused, 0)
}

// What people see of a demo fits 80 columns, counts each transaction that was asked for, and names no folder that is
// gone when it is read.
func TestDemoForPeople(t *testing.T) {
	t.Parallel()
	for lang, want := range map[string][]string{
		"en": {`(?m)^transactions played +15$`, `(?m)^ time  born  changes  callbacks  lost  twice forged  rows  done  files untold$`,
			`(?m)^   1s  ( *\d+){10}$`, "\nSeed 1 plays the same lives"},
		"es": {`(?m)^transacciones simuladas +15$`, `(?m)^tiempo  altas  cambios  notif\.`, "\nLa semilla 1 simula"},
	} {
		t.Run(lang, func(t *testing.T) {
			t.Parallel()
			var out, errs bytes.Buffer
			a := newApp(strings.NewReader(""), &out, &errs)
			a.Terminal, a.Width = true, 80
			args := []string{"demo", "--lang", lang, "--for", "5s", "--transactions", "15"}
			require.Equal(t, output.ExitDone, a.run(t.Context(), args), errs.String())
			for line := range strings.Lines(out.String()) {
				require.LessOrEqual(t, len([]rune(strings.TrimRight(line, "\n"))), 80, line)
			}
			require.NotContains(t, out.String(), os.TempDir())
			for _, re := range want {
				require.Regexp(t, re, out.String())
			}
		})
	}
}
