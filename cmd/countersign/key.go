package main

import (
	"github.com/spf13/cobra"

	"countersign/cmd/countersign/engine"
	"countersign/cmd/countersign/upkeep"
)

func newKeyCommand(env *engine.Env) *cobra.Command {
	return group("key", "Change the installation key", newKeyRotateCommand(env))
}

func newKeyRotateCommand(env *engine.Env) *cobra.Command {
	var forget bool
	cmd := &cobra.Command{
		Use:   "rotate",
		Short: "Make a new installation key and encrypt everything under it",
		Long: `rotate writes a new key before the old one into the key file, then encrypts tokens, links and refused
bodies anew. It is refused while a daemon runs. Broken off at any point, nothing is lost: both keys are
in the file, and rotate goes on where it was and makes no further key.

The old key stays in the file, after the new one: hashes of secret headers were made with it, and a
backup from before needs it. --forget-old takes old keys out, once nothing rests under them; ` + "`callbacks\nexplain` and `replay`" + ` then no longer recognise the headers of callbacks that came before the change.

Where the key is in COUNTERSIGN_KEY, put the new one before the old one there, with a space between, and
rotate encrypts under the first.`,
		Example: "  countersign key rotate  # while no daemon runs\n  countersign key rotate --forget-old",
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return upkeep.RotateKey(cmd.Context(), env, forget) },
	}
	cmd.Flags().BoolVar(&forget, "forget-old", false, "take old keys out of the key file, once nothing rests under them")
	return cmd
}
