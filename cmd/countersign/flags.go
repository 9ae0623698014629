package main

import (
	"github.com/spf13/cobra"
)

func limitFlag(cmd *cobra.Command, to *int) {
	cmd.Flags().IntVar(to, "limit", 0, "at most `N`; 0 is all")
}

func jsonFlag(cmd *cobra.Command, to *bool) {
	cmd.Flags().BoolVar(to, "json", false, "one JSON object a line")
}
