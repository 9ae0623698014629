package installtest

import (
	"encoding/json"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/model"
	"countersign/model/store"
	"countersign/provider/simulator"
)

// What the tests of the built program agree on.
const (
	NewerStep = 9999 // a step of the schema that no program has

	ReadyWithin = 5 * time.Second  // the listener, after a kill
	StopsWithin = 10 * time.Second // the daemon, asked to
)

// Historical is a world of finished lives, more than a page of OneSpan's list.
func Historical(t *testing.T, transactions int) *Services {
	return PlayServices(t, simulator.Options{
		Seed: 5, Transactions: transactions, BornBefore: transactions, Services: []string{"onespan"}, QuotaScale: 100,
	})
}

// Said runs a verb that must end well.
func (in Installation) Said(t *testing.T, args ...string) string {
	t.Helper()
	stdout, stderr, code := in.Verb(t, args...)
	require.Zero(t, code, "%v: %s%s", args, stdout, stderr)
	return stdout
}

// DaySeconds is the speed at which a day takes ten seconds.
const DaySeconds = 8640

// ObjectsIn reads what --json prints, an object a line.
func ObjectsIn(t *testing.T, text string) (out []map[string]any) {
	t.Helper()
	for line := range strings.Lines(text) {
		var o map[string]any
		require.NoError(t, json.Unmarshal([]byte(line), &o), line)
		out = append(out, o)
	}
	return out
}

// LivingServices is a world that calls the installation it is for.
func LivingServices(t *testing.T, o simulator.Options) (*Services, Installation) {
	public, err := FreeAddress()
	require.NoError(t, err)
	o.Callbacks = "http://" + public
	svc := PlayServices(t, o)
	in := Install(t, svc, o.Speed)
	in.Edit(t, `public: \{[^}]*\}`, `public: { address: "`+public+`", url: "http://`+public+`" }`)
	in.Public = public
	return svc, in
}

// Polled counts the polls of an account that ended well.
func (in Installation) Polled(t *testing.T, account string) (n int) {
	t.Helper()
	in.Read(t, func(s *store.Store) {
		runs, err := s.Runs(t.Context(),
			store.RunFilter{Account: account, Kind: "active", States: []model.RunState{model.RunDone}})
		require.NoError(t, err)
		n = len(runs)
	})
	return n
}

// Incidents are the open ones: account and kind.
func (in Installation) Incidents(t *testing.T) (open []string) {
	t.Helper()
	in.Read(t, func(s *store.Store) {
		list, err := s.Incidents(t.Context(), true)
		require.NoError(t, err)
		for _, i := range list {
			open = append(open, i.Account+" "+i.Kind)
		}
	})
	return open
}

// Said is the body of a JSON answer or callback.
type Said = map[string]any

// Completed is a ref whose documents the service has.
func (s *Services) Completed(t *testing.T) string {
	t.Helper()
	for _, tx := range s.World.Truth().Transactions {
		if tx.Status == "completed" && tx.Listed && !tx.Trashed && len(tx.Documents) > 0 {
			return tx.Ref
		}
	}
	t.Fatal("the world has no completed transaction")
	return ""
}

// Row reads the row of a ref.
func (in Installation) Row(t *testing.T, ref string) (row model.Transaction) {
	t.Helper()
	in.Read(t, func(s *store.Store) {
		var err error
		row, err = s.Transaction(t.Context(), model.Key{Account: simulator.AccountOneSpan, Ref: ref})
		require.NoError(t, err)
	})
	return row
}

// Taken is the answer to a callback that was taken.
const Taken = `{"received":true}`

// Looked asks the console; host and token may be empty.
func (in Installation) Looked(t *testing.T, path, host, token string) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+in.Console+path, nil)
	require.NoError(t, err)
	r.Host = host
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := http.DefaultClient.Do(r)
	require.NoError(t, err)
	defer resp.Body.Close() //nolint:errcheck // read
	text, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return resp.StatusCode, string(text)
}

// FilesWhole compares every file of the table with the services' own sums, and the word for its signatures with
// whether the service sealed it.
func (in Installation) FilesWhole(t *testing.T, svc *Services) {
	t.Helper()
	want := map[string]string{} // the word, by sum
	for _, tx := range svc.World.Truth().Transactions {
		for _, d := range tx.Documents {
			want[d.SHA256] = "unsigned"
			if d.Sealed {
				want[d.SHA256] = "intact"
			}
		}
	}
	rows, err := in.Table(t).Query("SELECT path, sha256, signature FROM documents WHERE state = 'stored'")
	require.NoError(t, err)
	defer rows.Close() //nolint:errcheck // only read
	n := 0
	for rows.Next() {
		var path, sum, word string
		require.NoError(t, rows.Scan(&path, &sum, &word))
		require.Equal(t, sum, FileHash(t, filepath.Join(in.Dir, "documents", path)))
		require.Contains(t, want, sum, "%s is a file of the service", path)
		require.Equal(t, want[sum], word, path)
		n++
	}
	require.NoError(t, rows.Err())
	require.Positive(t, n)
}

// Rows counts the table.
func (in Installation) Rows(t *testing.T) (n int) {
	t.Helper()
	in.Read(t, func(s *store.Store) {
		var err error
		n, err = s.Count(t.Context(), store.Filter{})
		require.NoError(t, err)
	})
	return n
}
