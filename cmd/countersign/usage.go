package main

import (
	"errors"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"countersign/cmd/countersign/arguments"
	"countersign/cmd/countersign/output"
)

// flagFault says what is wrong with a flag, in our words, and what to do.
func flagFault(cmd *cobra.Command, err error) error {
	if value := (*pflag.InvalidValueError)(nil); errors.As(err, &value) {
		fault := "is out of range"
		wants := wanted(value.GetFlag().Value.Type())
		if !errors.Is(err, strconv.ErrRange) {
			fault = "is not " + wants
		}
		if wants != "" {
			return output.Usagef("--%s %q %s: see `%s --help`", value.GetFlag().Name, value.GetValue(), fault, cmd.CommandPath())
		}
	}
	if arguments.TakesRefs(cmd) {
		return output.Usagef("%w: see `%s --help`; a ref that begins with -- follows a -- of its own", err, cmd.CommandPath())
	}
	return output.Usagef("%w: see `%s --help`", err, cmd.CommandPath())
}

// wanted says what a flag of one of pflag's own types takes; "" for ours, whose errors say it.
func wanted(kind string) string {
	switch {
	case kind == "bool":
		return "true or false"
	case kind == "duration":
		return "a length of time such as 30s, 5m or 2h"
	case strings.HasPrefix(kind, "uint"):
		return "a whole number, 0 or more"
	case strings.HasPrefix(kind, "int"):
		return "a whole number"
	case strings.HasPrefix(kind, "float"):
		return "a number"
	}
	return ""
}

// newHelpCommand is help, which refuses what is no verb.
func newHelpCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "help [VERB]",
		Short:   "Say what a verb does",
		Example: "  countersign help list",
		RunE: func(cmd *cobra.Command, args []string) error {
			of, rest, _ := cmd.Root().Find(args) //nolint:errcheck // what is left says it
			if of == nil {
				of = cmd.Root()
			}
			if len(rest) > 0 {
				return unknownVerb(of, rest)
			}
			of.InitDefaultHelpFlag()
			return of.Help()
		},
	}
}
