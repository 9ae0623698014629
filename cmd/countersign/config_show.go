package main

import (
	"encoding/json"

	"github.com/spf13/cobra"
	"go.yaml.in/yaml/v3"

	"countersign/cmd/countersign/engine"
)

func newConfigShowCommand(env *engine.Env) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "show",
		Short: "Print the config as it was understood",
		Long: `show prints every key with its value: defaults filled in, aliases, variables and paths resolved. Secrets, and whatever
of an account's settings came from the environment or a file, are masked; they may be missing. "check" says what is wrong.`,
		Example: "  countersign config show\n  countersign config show --json | jq .accounts",
		Args:    cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			c, err := env.ReadConfig()
			if err != nil {
				return err
			}
			shown := c.Shown()
			if asJSON {
				var all map[string]any
				if err := shown.Decode(&all); err != nil {
					return err
				}
				out := json.NewEncoder(env.Stdout)
				out.SetEscapeHTML(false)
				return out.Encode(all)
			}
			if err := env.Tell("cli.config.shown", "file", c.File()); err != nil {
				return err
			}
			out := yaml.NewEncoder(env.Stdout)
			out.SetIndent(2)
			if err := out.Encode(shown); err != nil {
				return err
			}
			return out.Close()
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "one object")
	return cmd
}
