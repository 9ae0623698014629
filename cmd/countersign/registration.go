package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/sirupsen/logrus"
	"github.com/spf13/cobra"

	"countersign/cmd/countersign/config"
	"countersign/cmd/countersign/output"
	"countersign/model/store"
	"countersign/provider"
	"countersign/provider/transport"
	"countersign/worker/apply"
)

func newRegistrationCommand(env *Env) *cobra.Command {
	return group("registration", "See, set and try what a provider calls", newRegistrationShowCommand(env), newRegistrationSetCommand(env), newRegistrationCheckCommand(env))
}

func newRegistrationShowCommand(env *Env) *cobra.Command {
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

// built is one account with its provider, for verbs. Nothing is written.
type built struct {
	*config.Account
	provider provider.Service
	account  *apply.Account // as it runs
}

// build makes an account's provider. Its calls keep the account's budget and are seen by base, if any.
func (a *Env) build(ctx context.Context, all *accounts, c *config.Config, acc *config.Account) (built, error) {
	next := &accountTable{transports: map[string]*transport.Transport{}}
	if err := all.add(next, &accountTable{}, c, acc); err != nil {
		return built{}, err
	}
	p := next.list[0].Provider
	if st := p.Starter; st != nil {
		st.UseTokens(borrowed(all.store, acc.ID))
	}
	return built{acc, p, next.list[0]}, prepare(ctx, acc.ID, p)
}

// prepare loads what a provider's Receive needs of the database.
func prepare(ctx context.Context, id string, p provider.Service) error {
	if p.Starter == nil {
		return nil
	}
	if err := p.Starter.Prepare(ctx); err != nil {
		return fmt.Errorf("account %s: %w", id, provider.Redact(err))
	}
	return nil
}

// named builds the account that a verb names.
func (a *Env) named(ctx context.Context, s *store.Store, c *config.Config, id string) (built, error) {
	acc, ok := c.Account(id)
	if !ok {
		return built{}, output.Usagef("account %q is not in the config", id)
	}
	log := logrus.NewEntry(a.logger(config.Log{Level: "warning", Format: c.Log.Format}))
	return a.build(ctx, newAccounts(a, s, log), c, acc)
}

func showRegistration(ctx context.Context, env *Env, id string, asJSON bool) error {
	c, err := env.config()
	if err != nil {
		return err
	}
	s, err := env.openStore(ctx, c, true) // tokens that rest there are used
	if err == nil {
		defer s.Close() //nolint:errcheck // only read
	} else if !errors.Is(err, errNoDatabase) {
		return err
	}
	b, err := env.named(ctx, s, c, id)
	if err != nil {
		return err
	}
	r := b.provider.Registrar
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

func printRegistration(env *Env, r registrationJSON) error {
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

// borrowed reads the tokens that rest in the database, if there is one, and keeps new ones only as
// long as this process lives: a verb that only asks writes nothing.
func borrowed(s *store.Store, account string) provider.Tokens {
	var mu sync.Mutex
	kept := map[string][]byte{}
	return provider.Tokens{
		Load: func(ctx context.Context, name string) ([]byte, error) {
			mu.Lock()
			defer mu.Unlock()
			if secret, ok := kept[name]; ok || s == nil {
				return secret, nil
			}
			secret, err := s.Token(ctx, account, name)
			if errors.Is(err, store.ErrNoRow) {
				return nil, nil
			}
			return secret, err
		},
		Save: func(_ context.Context, name string, secret []byte) error {
			mu.Lock()
			defer mu.Unlock()
			kept[name] = secret
			return nil
		},
	}
}
