package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"countersign/cmd/countersign/config"
	"countersign/cmd/countersign/doctor"
	"countersign/cmd/countersign/engine"
	"countersign/cmd/countersign/engine/accounts"
	"countersign/cmd/countersign/output"
	"countersign/model/store"
	"countersign/model/store/database"
	"countersign/provider"
)

type setFlags struct {
	replace, dryRun, json bool
	events                []string
	scope                 string
}

func newRegistrationSetCommand(env *engine.Env) *cobra.Command {
	var f setFlags
	cmd := &cobra.Command{
		Use:   "set ACCOUNT",
		Short: "Make the provider call public.url",
		Long: `set registers public.url and /callbacks/ACCOUNT at the provider. It reads first what stands there, and displaces
another URL only with --replace. Where our own stands already, only what is wrong is mended: missing events, an
endpoint that was turned off. Some providers try the URL at once: start the daemon first.`,
		Example: "  countersign registration set sales\n  countersign registration set hr --scope app:0dd3b823a682527788c4e40cb7b6f7e9 --replace",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := env.Config()
			if err != nil {
				return err
			}
			if err := settable(c, args[0]); err != nil {
				return err
			}
			if f.dryRun {
				return planRegistration(cmd.Context(), env, c, args[0], f)
			}
			return env.WritingWith(cmd.Context(), c, func(ctx context.Context, w *engine.Writer) error { return setRegistration(ctx, env, w, args[0], f) })
		},
	}
	flags := cmd.Flags()
	flags.BoolVar(&f.replace, "replace", false, "displace another URL that stands there")
	flags.StringSliceVar(&f.events, "events", nil, "only these event types: `A,B`; all that are of use where it is left out")
	flags.StringVar(&f.scope, "scope", "", "where the provider has several places, this one: `app:ID`")
	flags.BoolVar(&f.dryRun, "dry-run", false, "only say what would be done")
	jsonFlag(cmd, &f.json)
	return cmd
}

// settable says why an account's URL cannot be registered. A service that is itself reached by http, simulated or
// your own, may call http.
func settable(c *config.Config, id string) error {
	acc, ok := c.Account(id)
	switch {
	case !ok:
		return output.Usagef("account %q is not in the config", id)
	case c.Public.URL == "":
		return output.Usagef("public.url is not set: it is what a provider has to call")
	case strings.HasPrefix(c.Public.URL, "http://") && !strings.HasPrefix(acc.BaseURL, "http://"):
		return output.Usagef("public.url begins with http://: providers call https:// only")
	}
	return nil
}

// registrationSetter builds an account whose registration can be made.
func registrationSetter(ctx context.Context, env *engine.Env, s *store.Store, c *config.Config, id string) (accounts.Built, provider.Setter, error) {
	b, err := env.Named(ctx, s, c, id)
	if err != nil {
		return b, nil, err
	}
	p := b.Client.Setter
	if p == nil {
		return b, nil, fmt.Errorf("%s has no way to set what it calls: enter %s in its dashboard", b.Provider, c.CallbackURL(id))
	}
	return b, p, nil
}

// planRegistration says what set would do, and writes nothing.
func planRegistration(ctx context.Context, env *engine.Env, c *config.Config, id string, f setFlags) error {
	s, err := env.OpenStore(ctx, c, true)
	if err == nil {
		defer s.Close() //nolint:errcheck // only read
	} else if !errors.Is(err, engine.ErrNoDatabase) {
		return err
	}
	_, p, err := registrationSetter(ctx, env, s, c, id)
	if err != nil {
		return err
	}
	reg, err := p.Registration(ctx)
	if err != nil {
		return provider.Redact(err)
	}
	ours := c.CallbackURL(id)
	for _, other := range reg.Others {
		if app, ok := strings.CutPrefix(f.scope, "app:"); ok && other.Scope == "app "+app {
			reg = other
		}
	}
	switch {
	case doctor.SameURL(reg.URL, ours):
		return env.Printf("%s stands there already: only missing events or a disabled endpoint would be mended\n", ours)
	case reg.URL == "":
		return env.Printf("nothing stands there: %s would be registered\n", ours)
	case f.replace:
		return env.Printf("%s stands there: %s would take its place\n", doctor.ShownURL(reg.URL), ours)
	}
	return displaced(reg)
}

func displaced(reg provider.Registration) error {
	return fmt.Errorf("the provider calls %s now, and would no longer: with --replace we take its place", cmp.Or(doctor.ShownURL(reg.URL), "another URL"))
}

func setRegistration(ctx context.Context, env *engine.Env, w *engine.Writer, id string, f setFlags) error {
	b, p, err := registrationSetter(ctx, env, w.Store, w.Config, id)
	if err != nil {
		return err
	}
	if err := w.Remember(ctx); err != nil {
		return err
	}
	secrets := 0
	if st := b.Client.Starter; st != nil { // what the service shows once has to rest in the database
		rest := w.Tokens(id)
		save := rest.Save
		rest.Save = func(ctx context.Context, name string, secret []byte) error {
			secrets++
			return save(ctx, name, secret)
		}
		st.UseTokens(rest)
		if err := accounts.Prepare(ctx, id, b.Client); err != nil {
			return err
		}
		secrets = 0 // those of the log-in are the daemon's own business
	}
	reg, err := p.Register(ctx, provider.Registration{URL: w.Config.CallbackURL(id), Scope: f.scope, Events: f.events}, f.replace)
	if errors.Is(err, provider.ErrDisplaces) {
		if reg.URL == "" {
			if now, rerr := p.Registration(ctx); rerr == nil {
				reg = now
			}
		}
		return displaced(reg)
	}
	if err != nil {
		return provider.Redact(err)
	}
	if f.scope == "" { // the operator has seen to it: this is what the audit compares with
		if err := w.Worker.Table.Registered(ctx, id, reg); err != nil {
			return err
		}
	}
	out := doctor.NewRegistration(id, w.Config.CallbackURL(id), reg)
	if f.json {
		return env.JSONLines().Write(out)
	}
	if err := printRegistration(env, out); err != nil {
		return err
	}
	if _, err := w.Store.LockOwner(ctx, database.LockServe); secrets > 0 && err == nil {
		return env.Printf("a secret of it was stored: the running daemon has to read it (%s), or callbacks are refused\n", env.HowToReload(ctx, w.Store))
	}
	return nil
}
