package main

import (
	"github.com/spf13/cobra"

	"countersign/cmd/countersign/arguments"
	"countersign/cmd/countersign/config"
	"countersign/cmd/countersign/engine"
	"countersign/cmd/countersign/export"
	"countersign/model/store"
)

func newDocumentsGetCommand(env *engine.Env) *cobra.Command {
	dir := "."
	cmd := &cobra.Command{
		Use:   "get ACCOUNT REF",
		Short: "Write a transaction's stored files under the provider's names",
		Long: `get copies the stored documents of a transaction into a folder, under the names that the provider gives
them, and checks each against its hash on the way. It never writes over a file; one that is there
already with the same content is left as it is. Quarantined files are not handed out.`,
		Example: "  countersign documents get sales 8f3a1c -o ~/contracts",
		Args:    cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx := cmd.Context()
			return env.Reading(ctx, func(c *config.Config, s *store.Store) error {
				t, err := arguments.FindRow(ctx, c, s, args)
				if err != nil {
					return err
				}
				list, err := s.Documents(ctx, store.DocumentFilter{Account: t.Account, Ref: t.Ref})
				if err != nil {
					return err
				}
				if err := arguments.NotOurs(c, dir); err != nil {
					return err
				}
				return export.Files(ctx, env, c, dir, t.Key(), list)
			})
		},
	}
	cmd.Flags().StringVarP(&dir, "output", "o", ".", "write into this `DIR`, made where it is not there")
	return cmd
}
