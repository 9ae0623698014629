package main

import (
	"github.com/spf13/cobra"

	"countersign/cmd/countersign/doctor"
	"countersign/cmd/countersign/engine"
)

func newRegistrationCommand(env *engine.Env) *cobra.Command {
	return group("registration", "See, set and try what a provider calls", newRegistrationShowCommand(env),
		newRegistrationSetCommand(env), newRegistrationCheckCommand(env))
}

func newRegistrationShowCommand(env *engine.Env) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "show ACCOUNT",
		Short: "Show what the provider calls, and whether that is us",
		Long: `show asks the provider which URL it calls for the account, and compares it with public.url and
/callbacks/ACCOUNT. Nothing is changed.`,
		Example: "  countersign registration show sales",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return doctor.ShowRegistration(cmd.Context(), env, args[0], asJSON)
		},
	}
	jsonFlag(cmd, &asJSON)
	return cmd
}

func newRegistrationCheckCommand(env *engine.Env) *cobra.Command {
	var loopback, asJSON bool
	cmd := &cobra.Command{
		Use:   "check ACCOUNT",
		Short: "Send a signed test callback to ourselves and name the step that fails",
		Long: `check signs a callback as the provider would, sends it to public.url and /callbacks/ACCOUNT, and follows it to the
database: name, connection, certificate, route, signature, storage, acknowledgement. It stops at the first step
that fails and says what cures it. --loopback sends it to public.address instead, past proxies and firewalls: where
that works and the other does not, the fault lies between. The daemon has to run.`,
		Example: "  countersign registration check sales\n  countersign registration check sales --loopback",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return doctor.CheckRegistration(cmd.Context(), env, args[0], loopback, asJSON)
		},
	}
	cmd.Flags().BoolVar(&loopback, "loopback", false, "send it to public.address, not to public.url")
	jsonFlag(cmd, &asJSON)
	return cmd
}
