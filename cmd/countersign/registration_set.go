package main

import (
	"context"

	"github.com/spf13/cobra"

	"countersign/cmd/countersign/doctor"
	"countersign/cmd/countersign/engine"
)

func newRegistrationSetCommand(env *engine.Env) *cobra.Command {
	var f doctor.Setting
	cmd := &cobra.Command{
		Use:   "set ACCOUNT",
		Short: "Make the provider call public.url",
		Long: `set registers public.url and /callbacks/ACCOUNT at the provider. It reads first what stands there, and displaces
another URL only with --replace. Where our own stands already, only what is wrong is mended: missing events, an
endpoint that was turned off. Some providers try the URL at once: start the daemon first.`,
		Example: "  countersign registration set sales\n  countersign registration set hr --replace \\\n    --scope app:0dd3b823a682527788c4e40cb7b6f7e9",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := env.Config()
			if err != nil {
				return err
			}
			if err := doctor.Settable(c, args[0]); err != nil {
				return err
			}
			if f.DryRun {
				return doctor.PlanRegistration(cmd.Context(), env, c, args[0], f)
			}
			return env.WritingWith(cmd.Context(), c, func(ctx context.Context, w *engine.Writer) error {
				return doctor.SetRegistration(ctx, env, w, args[0], f)
			})
		},
	}
	flags := cmd.Flags()
	flags.BoolVar(&f.Replace, "replace", false, "displace another URL that stands there")
	flags.StringSliceVar(&f.Events, "events", nil,
		"only these event types: `A,B`; all that are of use where it is left out")
	flags.StringVar(&f.Scope, "scope", "", "where the provider has several places, this one: `app:ID`")
	flags.BoolVar(&f.DryRun, "dry-run", false, "only say what would be done")
	jsonFlag(cmd, &f.JSON)
	return cmd
}
