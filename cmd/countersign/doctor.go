package main

import (
	"github.com/spf13/cobra"

	"countersign/cmd/countersign/doctor"
	"countersign/cmd/countersign/engine"
)

func newDoctorCommand(env *engine.Env) *cobra.Command {
	var account string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Check everything that has to be right, and say how to cure what is not",
		Long: `doctor checks the config, the database, the installation key, the documents folder, TLS and addresses, and
asks each provider whose the credentials are and what it calls. Where the environment names a proxy, it is tried.
No secret is printed. Exit 0 where nothing failed, 1 otherwise, 2 where the config cannot be read.`,
		Example: "  countersign doctor\n  countersign doctor --account sales --json",
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return doctor.Run(cmd.Context(), env, account, asJSON) },
	}
	cmd.Flags().StringVar(&account, "account", "", "of the accounts only this `ACCOUNT`")
	jsonFlag(cmd, &asJSON)
	return cmd
}
