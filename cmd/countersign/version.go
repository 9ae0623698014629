package main

import (
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"

	"countersign/cmd/countersign/engine"
)

func newVersionCommand(env *engine.Env) *cobra.Command {
	return &cobra.Command{
		Use:     "version",
		Short:   "Print which countersign this is",
		Example: "  countersign version",
		Args:    cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			return env.Printf("countersign %s %s/%s %s\n", version(), runtime.GOOS, runtime.GOARCH, runtime.Version())
		},
	}
}

// version is the module's version, or the commit it was built from.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	commit, dirty := "", ""
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision":
			commit = s.Value[:min(12, len(s.Value))]
		case s.Key == "vcs.modified" && s.Value == "true":
			dirty = "+changes"
		}
	}
	v := info.Main.Version
	if v == "" || v == "(devel)" {
		v = "development"
	}
	if commit != "" {
		v += " (" + commit + dirty + ")"
	}
	return v
}
