package main

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/sirupsen/logrus"
	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"countersign/cmd/countersign/config"
	"countersign/cmd/countersign/output"
	"countersign/model"
	"countersign/model/store"
	"countersign/worker"
)

type retryFlags struct {
	account, ref, state string
}

func retryStates() []model.DocumentState {
	return []model.DocumentState{model.DocumentFailed, model.DocumentQuarantined, model.DocumentWaiting}
}

func newDocumentsRetryCommand(env *Env) *cobra.Command {
	var f retryFlags
	cmd := &cobra.Command{
		Use:   "retry [ACCOUNT REF]",
		Short: "Fetch documents again that failed, wait or are quarantined",
		Long: `retry asks the provider again for documents that are not stored: those of a transaction, of an account, or
all. A quarantined file stays where it is; what comes now is kept beside it. With a daemon running, the
daemon fetches them; otherwise retry does, and returns when each was tried.`,
		Example: "  countersign documents retry sales 8f3a1c\n  countersign documents retry --account sales --state quarantined",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 0 && len(args) != 2 {
				return output.Usagef("documents retry takes ACCOUNT and REF, or neither")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if f.state != "" && !slices.Contains(retryStates(), model.DocumentState(f.state)) {
				return output.Usagef("--state %q is not one of %s", f.state, output.Words(retryStates()))
			}
			if len(args) == 2 {
				if f.account != "" {
					return output.Usagef("--account and ACCOUNT REF do not go together")
				}
				f.account, f.ref = args[0], args[1]
			}
			return retryDocuments(cmd.Context(), env, f)
		},
	}
	cmd.Flags().StringVar(&f.account, "account", "", "only this `ACCOUNT`")
	cmd.Flags().StringVar(&f.state, "state", "", "only this `STATE`: "+output.Words(retryStates()))
	return cmd
}

// retryDocuments makes documents due; where no daemon works, it works until each was tried.
func retryDocuments(ctx context.Context, env *Env, f retryFlags) error {
	c, err := env.config()
	if err != nil {
		return err
	}
	log := logrus.NewEntry(env.logger(config.Log{Level: "warning", Format: c.Log.Format}))
	ctx, stop := env.signals(ctx, log)
	defer stop()
	e, err := env.startEngine(ctx, c, log)
	if err != nil {
		return err
	}
	return errors.Join(fetchAgain(ctx, e, f), e.close())
}

func fetchAgain(ctx context.Context, e *engine, f retryFlags) error {
	if err := knownAccounts(ctx, e.config, e.store, f.account); err != nil {
		return err
	}
	if f.ref != "" {
		if _, err := findRow(ctx, e.config, e.store, []string{f.account, f.ref}); err != nil {
			return err
		}
	}
	asked, err := makeDue(ctx, e, f)
	if err != nil {
		return err
	}
	if len(asked) == 0 {
		return e.env.Printf("no documents to fetch again\n")
	}
	if err := e.env.Printf("%s to be fetched again\n", output.Count(len(asked), "document")); err != nil {
		return err
	}
	err = e.work(ctx, true, func(ctx context.Context) error { return e.fetchDue(ctx, asked) })
	switch {
	case errors.Is(err, store.ErrLocked):
		return e.env.Printf("the daemon fetches them\n")
	case errors.Is(err, errYield):
		return e.env.Printf("the daemon that started meanwhile fetches the rest\n")
	case err != nil:
		return err
	}
	return printFetched(ctx, e, asked)
}

// makeDue writes the documents that are to be fetched, and returns their ids.
func makeDue(ctx context.Context, e *engine, f retryFlags) (asked []string, err error) {
	list, err := e.store.Documents(ctx, store.DocumentFilter{Account: f.account, Ref: f.ref})
	if err != nil {
		return nil, err
	}
	states := retryStates()
	if f.state != "" {
		states = []model.DocumentState{model.DocumentState(f.state)}
	}
	done := map[model.Key]bool{}
	for _, d := range list {
		if done[d.Key()] || !slices.Contains(states, d.State) {
			continue
		}
		done[d.Key()] = true
		ids, err := e.worker.Documents.FetchAgain(ctx, d.Key(), states)
		if err != nil {
			return asked, err
		}
		asked = append(asked, ids...)
	}
	return asked, nil
}

// fetchDue runs the worker until each of the documents is no longer due.
func (e *engine) fetchDue(ctx context.Context, ids []string) error {
	wctx, stop := context.WithCancel(ctx)
	defer stop()
	g, wctx := errgroup.WithContext(wctx)
	g.Go(func() error { return e.worker.Run(wctx, worker.PartLoops) })
	g.Go(func() error {
		defer stop()
		for {
			busy, err := anyDue(wctx, e, ids)
			if wctx.Err() != nil {
				return nil
			}
			if err != nil || !busy {
				return err
			}
			e.env.wait(wctx, 200*time.Millisecond)
		}
	})
	return g.Wait()
}

// anyDue says whether one of the documents has still to be tried.
func anyDue(ctx context.Context, e *engine, ids []string) (bool, error) {
	soon := e.env.utc().Add(time.Second)
	for _, id := range ids {
		d, err := e.store.Document(ctx, id)
		if err != nil {
			return false, err
		}
		if d.State == model.DocumentWaiting && d.NextTryAt != nil && d.NextTryAt.Before(soon) {
			return true, nil
		}
	}
	return false, nil
}

// printFetched says what became of the documents.
func printFetched(ctx context.Context, e *engine, ids []string) error {
	t := e.env.Table("account", "ref", "kind", "name", "state", "")
	for _, id := range ids {
		d, err := e.store.Document(ctx, id)
		if err != nil {
			return err
		}
		t.AppendRow([]any{d.Account, output.Short(d.Ref, 60), string(d.Kind), output.Short(output.DocumentName(d), 40), e.env.Paint(output.StateColour(d.State), string(d.State)), output.Short(d.Reason, 60)})
	}
	return e.env.Print(t)
}
