package main

import (
	"fmt"
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
		RunE:    func(*cobra.Command, []string) error { return env.Printf("%s\n", versionLine()) },
	}
}

// versionLine is what version and --version print.
func versionLine() string {
	return fmt.Sprintf("countersign %s %s/%s %s", programVersion(), runtime.GOOS, runtime.GOARCH, runtime.Version())
}

// programVersion is the version of this program.
func programVersion() string {
	info, _ := debug.ReadBuildInfo()
	return versionOf(info)
}

// versionOf is the module's version and the commit that it was built from.
func versionOf(info *debug.BuildInfo) string {
	if info == nil {
		return "unknown"
	}
	v, commit, dirty := info.Main.Version, "", ""
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision":
			commit = s.Value[:min(12, len(s.Value))]
		case s.Key == "vcs.modified" && s.Value == "true":
			dirty = "+changes"
		}
	}
	released := v != "" && v != "(devel)"
	if !released {
		v = "development"
	}
	switch {
	case commit != "":
		v += " (" + commit + dirty + ")"
	case !released:
		v += " (no commit: built with -buildvcs=false, or not from a clone)"
	}
	return v
}
