package main

import (
	"github.com/spf13/cobra"

	"countersign/cmd/countersign/engine"
	"countersign/cmd/countersign/hooks"
)

func newHooksCommand(env *engine.Env) *cobra.Command {
	return group("hooks", "Show, try and repeat what is announced", hooks.Commands(env)...)
}
