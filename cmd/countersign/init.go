package main

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"countersign/cmd/countersign/config"
	"countersign/cmd/countersign/engine"
	"countersign/cmd/countersign/output"
	"countersign/provider"
)

type initFlags struct {
	provider, account, url, file string
	force                        bool
}

func newInitCommand(env *engine.Env) *cobra.Command {
	var f initFlags
	cmd := &cobra.Command{
		Use:   "init",
		Short: "Write a config after a few questions",
		Long: `init asks which provider is followed, what the account is called and which URL the provider can call, and
writes a commented config. What a flag says is not asked. Secrets are not asked for: the config names the
environment variables that hold them. A config that is there is not written over, but with --force.`,
		Example: "  countersign init\n  countersign init --provider onespan --account sales --public-url https://sign.example.com",
		Args:    cobra.NoArgs,
		RunE:    func(*cobra.Command, []string) error { return runInit(env, f) },
	}
	flags := cmd.Flags()
	flags.StringVar(&f.provider, "provider", "", "the `PROVIDER`")
	flags.StringVar(&f.account, "account", "", "what the `ACCOUNT` is called here")
	flags.StringVar(&f.url, "public-url", "", "the `URL` that the provider can reach; none: polls only")
	flags.StringVar(&f.file, "file", "", "write this `FILE` (default: --config, or config.yaml)")
	flags.BoolVar(&f.force, "force", false, "write over a file that is there")
	return cmd
}

func runInit(env *engine.Env, f initFlags) error {
	file := cmp.Or(f.file, env.ConfigFlag, "config.yaml")
	if _, err := os.Lstat(file); err == nil && !f.force {
		return output.Usagef("%s is there already: name another file, or --force", file)
	}
	in := bufio.NewReader(env.Stdin)
	names := slices.Sorted(maps.Keys(env.Providers))
	given := f.provider != "" && f.account != "" // then the URL may be left out
	for _, q := range []struct {
		to       *string
		question string
		fallback string
		skip     bool
	}{
		{&f.provider, "provider (" + strings.Join(names, ", ") + ")", "", false},
		{&f.account, "a name for the account, as it is to stand in URLs and rows", "main", false},
		{&f.url, "the URL of this machine that the provider can call, empty for none", "", given},
	} {
		if *q.to != "" || q.skip {
			continue
		}
		answer, err := askLine(env, in, q.question, q.fallback)
		if err != nil {
			return err
		}
		*q.to = answer
	}
	if !slices.Contains(names, f.provider) {
		return output.Usagef("%q is not a provider: one of %s", f.provider, strings.Join(names, ", "))
	}
	if !config.IsID(f.account) {
		return output.Usagef("%q is not an account id: lower case letters, digits, - and _, at most 63, a letter or digit first", f.account)
	}
	text, secrets := initialConfig(f, env.Providers[f.provider].Traits)
	if err := checkAnswers(env, file, text); err != nil {
		return err
	}
	if err := writeConfig(file, text, f.force); err != nil {
		return err
	}
	return env.Printf("%s is written. Next:\n  set %s in the environment\n  countersign --config %[1]s doctor\n  countersign --config %[1]s serve\n", file, strings.Join(secrets, " and "))
}

// writeConfig writes a new config; one that is there, and not to be written over, is the operator's to see to.
func writeConfig(file, text string, force bool) error {
	err := config.WriteNew(file, text, force)
	if errors.Is(err, config.ErrThere) {
		return output.Usagef("%w", err)
	}
	return err
}

// askLine puts a question and reads a line.
func askLine(env *engine.Env, in *bufio.Reader, question, fallback string) (string, error) {
	if fallback != "" {
		question += " [" + fallback + "]"
	}
	fmt.Fprintf(env.Stderr, "%s: ", question)
	line, err := in.ReadString('\n')
	if err != nil && err != io.EOF { //nolint:errorlint // ReadString returns it as it is
		return "", err
	}
	return cmp.Or(strings.TrimSpace(line), fallback), nil
}

// checkAnswers refuses answers that make no config; secrets may be missing.
func checkAnswers(env *engine.Env, file, text string) error {
	_, err := config.Parse(file, []byte(text), config.Source{Lookup: env.Lookup, Providers: env.Providers, WithoutSecrets: true})
	if list := (*config.Faults)(nil); errors.As(err, &list) {
		return &output.ExitError{Code: output.ExitUsage, Err: list}
	}
	return err
}

// initialConfig is a first config, and the environment variables that it wants.
func initialConfig(f initFlags, traits provider.Traits) (text string, secrets []string) {
	name := strings.ToUpper(strings.ReplaceAll(f.account, "-", "_"))
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line("# countersign's config. config.example.yaml names every key; `countersign config check` tells all faults.")
	line("# Secrets come from the environment, \"${NAME}\", or from a file: api_key_file: /run/secrets/key.")
	line("")
	line("# The table, and the signed documents. Relative paths start at this file's folder.")
	line("database: sqlite:./countersign.db")
	line("documents: file:./documents")
	line("")
	line("# The listener that providers reach.")
	line("public:")
	line("  address: \":8081\"")
	if f.url == "" {
		line("  # What providers call from outside; without it only polls bring news.")
		line("  # url: \"https://sign.example.com\"")
	} else {
		line("  # Register %s/callbacks/%s with the provider.", strings.TrimRight(output.Plain(f.url), "/"), f.account)
		line("  url: %s", config.Quote(f.url))
	}
	line("")
	line("# The private listener: metrics and health.")
	line("console: { address: \"127.0.0.1:8080\" }")
	line("")
	line("accounts:")
	line("  - id: %s", f.account)
	line("    provider: %s", f.provider)
	if traits.BaseURLNote != "" {
		line("    # %s", traits.BaseURLNote)
		line("    base_url: %s", config.Quote(traits.BaseURL))
	}
	line("    settings:")
	for _, want := range traits.FirstSettings {
		env := name + "_" + want.Env
		secrets = append(secrets, env)
		if want.Note != "" {
			line("      # %s", want.Note)
		}
		line("      "+want.Form, env)
	}
	return b.String(), secrets
}
