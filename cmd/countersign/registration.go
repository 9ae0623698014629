package main

import (
	"cmp"
	"context"
	"errors"
	"strings"

	"github.com/spf13/cobra"

	"countersign/cmd/countersign/doctor"
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
	out := doctor.NewRegistration(id, c.CallbackURL(id), reg)
	if asJSON {
		return env.JSONLines().Write(out)
	}
	return printRegistration(env, out)
}

func printRegistration(env *engine.Env, r doctor.Registration) error {
	for _, x := range append([]doctor.Registration{r}, r.Others...) {
		said, state := output.Good, "this is us"
		switch {
		case x.Wanted == "":
			said, state = output.Warn, "public.url is not set"
		case x.URL == "":
			said, state = output.Warn, "no URL is registered"
		case !x.Matches:
			said, state = output.Warn, "not us"
		}
		if x.Disabled {
			said, state = output.Bad, state+", and the provider has turned the calls off"
		}
		state = env.Paint(said, state)
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

func newRegistrationCheckCommand(env *engine.Env) *cobra.Command {
	var loopback, asJSON bool
	cmd := &cobra.Command{
		Use:   "check ACCOUNT",
		Short: "Send a signed test callback to ourselves and name the step that fails",
		Long: `check signs a callback as the provider would, sends it to public.url and /callbacks/ACCOUNT, and follows it to the
database: name, connection, certificate, route, signature, storage, acknowledgement. It stops at the first step
that fails and says what cures it. --loopback sends it to public.address instead, past proxies and firewalls: where
that works and the other does not, the fault lies between. The daemon has to run.`,
		Example: "  countersign registration check sales\n  countersign registration check sales --loopback",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return doctor.CheckRegistration(cmd.Context(), env, args[0], loopback, asJSON)
		},
	}
	cmd.Flags().BoolVar(&loopback, "loopback", false, "send it to public.address, not to public.url")
	jsonFlag(cmd, &asJSON)
	return cmd
}
