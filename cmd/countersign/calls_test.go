package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"countersign/cmd/countersign/engine"
	"countersign/cmd/countersign/output/progress"
	"countersign/model"
	"countersign/model/store"
	"countersign/provider/simulator"
	"countersign/worker"
	"countersign/worker/apply"
	"countersign/worker/ask"
	"countersign/worker/ask/runs"
	"countersign/worker/poll"
)

// counted counts what goes out on a way, tokens left out.
type counted struct {
	base http.RoundTripper
	mu   sync.Mutex
	list []string
}

// RoundTrip notes one request.
func (c *counted) RoundTrip(r *http.Request) (*http.Response, error) {
	c.mu.Lock()
	if !strings.Contains(r.URL.Path, "token") {
		c.list = append(c.list, r.Method+" "+r.URL.Path)
	}
	c.mu.Unlock()
	return c.base.RoundTrip(r)
}

// take returns what was counted and begins anew.
func (c *counted) take() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := c.list
	c.list = nil
	return out
}

// quietWorld is a service that calls nobody, with an engine that does only what it is told to.
type quietWorld struct {
	*simulator.World
	e       *engine.Engine
	calls   *counted
	account *apply.Account
}

// inQuietWorld runs a test with a service whose transactions live on unheard.
func inQuietWorld(t *testing.T, service string, test func(t *testing.T, w *quietWorld)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		world := simulator.New(simulator.Options{
			Seed: 5, Transactions: 260, BornBefore: 250, Births: 24 * time.Hour, Speed: 1, Services: []string{service},
		})
		w := &quietWorld{World: world, calls: &counted{base: world.Transport()}}
		w.e = weekEngine(t, world, w.calls, nil)
		w.account = w.e.Accounts.Find(world.Accounts()[0].ID)
		w.account.Download = nil
		ctx, cancel := context.WithCancel(t.Context())
		var g errgroup.Group
		defer func() {
			cancel()
			if err := g.Wait(); !errors.Is(err, context.Canceled) {
				require.NoError(t, err)
			}
			require.NoError(t, w.e.Close())
		}()
		g.Go(func() error { return w.e.Worker.Run(ctx, worker.PartLoops) })
		g.Go(func() error { return world.Run(ctx) })
		test(t, w)
	})
}

// ran runs one pass to its end and returns it with its requests.
func (w *quietWorld) ran(t *testing.T, r model.Run) (model.Run, []string) {
	t.Helper()
	w.calls.take()
	r.Account = w.account.ID
	r, err := w.e.Worker.Runs.Queue(t.Context(), r, false)
	require.NoError(t, err)
	for done := false; !done; {
		time.Sleep(time.Minute)
		done, err = w.e.Done(t.Context(), []model.Run{r}, progress.Hidden{})
		require.NoError(t, err)
	}
	calls := w.calls.take()
	r, err = w.e.Store.RunByID(t.Context(), r.ID)
	require.NoError(t, err)
	require.Equal(t, model.RunDone, r.State, r.Note)
	return r, calls
}

func TestAPlanIsWhatTheBackfillCosts(t *testing.T) {
	t.Parallel()
	withoutRaces(t)
	for _, service := range simulator.Services() {
		t.Run(service, func(t *testing.T) {
			inQuietWorld(t, service, func(t *testing.T, w *quietWorld) {
				since, until := time.Now().Add(-90*24*time.Hour), time.Now()
				if w.account.Provider.Lister == nil {
					_, err := w.e.Worker.Tiers.PlanBackfill(t.Context(), w.account, since, until)
					require.ErrorIs(t, err, poll.ErrNoList)
					return
				}
				for _, when := range []string{"nothing is known", "all is known"} {
					plan, err := w.e.Worker.Tiers.PlanBackfill(t.Context(), w.account, since, until)
					require.NoError(t, err)
					require.Greater(t, plan.Listed, 150)
					_, calls := w.backfilled(t, since, until)
					require.InDelta(t, len(calls), plan.Calls, 0.1*float64(len(calls)), when)
				}
			})
		})
	}
}

// backfilled loads a span of history without its documents.
func (w *quietWorld) backfilled(t *testing.T, since, until time.Time) (model.Run, []string) {
	t.Helper()
	return w.ran(t, model.Run{Kind: runs.KindBackfill, Since: &since, Until: &until, Params: `{"documents":false}`})
}

// pollOf says what a poll of a service may cost, eight hours after the last one. The lists that it walks have no more
// than a hundred entries a page.
var pollsOf = map[string]struct {
	list    string // the path of a list; a detail has one part more
	pages   int    // of lists
	details func(w *quietWorld, changed, open []string) []string
}{
	// lists of what changed, in the trash too: that alone is asked about
	"onespan": {"/onespan/api/packages", 2, func(_ *quietWorld, changed, _ []string) []string { return changed }},
	// whole objects: the newest until known, then those as old as the open rows; asked about is what no list shows
	"dropboxsign": {"/dropboxsign/v3/signature_request", 1 + 3, func(w *quietWorld, _, open []string) []string {
		listed := w.truth()
		return slices.DeleteFunc(open, func(ref string) bool { return listed[ref] != "" })
	}},
	// entries with a mark, and batches of whole objects for what is open
	"documenso": {"/documenso/api/v2/envelope", 4, func(*quietWorld, []string, []string) []string { return nil }},
	// by id only: one question a row that is due, or that a list names with another mark
	"allsign": {"/allsign/v3/documents", 1, func(_ *quietWorld, changed, open []string) []string {
		all := append(changed, open...)
		slices.Sort(all)
		return slices.Compact(all)
	}},
	"autosign": {"/autosign/v1/transaction", 0, func(_ *quietWorld, _, open []string) []string { return open }},
}

func TestAPollAsksForPagesAndForWhatHasChanged(t *testing.T) {
	t.Parallel()
	withoutRaces(t)
	for _, service := range simulator.Services() {
		t.Run(service, func(t *testing.T) {
			inQuietWorld(t, service, func(t *testing.T, w *quietWorld) {
				is, ok := pollsOf[service]
				require.True(t, ok, "say what a poll of %s may cost", service)
				if w.account.Provider.Lister != nil {
					w.backfilled(t, time.Now().Add(-90*24*time.Hour), time.Now())
				} else {
					for _, tx := range w.Truth().Transactions {
						_, err := w.e.Worker.Table.Track(t.Context(), "operator", w.account.ID, service, []string{tx.Ref})
						require.NoError(t, err)
					}
					time.Sleep(24 * time.Hour)
				}
				w.ran(t, model.Run{Kind: string(apply.Active)})
				before := w.truth()
				time.Sleep(8 * time.Hour)
				var changed []string
				for ref, now := range w.truth() {
					if before[ref] != now {
						changed = append(changed, ref)
					}
				}
				require.NotEmpty(t, changed)
				open := w.open(t)
				r, calls := w.ran(t, model.Run{Kind: string(apply.Active)})
				pages, batches, details := 0, 0, []string{}
				for _, call := range calls {
					_, path, _ := strings.Cut(call, " ")
					switch rest, below := strings.CutPrefix(path, is.list+"/"); {
					case path == is.list, path == is.list+"/list":
						pages++
					case rest == "get-many":
						batches++
					case below && !strings.Contains(rest, "/"):
						details = append(details, rest)
					}
				}
				require.LessOrEqual(t, pages, is.pages)
				batch := ask.BatchSize(w.account)
				require.LessOrEqual(t, batches, (r.Asked+batch-1)/batch)
				require.ElementsMatch(t, is.details(w, changed, open), details)
			})
		})
	}
}

// open are the refs of the active tier's rows.
func (w *quietWorld) open(t *testing.T) (refs []string) {
	t.Helper()
	news, ends := time.Now().Add(-7*24*time.Hour), time.Now().Add(48*time.Hour)
	rows, next, err := w.e.Store.OpenRows(t.Context(), store.OpenFilter{Account: w.account.ID, Tier: "active", NewsSince: &news,
		ExpiresBefore: &ends, Limit: 1000})
	require.NoError(t, err)
	require.Empty(t, next)
	for _, row := range rows {
		refs = append(refs, row.Ref)
	}
	return refs
}

// truth is where each transaction stands that the service shows us.
func (w *quietWorld) truth() map[string]string {
	out := map[string]string{}
	for _, tx := range w.Truth().Transactions {
		if tx.Listed || w.account.Provider.Lister == nil {
			out[tx.Ref] = fmt.Sprint(tx.ProviderStatus, tx.Archived, tx.Trashed, tx.Deleted, tx.SignersDone, tx.Signers)
		}
	}
	return out
}
