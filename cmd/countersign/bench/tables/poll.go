package tables

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/sirupsen/logrus"

	"countersign/cmd/countersign/bench/stage"
	"countersign/cmd/countersign/config"
	"countersign/cmd/countersign/engine"
	"countersign/model"
	"countersign/model/store"
	"countersign/model/store/database"
	"countersign/worker/apply"
)

// page is how many answers come at a time.
const page = 100

// Poll measures how fast answers that change nothing are compared, and what the daemon spends of its budgets when there
// is more to ask than they allow.
func Poll(ctx context.Context, env *engine.Env, o Options) (Figures, error) {
	o.Idle = true
	asked, err := countCalls(ctx)
	if err != nil {
		return Figures{}, err
	}
	defer asked.close()
	for i, budget := range budgets {
		o.Busy = append(o.Busy, fmt.Sprintf("busy%d", i))
		o.Extra += fmt.Sprintf("  - { id: busy%d, provider: onespan, base_url: %q, budget: { read: %d }, confirm: all, settings: "+
			"{ api_key: key%d, callback_key: none } }\n", i, asked.url, budget, i)
	}
	return measured(ctx, env, "poll", o, func(ctx context.Context, s *stage.Stage) ([]Figure, error) {
		compared, err := compare(ctx, s)
		if err != nil {
			return nil, err
		}
		if _, err := s.Serve(ctx); err != nil {
			return nil, err
		}
		if !env.Wait(ctx, o.For) {
			return nil, ctx.Err()
		}
		out := compared
		for i, budget := range budgets {
			most, last := asked.most(fmt.Sprintf("Basic key%d", i), env.Now())
			out = append(out,
				atMost(fmt.Sprintf("budget %d a minute: most calls in any 60 s", budget), "calls", float64(most), float64(budget)),
				atLeast(fmt.Sprintf("budget %d a minute: calls of the last 60 s", budget), "calls", float64(last),
					float64(least(budget))))
		}
		return out, nil
	})
}

// budgets are those of the accounts that have more to ask than they may.
var budgets = []int{600, 100, 30}

// least is what has to be spent where there is work: 98% of a hundred and more, all but one call below.
func least(budget int) int {
	if budget >= 100 {
		return budget * 98 / 100
	}
	return budget - 1
}

// comparing is pages of answers that change nothing, applied as the daemon's passes apply theirs.
type comparing struct {
	e    *engine.Engine
	acc  *apply.Account
	keys []model.Key
}

// compare tells an account's rows twice and times the second, which changes nothing: without the cursor that a pass
// saves with each page, and with it. All that is noted of the rows is on disk when the clock stops, and none of them
// may have been written.
func compare(ctx context.Context, s *stage.Stage) (out []Figure, err error) {
	c, err := s.Env.Config()
	if err != nil {
		return nil, err
	}
	e, err := s.Env.Start(ctx, c, logrus.NewEntry(config.Silent()))
	if err != nil {
		return nil, err
	}
	defer e.Close() //nolint:errcheck // what it wrote was read
	p := comparing{e: e, acc: e.Accounts.Find(stage.Loaded("onespan"))}
	if p.keys, err = e.Store.Keys(ctx, store.Filter{Account: p.acc.ID}, 1<<20); err != nil {
		return nil, err
	}
	nothing := func() error { return nil }
	if _, err := p.tell(ctx, nothing); err != nil {
		return nil, err
	}
	was, err := p.written(ctx)
	if err != nil {
		return nil, err
	}
	per, err := p.tell(ctx, nothing)
	if err != nil {
		return nil, err
	}
	r := model.Run{ID: "bench", Account: p.acc.ID, Kind: string(apply.Active), State: model.RunDone}
	saved, err := p.tell(ctx, func() error {
		return e.Store.DoPatiently(ctx, store.Unit{Apply: func(b *store.Batch) error { b.PutRun(r); return nil }})
	})
	if err != nil {
		return nil, err
	}
	if is, err := p.written(ctx); err != nil || is != was {
		return nil, errors.Join(err, fmt.Errorf("rows were written that did not change: %d, %d", was, is))
	}
	return []Figure{
		atLeast(fmt.Sprintf("answers that change nothing, compared a page of %d at a time", page), "a second", per, 150_000),
		{What: "the same, and a pass that saves its cursor with each page", Unit: "a second", Value: saved, Times: 1, Met: true},
	}, nil
}

// tell applies an answer for each row and says how many that were a second.
func (p comparing) tell(ctx context.Context, save func() error) (perSecond float64, err error) {
	src := apply.Source{Asked: model.AskedPoll, Run: "bench", Tier: apply.Active}
	version, err := p.e.Store.Version(ctx)
	if err != nil {
		return 0, err
	}
	var took time.Duration
	for some := range slices.Chunk(p.keys, page) {
		obs := make([]model.Observation, 0, len(some))
		now := p.e.Env.UTC()
		for _, k := range some {
			obs = append(obs, model.Observation{Ref: k.Ref, Evidence: model.Verified, Status: model.InProgress, ProviderStatus: "SENT",
				Name: "A contract", Signers: []model.Signer{{Ref: "one", Name: "One", Email: "one@clients.example",
					Status: model.SignerWaiting}}, Version: version, AskedAt: now, At: now})
		}
		at := time.Now()
		if _, err := p.e.Worker.Asker.Apply(ctx, p.acc, src, obs); err != nil {
			return 0, err
		}
		if err := save(); err != nil {
			return 0, err
		}
		took += time.Since(at)
	}
	at := time.Now()
	err = p.e.Store.Do(ctx, store.Unit{Apply: func(*store.Batch) error { return nil }}) // behind all that was noted
	return float64(len(p.keys)) / (took + time.Since(at)).Seconds(), err
}

// written sums up the times that stand in the rows themselves.
func (p comparing) written(ctx context.Context) (sum int64, err error) {
	err = p.e.Store.View(ctx, func(q *database.Tx) error {
		return q.QueryRow(`SELECT SUM(confirmed_at) FROM transactions WHERE account = ?`, p.acc.ID).Scan(&sum)
	})
	return sum, err
}

// calls counts what a service is asked, by its key.
type calls struct {
	url string
	srv *http.Server
	mu  sync.Mutex
	at  map[string][]time.Time
}

// countCalls serves a service that knows nothing.
func countCalls(ctx context.Context) (*calls, error) {
	ln, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	c := &calls{url: "http://" + ln.Addr().String(), at: map[string][]time.Time{}}
	c.srv = &http.Server{Handler: c, ReadHeaderTimeout: 10 * time.Second}
	go c.srv.Serve(ln) //nolint:errcheck // it ends with close
	return c, nil
}

func (c *calls) close() { c.srv.Close() } //nolint:errcheck // nobody listens any more

// ServeHTTP answers a detail with a transaction that is open, and lists with nothing.
func (c *calls) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	key := r.Header.Get("Authorization")
	c.at[key] = append(c.at[key], time.Now())
	c.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusNotFound)
	w.Write([]byte(`{"messageKey":"error.notFound","code":404}`)) //nolint:errcheck // the caller may be gone
}

// most is how many calls came within any 60 s, and within the last.
func (c *calls) most(key string, now time.Time) (most, last int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	all := c.at[key]
	for i, from := 0, 0; i < len(all); i++ {
		for all[i].Sub(all[from]) >= time.Minute {
			from++
		}
		most = max(most, i-from+1)
		if now.Sub(all[i]) <= time.Minute {
			last++
		}
	}
	return most, last
}
