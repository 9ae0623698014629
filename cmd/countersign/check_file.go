package main

import (
	"errors"

	"github.com/spf13/cobra"

	"countersign/cmd/countersign/engine"
	"countersign/cmd/countersign/output"
	"countersign/cmd/countersign/sandbox"
)

// newCheckFileCommand is the child process that looks into one file and does nothing else, so that no file can stop or
// bloat the daemon. It is not for people.
func newCheckFileCommand(env *engine.Env) *cobra.Command {
	return &cobra.Command{
		Use:     sandbox.Verb,
		Short:   "Look into one file (the daemon's own child process)",
		Long:    "check-file reads the file that it was handed as descriptor 3 and prints what it found. The daemon starts it; it is not for people.",
		Example: "  countersign check-file 3< contract.pdf",
		Args:    cobra.NoArgs,
		Hidden:  true,
		RunE: func(cmd *cobra.Command, _ []string) error {
			err := sandbox.Child(cmd.Context(), env.Stdin, env.Stdout)
			if errors.Is(err, sandbox.ErrNoFile) {
				return output.Usagef("%w", err)
			}
			return err
		},
	}
}
