package main

import (
	"github.com/spf13/cobra"

	"countersign/cmd/countersign/engine"
	"countersign/cmd/countersign/health"
)

func newConfigCommand(env *engine.Env) *cobra.Command {
	return group("config", "Check the config, or show it", newConfigCheckCommand(env), newConfigShowCommand(env))
}

func newConfigCheckCommand(env *engine.Env) *cobra.Command {
	return &cobra.Command{
		Use:   "check",
		Short: "Say what is wrong with the config, or what it means",
		Long: `check reads the config as the daemon would, with every secret in place, and tells all that is wrong
with it at once, each with file, line and path. Where nothing is wrong it shows what was understood:
the accounts, what each provider has to call, and when the next polls are. Nothing is called and
nothing is written. Exit 2 where something is wrong.`,
		Example: "  countersign config check\n  countersign --config /etc/countersign/config.yaml config check",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := env.Config()
			if err != nil {
				return err
			}
			return health.PrintConfig(cmd.Context(), env, c)
		},
	}
}
