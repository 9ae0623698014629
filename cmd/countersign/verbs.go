package main

import (
	"github.com/spf13/cobra"

	"countersign/cmd/countersign/engine"
)

// verbs is every verb, in the order of the help. Each is built for one run of the program.
func verbs() []func(*engine.Env) *cobra.Command {
	return []func(*engine.Env) *cobra.Command{
		newDemoCommand,
		newServeCommand,
		newStatusCommand,
		newListCommand,
		newShowCommand,
		newChangesCommand,
		newTrackCommand,
		newUntrackCommand,
		newResolveCommand,
		newForgetCommand,
		newGapsCommand,
		newPollCommand,
		newBackfillCommand,
		newVerifyCommand,
		newCallbacksCommand,
		newRegistrationCommand,
		newOauthCommand,
		newDocumentsCommand,
		newDoctorCommand,
		newInitCommand,
		newMigrateCommand,
		newExportCommand,
		newBackupCommand,
		newRestoreCommand,
		newKeyCommand,
		newConfigCommand,
		newSimulateCommand,
		newVersionCommand,
		newBenchCommand,
		newCheckFileCommand,
	}
}
