package main

import (
	"context"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"countersign/cmd/countersign/arguments"
	"countersign/cmd/countersign/config"
	"countersign/cmd/countersign/engine"
	"countersign/cmd/countersign/output"
	"countersign/model"
	"countersign/model/store"
	"countersign/worker/console/objects"
)

func newDocumentsShowCommand(env *engine.Env) *cobra.Command {
	asJSON := false
	cmd := &cobra.Command{
		Use:   "show ACCOUNT REF [DOCUMENT]",
		Short: "Show all that is known of a transaction's documents",
		Long: `show prints each document of a transaction (or the one that is named by its id, the provider's or ours) with
what its signatures say. Three facts: integrity, whether what was signed is unchanged; coverage, whether the
last signature covers the whole file; trust, which is never more than unknown, since no list of trusted
authorities is asked. One word sums them up: intact, altered, unsigned or unknown.`,
		Example: "  countersign documents show sales 8f3a1c\n  countersign documents show sales 8f3a1c doc1 --json",
		Args:    cobra.RangeArgs(2, 3),
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx := cmd.Context()
			return env.Reading(ctx, func(c *config.Config, s *store.Store) error {
				list, err := documentsNamed(ctx, c, s, args)
				if err != nil {
					return err
				}
				if asJSON {
					out := env.JSONLines()
					for _, d := range list {
						if err := out.Write(objects.OfListedDocument(d)); err != nil {
							return err
						}
					}
					return nil
				}
				return env.PrintDocuments(list)
			})
		},
	}
	jsonFlag(cmd, &asJSON)
	return cmd
}

// documentsNamed finds the documents that ACCOUNT REF [DOCUMENT] names: at least one.
func documentsNamed(ctx context.Context, c *config.Config, s *store.Store, args []string) ([]model.Document, error) {
	t, err := arguments.FindRow(ctx, c, s, args[:2])
	if err != nil {
		return nil, err
	}
	list, err := s.Documents(ctx, store.DocumentFilter{Account: t.Account, Ref: t.Ref})
	if err != nil {
		return nil, err
	}
	if len(args) == 2 {
		if len(list) == 0 {
			return nil, fmt.Errorf("%s has no documents", t.Key())
		}
		return list, nil
	}
	list = slices.DeleteFunc(list, func(d model.Document) bool { return d.ID != args[2] && d.DocID != args[2] })
	if len(list) == 0 {
		return nil, fmt.Errorf("%s has no document %s: `countersign documents show %s %s` lists them", t.Key(),
			output.Quoted(args[2]), t.Account, output.Quoted(t.Ref))
	}
	return list, nil
}
