package doctor

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"

	"countersign/cmd/countersign/config"
	"countersign/cmd/countersign/engine"
	"countersign/cmd/countersign/engine/accounts"
	"countersign/cmd/countersign/output"
	"countersign/model/store"
	"countersign/model/store/database"
	"countersign/provider"
)

// Setting says which registration is wanted.
type Setting struct {
	Replace, DryRun, JSON bool
	Events                []string
	Scope                 string
}

// Settable says why an account's URL cannot be registered. A service that is itself reached by http, simulated or
// your own, may call http.
func Settable(c *config.Config, id string) error {
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
func registrationSetter(
	ctx context.Context, env *engine.Env, s *store.Store, c *config.Config, id string,
) (accounts.Built, provider.Setter, error) {
	b, err := env.Named(ctx, s, c, id)
	if err != nil {
		return b, nil, err
	}
	p := b.Client.Setter
	if p == nil {
		return b, nil, fmt.Errorf("%s has no way to set what it calls: enter %s in its dashboard", b.Provider,
			c.CallbackURL(id))
	}
	return b, p, nil
}

// PlanRegistration says what set would do, and writes nothing.
func PlanRegistration(ctx context.Context, env *engine.Env, c *config.Config, id string, f Setting) error {
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
		if app, ok := strings.CutPrefix(f.Scope, "app:"); ok && other.Scope == "app "+app {
			reg = other
		}
	}
	switch {
	case SameURL(reg.URL, ours):
		return env.Tell("cli.registration.set.same", "url", ours)
	case reg.URL == "":
		return env.Tell("cli.registration.set.nothing", "url", ours)
	case f.Replace:
		return env.Tell("cli.registration.set.replace", "old", ShownURL(reg.URL), "url", ours)
	}
	return displaced(reg)
}

func displaced(reg provider.Registration) error {
	return fmt.Errorf("the provider calls %s now, and would no longer: with --replace we take its place",
		cmp.Or(ShownURL(reg.URL), "another URL"))
}

// SetRegistration makes the provider call our URL, as far as it does not yet, and prints what it calls then.
func SetRegistration(ctx context.Context, env *engine.Env, w *engine.Writer, id string, f Setting) error {
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
	reg, err := p.Register(ctx, provider.Registration{URL: w.Config.CallbackURL(id), Scope: f.Scope, Events: f.Events},
		f.Replace)
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
	if f.Scope == "" { // the operator has seen to it: this is what the audit compares with
		if err := w.Worker.Table.Registered(ctx, id, reg); err != nil {
			return err
		}
	}
	out := NewRegistration(id, w.Config.CallbackURL(id), reg)
	if f.JSON {
		return env.JSONLines().Write(out)
	}
	if err := printRegistered(env, out); err != nil {
		return err
	}
	if _, err := w.Store.LockOwner(ctx, database.LockServe); secrets > 0 && err == nil {
		return env.Tell("cli.registration.set.secret", "how", env.HowToReload(ctx, w.Store))
	}
	return nil
}
