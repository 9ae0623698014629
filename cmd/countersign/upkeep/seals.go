package upkeep

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"countersign/cmd/countersign/arguments"
	"countersign/cmd/countersign/config"
	"countersign/cmd/countersign/engine"
	"countersign/cmd/countersign/output"
	"countersign/model"
	"countersign/model/store"
	"countersign/worker/seals"
)

// NewSealsCommand is `documents seals`.
func NewSealsCommand(env *engine.Env) *cobra.Command {
	accept := false
	cmd := &cobra.Command{
		Use:   "seals ACCOUNT",
		Short: "Show whose seals an account's files carry, and accept a new one",
		Long: `seals prints the seals that the signed files of an account carry, as far as they were learned: how many files
carry each, whose it is, and which one stood where always another had stood. That opens the incident
sealed_by_another. When you know why (the provider has another certificate, say), --accept takes those seals for
usual ones and closes the incident. Look at such a file first: documents show prints its certificate.`,
		Example: "  countersign documents seals sales\n  countersign documents seals sales --accept",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx := cmd.Context()
			if !accept {
				return env.Reading(ctx,
					func(c *config.Config, s *store.Store) error { return printSeals(ctx, env, c, s, args[0]) })
			}
			return env.Writing(ctx, func(ctx context.Context, w *engine.Writer) error {
				if err := arguments.KnownAccounts(ctx, w.Config, w.Store, args[0]); err != nil {
					return err
				}
				n, err := seals.Accept(ctx, w.Store, w.Worker.Table.Incidents(), args[0])
				if err != nil {
					return err
				}
				return env.TellCount("cli.seals.accepted", n, "account", args[0])
			})
		},
	}
	cmd.Flags().BoolVar(&accept, "accept", false, "take the seals that were told as another's for usual ones")
	return cmd
}

func printSeals(ctx context.Context, env *engine.Env, c *config.Config, s *store.Store, account string) error {
	if err := arguments.KnownAccounts(ctx, c, s, account); err != nil {
		return err
	}
	list, err := s.Sealers(ctx, account)
	if err != nil {
		return err
	}
	if len(list) == 0 {
		return env.Tell("cli.seals.none", "account", account)
	}
	t := env.Table("seal", "files", "since", "owner", "issuer", "note", "first document")
	for _, x := range list {
		d, err := s.Document(ctx, x.Document)
		if err != nil && !errors.Is(err, store.ErrNoRow) {
			return err
		}
		seal, _ := d.Facts.SealOf()
		note := ""
		if x.Other {
			note = env.Paint(output.Bad, env.Word("cli.seal", string(model.SealOther)))
		}
		key := x.Key
		if env.Terminal {
			key = key[:min(len(key), 16)] // as much as --accept needs
		}
		t.AppendRow([]any{key, x.Documents, env.Ago(&x.FirstAt), env.Cell(seal.Signer, 40),
			env.Cell(seal.Certificate().Issuer, 40), note, x.Document})
	}
	return env.Print(t)
}
