// Package accounts builds the configured accounts with their providers and transports, and swaps them all at once at a
// reload.
package accounts

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sirupsen/logrus"

	"countersign/cmd/countersign/config"
	"countersign/cmd/countersign/config/changes"
	"countersign/cmd/countersign/config/values"
	"countersign/model"
	"countersign/model/store"
	"countersign/provider"
	"countersign/provider/transport"
	"countersign/provider/transport/memory"
	"countersign/worker/apply"
)

// Options is what accounts are built with.
type Options struct {
	Store     *store.Store
	Log       *logrus.Entry
	Providers map[string]provider.Driver
	Base      http.RoundTripper // nil but in tests, which play the services in process
	Now       func() time.Time
	Rand      func() float64
	Proxy     func(*http.Request) (*url.URL, error) // the way out of calls and links
}

// Table is the configured accounts as they run. A reload swaps the whole table at once.
type Table struct {
	Options
	table atomic.Pointer[accountTable]

	mu      sync.Mutex // guards working, and that no account is added between
	working bool       // this process has the work lock: it spends the budgets
	unlearn func()     // ends what learns of other processes; nil: nothing does

	life string // names this life of this process to the others
}

type accountTable struct {
	list  []*apply.Account
	built map[string]builtAccount
}

// builtAccount is what an account was built from, and what its calls go through.
type builtAccount struct {
	from      *config.Account
	retry     config.Retry
	maxFile   values.Size
	transport *transport.Transport
	running   *apply.Account
}

// sameCalls says whether calls that another config asks for would be the same.
func (b builtAccount) sameCalls(c *config.Config, acc *config.Account) bool {
	return b.running != nil && b.retry == c.Retry && b.maxFile == c.DocumentsMaxSize && changes.SameCalls(b.from, acc)
}

// New has no account yet.
func New(o Options) *Table {
	all := &Table{Options: o, life: rand.Text()[:8]}
	all.table.Store(&accountTable{})
	return all
}

// List is what the worker asks for.
func (all *Table) List() []*apply.Account { return all.table.Load().list }

// Find returns an account as it runs; nil if there is none.
func (all *Table) Find(id string) *apply.Account {
	for _, a := range all.List() {
		if a.ID == id {
			return a
		}
	}
	return nil
}

// Set builds every account of a config and, if all can be built, puts them in the place of those before. An account
// whose calls stay as they are keeps its generation; that of another one ends, and what its calls bring after is not
// taken. Budgets go on where they stood. An account that is seen for the first time starts now. changed are the
// accounts that have a new generation.
func (all *Table) Set(ctx context.Context, c *config.Config) (changed []string, err error) {
	all.mu.Lock()
	defer all.mu.Unlock()
	old := all.table.Load()
	next := &accountTable{built: map[string]builtAccount{}}
	var errs []error
	for i := range c.Accounts {
		if err := all.add(next, old, c, &c.Accounts[i], all.memory(c.Accounts[i].ID)); err != nil {
			errs = append(errs, err)
		}
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	if err := all.Remember(ctx, c); err != nil {
		return nil, err
	}
	for _, a := range next.list {
		if old.built[a.ID].transport == next.built[a.ID].transport {
			continue
		}
		changed = append(changed, a.ID)
		if err := Prepare(ctx, a.ID, a.Provider); err != nil {
			return nil, err
		}
	}
	if all.working {
		if err := next.resume(ctx); err != nil {
			return nil, err
		}
	}
	return changed, all.swap(ctx, old, next)
}

// swap ends the generations that the next table lacks, then puts it in place: what the older ones have learned is
// written before the newer ones begin.
func (all *Table) swap(ctx context.Context, old, next *accountTable) (err error) {
	for id, b := range old.built {
		if next.built[id].transport != b.transport {
			err = errors.Join(err, b.running.Generation.End(ctx))
		}
	}
	for id, b := range old.built {
		switch now := next.built[id].transport; now {
		case b.transport:
		case nil:
			all.suspend(ctx, id, b.transport.End)
		default:
			all.suspend(ctx, id, func(ctx context.Context) error { return now.Replace(ctx, b.transport) })
		}
	}
	all.table.Store(next)
	for id, b := range old.built {
		if next.built[id].transport != b.transport {
			b.transport.CloseIdleConnections()
		}
	}
	return err
}

// add builds one account.
func (all *Table) add(next, old *accountTable, c *config.Config, acc *config.Account, memory memory.Memory) error {
	driver, ok := all.Providers[acc.Provider]
	if !ok {
		return fmt.Errorf("account %s: provider %q is not known", acc.ID, acc.Provider)
	}
	was, p := old.built[acc.ID], provider.Service{}
	b := builtAccount{from: acc, retry: c.Retry, maxFile: c.DocumentsMaxSize}
	var generation *apply.Generation
	if was.sameCalls(c, acc) {
		b.transport, p, generation = was.transport, was.running.Provider, was.running.Generation
	} else {
		var err error
		if b.transport, p, err = all.connect(was, c, acc, driver, memory); err != nil {
			return err
		}
		generation = apply.NewGeneration(changes.Server(acc))
	}
	b.running = &apply.Account{
		ID: acc.ID, ProviderName: acc.Provider, Generation: generation, Provider: p, Rules: acc.Rules(p.Rules()),
		GapGrace: time.Duration(acc.GapGrace), Budget: acc.Budgets(), Meter: b.transport, Download: acc.Kinds(),
		CallbackURL: c.CallbackURL(acc.ID),
		Signatures:  acc.Expectation(), KeepBad: acc.OnBadSignature == "keep", Trusted: acc.Trusted(),
		Polling:    schedules(acc.Polling),
		ReturnPage: acc.ReturnPage, SecretHeaders: p.Traits.SecretHeaders, Hints: acc.Hints.Enabled,
		Origins: acc.Hints.Origins,
		Sources: acc.Sources(c.Public.Allow),
	}
	next.list, next.built[acc.ID] = append(next.list, b.running), b
	return nil
}

// connect builds an account's provider and what its calls go through.
func (all *Table) connect(
	was builtAccount, c *config.Config, acc *config.Account, driver provider.Driver, memory memory.Memory,
) (*transport.Transport, provider.Service, error) {
	log := all.Log.WithFields(logrus.Fields{"account": acc.ID, "provider": acc.Provider})
	out := transport.Options{
		Account: acc.ID, Base: all.Base, Budget: acc.Budgets(), Now: all.Now, Log: log, Rand: all.Rand,
		BackoffMin: min(500*time.Millisecond, time.Duration(c.Retry.First)), BackoffMax: time.Duration(c.Retry.First),
		MaxFile: int64(c.DocumentsMaxSize), Memory: memory, Service: acc.BaseURL, Proxy: all.Proxy,
	}
	t := transport.New(out)
	if was.transport != nil { // what a service asked of another key is not asked of this one
		t.Continue(was.transport, changes.Server(was.from) == changes.Server(acc) && was.from.SameSettings(acc))
	}
	o := acc.Options()
	o.Client, o.Foreign = t.Client(), transport.NewForeignClient(out, acc.AllowPrivateLinks)
	o.Now, o.Log = all.Now, log
	p, err := driver.New(o)
	if err != nil {
		return nil, p, fmt.Errorf("account %s: %w", acc.ID, err)
	}
	if s := p.Starter; s != nil {
		s.UseTokens(all.tokensFor(acc))
	}
	return t, p, nil
}

// schedules are the slots of each tier, as the loops take them.
func schedules(p config.Polling) apply.Schedules {
	out := apply.Schedules{}
	for tier, slots := range map[apply.Tier]values.Slots{apply.Active: p.Active, apply.Idle: p.Idle,
		apply.Audit: p.Audit} {
		if slots.String() != "" {
			out[tier] = slots
		}
	}
	return out
}

// Remember writes the accounts that the database does not know: their first start is now.
func (all *Table) Remember(ctx context.Context, c *config.Config) error {
	known, err := all.Store.Accounts(ctx)
	if err != nil {
		return err
	}
	have := map[string]model.Account{}
	for _, k := range known {
		have[k.ID] = k
	}
	var fresh []model.Account
	for _, acc := range c.Accounts {
		k, ok := have[acc.ID]
		if ok && k.Provider != acc.Provider {
			return fmt.Errorf("account %s: its rows are of provider %s and the config says %s: give the new one another id",
				acc.ID, k.Provider, acc.Provider)
		}
		if !ok {
			fresh = append(fresh, model.Account{ID: acc.ID, Provider: acc.Provider, FirstStartAt: all.Now().UTC()})
		}
	}
	if len(fresh) == 0 {
		return nil
	}
	return all.Store.Do(ctx, store.Unit{Apply: func(b *store.Batch) error {
		for _, k := range fresh {
			b.PutAccount(k)
		}
		return nil
	}})
}

// Identify asks each provider whose key it is. A key of another account than before is refused:
// its answers must not be mixed with the rows that are there.
func (all *Table) Identify(ctx context.Context, a *apply.Account) error {
	ch := a.Provider.Checker
	if ch == nil {
		return nil
	}
	who, err := ch.Check(provider.WithWork(ctx, provider.WorkConfirm))
	if err != nil {
		return fmt.Errorf("account %s: %w", a.ID, provider.Redact(err))
	}
	for _, warning := range who.Warnings {
		all.Log.WithField("account", a.ID).Warn(warning)
	}
	if who.ID == "" {
		return nil
	}
	var other bool
	note := store.Unit{Apply: func(b *store.Batch) error {
		k, err := b.Account(a.ID)
		if err != nil {
			return err
		}
		other = k.RemoteID != "" && k.RemoteID != who.ID
		if k.RemoteID == "" {
			k.RemoteID = who.ID
			b.PutAccount(k)
		}
		return nil
	}}
	err = a.Generation.Learn(func() error { return all.Store.Do(ctx, note) })
	if err == nil && other {
		err = fmt.Errorf("account %s: %w", a.ID, ErrOtherAccount)
	}
	return err
}

// ErrOtherAccount says that a key belongs to another account of the provider than the rows.
var ErrOtherAccount = errors.New("the credentials are of another account of the provider than the rows: use the right key, or a new account id")

// Built is one account with its provider, for verbs. Nothing is written.
type Built struct {
	*config.Account
	Client  provider.Service
	Running *apply.Account // as the listener and the loops see it
}

// One builds a single account, whose tokens rest in the database. It has a budget of its own: the few calls of a verb
// beside the daemon are no part of what the daemon spends.
func (all *Table) One(c *config.Config, acc *config.Account) (Built, error) {
	next := &accountTable{built: map[string]builtAccount{}}
	if err := all.add(next, &accountTable{}, c, acc, memory.Memory{}); err != nil {
		return Built{}, err
	}
	return Built{acc, next.list[0].Provider, next.list[0]}, nil
}

// Prepare loads what a provider's Receive needs of the database.
func Prepare(ctx context.Context, id string, p provider.Service) error {
	if p.Starter == nil {
		return nil
	}
	if err := p.Starter.Prepare(ctx); err != nil {
		return fmt.Errorf("account %s: %w", id, provider.Redact(err))
	}
	return nil
}
