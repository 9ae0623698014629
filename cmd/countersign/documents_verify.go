package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"countersign/cmd/countersign/arguments"
	"countersign/cmd/countersign/config"
	"countersign/cmd/countersign/engine"
	"countersign/cmd/countersign/output"
	"countersign/model"
	"countersign/model/store"
	"countersign/worker/documents"
)

type documentsVerifyFlags struct {
	account string
	json    bool
}

// documentsVerifiedJSON is the last line of `documents verify --json`.
type documentsVerifiedJSON struct {
	Checked     int `json:"checked"`
	Differences int `json:"differences"`
	Filled      int `json:"filled"`
}

func newDocumentsVerifyCommand(env *engine.Env) *cobra.Command {
	var f documentsVerifyFlags
	cmd := &cobra.Command{
		Use:   "verify",
		Short: "Hash every stored file again and look at its signatures again",
		Long: `verify reads every stored file anew: is it there, is it the file that was stored, do its signatures say what
they said? A difference is exit 3. Nobody outside is asked. Files that an older version of the rules judged, those
in quarantine too, are judged by the newer ones, and what is found is written down: a quarantined file with which
nothing is wrong any more gets its place, and a stored one that is called altered now stays and is a difference.
` + "`countersign verify --repair`" + ` fetches missing files anew.`,
		Example: "  countersign documents verify\n  countersign documents verify --account sales --json",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return env.Writing(cmd.Context(),
				func(ctx context.Context, w *engine.Writer) error { return verifyDocuments(ctx, env, w, f) })
		},
	}
	cmd.Flags().StringVar(&f.account, "account", "", "only this `ACCOUNT`")
	jsonFlag(cmd, &f.json)
	return cmd
}

func verifyDocuments(ctx context.Context, env *engine.Env, w *engine.Writer, f documentsVerifyFlags) error {
	if err := arguments.KnownAccounts(ctx, w.Config, w.Store, f.account); err != nil {
		return err
	}
	files, err := w.Documents(ctx)
	if err != nil {
		return err
	}
	var sum documentsVerifiedJSON
	var failed error
	out, t := env.JSONLines(), env.Table("account", "ref", "document", "field", "ours", "theirs")
	check := func(d model.Document) error {
		if d.State == model.DocumentQuarantined && (d.Path == "" || !outdated(w.Config, d)) {
			return nil
		}
		found, filled, err := files.Check(ctx, d)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil: // the next one may be more lucky
			failed = errors.Join(failed, fmt.Errorf("%s/%s, document %s: %w", d.Account, output.Plain(d.Ref), d.ID, err))
			return nil
		}
		sum.Checked++
		sum.Differences += len(found)
		if filled {
			sum.Filled++
		}
		for _, x := range found {
			if f.json {
				err = errors.Join(err, out.Write(x))
				continue
			}
			t.AppendRow([]any{
				x.Account, env.Cell(x.Ref, 60), env.Cell(output.DocumentName(d), 40), x.Field, env.Cell(x.Ours,
					20), env.Cell(x.Theirs, 20),
			})
		}
		return err
	}
	for _, state := range []model.DocumentState{model.DocumentStored, model.DocumentQuarantined} {
		err = errors.Join(err, output.EachOf(0, documentPages(ctx, w.Store, f.account, state), check))
	}
	if err = errors.Join(err, printVerifiedDocuments(env, f, sum, t.Length() > 0, func() error { return env.Print(t) }),
		failed); err != nil {
		return err
	}
	if sum.Differences > 0 {
		return &output.ExitError{Code: output.ExitDrift}
	}
	return nil
}

// documentPages fetches an account's documents in a state, or all accounts', by pages.
func documentPages(
	ctx context.Context, s *store.Store, account string, state model.DocumentState,
) func(int, string) ([]model.Document, string, error) {
	return func(size int, cursor string) ([]model.Document, string, error) {
		list, err := s.Documents(ctx, store.DocumentFilter{Account: account, State: state, Limit: size, Before: cursor})
		if len(list) < size {
			return list, "", err
		}
		return list, list[size-1].ID, err
	}
}

// printVerifiedDocuments tells the sum.
func printVerifiedDocuments(
	env *engine.Env, f documentsVerifyFlags, sum documentsVerifiedJSON, rows bool, table func() error,
) error {
	if f.json {
		return env.JSONLines().Write(sum)
	}
	if rows {
		if err := table(); err != nil {
			return err
		}
	}
	return env.TellCount("cli.documents.verified", sum.Differences, "checked", sum.Checked, "filled", sum.Filled)
}

// outdated says whether a file is to be judged again.
func outdated(c *config.Config, d model.Document) bool {
	acc, ok := c.Account(d.Account)
	if !ok {
		return documents.Outdated(d, nil, false)
	}
	return documents.Outdated(d, acc.Trusted(), true)
}
