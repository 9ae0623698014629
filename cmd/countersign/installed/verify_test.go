package installed

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/cmd/countersign/installtest"
	"countersign/cmd/countersign/output"
	"countersign/model"
	"countersign/model/store"
	"countersign/provider/simulator"
)

// A verify that is killed half way is gone on with by the same verb: no row is asked about twice but those of the page
// that was in work, and what was found before the kill stands in the report.
func TestVerifyKilled(t *testing.T) {
	t.Parallel()
	binary := installtest.BuiltProgram(t)
	const account = simulator.AccountOneSpan
	svc := installtest.Historical(t, 60)
	in := installtest.Install(t, svc, 1)
	in.Edit(t, `(?m)^    allow_private_links: true$`, "$0\n    download: []")
	in.Edit(t, `(?m)^    budget: .*$`, "    budget: { read: 3000 }")
	_, stderr, code := in.Verb(t, "backfill", "--since", "120d", "--documents=false")
	require.Zero(t, code, stderr)
	first, last := "", ""
	in.Read(t, func(s *store.Store) {
		refs, err := s.Refs(t.Context(), model.Key{Account: account}, 1000)
		require.NoError(t, err)
		require.Greater(t, len(refs), 30)
		first, last = refs[0], refs[len(refs)-1]
	})
	in.Write(t, `UPDATE transactions SET status = 'draft' WHERE account = ? AND ref IN (?, ?)`, account, first, last)

	in.Edit(t, `read: 3000`, "read: 60") // pages of ten
	var asked atomic.Int64
	gate := make(chan struct{})
	svc.Through(func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		if strings.Contains(r.URL.Path, "/api/packages/") && asked.Add(1) > 25 {
			select {
			case <-gate:
			case <-r.Context().Done():
				return
			}
		}
		next.ServeHTTP(w, r)
	})
	p := in.Start(t, binary, "verify", "--account", account, "--json")
	installtest.Eventually(t, "a third page in work", func() bool { return asked.Load() > 25 })
	p.Kill()
	require.NotContains(t, p.Out.String(), "checked")
	db := in.Table(t)
	require.Equal(t, 20, installtest.One[int](db, "SELECT asked FROM runs WHERE kind = 'verify'"), "two pages are done")
	total := installtest.One[int](db, "SELECT total FROM runs WHERE kind = 'verify'")
	asked.Store(-1000000)
	close(gate)
	in.Edit(t, `read: 60`, "read: 3000")

	stdout, stderr, code := in.Verb(t, "verify", "--account", account, "--json")
	require.Equal(t, output.ExitDrift, code, stderr)
	require.Contains(t, stderr, "resuming the verify")
	require.LessOrEqual(t, int(asked.Load())+1000000, total-20, "what was done is not asked about again")
	lines := installtest.ObjectsIn(t, stdout)
	sum := lines[len(lines)-1]
	require.True(t, installtest.Agree(sum, installtest.Said{"checked": total, "drift": len(lines) - 1, "repaired": 0}), "%v", sum)
	found := map[any]bool{}
	for _, l := range lines[:len(lines)-1] {
		require.Len(t, l, 8)
		require.Equal(t, false, l["repaired"])
		if l["field"] == "status" {
			require.Equal(t, "draft", l["ours"])
			found[l["ref"]] = true
		}
	}
	require.Equal(t, map[any]bool{first: true, last: true}, found)

	// Mended, which is drift once more, and then there is none.
	stdout, _, code = in.Verb(t, "verify", "--account", account, "--repair")
	require.Equal(t, output.ExitDrift, code)
	require.Contains(t, stdout, "2 drift, 2 repaired")
	stdout, stderr, code = in.Verb(t, "verify", "--account", account, "--sample", "5")
	require.Zero(t, code, stderr)
	require.Contains(t, stdout, "5 checked, 0 drift")
}

// Where the credentials are refused the files are verified all the same, and the verb fails.
func TestVerifyWithoutTheProvider(t *testing.T) {
	t.Parallel()
	svc := installtest.Historical(t, 12)
	in := installtest.Install(t, svc, 1)
	_, stderr, code := in.Verb(t, "backfill", "--since", "120d")
	require.Zero(t, code, stderr)
	var path string
	in.Read(t, func(s *store.Store) {
		docs, err := s.Documents(t.Context(), store.DocumentFilter{State: "stored"})
		require.NoError(t, err)
		require.NotEmpty(t, docs)
		path = filepath.Join(in.Dir, "documents", filepath.FromSlash(docs[0].Path))
	})
	require.NoError(t, os.WriteFile(path, []byte("altered"), 0o600))
	svc.Through(only("/onespan/", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnauthorized) }))
	began := time.Now()
	stdout, stderr, code := in.Verb(t, "verify", "--json")
	require.Equal(t, output.ExitFailed, code)
	require.Contains(t, stderr, "refuse")
	require.Less(t, time.Since(began), 30*time.Second)
	lines := installtest.ObjectsIn(t, stdout)
	require.Len(t, lines, 2)
	require.Contains(t, lines[0]["field"], "document")
	require.True(t, installtest.Agree(lines[1], installtest.Said{"checked": 0, "drift": 1, "repaired": 0}), "%v", lines[1])
}
