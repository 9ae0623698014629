package main

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/sirupsen/logrus"
	"github.com/spf13/cobra"

	"countersign/cmd/countersign/arguments"
	"countersign/cmd/countersign/config"
	"countersign/cmd/countersign/engine"
	"countersign/cmd/countersign/output"
	"countersign/model"
	"countersign/model/store"
	"countersign/worker"
	"countersign/worker/documents"
)

type retryFlags struct {
	account, ref, state string
}

func retryStates() []model.DocumentState {
	return []model.DocumentState{model.DocumentFailed, model.DocumentQuarantined, model.DocumentWaiting}
}

func newDocumentsRetryCommand(env *engine.Env) *cobra.Command {
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

// retryDocuments makes documents due for the daemon; where none runs, it works until each was tried, for which it
// needs the secrets.
func retryDocuments(ctx context.Context, env *engine.Env, f retryFlags) error {
	up := false
	err := env.Writing(ctx, func(ctx context.Context, w *engine.Writer) (err error) {
		if up, err = w.Served(ctx); err != nil || !up {
			return err
		}
		asked, err := makeDue(ctx, w.Config, w.Store, w.Worker, f)
		if err != nil {
			return err
		}
		if err := printAsked(env, asked); err != nil || len(asked) == 0 {
			return err
		}
		return env.Tell("cli.retry.daemon")
	})
	if err != nil || up {
		return err
	}
	c, err := env.Config()
	if err != nil {
		return err
	}
	log := logrus.NewEntry(env.Logger(config.Log{Level: "warning", Format: c.Log.Format}))
	ctx, stop := env.Signals(ctx, log)
	defer stop()
	e, err := env.Start(ctx, c, log)
	if err != nil {
		return err
	}
	return errors.Join(fetchAgain(ctx, e, f), e.Close())
}

func printAsked(env *engine.Env, asked []string) error {
	if len(asked) == 0 {
		return env.Tell("cli.retry.none")
	}
	return env.TellCount("cli.retry.asked", len(asked))
}

func fetchAgain(ctx context.Context, e *engine.Engine, f retryFlags) error {
	asked, err := makeDue(ctx, e.Config, e.Store, e.Worker, f)
	if err != nil {
		return err
	}
	if err := printAsked(e.Env, asked); err != nil || len(asked) == 0 {
		return err
	}
	if f.account != "" {
		e.Only(f.account)
	}
	err = e.Work(ctx, true, func(ctx context.Context) error {
		return e.WorkUntil(ctx, func(ctx context.Context) (bool, error) {
			due, err := anyDue(ctx, e, asked)
			return !due, err
		})
	})
	switch {
	case errors.Is(err, store.ErrLocked):
		return e.Env.Tell("cli.retry.daemon")
	case errors.Is(err, engine.ErrYield):
		return e.Env.Tell("cli.retry.rest")
	case err != nil:
		return err
	}
	return printFetched(ctx, e, asked)
}

// makeDue writes the documents that are to be fetched, and returns their ids.
func makeDue(
	ctx context.Context, c *config.Config, s *store.Store, w *worker.Worker, f retryFlags,
) (asked []string, err error) {
	if err := arguments.KnownAccounts(ctx, c, s, f.account); err != nil {
		return nil, err
	}
	if f.ref != "" {
		if _, err := arguments.FindRow(ctx, c, s, []string{f.account, f.ref}); err != nil {
			return nil, err
		}
	}
	list, err := s.Documents(ctx, store.DocumentFilter{Account: f.account, Ref: f.ref})
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
		ids, err := w.Documents.FetchAgain(ctx, d.Key(), states, documents.Order{})
		if err != nil {
			return asked, err
		}
		asked = append(asked, ids...)
	}
	return asked, nil
}

// anyDue says whether one of the documents has still to be tried.
func anyDue(ctx context.Context, e *engine.Engine, ids []string) (bool, error) {
	soon := e.Env.UTC().Add(time.Second)
	for _, id := range ids {
		d, err := e.Store.Document(ctx, id)
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
func printFetched(ctx context.Context, e *engine.Engine, ids []string) error {
	t := e.Env.Table("account", "ref", "kind", "name", "state", "reason")
	for _, id := range ids {
		d, err := e.Store.Document(ctx, id)
		if err != nil {
			return err
		}
		t.AppendRow([]any{
			d.Account, e.Env.Cell(d.Ref, 60), e.Env.Word("documentkind", string(d.Kind)), e.Env.Cell(output.DocumentName(d), 40),
			e.Env.StateWord(d.State), e.Env.Cell(d.Reason, 60),
		})
	}
	return e.Env.Print(t)
}
