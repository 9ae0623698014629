package main

import "github.com/spf13/cobra"

// verbs is every verb, in the order of the help. Each is built for one run of the program.
func verbs() []func(*app) *cobra.Command {
	return []func(*app) *cobra.Command{
		demoVerb,
		serveVerb,
		statusVerb,
		listVerb,
		showVerb,
		changesVerb,
		trackVerb,
		resolveVerb,
		forgetVerb,
		gapsVerb,
		pollVerb,
		backfillVerb,
		verifyVerb,
		callbacksVerb,
		registrationVerb,
		oauthVerb,
		documentsVerb,
		doctorVerb,
		initVerb,
		migrateVerb,
		exportVerb,
		backupVerb,
		restoreVerb,
		keyVerb,
		configVerb,
		simulateVerb,
		versionVerb,
		benchVerb,
		checkFileVerb,
	}
}
