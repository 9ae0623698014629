package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/sirupsen/logrus"
	"github.com/spf13/cobra"

	"countersign/model/store"
	"countersign/provider"
	"countersign/provider/transport"
	"countersign/worker"
	"countersign/worker/callback"
)

func registrationVerb(a *app) *cobra.Command {
	return group("registration", "See, set and try what a provider calls", registrationShowVerb(a), registrationSetVerb(a), registrationCheckVerb(a))
}

func registrationShowVerb(a *app) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "show ACCOUNT",
		Short: "Show what the provider calls, and whether that is us",
		Long: `show asks the provider which URL it calls for the account, and compares it with public.url and
/callbacks/ACCOUNT. Nothing is changed.`,
		Example: "  countersign registration show sales",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.registrationShow(cmd.Context(), args[0], asJSON)
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
	*Account
	provider provider.Service
	worker   *worker.Account  // as the worker sees it
	listener callback.Account // as the listener sees it
}

// build makes an account's provider. Its calls keep the account's budget and are seen by base, if any.
func (a *app) build(ctx context.Context, all *accounts, c *Config, acc *Account) (built, error) {
	next := &accountTable{byID: map[string]callback.Account{}, transports: map[string]*transport.Transport{}}
	if err := all.add(next, &accountTable{}, c, acc); err != nil {
		return built{}, err
	}
	p := next.list[0].Provider
	if st := p.Starter; st != nil {
		st.UseTokens(borrowed(all.store, acc.ID))
	}
	return built{acc, p, next.list[0], next.byID[acc.ID]}, prepare(ctx, acc.ID, p)
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
func (a *app) named(ctx context.Context, s *store.Store, c *Config, id string) (built, error) {
	acc, ok := c.account(id)
	if !ok {
		return built{}, usagef("account %q is not in the config", id)
	}
	log := logrus.NewEntry(a.logger(Log{Level: "warning", Format: c.Log.Format}))
	return a.build(ctx, newAccounts(a, s, log), c, acc)
}

func (a *app) registrationShow(ctx context.Context, id string, asJSON bool) error {
	c, err := a.config()
	if err != nil {
		return err
	}
	s, err := a.openStore(ctx, c, true) // tokens that rest there are used
	if err == nil {
		defer s.Close() //nolint:errcheck // only read
	} else if !errors.Is(err, errNoDatabase) {
		return err
	}
	b, err := a.named(ctx, s, c, id)
	if err != nil {
		return err
	}
	r := b.provider.Registrar
	if r == nil {
		return a.printf("%s does not tell what it calls: look in its dashboard for %s\n", b.Provider, or(c.callbackURL(id), "the URL"))
	}
	reg, err := r.Registration(ctx)
	if err != nil {
		return provider.Redact(err)
	}
	out := registrationObject(id, c.callbackURL(id), reg)
	if asJSON {
		return a.jsonLines().write(out)
	}
	return a.printRegistration(out)
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
	return plain(head)
}

func (a *app) printRegistration(r registrationJSON) error {
	for _, x := range append([]registrationJSON{r}, r.Others...) {
		state := a.paint(good, "this is us")
		switch {
		case x.Wanted == "":
			state = a.paint(warn, "public.url is not set")
		case x.URL == "":
			state = a.paint(warn, "no URL is registered")
		case !x.Matches:
			state = a.paint(warn, "not us")
		case x.Disabled:
			state = a.paint(evil, "this is us, and it is turned off")
		}
		events := "all, or it does not tell"
		if x.Events != nil {
			events = count(len(x.Events), "type") + ": " + strings.Join(x.Events, " ")
		}
		if err := a.printf("calls   %s (%s)\nscope   %s\nevents  %s\n", or(x.URL, "nothing"), state, plain(x.Scope), plain(events)); err != nil {
			return err
		}
		for _, w := range x.Warnings {
			if err := a.printf("note    %s\n", plain(w)); err != nil {
				return err
			}
		}
	}
	return a.printf("ours    %s\n", or(r.Wanted, "-"))
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
