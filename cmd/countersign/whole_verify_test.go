package main

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/cmd/countersign/output"
	"countersign/model"
	"countersign/model/store"
	"countersign/provider/simulator"
)

// A verify that is killed half way is gone on with by the same verb: no row is asked about twice but those of the page
// that was in work, and what was found before the kill stands in the report.
func TestWholeVerifyKilled(t *testing.T) {
	t.Parallel()
	binary := builtProgram(t)
	const account = simulator.AccountOneSpan
	svc := historical(t, 60)
	in := install(t, svc, 1)
	in.edit(t, `(?m)^    allow_private_links: true$`, "$0\n    download: []")
	in.edit(t, `(?m)^    budget: .*$`, "    budget: { read: 3000 }")
	_, stderr, code := in.verb(t, "backfill", "--since", "120d", "--documents=false")
	require.Zero(t, code, stderr)
	first, last := "", ""
	in.read(t, func(s *store.Store) {
		refs, err := s.Refs(t.Context(), model.Key{Account: account}, 1000)
		require.NoError(t, err)
		require.Greater(t, len(refs), 30)
		first, last = refs[0], refs[len(refs)-1]
	})
	in.write(t, `UPDATE transactions SET status = 'draft' WHERE account = ? AND ref IN (?, ?)`, account, first, last)

	in.edit(t, `read: 3000`, "read: 60") // pages of ten
	var asked atomic.Int64
	gate := make(chan struct{})
	svc.through(func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		if strings.Contains(r.URL.Path, "/api/packages/") && asked.Add(1) > 25 {
			select {
			case <-gate:
			case <-r.Context().Done():
				return
			}
		}
		next.ServeHTTP(w, r)
	})
	p := in.start(t, binary, "verify", "--account", account, "--json")
	eventually(t, "a third page in work", func() bool { return asked.Load() > 25 })
	p.kill()
	require.NotContains(t, p.out.String(), "checked")
	db := in.table(t)
	require.Equal(t, 20, one[int](db, "SELECT asked FROM runs WHERE kind = 'verify'"), "two pages are done")
	total := one[int](db, "SELECT total FROM runs WHERE kind = 'verify'")
	asked.Store(-1000000)
	close(gate)
	in.edit(t, `read: 60`, "read: 3000")

	stdout, stderr, code := in.verb(t, "verify", "--account", account, "--json")
	require.Equal(t, output.ExitDrift, code, stderr)
	require.Contains(t, stderr, "resuming the verify")
	require.LessOrEqual(t, int(asked.Load())+1000000, total-20, "what was done is not asked about again")
	lines := objectsIn(t, stdout)
	sum := lines[len(lines)-1]
	require.True(t, agree(sum, said{"checked": total, "drift": len(lines) - 1, "repaired": 0}), "%v", sum)
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
	stdout, _, code = in.verb(t, "verify", "--account", account, "--repair")
	require.Equal(t, output.ExitDrift, code)
	require.Contains(t, stdout, "2 drift, 2 repaired")
	stdout, stderr, code = in.verb(t, "verify", "--account", account, "--sample", "5")
	require.Zero(t, code, stderr)
	require.Contains(t, stdout, "5 checked, 0 drift")
}

// Where the credentials are refused the files are verified all the same, and the verb fails.
func TestWholeVerifyWithoutTheProvider(t *testing.T) {
	t.Parallel()
	svc := historical(t, 12)
	in := install(t, svc, 1)
	_, stderr, code := in.verb(t, "backfill", "--since", "120d")
	require.Zero(t, code, stderr)
	var path string
	in.read(t, func(s *store.Store) {
		docs, err := s.Documents(t.Context(), store.DocumentFilter{State: "stored"})
		require.NoError(t, err)
		require.NotEmpty(t, docs)
		path = filepath.Join(in.dir, "documents", filepath.FromSlash(docs[0].Path))
	})
	require.NoError(t, os.WriteFile(path, []byte("altered"), 0o600))
	svc.through(only("/onespan/", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnauthorized) }))
	began := time.Now()
	stdout, stderr, code := in.verb(t, "verify", "--json")
	require.Equal(t, output.ExitFailed, code)
	require.Contains(t, stderr, "refuse")
	require.Less(t, time.Since(began), 30*time.Second)
	lines := objectsIn(t, stdout)
	require.Len(t, lines, 2)
	require.Contains(t, lines[0]["field"], "document")
	require.True(t, agree(lines[1], said{"checked": 0, "drift": 1, "repaired": 0}), "%v", lines[1])
}
