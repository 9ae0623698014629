package main

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/cmd/countersign/output"
	"countersign/model"
	"countersign/model/store"
	"countersign/provider/simulator"
)

// completed is a ref whose documents the service has.
func (s *services) completed(t *testing.T) string {
	t.Helper()
	for _, tx := range s.world.Truth().Transactions {
		if tx.Status == "completed" && tx.Listed && !tx.Trashed && len(tx.Documents) > 0 {
			return tx.Ref
		}
	}
	t.Fatal("the world has no completed transaction")
	return ""
}

func (in installation) row(t *testing.T, ref string) (row model.Transaction) {
	t.Helper()
	in.read(t, func(s *store.Store) {
		var err error
		row, err = s.Transaction(t.Context(), model.Key{Account: simulator.AccountOneSpan, Ref: ref})
		require.NoError(t, err)
	})
	return row
}

// A scheduled backfill repeats itself; without --backfill nobody knows how far back.
func TestWholeBackfillSchedule(t *testing.T) {
	t.Parallel()
	in := install(t, historical(t, 6), daySeconds)
	for _, args := range [][]string{
		{"--backfill-schedule", "0 3 * * 0"},
		{"--backfill", "30d", "--backfill-schedule", "every sunday"},
		{"--backfill", "30d", "--backfill-schedule", "@every 1h"},
		{"--backfill", "30d", "--backfill-schedule", "TZ=0"},
		{"--backfill", "30d", "--backfill-schedule", "0 0 30 2 *"},
		{"--backfill", "soon"},
	} {
		_, stderr, code := in.verb(t, append([]string{"serve"}, args...)...)
		require.Equal(t, output.ExitUsage, code, "%v: %s", args, stderr)
		require.Contains(t, stderr, "--backfill", args)
	}
	require.NoFileExists(t, filepath.Join(in.dir, "countersign.db"), "nothing was begun")

	in.daemon(t, "--backfill", "120d", "--backfill-schedule", "* * * * * *")
	eventually(t, "a third backfill", func() (so bool) {
		in.read(t, func(s *store.Store) {
			runs, err := s.Runs(t.Context(),
				store.RunFilter{Account: simulator.AccountOneSpan, Kind: "backfill", States: []model.RunState{model.RunDone}})
			require.NoError(t, err)
			so = len(runs) >= 3
		})
		return so
	})
}

// Without a daemon, retry fetches what was quarantined itself and says what became of it.
func TestWholeRetryWithoutDaemon(t *testing.T) {
	t.Parallel()
	svc := historical(t, 12)
	in := install(t, svc, daySeconds)
	ref := svc.completed(t)
	svc.through(func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		if strings.Contains(r.URL.Path, ref) && strings.Contains(r.URL.Path, "/documents/") {
			w.Header().Set("Content-Type", "application/pdf")
			w.Write([]byte("<html>sign in first</html>")) //nolint:errcheck // a test
			return
		}
		next.ServeHTTP(w, r)
	})
	_, stderr, code := in.verb(t, "poll", "--account", simulator.AccountOneSpan, "--ref", ref)
	require.Zero(t, code, stderr)
	states := func() map[model.DocumentState]int {
		out := map[model.DocumentState]int{}
		in.read(t, func(s *store.Store) {
			docs, err := s.Documents(t.Context(), store.DocumentFilter{Ref: ref})
			require.NoError(t, err)
			for _, d := range docs {
				out[d.State]++
			}
		})
		return out
	}
	require.Positive(t, states()[model.DocumentWaiting], "once is no reason for quarantine")
	stop := in.daemon(t)
	eventually(t, "quarantine", func() bool { return states()[model.DocumentWaiting] == 0 })
	require.Zero(t, stop())
	quarantined, stored := states()[model.DocumentQuarantined], states()[model.DocumentStored]
	require.Positive(t, quarantined)

	svc.through(nil)
	stdout, stderr, code := in.verb(t, "documents", "retry", simulator.AccountOneSpan, "--", ref)
	require.Zero(t, code, stderr)
	require.Equal(t, quarantined, strings.Count(stdout, " stored"), stdout)
	require.Equal(t, stored+quarantined, states()[model.DocumentStored])
	require.Equal(t, quarantined, states()[model.DocumentQuarantined], "what came first stays where it is")
	in.filesWhole(t, svc)
	stdout, _, code = in.verb(t, "documents", "retry", simulator.AccountOneSpan, "--", ref)
	require.Zero(t, code)
	require.Equal(t, "no documents to fetch again\n", stdout)
	_, stderr, code = in.verb(t, "documents", "retry", simulator.AccountOneSpan, "nobody")
	require.Equal(t, output.ExitFailed, code)
	require.Contains(t, stderr, "no transaction nobody")
}

// poll --ref asks about one transaction, known or not, beside a daemon or without.
func TestWholePollRef(t *testing.T) {
	t.Parallel()
	svc := historical(t, 12)
	in := install(t, svc, 1)
	ref := svc.completed(t)
	poll := func(ref string) (string, int) {
		stdout, stderr, code := in.verb(t, "poll", "--account", simulator.AccountOneSpan, "--ref", ref)
		return stdout + stderr, code
	}
	out, code := poll(ref)
	require.Zero(t, code, out)
	require.Equal(t, model.Completed, in.row(t, ref).Status)
	require.True(t, in.row(t, ref).Confirmed)
	require.Equal(t, 1, in.rows(t), "nothing else was asked about")

	in.write(t, "UPDATE transactions SET status = 'in_progress', fingerprint = '', provider_mark = '' WHERE ref = ?", ref)
	in.daemon(t)
	out, code = poll(ref)
	require.Zero(t, code, out)
	require.Equal(t, model.Completed, in.row(t, ref).Status)

	out, code = poll("nobody-knows-me")
	require.Zero(t, code, out)
	in.read(t, func(s *store.Store) {
		rows, err := s.FindRef(t.Context(), "nobody-knows-me")
		require.NoError(t, err)
		require.Empty(t, rows, "what nobody tracked and the provider does not know is no row")
	})
	_, stderr, code := in.verb(t, "poll", "--ref", "x", "--tier", "idle")
	require.Equal(t, output.ExitUsage, code, stderr)
}

// verify finds what differs and exits with 3, mended or not; after --repair nothing does.
func TestWholeVerifyRepair(t *testing.T) {
	t.Parallel()
	svc := historical(t, 12)
	in := install(t, svc, daySeconds)
	_, stderr, code := in.verb(t, "backfill", "--since", "120d")
	require.Zero(t, code, stderr)
	_, stderr, code = in.verb(t, "verify")
	require.Zero(t, code, stderr)

	ref := svc.completed(t)
	in.write(t, "UPDATE transactions SET status = 'declined', fingerprint = '', provider_mark = '' WHERE ref = ?", ref)
	var files []string
	in.read(t, func(s *store.Store) {
		docs, err := s.Documents(t.Context(),
			store.DocumentFilter{Account: simulator.AccountOneSpan, State: model.DocumentStored})
		require.NoError(t, err)
		require.Greater(t, len(docs), 1)
		for _, d := range docs[:2] {
			files = append(files, filepath.Join(in.dir, "documents", d.Path))
		}
	})
	require.NoError(t, os.Chmod(files[0], 0o600))
	require.NoError(t, os.WriteFile(files[0], []byte("%PDF-1.7 another contract %%EOF"), 0o600))
	require.NoError(t, os.Remove(files[1]))

	for _, c := range []struct {
		args  []string
		drift float64
		code  int
	}{
		{[]string{"verify", "--json"}, 3, output.ExitDrift},
		{[]string{"verify", "--json"}, 3, output.ExitDrift}, // looking mends nothing
		{[]string{"verify", "--json", "--repair"}, 3, output.ExitDrift},
		{[]string{"verify", "--json"}, 0, output.ExitDone},
	} {
		stdout, stderr, code := in.verb(t, c.args...)
		require.Equal(t, c.code, code, stdout+stderr)
		list := objectsIn(t, stdout)
		sum := list[len(list)-1]
		require.Equal(t, c.drift, sum["drift"], stdout)
		require.Len(t, list, int(c.drift)+1, stdout)
		for _, o := range list[:len(list)-1] {
			require.Equal(t, len(c.args) == 3, o["repaired"], stdout)
		}
	}
	require.Equal(t, model.Completed, in.row(t, ref).Status)
	in.filesWhole(t, svc)
}

// changes --follow prints each change once, as it comes, until it is stopped.
func TestWholeFollow(t *testing.T) {
	t.Parallel()
	svc := playServices(t, simulator.Options{Transactions: -1})
	in := install(t, svc, 1)
	in.daemon(t)
	key, _ := svc.account(simulator.AccountOneSpan).Settings["callback_key"].(string)
	post := func(event, ref string) {
		code, _ := in.post(simulator.AccountOneSpan, "", "Basic "+key, oneSpanEvent(event, ref, time.Now()))
		require.Equal(t, http.StatusOK, code)
	}
	post("PACKAGE_CREATE", "r-1")

	ctx, cancel := context.WithCancel(t.Context())
	out, code := &safeBuffer{}, make(chan int, 1)
	go func() {
		code <- newApp(strings.NewReader(""), out, out).run(ctx,
			[]string{"--config", in.config, "changes", "--follow", "--json"})
	}()
	eventually(t, "what was there", func() bool { return strings.Contains(out.String(), `"ref":"r-1"`) })
	post("PACKAGE_ACTIVATE", "r-1")
	post("PACKAGE_CREATE", "r-2")
	eventually(t, "what came", func() bool { return strings.Contains(out.String(), `"ref":"r-2"`) })
	cancel()
	require.Zero(t, <-code)
	seen := map[float64]bool{}
	told := []string{}
	for _, c := range objectsIn(t, out.String()) {
		seq, _ := c["seq"].(float64)
		require.False(t, seen[seq], "each once")
		seen[seq] = true
		if ref, _ := c["ref"].(string); c["kind"] == "status" {
			to, _ := c["to"].(string)
			told = append(told, ref+" "+to)
		}
	}
	require.Equal(t, []string{"r-1 draft", "r-1 in_progress", "r-2 draft"}, told)
}
