package installed

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
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

// a day in ten seconds

// A day with lost and doubled callbacks and a restart in its middle: at its end the table, the files,
// the ledger and the feed say what happened.
func TestRun(t *testing.T) {
	t.Parallel()
	svc, in := installtest.LivingServices(t, simulator.Options{
		Seed: 3, Transactions: 24, BornBefore: 6, Births: 12 * time.Hour, Speed: installtest.DaySeconds,
		Faults: simulator.Faults{Drop: 0.3, Duplicate: 0.2},
	})
	stop := in.Daemon(t, "--backfill", "1d")
	ctx, cancel := context.WithCancel(t.Context())
	over := make(chan error, 1)
	go func() { over <- svc.World.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-over })

	installtest.Eventually(t, "rows from callbacks", func() bool { return len(in.Callbacks(t, model.Accepted)) > 5 })
	require.Zero(t, stop())
	in.Daemon(t, "--backfill", "1d")
	installtest.Eventually(t, "the end of the lives", func() bool { svc.World.FlushDelayed(); return svc.World.Idle() })
	svc.World.SetFaults(simulator.Faults{})

	installtest.Eventually(t, "a poll that leaves nothing open", func() bool {
		if _, _, code := in.Verb(t, "poll"); code != output.ExitDone {
			return false
		}
		_, _, code := in.Verb(t, "verify")
		waiting := 0
		in.Read(t, func(s *store.Store) {
			docs, err := s.Documents(t.Context(), store.DocumentFilter{State: "waiting"})
			require.NoError(t, err)
			waiting = len(docs)
		})
		return code == output.ExitDone && waiting == 0
	})
	stdout, stderr, code := in.Verb(t, "verify", "--json")
	require.Zero(t, code, stderr)
	sums := installtest.ObjectsIn(t, stdout)
	require.Zero(t, sums[len(sums)-1]["drift"])
	require.NotZero(t, sums[len(sums)-1]["checked"])

	stdout, stderr, code = in.Verb(t, "list", "--json")
	require.Zero(t, code, stderr)
	ours := map[string]map[string]any{}
	for _, row := range installtest.ObjectsIn(t, stdout) {
		ours[row["ref"].(string)] = row
	}
	completed := ""
	for _, tx := range svc.World.Truth().Transactions {
		row, known := ours[tx.Ref]
		if tx.Listed && !tx.Received && !tx.Trashed && !tx.Deleted {
			require.True(t, known, "%s is in the table", tx.Ref)
		}
		if !known || tx.Deleted || row["not_found"] == true {
			continue
		}
		require.Equal(t, tx.Status, row["status"], tx.Ref)
		require.Equal(t, true, row["confirmed"], tx.Ref)
		if tx.Status == "completed" && !tx.Trashed {
			require.EqualValues(t, row["documents_total"], row["documents_stored"], tx.Ref)
			require.NotZero(t, row["documents_stored"], tx.Ref)
			completed = tx.Ref
		}
	}
	require.NotEmpty(t, completed)
	in.FilesWhole(t, svc)

	stdout, stderr, code = in.Verb(t, "show", "--json", "--", completed)
	require.Zero(t, code, stderr)
	var shown struct {
		Ref, Status                                  string
		History, Signers, Callbacks, Documents, Gaps []map[string]any
	}
	require.NoError(t, json.Unmarshal([]byte(stdout), &shown))
	require.Equal(t, completed, shown.Ref)
	require.NotEmpty(t, shown.History)
	require.NotEmpty(t, shown.Signers)
	require.NotEmpty(t, shown.Documents)
	require.Equal(t, "stored", shown.Documents[0]["state"])

	stdout, stderr, code = in.Verb(t, "gaps", "--json")
	require.Zero(t, code, stderr)
	gaps := 0
	for _, g := range installtest.ObjectsIn(t, stdout) {
		if g["kind"] != nil {
			require.Contains(t, []any{"missed", "late", "refused", "unsubscribed", "no_event"}, g["kind"])
			gaps++
		}
	}
	require.Positive(t, gaps, "three of ten callbacks were lost")

	stdout, stderr, code = in.Verb(t, "changes", "--json")
	require.Zero(t, code, stderr)
	last := 0.0
	changes := installtest.ObjectsIn(t, stdout)
	require.NotEmpty(t, changes)
	for _, c := range changes {
		require.Greater(t, c["seq"], last, "in order, each once")
		last, _ = c["seq"].(float64)
	}
}

// only lets f answer for the paths of one service.
func only(prefix string, f http.HandlerFunc) func(http.ResponseWriter, *http.Request, http.Handler) {
	return func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		if strings.HasPrefix(r.URL.Path, prefix) {
			f(w, r)
			return
		}
		next.ServeHTTP(w, r)
	}
}

// Credentials that a provider refuses are an incident until it takes them again; the other account goes on.
func TestCredentialsRefused(t *testing.T) {
	t.Parallel()
	svc := installtest.PlayServices(t, simulator.Options{Seed: 5, Transactions: 12, BornBefore: 12, QuotaScale: 100})
	in := installtest.Install(t, svc, installtest.DaySeconds)
	svc.Through(only("/onespan/", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnauthorized) }))
	in.Daemon(t, "--backfill", "120d")
	refused := simulator.AccountOneSpan + " " + model.CredentialsRefused
	installtest.Eventually(t, "an incident", func() bool { return len(in.Incidents(t)) > 0 })
	require.Equal(t, []string{refused}, in.Incidents(t))
	stdout, _, code := in.Verb(t, "status")
	require.Equal(t, output.ExitDrift, code, stdout)
	require.Contains(t, stdout, "credentials refused")
	installtest.Eventually(t, "a poll of the other account", func() bool { return in.Polled(t, simulator.AccountDropboxSign) > 0 })
	require.Zero(t, in.Polled(t, simulator.AccountOneSpan))

	svc.Through(nil)
	installtest.Eventually(t, "the incident's end", func() bool { return len(in.Incidents(t)) == 0 })
	installtest.Eventually(t, "a poll", func() bool { return in.Polled(t, simulator.AccountOneSpan) > 0 })
	stdout, _, code = in.Verb(t, "status")
	require.Zero(t, code, stdout)
}

// Whatever one service answers, the daemon stays up and the other account goes on.
func TestOddAnswers(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]http.HandlerFunc{
		"HTML in place of JSON": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			w.Write([]byte("<!DOCTYPE html><html><body>in the way</body></html>")) //nolint:errcheck // a test
		},
		"forbidden": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) },
		"not found": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotFound) },
		"gone":      func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusGone) },
		"a long wait": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "86400")
			w.WriteHeader(http.StatusTooManyRequests)
		},
		"a fault":      func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) },
		"broken JSON":  func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte(`{"results":[`)) },          //nolint:errcheck // a test
		"another JSON": func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte(`[null,{"results":{}}]`)) }, //nolint:errcheck // a test
	} {
		for _, ill := range []struct{ prefix, other string }{
			{"/onespan/", simulator.AccountDropboxSign}, {"/dropboxsign/", simulator.AccountOneSpan},
		} {
			t.Run(name+" of "+ill.prefix, func(t *testing.T) {
				t.Parallel()
				svc := installtest.PlayServices(t, simulator.Options{Seed: 5, Transactions: 8, BornBefore: 8, QuotaScale: 100})
				in := installtest.Install(t, svc, installtest.DaySeconds)
				var asked atomic.Int64
				svc.Through(only(ill.prefix, func(w http.ResponseWriter, r *http.Request) { asked.Add(1); answer(w, r) }))
				stop := in.Daemon(t, "--backfill", "120d")
				installtest.Eventually(t, "a question to the ill service", func() bool { return asked.Load() > 0 })
				installtest.Eventually(t, "polls of the other account", func() bool { return in.Polled(t, ill.other) > 1 })
				require.True(t, installtest.Answers("http://"+in.Console+"/healthz", http.StatusOK))
				in.Read(t, func(s *store.Store) {
					n, err := s.Count(t.Context(), store.Filter{Account: ill.other})
					require.NoError(t, err)
					require.Positive(t, n)
				})
				began := time.Now()
				require.Zero(t, stop())
				require.Less(t, time.Since(began), installtest.StopsWithin)
			})
		}
	}
}

// A key of another account of the service is refused: nothing is asked with it.
func TestOtherAccount(t *testing.T) {
	t.Parallel()
	svc := installtest.PlayServices(t, simulator.Options{Seed: 5, Transactions: 8, BornBefore: 8, QuotaScale: 100})
	in := installtest.Install(t, svc, installtest.DaySeconds)
	stop := in.Daemon(t)
	installtest.Eventually(t, "a poll", func() bool { return in.Polled(t, simulator.AccountDropboxSign) > 0 })
	require.Zero(t, stop())
	before := in.Polled(t, simulator.AccountOneSpan)

	own := svc.Account(simulator.AccountDropboxSign).AccountID
	var asked atomic.Int64
	svc.Through(func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		if !strings.HasPrefix(r.URL.Path, "/dropboxsign/") {
			next.ServeHTTP(w, r)
			return
		}
		if !strings.HasSuffix(r.URL.Path, "/account") {
			asked.Add(1)
		}
		rec := httptest.NewRecorder()
		next.ServeHTTP(rec, r)
		for name, values := range rec.Header() {
			if name != "Content-Length" {
				w.Header()[name] = values
			}
		}
		w.WriteHeader(rec.Code)
		w.Write(bytes.ReplaceAll(rec.Body.Bytes(), []byte(own), []byte(strings.Repeat("0", len(own))))) //nolint:errcheck // a test
	})
	said := func() { // by the verb alone, or by the daemon that it follows
		t.Helper()
		_, stderr, code := in.Verb(t, "poll", "--account", simulator.AccountDropboxSign, "--tier", "active")
		require.Equal(t, output.ExitFailed, code)
		require.Contains(t, stderr, "of another account")
	}
	said()
	in.Daemon(t)
	said()
	installtest.Eventually(t, "an incident", func() bool { return len(in.Incidents(t)) > 0 })
	require.Equal(t, []string{simulator.AccountDropboxSign + " " + model.CredentialsRefused}, in.Incidents(t))
	stdout, _, code := in.Verb(t, "status")
	require.Equal(t, output.ExitDrift, code, stdout)
	installtest.Eventually(t, "polls of the other account", func() bool { return in.Polled(t, simulator.AccountOneSpan) > before+1 })
	require.Zero(t, asked.Load(), "nothing but who we are is asked with another account's key")
}
