package main

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"countersign/cmd/countersign/demo"
	"countersign/cmd/countersign/output"
)

// The demo is the whole program: callbacks in, rows, polls, PDFs on disk, and a table that is right.
func TestDemoConverges(t *testing.T) {
	var out, errs bytes.Buffer
	code := run(t.Context(), []string{"demo", "--for", "8s", "--seed", "3", "--transactions", "40", "--json"}, strings.NewReader(""), &out, &errs)
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
