package accounts

import (
	"context"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"countersign/provider/transport"
	"countersign/provider/transport/memory"
)

// memory lets an account's transport know again after a restart what was spent of its budget. On PostgreSQL processes
// work side by side, and spend it together.
func (all *Table) memory(account string) memory.Memory {
	m := memory.Memory{
		Load: func(ctx context.Context) (map[string][]byte, error) { return all.Store.TransportStates(ctx, account) },
		Save: func(ctx context.Context, name string, state []byte) error {
			return all.Store.SetTransportState(ctx, account, name, state)
		},
	}
	if all.Store.Postgres() {
		m.Owner = all.life
		m.Exchange = func(ctx context.Context, name string, change memory.Change) error {
			return all.Store.ExchangeTransportState(ctx, account, name, change)
		}
	}
	return m
}

// learnEvery is how often it is looked what other processes have found out of the services.
const learnEvery = 500 * time.Millisecond

// learn has the accounts know what other processes have found out of the services, until ctx ends.
func (all *Table) learn(ctx context.Context) {
	tick := time.NewTicker(learnEvery)
	defer tick.Stop()
	for {
		states, now, err := all.Store.TransportStatesNamed(ctx, transport.Learned)
		if err != nil && ctx.Err() == nil {
			all.Log.WithField("err", err).Debug("what other processes know of the services was not read")
		}
		for id, b := range all.table.Load().built {
			if state := states[id]; state != nil && err == nil {
				b.transport.Learn(state, now)
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// Resume makes this process the one that spends the budgets.
func (all *Table) Resume(ctx context.Context) error {
	all.mu.Lock()
	defer all.mu.Unlock()
	if err := all.table.Load().resume(ctx); err != nil {
		return err
	}
	all.working = true
	if all.Store.Postgres() && all.unlearn == nil {
		var learning sync.WaitGroup
		ctx, stop := context.WithCancel(context.WithoutCancel(ctx))
		learning.Go(func() { all.learn(ctx) })
		all.unlearn = func() { stop(); learning.Wait() }
	}
	return nil
}

func (t *accountTable) resume(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	for _, b := range t.built {
		g.Go(func() error { return b.transport.Resume(ctx) })
	}
	return g.Wait()
}

// suspendMost bounds how long the end of the work waits for what was spent to be saved.
const suspendMost = 2 * time.Second

// Suspend leaves the budgets to the next process. The accounts are saved at once, so that they share a group.
func (all *Table) Suspend(ctx context.Context) {
	all.mu.Lock()
	defer all.mu.Unlock()
	all.working = false
	if all.unlearn != nil {
		all.unlearn()
		all.unlearn = nil
	}
	var g errgroup.Group
	for id, b := range all.table.Load().built {
		g.Go(func() error { all.suspend(ctx, id, b.transport.Suspend); return nil })
	}
	g.Wait() //nolint:errcheck // all are nil
}

// suspend saves what an account has spent, or says that it could not.
func (all *Table) suspend(ctx context.Context, account string, save func(context.Context) error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), suspendMost)
	defer cancel()
	if err := save(ctx); err != nil {
		log := all.Log.WithField("account", account).WithField("err", err)
		log.Warn("what was spent of the budget is not saved to the call: a tenth counts as spent")
	}
}
