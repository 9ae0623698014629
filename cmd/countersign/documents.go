package main

import (
	"context"
	"slices"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"

	"countersign/cmd/countersign/arguments"
	"countersign/cmd/countersign/config"
	"countersign/cmd/countersign/engine"
	"countersign/cmd/countersign/output"
	"countersign/cmd/countersign/upkeep"
	"countersign/model"
	"countersign/model/store"
	"countersign/worker/console/objects"
)

func newDocumentsCommand(env *engine.Env) *cobra.Command {
	return group("documents", "List signed documents, look at them, get them, or decide about them",
		newDocumentsListCommand(env), newDocumentsShowCommand(env), newDocumentsGetCommand(env),
		newDocumentsRetryCommand(env), newDocumentsReleaseCommand(env), newDocumentsVerifyCommand(env),
		upkeep.NewSealsCommand(env))
}

type documentsFlags struct {
	account string
	state   string
	limit   int
	json    bool
	all     bool
}

func documentStates() []model.DocumentState {
	return []model.DocumentState{
		model.DocumentWaiting, model.DocumentStored, model.DocumentQuarantined, model.DocumentUnobtainable,
		model.DocumentFailed,
	}
}

func newDocumentsListCommand(env *engine.Env) *cobra.Command {
	var f documentsFlags
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List documents and how far they have come",
		Long: `list prints signed documents and evidence, the newest first: waiting, stored, quarantined (not what it
claims to be), unobtainable (there is no way to get it), failed. On a terminal it shows the newest 50;
--all shows them all.`,
		Example: "  countersign documents list --state quarantined\n  countersign documents list --account sales --json",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			switch {
			case f.state != "" && !slices.Contains(documentStates(), model.DocumentState(f.state)):
				return output.Usagef("--state %q is not one of %s", f.state, output.Words(documentStates()))
			case f.limit < 0:
				return output.Usagef("--limit %d is below nothing", f.limit)
			}
			ctx := cmd.Context()
			return env.Reading(ctx, func(c *config.Config, s *store.Store) error { return listDocuments(ctx, env, c, s, f) })
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.account, "account", "", "only this `ACCOUNT`")
	flags.StringVar(&f.state, "state", "", "only this `STATE`: "+output.Words(documentStates()))
	flags.BoolVar(&f.all, "all", false, "on a terminal too, all of them")
	limitFlag(cmd, &f.limit)
	jsonFlag(cmd, &f.json)
	return cmd
}

func listDocuments(ctx context.Context, env *engine.Env, c *config.Config, s *store.Store, f documentsFlags) error {
	if err := arguments.KnownAccounts(ctx, c, s, f.account); err != nil {
		return err
	}
	fetch := documentPages(ctx, s, f.account, model.DocumentState(f.state))
	if f.json {
		out := env.JSONLines()
		return output.EachOf(f.limit, fetch, func(d model.Document) error {
			return out.Write(objects.OfListedDocument(d))
		})
	}
	t := env.Table("id", "account", "ref", "kind", "name", "state", "signature", "size", "stored", "reason")
	err := output.EachOf(env.Shown(f.limit, f.all), fetch, func(d model.Document) error {
		row := append(table.Row{d.ID, d.Account, env.Cell(d.Ref, 60)}, env.DocumentCells(d)...)
		t.AppendRow(append(row, env.Cell(d.Reason, 60)))
		return nil
	})
	if err != nil {
		return err
	}
	if t.Length() == 0 {
		return env.Tell("cli.documents.none")
	}
	return env.Print(t)
}
