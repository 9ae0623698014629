package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"countersign/cmd/countersign/acting"
	"countersign/cmd/countersign/arguments"
	"countersign/cmd/countersign/config"
	"countersign/cmd/countersign/engine"
	"countersign/cmd/countersign/output"
	"countersign/cmd/countersign/output/layout"
)

// app is one run of the program.
type app struct {
	*engine.Env
	began bool // a verb was found and its arguments fit
}

func newApp(stdin io.Reader, stdout, stderr io.Writer) *app {
	env := engine.NewEnv(stdin, stdout, stderr, providers())
	env.Version, env.Acts = programVersion(), acting.New
	return &app{Env: env}
}

// run is the whole program: it does what args say and returns the exit code.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	return newApp(stdin, stdout, stderr).run(ctx, args)
}

// run carries out one command line and tells how it ended.
func (a *app) run(ctx context.Context, args []string) int {
	a.Words = output.LanguageOf(a.Lookup)
	root := a.root()
	root.SetArgs(arguments.RefsAsTheyAre(root, args))
	err := root.ExecuteContext(ctx)
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		err = errors.New("interrupted")
	}
	return a.exit(err)
}

// exit tells err and returns the code that goes with it.
func (a *app) exit(err error) int {
	if err == nil || quiet(err) {
		return output.ExitDone
	}
	code := output.ExitFailed
	if !a.began {
		code = output.ExitUsage
	}
	var exit *output.ExitError
	if errors.As(err, &exit) {
		code = exit.Code
		if exit.Err == nil {
			return code
		}
	}
	a.complain(err)
	a.Flush()
	return code
}

// complain writes err to stderr: every fault of a config on a line of its own, then one line that
// says what to do.
func (a *app) complain(err error) {
	var list *config.Faults
	if errors.As(err, &list) {
		for _, line := range list.Lines() {
			fmt.Fprintln(a.Stderr, line)
		}
	}
	fmt.Fprintf(a.Stderr, "error: %s\n", strings.ReplaceAll(strings.TrimSpace(err.Error()), "\n", "; "))
}

// quiet says whether err only means that nobody reads on.
func quiet(err error) bool {
	return errors.Is(err, syscall.EPIPE) || errors.Is(err, io.ErrClosedPipe) || errors.Is(err, os.ErrClosed)
}

// root builds the tree of verbs.
func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "countersign",
		Short: "A local database of e-signature transactions that can be trusted",
		Long: `countersign keeps a local database of e-signature transactions that can be trusted.

Providers call back when something happens; callbacks get lost, doubled, reordered and forged. So a
callback listener updates the table at once, polls ask the providers for the truth, and what the
callbacks missed is repaired, recorded and counted. Signed documents are fetched, checked and kept.

Exit codes: 0 done, 1 failed, 2 wrong usage or config, 3 drift or an open incident.`,
		Example: "  countersign config check\n  countersign status\n  countersign list --status in_progress",
		Args: func(cmd *cobra.Command, args []string) error {
			return unknownVerb(cmd, args)
		},
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.SetIn(a.Stdin)
	root.SetOut(a.Stdout)
	root.SetErr(a.Stderr)
	root.SetFlagErrorFunc(flagFault)
	root.Version = versionLine()
	root.SetVersionTemplate("{{.Version}}\n")
	root.PersistentFlags().StringVar(&a.ConfigFlag, "config", "",
		"config `FILE` (default: COUNTERSIGN_CONFIG, ./config.yaml, "+config.SystemConfig+")")
	arguments.Language(root, a.Env)
	for _, t := range tasks() {
		if t.id != "" {
			root.AddGroup(&cobra.Group{ID: t.id, Title: t.title})
		}
		for _, verb := range t.verbs {
			cmd := verb(a.Env)
			cmd.GroupID = t.id
			root.AddCommand(cmd)
		}
	}
	root.SetHelpCommand(newHelpCommand())
	root.SetHelpFunc(func(cmd *cobra.Command, _ []string) {
		fmt.Fprint(cmd.OutOrStdout(), layout.Help(cmp.Or(cmd.Long, cmd.Short), cmd.UsageString())) //nolint:errcheck // nobody reads on
	})
	root.InitDefaultCompletionCmd()
	for _, cmd := range root.Commands() {
		if cmd.Name() == "completion" {
			needsVerb(cmd, "bash", "zsh", "fish", "powershell")
			for _, shell := range cmd.Commands() {
				shell.Example = "  " + shell.CommandPath()
			}
		}
	}
	a.watch(root)
	arguments.Help(root)
	return root
}

// watch notes when a verb begins: an error before that is one of usage.
func (a *app) watch(cmd *cobra.Command) {
	if do := cmd.RunE; do != nil {
		cmd.RunE = func(cmd *cobra.Command, args []string) error {
			a.began = true
			return do(cmd, args)
		}
	}
	if fits := cmd.Args; fits != nil {
		cmd.Args = func(cmd *cobra.Command, args []string) error {
			err := fits(cmd, args)
			if exit := new(output.ExitError); err == nil || errors.As(err, &exit) {
				return err
			}
			return argsFault(cmd, args)
		}
	}
	if cmd.ValidArgsFunction == nil && !strings.Contains(cmd.Use, "FILE") {
		cmd.ValidArgsFunction = cobra.NoFileCompletions // a shell would offer files as accounts and refs
	}
	for _, sub := range cmd.Commands() {
		a.watch(sub)
	}
}

// argsFault says which arguments a verb takes, in the words of its usage, where others were given.
func argsFault(cmd *cobra.Command, args []string) error {
	_, takes, some := strings.Cut(cmd.Use, " ")
	switch {
	case !some:
		return output.Usagef("%s takes no %q: see `%s --help`", cmd.CommandPath(), args[0], cmd.CommandPath())
	case len(args) == 0:
		return output.Usagef("%s needs %s: see `%s --help`", cmd.CommandPath(), takes, cmd.CommandPath())
	}
	return output.Usagef("%s takes %s, not %s: see `%s --help`",
		cmd.CommandPath(), takes, output.Count(len(args), "argument"), cmd.CommandPath())
}

// group is a verb that only holds others, such as `callbacks list`.
func group(use, short string, subs ...*cobra.Command) *cobra.Command {
	cmd := &cobra.Command{Use: use, Short: short}
	cmd.AddCommand(subs...)
	names := make([]string, len(subs))
	for i, s := range subs {
		names[i] = s.Name()
	}
	return needsVerb(cmd, names...)
}

// needsVerb makes a verb refuse to be called without one of its own verbs.
func needsVerb(cmd *cobra.Command, names ...string) *cobra.Command {
	cmd.Args = func(cmd *cobra.Command, args []string) error {
		if len(args) > 0 {
			return unknownVerb(cmd, args)
		}
		return output.Usagef("%s needs one of: %s", cmd.CommandPath(), strings.Join(names, ", "))
	}
	cmd.RunE = func(*cobra.Command, []string) error { return nil }
	return cmd
}

// unknownVerb refuses what is no verb and names those that come near.
func unknownVerb(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	cmd.SuggestionsMinimumDistance = 2
	if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
		return output.Usagef("%s has no verb %q: did you mean %s?", cmd.CommandPath(), args[0], strings.Join(near, " or "))
	}
	return output.Usagef("%s has no verb %q: see `%s --help`", cmd.CommandPath(), args[0], cmd.CommandPath())
}
