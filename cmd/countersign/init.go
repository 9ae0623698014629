package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"countersign/cmd/countersign/arguments"
	"countersign/cmd/countersign/config"
	"countersign/cmd/countersign/engine"
	"countersign/cmd/countersign/output"
	"countersign/provider"
)

type initFlags struct {
	provider, account, url, base, file string
	force                              bool
}

func newInitCommand(env *engine.Env) *cobra.Command {
	var f initFlags
	cmd := &cobra.Command{
		Use:   "init",
		Short: "Write a config after a few questions",
		Long: `init asks which provider is followed, what the account is called, which of the provider's servers is meant where
there are several, and which URL the provider can call, and writes a commented config. What a flag says is not asked.
Secrets are not asked for: the config names the environment variables that hold them. A config that is there is not
written over, but with --force.`,
		Example: "  countersign init\n  countersign init --provider onespan --account sales \\\n    --public-url https://sign.example.com",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runInit(cmd.Context(), env, f, cmd.Flags().Changed)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.provider, "provider", "", "the `PROVIDER`")
	flags.StringVar(&f.account, "account", "", "what the `ACCOUNT` is called here")
	flags.StringVar(&f.base, "base-url", "", "the provider's server, a `URL`: your own, or another than the usual one")
	flags.StringVar(&f.url, "public-url", "", "the `URL` that the provider can reach; \"\": polls only")
	flags.StringVar(&f.file, "file", "", "write this `FILE` (default: --config, or config.yaml)")
	flags.BoolVar(&f.force, "force", false, "write over a file that is there")
	return cmd
}

func runInit(ctx context.Context, env *engine.Env, f initFlags, given func(flag string) bool) error {
	file := cmp.Or(f.file, env.ConfigFlag, "config.yaml")
	if _, err := os.Lstat(file); err == nil && !f.force {
		return output.Usagef("%s is there already: name another file, or --force", file)
	}
	if f.force { // before anybody answers in vain
		if err := arguments.MayBeConfig(file); err != nil {
			return err
		}
	}
	if err := f.answer(arguments.NewPrompt(ctx, env), env.Speech, env.Providers, given); err != nil {
		return err
	}
	text, secrets := initialConfig(f, env.Providers[f.provider].Traits)
	if err := checkAnswers(env, file, text); err != nil {
		return err
	}
	if err := arguments.WriteConfig(file, text, f.force); err != nil {
		return err
	}
	return env.Printf("%s\n  %s\n  countersign --config %[3]s doctor\n  countersign --config %[3]s serve\n",
		env.Say("cli.init.next", "file", file), env.Say("cli.init.set", "variables", env.List(secrets)), file)
}

// answer asks for what no flag says. Flags are checked first, each answer where it is given.
func (f *initFlags) answer(
	p arguments.Prompt, say output.Speech, known map[string]provider.Driver, given func(flag string) bool,
) error {
	names := strings.Join(slices.Sorted(maps.Keys(known)), ", ")
	traits := func() provider.Traits { return known[f.provider].Traits }
	questions := []struct {
		flag     string
		to       *string
		question func() string // "" where it is not asked
		fallback func() string
		fault    func(output.Speech, string) string
	}{
		{"provider", &f.provider, func() string { return say.Say("cli.init.provider", "providers", names) }, nothing,
			func(say output.Speech, s string) string {
				if _, ok := known[s]; ok {
					return ""
				}
				return say.Say("cli.init.provider.not", "given", strconv.Quote(s), "providers", names)
			}},
		{"account", &f.account, func() string { return say.Say("cli.init.account") },
			func() string { return "main" }, func(say output.Speech, s string) string {
				if !config.IsID(s) {
					return say.Say("cli.init.account.not", "given", strconv.Quote(s))
				}
				return ""
			}},
		{"base-url", &f.base, func() string { return serverQuestion(say, f.provider, traits()) }, func() string {
			if traits().SelfHosted {
				return "" // the key must not go to a server that nobody named
			}
			return traits().BaseURL
		}, func(say output.Speech, s string) string { return urlFault(say, s, false) }},
		{"public-url", &f.url,
			func() string { return say.Say("cli.init.public_url") }, nothing,
			func(say output.Speech, s string) string {
				return urlFault(say, s, s == "")
			}},
	}
	for _, q := range questions {
		if given(q.flag) {
			if fault := q.fault(output.English(), *q.to); fault != "" {
				return output.Usagef("--%s: %s", q.flag, fault)
			}
		}
	}
	for _, q := range questions {
		question := q.question()
		if given(q.flag) || question == "" {
			continue
		}
		answer, err := p.Ask(question, q.fallback(), func(s string) string { return q.fault(say, s) })
		if err != nil {
			return fmt.Errorf("%w (or say --%s)", err, q.flag)
		}
		*q.to = answer
	}
	return nil
}

func nothing() string { return "" }

// serverQuestion asks which server is meant, where accounts differ in it.
func serverQuestion(say output.Speech, name string, t provider.Traits) string {
	if t.BaseURLNote == "" {
		return ""
	}
	note := say.Word("cli.init.server", name)
	if note == name {
		note = strings.TrimSuffix(t.BaseURLNote, ".")
	}
	return say.Say("cli.init.server", "note", note)
}

// urlFault is config.URLFault in the language of whoever answers; fine says that there is none.
func urlFault(say output.Speech, s string, fine bool) string {
	if fine {
		return ""
	}
	return say.Stored(config.URLFault(s))
}

// checkAnswers refuses answers that make no config; secrets may be missing.
func checkAnswers(env *engine.Env, file, text string) error {
	_, err := config.Parse(file, []byte(text),
		config.Source{Lookup: env.Lookup, Providers: env.Providers, WithoutSecrets: true})
	if list := (*config.Faults)(nil); errors.As(err, &list) {
		return &output.ExitError{Code: output.ExitUsage, Err: list}
	}
	return err
}

// initialConfig is a first config, and the environment variables that it wants.
func initialConfig(f initFlags, traits provider.Traits) (text string, secrets []string) {
	name := strings.ToUpper(f.provider)
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
	}
	if f.base != "" {
		line("    base_url: %s", config.Quote(f.base))
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
