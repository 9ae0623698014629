package main

import (
	"context"
	"errors"
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
		Use:   "show (ACCOUNT REF [DOCUMENT] | DOCUMENT)",
		Short: "Show all that is known of a transaction's documents",
		Long: `show prints each document of a transaction (or the one that is named by its id, the provider's or ours) with
what its signatures say. Three facts: integrity, whether what was signed is unchanged; coverage, whether the
last signature covers the whole file, and what was added behind it; trust, whether a chain leads to a certificate
that the account trusts. One word sums them up: intact, altered, unsigned or unknown. docs/signatures.md says
what each means.`,
		Example: "  countersign documents show sales 8f3a1c\n  countersign documents show sales 8f3a1c doc1 --json\n" +
			"  countersign documents show d0000000000a7",
		Args: cobra.RangeArgs(1, 3),
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx := cmd.Context()
			return env.Reading(ctx, func(c *config.Config, s *store.Store) error {
				find := documentsNamed
				if len(args) == 1 {
					find = documentByID
				}
				list, err := find(ctx, c, s, args)
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

// documentByID finds the one document that has an id of ours.
func documentByID(ctx context.Context, _ *config.Config, s *store.Store, args []string) ([]model.Document, error) {
	d, err := s.Document(ctx, args[0])
	if errors.Is(err, store.ErrNoRow) {
		return nil, fmt.Errorf("no document %s: `countersign documents list` prints their ids", output.Quoted(args[0]))
	}
	return []model.Document{d}, err
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
