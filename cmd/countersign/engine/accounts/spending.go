package accounts

import (
	"context"
	"time"

	"golang.org/x/sync/errgroup"

	"countersign/provider/transport/memory"
)

// memory lets an account's transport know again after a restart what was spent of its budget.
func (all *Table) memory(account string) memory.Memory {
	return memory.Memory{
		Load: func(ctx context.Context) (map[string][]byte, error) { return all.Store.TransportStates(ctx, account) },
		Save: func(ctx context.Context, name string, state []byte) error {
			return all.Store.SetTransportState(ctx, account, name, state)
		},
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
	return nil
}

func (t *accountTable) resume(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	for _, tr := range t.transports {
		g.Go(func() error { return tr.Resume(ctx) })
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
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), suspendMost)
	defer cancel()
	var g errgroup.Group
	for id, tr := range all.table.Load().transports {
		g.Go(func() error {
			if err := tr.Suspend(ctx); err != nil {
				all.Log.WithField("account", id).WithField("err", err).
					Warn("what was spent of the budget is not saved to the call: a tenth counts as spent")
			}
			return nil
		})
	}
	g.Wait() //nolint:errcheck // all are nil
}
