package main

import (
	"github.com/spf13/cobra"

	"countersign/cmd/countersign/bench/verbs"
	"countersign/cmd/countersign/engine"
)

// newBenchCommand measures this machine. It is not on the help's first page.
func newBenchCommand(env *engine.Env) *cobra.Command {
	cmd := group("bench", "Measure this machine beside its limits", verbs.Commands(env)...)
	cmd.Hidden = true
	return cmd
}
