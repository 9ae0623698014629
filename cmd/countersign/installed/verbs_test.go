package installed

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/cmd/countersign/installtest"
	"countersign/cmd/countersign/output"
	"countersign/model"
	"countersign/model/store"
	"countersign/provider/simulator"
)

// A scheduled backfill repeats itself; without --backfill nobody knows how far back.
func TestBackfillSchedule(t *testing.T) {
	t.Parallel()
	in := installtest.Install(t, installtest.Historical(t, 6), installtest.DaySeconds)
	for _, args := range [][]string{
		{"--backfill-schedule", "0 3 * * 0"},
		{"--backfill", "30d", "--backfill-schedule", "every sunday"},
		{"--backfill", "30d", "--backfill-schedule", "@every 1h"},
		{"--backfill", "30d", "--backfill-schedule", "TZ=0"},
		{"--backfill", "30d", "--backfill-schedule", "0 0 30 2 *"},
		{"--backfill", "soon"},
	} {
		_, stderr, code := in.Verb(t, append([]string{"serve"}, args...)...)
		require.Equal(t, output.ExitUsage, code, "%v: %s", args, stderr)
		require.Contains(t, stderr, "--backfill", args)
	}
	require.NoFileExists(t, filepath.Join(in.Dir, "countersign.db"), "nothing was begun")

	in.Daemon(t, "--backfill", "120d", "--backfill-schedule", "* * * * * *")
	installtest.Eventually(t, "a third backfill", func() (so bool) {
		in.Read(t, func(s *store.Store) {
			runs, err := s.Runs(t.Context(),
				store.RunFilter{Account: simulator.AccountOneSpan, Kind: "backfill", States: []model.RunState{model.RunDone}})
			require.NoError(t, err)
			so = len(runs) >= 3
		})
		return so
	})
}

// Without a daemon, retry fetches what was quarantined itself and says what became of it.
func TestRetryWithoutDaemon(t *testing.T) {
	t.Parallel()
	svc := installtest.Historical(t, 12)
	in := installtest.Install(t, svc, installtest.DaySeconds/4) // the verb ends before the last try
	ref := svc.Completed(t)
	svc.Through(func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		if strings.Contains(r.URL.Path, ref) && strings.Contains(r.URL.Path, "/documents/") {
			w.Header().Set("Content-Type", "application/pdf")
			w.Write([]byte("<html>sign in first</html>")) //nolint:errcheck // a test
			return
		}
		next.ServeHTTP(w, r)
	})
	_, stderr, code := in.Verb(t, "poll", "--account", simulator.AccountOneSpan, "--ref", ref)
	require.Zero(t, code, stderr)
	states := func() map[model.DocumentState]int {
		out := map[model.DocumentState]int{}
		in.Read(t, func(s *store.Store) {
			docs, err := s.Documents(t.Context(), store.DocumentFilter{Ref: ref})
			require.NoError(t, err)
			for _, d := range docs {
				out[d.State]++
			}
		})
		return out
	}
	require.Positive(t, states()[model.DocumentWaiting], "once is no reason for quarantine")
	stop := in.Daemon(t)
	installtest.Eventually(t, "quarantine", func() bool { return states()[model.DocumentWaiting] == 0 })
	require.Zero(t, stop())
	quarantined, stored := states()[model.DocumentQuarantined], states()[model.DocumentStored]
	require.Positive(t, quarantined)

	svc.Through(nil)
	stdout, stderr, code := in.Verb(t, "documents", "retry", simulator.AccountOneSpan, "--", ref)
	require.Zero(t, code, stderr)
	require.Equal(t, quarantined, strings.Count(stdout, " stored"), stdout)
	require.Equal(t, stored+quarantined, states()[model.DocumentStored])
	require.Equal(t, quarantined, states()[model.DocumentQuarantined], "what came first stays where it is")
	in.FilesWhole(t, svc)
	stdout, _, code = in.Verb(t, "documents", "retry", simulator.AccountOneSpan, "--", ref)
	require.Zero(t, code)
	require.Equal(t, "no documents to fetch again\n", stdout)
	_, stderr, code = in.Verb(t, "documents", "retry", simulator.AccountOneSpan, "nobody")
	require.Equal(t, output.ExitFailed, code)
	require.Contains(t, stderr, "no transaction nobody")
}

// poll --ref asks about one transaction, known or not, beside a daemon or without.
func TestPollRef(t *testing.T) {
	t.Parallel()
	svc := installtest.Historical(t, 12)
	in := installtest.Install(t, svc, 1)
	ref := svc.Completed(t)
	poll := func(ref string) (string, int) {
		stdout, stderr, code := in.Verb(t, "poll", "--account", simulator.AccountOneSpan, "--ref", ref)
		return stdout + stderr, code
	}
	out, code := poll(ref)
	require.Zero(t, code, out)
	require.Equal(t, model.Completed, in.Row(t, ref).Status)
	require.True(t, in.Row(t, ref).Confirmed)
	require.Equal(t, 1, in.Rows(t), "nothing else was asked about")

	in.Write(t, "UPDATE transactions SET status = 'in_progress', fingerprint = '', provider_mark = '' WHERE ref = ?", ref)
	in.Daemon(t)
	out, code = poll(ref)
	require.Zero(t, code, out)
	require.Equal(t, model.Completed, in.Row(t, ref).Status)

	out, code = poll("nobody-knows-me")
	require.Equal(t, output.ExitFailed, code, out)
	require.Contains(t, out, "sim-onespan/nobody-knows-me: the provider does not know it")
	in.Read(t, func(s *store.Store) {
		rows, err := s.FindRef(t.Context(), "nobody-knows-me")
		require.NoError(t, err)
		require.Empty(t, rows, "what nobody tracked and the provider does not know is no row")
	})
	_, stderr, code := in.Verb(t, "poll", "--ref", "x", "--tier", "idle")
	require.Equal(t, output.ExitUsage, code, stderr)
}

// verify finds what differs and exits with 3, mended or not; after --repair nothing does.
func TestVerifyRepair(t *testing.T) {
	t.Parallel()
	svc := installtest.Historical(t, 12)
	in := installtest.Install(t, svc, installtest.DaySeconds)
	_, stderr, code := in.Verb(t, "backfill", "--since", "120d")
	require.Zero(t, code, stderr)
	_, stderr, code = in.Verb(t, "verify")
	require.Zero(t, code, stderr)

	ref := svc.Completed(t)
	in.Write(t, "UPDATE transactions SET status = 'declined', fingerprint = '', provider_mark = '' WHERE ref = ?", ref)
	var files []string
	in.Read(t, func(s *store.Store) {
		docs, err := s.Documents(t.Context(),
			store.DocumentFilter{Account: simulator.AccountOneSpan, State: model.DocumentStored})
		require.NoError(t, err)
		require.Greater(t, len(docs), 1)
		for _, d := range docs[:2] {
			files = append(files, filepath.Join(in.Dir, "documents", d.Path))
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
		stdout, stderr, code := in.Verb(t, c.args...)
		require.Equal(t, c.code, code, stdout+stderr)
		list := installtest.ObjectsIn(t, stdout)
		sum := list[len(list)-1]
		require.Equal(t, c.drift, sum["drift"], stdout)
		require.Len(t, list, int(c.drift)+1, stdout)
		for _, o := range list[:len(list)-1] {
			require.Equal(t, len(c.args) == 3, o["repaired"], stdout)
		}
	}
	require.Equal(t, model.Completed, in.Row(t, ref).Status)
	in.FilesWhole(t, svc)
}

// changes --follow prints each change once, as it comes, until it is stopped.
func TestFollow(t *testing.T) {
	t.Parallel()
	svc := installtest.PlayServices(t, simulator.Options{Transactions: -1})
	in := installtest.Install(t, svc, 1)
	in.Daemon(t)
	key, _ := svc.Account(simulator.AccountOneSpan).Settings["callback_key"].(string)
	post := func(event, ref string) {
		code, _ := in.Post(simulator.AccountOneSpan, "", "Basic "+key, installtest.OneSpanEvent(event, ref, time.Now()))
		require.Equal(t, http.StatusOK, code)
	}
	post("PACKAGE_CREATE", "r-1")

	p := in.Start(t, installtest.OurProgram(t), "changes", "--follow", "--json")
	installtest.Eventually(t, "what was there", func() bool { return strings.Contains(p.Out.String(), `"ref":"r-1"`) })
	post("PACKAGE_ACTIVATE", "r-1")
	post("PACKAGE_CREATE", "r-2")
	installtest.Eventually(t, "what came", func() bool { return strings.Contains(p.Out.String(), `"ref":"r-2"`) })
	require.NoError(t, p.Process.Signal(os.Interrupt))
	require.Zero(t, p.Exit(t))
	seen := map[float64]bool{}
	told := []string{}
	for _, c := range installtest.ObjectsIn(t, p.Out.String()) {
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
