package killed

import (
	"bufio"
	"database/sql"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/cmd/countersign/installtest"
	"countersign/cmd/countersign/output"
	"countersign/provider/simulator"
)

const witnessKey = "a-key-of-the-witness"

// witness posts callbacks to an account of its own, whose service knows none of the transactions, and writes down
// outside the daemon which were acknowledged: a line each, synced before the next one goes out.
type witness struct {
	in   installtest.Installation
	file *os.File
	stop chan struct{}
	done sync.WaitGroup
}

// witnessed adds the witness's account to the config and begins to call, so many callers at a time.
func witnessed(t *testing.T, in installtest.Installation, callers int, pace time.Duration) *witness {
	t.Helper()
	nothing := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if !strings.HasSuffix(r.URL.Path, "/api/packages") {
			w.WriteHeader(http.StatusNotFound)
		}
		w.Write([]byte(`{"results":[],"count":0}`)) //nolint:errcheck // a test
	}))
	t.Cleanup(nothing.Close)
	in.Edit(t, `(?m)^accounts:\n`,
		fmt.Sprintf("accounts:\n  - id: witness\n    provider: onespan\n    base_url: %q\n    budget: { read: 600 }\n"+
			"    settings: { api_key: nobody, callback_key: %q }\n", nothing.URL, witnessKey))
	f, err := os.OpenFile(filepath.Join(t.TempDir(), "acknowledged"), os.O_CREATE|os.O_RDWR|os.O_APPEND|syscall.O_DSYNC,
		0o600)
	require.NoError(t, err)
	w := &witness{in: in, file: f, stop: make(chan struct{})}
	for i := range callers {
		w.done.Go(func() { w.call(fmt.Sprintf("witness%d", i), pace) })
	}
	t.Cleanup(func() { w.ends(); f.Close() }) //nolint:errcheck // only read after this
	return w
}

// call sends callbacks until told to stop. What got no answer is sent again, as a provider does.
func (w *witness) call(name string, pace time.Duration) {
	for i := 0; ; i++ {
		ref := fmt.Sprintf("%s-%d", name, i)
		body := installtest.OneSpanEvent("PACKAGE_COMPLETE", ref, time.Now())
		for code := 0; code != http.StatusOK; {
			select {
			case <-w.stop:
				return
			case <-time.After(pace):
			}
			code, _ = w.in.Post("witness", "application/json", "Basic "+witnessKey, body)
		}
		fmt.Fprintln(w.file, ref) //nolint:errcheck // read back
	}
}

func (w *witness) ends() {
	select {
	case <-w.stop:
	default:
		close(w.stop)
	}
	w.done.Wait()
}

// taken reads what was acknowledged so far.
func (w *witness) taken(t *testing.T) (refs []string) {
	t.Helper()
	f, err := os.Open(w.file.Name())
	require.NoError(t, err)
	defer f.Close() //nolint:errcheck // only read
	for s := bufio.NewScanner(f); s.Scan(); {
		refs = append(refs, s.Text())
	}
	return refs
}

// holds says that all that was acknowledged when it began stands in the database once, and what was not at most
// once; that the database is whole, and so is each stored file.
func (w *witness) holds(t *testing.T) (acknowledged int) {
	t.Helper()
	taken := w.taken(t)
	db := w.in.Table(t)
	defer db.Close() //nolint:errcheck // only read
	require.Equal(t, "ok", installtest.One[string](db, "PRAGMA integrity_check"))
	stored := counted(t, db,
		"SELECT ref, COUNT(*) FROM callbacks WHERE account = 'witness' AND verdict = 'accepted' GROUP BY ref")
	for _, ref := range taken {
		require.Equal(t, 1, stored[ref], "callback of %s", ref)
	}
	for ref, n := range stored {
		require.Equal(t, 1, n, "callback of %s, acknowledged or not", ref)
	}
	require.Zero(t, installtest.One[int](db, "SELECT COUNT(*) FROM (SELECT seq FROM history GROUP BY seq HAVING COUNT(*) > 1)"),
		"a change stands once")
	for path, sum := range paths(t, db) {
		require.Equal(t, sum, installtest.FileHash(t, filepath.Join(w.in.Dir, "documents", path)), path)
	}
	return len(taken)
}

func counted(t *testing.T, db *sql.DB, query string) map[string]int {
	t.Helper()
	out := map[string]int{}
	rows, err := db.Query(query)
	require.NoError(t, err)
	defer rows.Close() //nolint:errcheck // only read
	for rows.Next() {
		var key string
		var n int
		require.NoError(t, rows.Scan(&key, &n))
		out[key] = n
	}
	require.NoError(t, rows.Err())
	return out
}

// paths are the files of the table, with their hashes.
func paths(t *testing.T, db *sql.DB) map[string]string {
	t.Helper()
	out := map[string]string{}
	rows, err := db.Query("SELECT path, sha256 FROM documents WHERE path <> ''")
	if err != nil {
		require.ErrorContains(t, err, "no such table") // killed before it was made
		return out
	}
	defer rows.Close() //nolint:errcheck // only read
	for rows.Next() {
		var path, sum string
		require.NoError(t, rows.Scan(&path, &sum))
		out[path] = sum
	}
	require.NoError(t, rows.Err())
	return out
}

// tidy says that nothing lies about in the document folder of an installation that stands still: each file is one
// of the table's, and none is half written or held.
func tidy(t *testing.T, in installtest.Installation) (files int) {
	t.Helper()
	root := filepath.Join(in.Dir, "documents")
	known := paths(t, in.Table(t))
	var strays []string
	require.NoError(t, filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		files++
		rel, err := filepath.Rel(root, path)
		if known[filepath.ToSlash(rel)] == "" {
			strays = append(strays, rel)
		}
		return err
	}))
	require.Empty(t, strays, "files that no row knows")
	return files
}

// converged plays the world to its end and waits until a whole poll leaves the table as the services say, with
// every document that they have.
func converged(t *testing.T, in installtest.Installation, svc *installtest.Services) {
	t.Helper()
	svc.World.SetFaults(simulator.Faults{})
	svc.World.Stop()
	installtest.Eventually(t, "the last deliveries", func() bool { svc.World.FlushDelayed(); return svc.World.Idle() })
	accounts := []string{"--account", ""}
	args := func(verb string) (out []string) {
		out = []string{verb}
		for _, a := range svc.World.Accounts() {
			out = append(out, accounts[0], a.ID)
		}
		return out
	}
	db := in.Table(t)
	last := installtest.LastSeen(t, "what the last poll left")
	installtest.Eventually(t, "a poll that leaves nothing open", func() bool {
		for _, verb := range []string{"poll", "verify"} {
			if stdout, stderr, code := in.Verb(t, args(verb)...); code != output.ExitDone {
				last("%s: exit %d\n%s%s", verb, code, stdout, stderr)
				return false
			}
		}
		documents := installtest.One[int](db,
			"SELECT COUNT(*) FROM documents JOIN transactions USING (account, ref) WHERE state = 'waiting' AND NOT not_found")
		runs := installtest.One[int](db, "SELECT COUNT(*) FROM runs WHERE state = 'running' AND account <> 'witness'")
		last("%d documents wait, %d runs are in work", documents, runs)
		return documents == 0 && runs == 0
	})
	equalsTruth(t, in, svc)
}

// equalsTruth compares the table with the services.
func equalsTruth(t *testing.T, in installtest.Installation, svc *installtest.Services) {
	t.Helper()
	db := in.Table(t)
	ours := map[string]map[string]any{}
	stdout, stderr, code := in.Verb(t, "list", "--json")
	require.Zero(t, code, stderr)
	for _, row := range installtest.ObjectsIn(t, stdout) {
		ours[row["account"].(string)+"/"+row["ref"].(string)] = row
	}
	for _, tx := range svc.World.Truth().Transactions {
		row, known := ours[tx.Account+"/"+tx.Ref]
		if tx.Listed && !tx.Received && !tx.Trashed && !tx.Deleted {
			require.True(t, known, "%s is in the table", tx.Ref)
		}
		if !known || tx.Deleted || row["not_found"] == true {
			continue
		}
		require.Contains(t, append(slices.Clone(tx.AlsoRight), tx.Status), row["status"], tx.Ref)
		if tx.Status == "completed" && !tx.Trashed && row["status"] == "completed" {
			require.Zero(t, installtest.One[int](db,
				"SELECT COUNT(*) FROM documents WHERE account = ? AND ref = ? AND state <> 'stored' AND (state = 'waiting' OR reason = '')", tx.Account, tx.Ref), tx.Ref)
		}
	}
}
