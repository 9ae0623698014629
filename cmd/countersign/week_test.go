package main

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sirupsen/logrus"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"countersign/model"
	"countersign/model/store"
	"countersign/provider/simulator"
	"countersign/worker"
	"countersign/worker/callback"
)

// toListener carries callbacks to the listener without a socket.
type toListener struct{ handler http.Handler }

func (l *toListener) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	l.handler.ServeHTTP(w, r)
	return w.Result(), nil
}

// A week in which four of ten callbacks are lost: after the last poll nothing drifts, and the gap
// ledger is what follows from the simulator's truth list alone.
func TestWeekWithLostCallbacks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		door := &toListener{}
		world := simulator.New(simulator.Options{
			Seed: 11, Transactions: 60, BornBefore: -1, Births: 4 * 24 * time.Hour, Speed: 1,
			Callbacks: "http://countersign.example", Client: door, Faults: simulator.Faults{Drop: 0.4},
		})
		e := weekEngine(t, world)
		l, err := callback.New(callback.Options{
			Lookup: e.accounts.lookup, Apply: e.apply, Nudge: e.worker.Nudge, Now: time.Now, Log: e.log, HMACKey: make([]byte, 32),
		})
		require.NoError(t, err)
		door.handler = l.Handler()

		ctx, cancel := context.WithCancel(t.Context())
		var g errgroup.Group
		defer func() {
			cancel()
			require.NoError(t, g.Wait())
			require.NoError(t, e.close())
		}()
		// No work lock: its heartbeat looks four times a second, which is a lot in a week.
		g.Go(func() error { return e.worker.Run(ctx, worker.PartLoops, worker.PartSlots) })
		g.Go(func() error { return world.Run(ctx) })

		time.Sleep(7 * 24 * time.Hour)
		world.Stop()
		time.Sleep(36 * time.Hour) // retries arrive, and every slot comes at least once

		runs, err := verifyOptions{}.queue(ctx, e)
		require.NoError(t, err)
		for done := false; !done; {
			time.Sleep(time.Minute)
			done, err = e.look(ctx, runs, &lines{app: e.app, last: time.Now()})
			require.NoError(t, err)
		}
		drift, sum, err := verified(runs)
		require.NoError(t, err)
		require.Empty(t, drift)
		require.Greater(t, sum.Checked, 40)

		gaps, err := e.store.Gaps(ctx, store.GapFilter{})
		require.NoError(t, err)
		want, got := expectedLedger(world.Truth()), ledger(gaps)
		for key, n := range got {
			require.LessOrEqual(t, n, want[key], "a gap that does not follow from the truth: %s", key)
		}
		require.Equal(t, withoutSigners(want), withoutSigners(got))
	})
}

// withoutSigners leaves out what is told of signers: the truth marks an answer only with the newest
// signer's change, so that it can refute a gap of ours but not demand one.
func withoutSigners(ledger map[string]int) map[string]int {
	out := maps.Clone(ledger)
	maps.DeleteFunc(out, func(key string, _ int) bool { return strings.Contains(key, " signer ") })
	return out
}

// weekEngine is an engine whose providers are the world, in process.
func weekEngine(t *testing.T, world *simulator.World) *engine {
	dir := t.TempDir()
	conf := simulatedConfig(simulatedOptions{
		Accounts: world.Accounts(), Base: "http://simulator.example", PublicAddress: "127.0.0.1:0", ConsoleAddress: "127.0.0.1:0",
		Database: "sqlite:./countersign.db", Documents: "file:./documents", Speed: 1,
	})
	file := filepath.Join(dir, "config.yaml")
	require.NoError(t, os.WriteFile(file, []byte(conf), 0o600))
	a := newApp(strings.NewReader(""), &bytes.Buffer{}, &bytes.Buffer{})
	a.configFlag, a.transport, a.tick = file, world.Transport(), time.Minute
	c, err := a.config()
	require.NoError(t, err)
	e, err := a.startEngine(t.Context(), c, logrus.NewEntry(a.logger(Log{Level: "error", Format: "text"})))
	require.NoError(t, err)
	return e
}

// grace is the default of gap_grace, and two rounds of the loop that settles.
const weekGrace = 5 * time.Minute

// expectedLedger follows from the truth alone: a change is a gap when an answer showed it first, an
// earlier answer had not, and none of its callbacks was acknowledged from that earlier answer until
// the grace had passed.
func expectedLedger(truth simulator.Truth) map[string]int {
	out := map[string]int{}
	for _, tx := range truth.Transactions {
		if tx.Received {
			continue
		}
		answers, calls := shownAndTaken(tx)
		for _, c := range tx.Changes {
			if len(c.Shown) == 0 || c.Change == "created" || c.Change == "deleted" {
				continue
			}
			first := slices.MinFunc(c.Shown, time.Time.Compare)
			before := earlier(answers, first)
			if before.IsZero() {
				continue // a first sight
			}
			if c.Change == "signer" && joined(tx, c.Signer, first) {
				continue // somebody new in this answer, by reassignment: the one who left is the change
			}
			told := slices.ContainsFunc(telling(c), func(typ string) bool {
				return slices.ContainsFunc(calls[typ], func(at time.Time) bool { return !at.Before(before) && !at.After(first.Add(weekGrace)) })
			})
			if !told {
				out[ledgerKey(tx.Ref, c.Change, c.To)]++
			}
		}
	}
	return out
}

// joined says whether a signer joined later than the others and no answer before first showed that.
func joined(tx simulator.TruthTransaction, signer string, first time.Time) bool {
	return slices.ContainsFunc(tx.Changes, func(c simulator.TruthChange) bool {
		return c.Change == "signer" && c.Signer == signer && c.To == "waiting" &&
			!slices.ContainsFunc(c.Shown, func(at time.Time) bool { return at.Before(first) })
	})
}

// telling lists the callback types that tell of a change: its own, and the dossier's for a signature.
func telling(c simulator.TruthChange) (types []string) {
	for _, cb := range c.Callbacks {
		types = append(types, cb.Type)
	}
	if c.Change == "signer" && c.To == "signed" {
		types = append(types, "SIGNER_COMPLETE", "DOCUMENT_SIGNED", "signature_request_signed", "signature_request_all_signed")
	}
	return types
}

// shownAndTaken lists the times of all answers about a transaction, and of its acknowledged callbacks
// by type.
func shownAndTaken(tx simulator.TruthTransaction) (answers []time.Time, calls map[string][]time.Time) {
	calls = map[string][]time.Time{}
	for _, c := range tx.Changes {
		answers = append(answers, c.Shown...)
		for _, cb := range c.Callbacks {
			for _, a := range cb.Attempts {
				if a.Answer == http.StatusOK {
					calls[cb.Type] = append(calls[cb.Type], a.At)
				}
			}
		}
	}
	slices.SortFunc(answers, time.Time.Compare)
	return answers, calls
}

// earlier returns the newest answer before at; zero where there is none.
func earlier(answers []time.Time, at time.Time) (found time.Time) {
	for _, a := range answers {
		if a.Before(at) {
			found = a
		}
	}
	return found
}

// ledger is our own gaps in the same words: those of rows that an answer had confirmed before.
func ledger(gaps []model.Gap) map[string]int {
	out := map[string]int{}
	for _, g := range gaps {
		if g.After == nil || g.Change == model.ChangeCreated {
			continue
		}
		out[ledgerKey(g.Ref, string(g.Change), g.To)]++
	}
	return out
}

func ledgerKey(ref, change, to string) string {
	if change == "archived" || change == "trashed" {
		to = ""
	}
	return fmt.Sprintf("%s %s %s", ref, change, to)
}
