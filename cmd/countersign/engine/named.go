package engine

import (
	"context"
	"net/http"

	"github.com/sirupsen/logrus"

	"countersign/cmd/countersign/config"
	"countersign/cmd/countersign/engine/accounts"
	"countersign/cmd/countersign/output"
	"countersign/model/store"
)

// Build makes an account's provider, which writes nothing: new tokens live as long as this process. around, if any,
// sees its calls; they keep the account's budget.
func (a *Env) Build(ctx context.Context, s *store.Store, c *config.Config, acc *config.Account, log *logrus.Entry,
	around func(http.RoundTripper) http.RoundTripper,
) (accounts.Built, error) {
	o := a.accountOptions(s, log)
	if around != nil {
		o.Base = around(o.Base)
	}
	all := accounts.New(o)
	b, err := all.One(c, acc)
	if err != nil {
		return accounts.Built{}, err
	}
	if st := b.Client.Starter; st != nil {
		st.UseTokens(accounts.Borrowed(s, acc.ID))
	}
	return b, accounts.Prepare(ctx, acc.ID, b.Client)
}

// Named builds the account that a verb names.
func (a *Env) Named(ctx context.Context, s *store.Store, c *config.Config, id string) (accounts.Built, error) {
	acc, ok := c.Account(id)
	if !ok {
		return accounts.Built{}, output.Usagef("account %q is not in the config", id)
	}
	log := logrus.NewEntry(a.Logger(config.Log{Level: "warning", Format: c.Log.Format}))
	return a.Build(ctx, s, c, acc, log, nil)
}

func (a *Env) accountOptions(s *store.Store, log *logrus.Entry) accounts.Options {
	return accounts.Options{Store: s, Log: log, Providers: a.Providers, Base: a.Transport, Now: a.Now, Rand: a.Rand,
		Proxy: a.Proxy()}
}
