package main

import (
	"cmp"
	"context"
	"errors"
	"strings"

	"github.com/spf13/cobra"

	"countersign/cmd/countersign/engine"
	"countersign/cmd/countersign/output"
	"countersign/provider"
)

func newRegistrationCommand(env *engine.Env) *cobra.Command {
	return group("registration", "See, set and try what a provider calls", newRegistrationShowCommand(env), newRegistrationSetCommand(env), newRegistrationCheckCommand(env))
}

func newRegistrationShowCommand(env *engine.Env) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "show ACCOUNT",
		Short: "Show what the provider calls, and whether that is us",
		Long: `show asks the provider which URL it calls for the account, and compares it with public.url and
/callbacks/ACCOUNT. Nothing is changed.`,
		Example: "  countersign registration show sales",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return showRegistration(cmd.Context(), env, args[0], asJSON)
		},
	}
	jsonFlag(cmd, &asJSON)
	return cmd
}

type registrationJSON struct {
	Account  string             `json:"account"`
	URL      string             `json:"url"`
	Scope    string             `json:"scope"`
	Events   []string           `json:"events"`
	Wanted   string             `json:"wanted"`
	Matches  bool               `json:"matches"`
	Disabled bool               `json:"disabled"`
	Warnings []string           `json:"warnings"`
	Others   []registrationJSON `json:"others"`
}

func showRegistration(ctx context.Context, env *engine.Env, id string, asJSON bool) error {
	c, err := env.Config()
	if err != nil {
		return err
	}
	s, err := env.OpenStore(ctx, c, true) // tokens that rest there are used
	if err == nil {
		defer s.Close() //nolint:errcheck // only read
	} else if !errors.Is(err, engine.ErrNoDatabase) {
		return err
	}
	b, err := env.Named(ctx, s, c, id)
	if err != nil {
		return err
	}
	r := b.Client.Registrar
	if r == nil {
		return env.Printf("%s does not tell what it calls: look in its dashboard for %s\n", b.Provider, cmp.Or(c.CallbackURL(id), "the URL"))
	}
	reg, err := r.Registration(ctx)
	if err != nil {
		return provider.Redact(err)
	}
	out := registrationObject(id, c.CallbackURL(id), reg)
	if asJSON {
		return env.JSONLines().Write(out)
	}
	return printRegistration(env, out)
}

func registrationObject(id, wanted string, reg provider.Registration) registrationJSON {
	out := registrationJSON{
		Account: id, URL: shownURL(reg.URL), Scope: reg.Scope, Events: reg.Events, Wanted: wanted,
		Matches: wanted != "" && sameURL(reg.URL, wanted), Disabled: reg.Disabled,
		Warnings: append([]string{}, reg.Warnings...), Others: []registrationJSON{},
	}
	for _, o := range reg.Others {
		out.Others = append(out.Others, registrationObject(id, wanted, o))
	}
	return out
}

// sameURL says whether two URLs are one, but for a slash at the end.
func sameURL(a, b string) bool { return strings.TrimRight(a, "/") == strings.TrimRight(b, "/") }

// shownURL is a registered URL without what may be a secret in it.
func shownURL(u string) string {
	head, _, cut := strings.Cut(u, "?")
	if cut {
		head += "?…"
	}
	return output.Plain(head)
}

func printRegistration(env *engine.Env, r registrationJSON) error {
	for _, x := range append([]registrationJSON{r}, r.Others...) {
		state := env.Paint(output.Good, "this is us")
		switch {
		case x.Wanted == "":
			state = env.Paint(output.Warn, "public.url is not set")
		case x.URL == "":
			state = env.Paint(output.Warn, "no URL is registered")
		case !x.Matches:
			state = env.Paint(output.Warn, "not us")
		case x.Disabled:
			state = env.Paint(output.Bad, "this is us, and it is turned off")
		}
		events := "all, or it does not tell"
		if x.Events != nil {
			events = output.Count(len(x.Events), "type") + ": " + strings.Join(x.Events, " ")
		}
		if err := env.Printf("calls   %s (%s)\nscope   %s\nevents  %s\n", cmp.Or(x.URL, "nothing"), state, output.Plain(x.Scope), output.Plain(events)); err != nil {
			return err
		}
		for _, w := range x.Warnings {
			if err := env.Printf("note    %s\n", output.Plain(w)); err != nil {
				return err
			}
		}
	}
	return env.Printf("ours    %s\n", cmp.Or(r.Wanted, "-"))
}
