package main

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

	"countersign/cmd/countersign/output"
	"countersign/model"
	"countersign/model/store"
	"countersign/provider/simulator"
)

const daySeconds = 8640 // a day in ten seconds

// objectsIn reads what --json prints, an object a line.
func objectsIn(t *testing.T, text string) (out []map[string]any) {
	t.Helper()
	for line := range strings.Lines(text) {
		var o map[string]any
		require.NoError(t, json.Unmarshal([]byte(line), &o), line)
		out = append(out, o)
	}
	return out
}

// A day with lost and doubled callbacks and a restart in its middle: at its end the table, the files,
// the ledger and the feed say what happened.
func TestWholeRun(t *testing.T) {
	t.Parallel()
	svc, in := livingServices(t, simulator.Options{
		Seed: 3, Transactions: 24, BornBefore: 6, Births: 12 * time.Hour, Speed: daySeconds,
		Faults: simulator.Faults{Drop: 0.3, Duplicate: 0.2},
	})
	stop := in.daemon(t, "--backfill", "1d")
	ctx, cancel := context.WithCancel(t.Context())
	over := make(chan error, 1)
	go func() { over <- svc.world.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-over })

	eventually(t, "rows from callbacks", func() bool { return len(in.callbacks(t, model.Accepted)) > 5 })
	require.Zero(t, stop())
	in.daemon(t, "--backfill", "1d")
	eventually(t, "the end of the lives", func() bool { svc.world.FlushDelayed(); return svc.world.Idle() })
	svc.world.SetFaults(simulator.Faults{})

	eventually(t, "a poll that leaves nothing open", func() bool {
		if _, _, code := in.verb(t, "poll"); code != output.ExitDone {
			return false
		}
		_, _, code := in.verb(t, "verify")
		waiting := 0
		in.read(t, func(s *store.Store) {
			docs, err := s.Documents(t.Context(), store.DocumentFilter{State: "waiting"})
			require.NoError(t, err)
			waiting = len(docs)
		})
		return code == output.ExitDone && waiting == 0
	})
	stdout, stderr, code := in.verb(t, "verify", "--json")
	require.Zero(t, code, stderr)
	sums := objectsIn(t, stdout)
	require.Zero(t, sums[len(sums)-1]["drift"])
	require.NotZero(t, sums[len(sums)-1]["checked"])

	stdout, stderr, code = in.verb(t, "list", "--json")
	require.Zero(t, code, stderr)
	ours := map[string]map[string]any{}
	for _, row := range objectsIn(t, stdout) {
		ours[row["ref"].(string)] = row
	}
	completed := ""
	for _, tx := range svc.world.Truth().Transactions {
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
	in.filesWhole(t, svc)

	stdout, stderr, code = in.verb(t, "show", "--json", "--", completed)
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

	stdout, stderr, code = in.verb(t, "gaps", "--json")
	require.Zero(t, code, stderr)
	gaps := 0
	for _, g := range objectsIn(t, stdout) {
		if g["kind"] != nil {
			require.Contains(t, []any{"missed", "late", "refused", "unsubscribed", "no_event"}, g["kind"])
			gaps++
		}
	}
	require.Positive(t, gaps, "three of ten callbacks were lost")

	stdout, stderr, code = in.verb(t, "changes", "--json")
	require.Zero(t, code, stderr)
	last := 0.0
	changes := objectsIn(t, stdout)
	require.NotEmpty(t, changes)
	for _, c := range changes {
		require.Greater(t, c["seq"], last, "in order, each once")
		last, _ = c["seq"].(float64)
	}
}

// livingServices is a world that calls the installation it is for.
func livingServices(t *testing.T, o simulator.Options) (*services, installation) {
	public, err := freeAddress()
	require.NoError(t, err)
	o.Callbacks = "http://" + public
	svc := playServices(t, o)
	in := install(t, svc, o.Speed)
	in.edit(t, `public: \{[^}]*\}`, `public: { address: "`+public+`", url: "http://`+public+`" }`)
	in.public = public
	return svc, in
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

// polled counts the polls of an account that ended well.
func (in installation) polled(t *testing.T, account string) (n int) {
	t.Helper()
	in.read(t, func(s *store.Store) {
		runs, err := s.Runs(t.Context(),
			store.RunFilter{Account: account, Kind: "active", States: []model.RunState{model.RunDone}})
		require.NoError(t, err)
		n = len(runs)
	})
	return n
}

func (in installation) incidents(t *testing.T) (open []string) {
	t.Helper()
	in.read(t, func(s *store.Store) {
		list, err := s.Incidents(t.Context(), true)
		require.NoError(t, err)
		for _, i := range list {
			open = append(open, i.Account+" "+i.Kind)
		}
	})
	return open
}

// Credentials that a provider refuses are an incident until it takes them again; the other account goes on.
func TestWholeCredentialsRefused(t *testing.T) {
	t.Parallel()
	svc := playServices(t, simulator.Options{Seed: 5, Transactions: 12, BornBefore: 12, QuotaScale: 100})
	in := install(t, svc, daySeconds)
	svc.through(only("/onespan/", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnauthorized) }))
	in.daemon(t, "--backfill", "120d")
	refused := simulator.AccountOneSpan + " " + model.CredentialsRefused
	eventually(t, "an incident", func() bool { return len(in.incidents(t)) > 0 })
	require.Equal(t, []string{refused}, in.incidents(t))
	stdout, _, code := in.verb(t, "status")
	require.Equal(t, output.ExitDrift, code, stdout)
	require.Contains(t, stdout, "credentials refused")
	eventually(t, "a poll of the other account", func() bool { return in.polled(t, simulator.AccountDropboxSign) > 0 })
	require.Zero(t, in.polled(t, simulator.AccountOneSpan))

	svc.through(nil)
	eventually(t, "the incident's end", func() bool { return len(in.incidents(t)) == 0 })
	eventually(t, "a poll", func() bool { return in.polled(t, simulator.AccountOneSpan) > 0 })
	stdout, _, code = in.verb(t, "status")
	require.Zero(t, code, stdout)
}

// Whatever one service answers, the daemon stays up and the other account goes on.
func TestWholeOddAnswers(t *testing.T) {
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
				svc := playServices(t, simulator.Options{Seed: 5, Transactions: 8, BornBefore: 8, QuotaScale: 100})
				in := install(t, svc, daySeconds)
				var asked atomic.Int64
				svc.through(only(ill.prefix, func(w http.ResponseWriter, r *http.Request) { asked.Add(1); answer(w, r) }))
				stop := in.daemon(t, "--backfill", "120d")
				eventually(t, "a question to the ill service", func() bool { return asked.Load() > 0 })
				eventually(t, "polls of the other account", func() bool { return in.polled(t, ill.other) > 1 })
				require.True(t, answers("http://"+in.console+"/healthz", http.StatusOK))
				in.read(t, func(s *store.Store) {
					n, err := s.Count(t.Context(), store.Filter{Account: ill.other})
					require.NoError(t, err)
					require.Positive(t, n)
				})
				began := time.Now()
				require.Zero(t, stop())
				require.Less(t, time.Since(began), stopsWithin)
			})
		}
	}
}

// A key of another account of the service is refused: nothing is asked with it.
func TestWholeOtherAccount(t *testing.T) {
	t.Parallel()
	svc := playServices(t, simulator.Options{Seed: 5, Transactions: 8, BornBefore: 8, QuotaScale: 100})
	in := install(t, svc, daySeconds)
	stop := in.daemon(t)
	eventually(t, "a poll", func() bool { return in.polled(t, simulator.AccountDropboxSign) > 0 })
	require.Zero(t, stop())
	before := in.polled(t, simulator.AccountOneSpan)

	own := svc.account(simulator.AccountDropboxSign).AccountID
	var asked atomic.Int64
	svc.through(func(w http.ResponseWriter, r *http.Request, next http.Handler) {
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
		_, stderr, code := in.verb(t, "poll", "--account", simulator.AccountDropboxSign, "--tier", "active")
		require.Equal(t, output.ExitFailed, code)
		require.Contains(t, stderr, "of another account")
	}
	said()
	in.daemon(t)
	said()
	eventually(t, "an incident", func() bool { return len(in.incidents(t)) > 0 })
	require.Equal(t, []string{simulator.AccountDropboxSign + " " + model.CredentialsRefused}, in.incidents(t))
	stdout, _, code := in.verb(t, "status")
	require.Equal(t, output.ExitDrift, code, stdout)
	eventually(t, "polls of the other account", func() bool { return in.polled(t, simulator.AccountOneSpan) > before+1 })
	require.Zero(t, asked.Load(), "nothing but who we are is asked with another account's key")
}
