package main

import (
	"github.com/spf13/cobra"

	"countersign/cmd/countersign/engine"
	"countersign/cmd/countersign/hooks"
	"countersign/cmd/countersign/move"
)

// task is what people want to do, and the verbs for it, in the order of the help.
type task struct {
	id, title string
	verbs     []func(*engine.Env) *cobra.Command
}

// tasks are all verbs, by what they are for. Each is built for one run of the program.
func tasks() []task {
	type verbs = []func(*engine.Env) *cobra.Command
	return []task{
		{"try", "Try it out:", verbs{newDemoCommand, newSimulateCommand, newBenchCommand}},
		{"set-up", "Set up:", verbs{
			newInitCommand, newConfigCommand, newDoctorCommand, newRegistrationCommand, newOauthCommand, newKeyCommand, newTokenCommand,
		}},
		{"run", "Run:", verbs{newServeCommand, newMigrateCommand, newBackupCommand, newRestoreCommand, move.NewCommand}},
		{"look", "Look:", verbs{
			newStatusCommand, newListCommand, newShowCommand, newChangesCommand, newGapsCommand, newCallbacksCommand,
			newDocumentsCommand, func(env *engine.Env) *cobra.Command {
				return group("hooks", "Show, try and repeat what is announced", hooks.Commands(env)...)
			}, newExportCommand,
		}},
		{"ask", "Ask the provider:", verbs{newPollCommand, newBackfillCommand, newVerifyCommand}},
		{"mend", "Mend:", verbs{newTrackCommand, newUntrackCommand, newResolveCommand, newForgetCommand}},
		{"", "", verbs{newVersionCommand, newCheckFileCommand}},
	}
}
