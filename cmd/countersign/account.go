package main

import (
	"path/filepath"
	"slices"
	"strings"
	"time"

	"countersign/model"
	"countersign/provider"
)

// account returns the account with this id.
func (c *Config) account(id string) (*Account, bool) {
	i := slices.IndexFunc(c.Accounts, func(a Account) bool { return a.ID == id })
	if i < 0 {
		return nil, false
	}
	return &c.Accounts[i], true
}

// documentsFolder is where documents are kept on disk.
func (c *Config) documentsFolder() string { return strings.TrimPrefix(c.Documents, "file:") }

// callbackURL is what the provider has to call for an account; "" while public.url is not set.
func (c *Config) callbackURL(id string) string {
	if c.Public.URL == "" {
		return ""
	}
	return c.Public.URL + "/callbacks/" + id
}

// options is what the account's provider is built from, but for clients, clock and log.
func (a *Account) options() provider.Options {
	o := provider.Options{
		Account:     a.ID,
		BaseURL:     a.BaseURL,
		Settings:    a.Settings.Decode,
		Scope:       a.Scope,
		ExternalID:  a.ExternalID,
		IncludeTest: a.IncludeTest,
	}
	if a.Download != nil {
		o.Download = append([]string{}, *a.Download...)
	}
	return o
}

// Settings is what stands in an account's settings, which only its provider understands.
type Settings struct {
	node       *node
	path, file string
	lacking    bool // a secret of it is missing
}

// Decode writes the settings to v, strictly. Its error is *Faults, with line and path and never a value.
func (s Settings) Decode(v any) error { return decode(s.node, v, s.path).of(s.file) }

// rules fills in what the account decides about its provider's rules.
func (a *Account) rules(r model.Rules) model.Rules {
	r.Confirm = model.ConfirmPolicy(a.Confirm)
	r.Debounce = debounce
	r.RecheckAfter = make([]time.Duration, len(a.RecheckAfter))
	for i, d := range a.RecheckAfter {
		r.RecheckAfter[i] = time.Duration(d)
	}
	return r
}

// budgets is requests a minute per class. A class that is absent shares the read budget.
func (a *Account) budgets() map[provider.Class]int {
	b := defaultBudget(a.Provider)
	for class, said := range map[provider.Class]int{
		provider.ClassRead: a.Budget.Read, provider.ClassFiles: a.Budget.Files, provider.ClassTest: a.Budget.Test,
	} {
		if said > 0 {
			b[class] = said
		}
	}
	return b
}

// defaultBudget is what a service bears, by its dossier.
func defaultBudget(name string) map[provider.Class]int {
	switch name {
	case "onespan":
		return map[provider.Class]int{provider.ClassRead: 120}
	case "dropboxsign":
		return map[provider.Class]int{provider.ClassRead: 100, provider.ClassFiles: 25, provider.ClassTest: 10}
	case "allsign":
		return map[provider.Class]int{provider.ClassRead: 9}
	case "documenso":
		return map[provider.Class]int{provider.ClassRead: 600}
	}
	return map[provider.Class]int{provider.ClassRead: 30}
}

// slot is when a tier is polled next.
type slot struct {
	tier string
	line Slots
	next time.Time
}

// slots lists the account's next polls.
func (a *Account) slots(now time.Time) []slot {
	var all []slot
	for _, s := range []slot{{tier: "active", line: a.Polling.Active}, {tier: "idle", line: a.Polling.Idle}, {tier: "audit", line: a.Polling.Audit}} {
		if s.next = s.line.Next(now); !s.next.IsZero() {
			all = append(all, s)
		}
	}
	return all
}

// nextSlots are the account's next polls, by tier.
func (a *Account) nextSlots(now time.Time) map[string]time.Time {
	all := map[string]time.Time{}
	for _, s := range a.slots(now) {
		all[s.tier] = s.next
	}
	return all
}

// nextSlot is the soonest of an account's next polls; nil where it has none.
func (a *Account) nextSlot(now time.Time) *time.Time {
	var first *time.Time
	for _, s := range a.slots(now) {
		if first == nil || s.next.Before(*first) {
			first = &s.next
		}
	}
	return first
}

// kinds is what the account downloads.
func (a *Account) kinds() []model.DocumentKind {
	if a.Download == nil {
		return []model.DocumentKind{model.SignedDocument, model.EvidenceDocument}
	}
	out := []model.DocumentKind{}
	for _, k := range *a.Download {
		out = append(out, model.DocumentKind(k))
	}
	return out
}

// keyFile is where the installation key rests: key_file, or beside an SQLite database; "" where
// neither says.
func (c *Config) keyFile() string {
	if c.KeyFile != "" {
		return c.KeyFile
	}
	if file, ok := c.sqliteFile(); ok {
		return filepath.Join(filepath.Dir(file), "countersign.key")
	}
	return ""
}

// sqliteFile is the database's file, where it is one.
func (c *Config) sqliteFile() (string, bool) { return strings.CutPrefix(c.Database, "sqlite:") }

// acmeCache is the folder of account key and certificates; "" where nothing says one.
func (c *Config) acmeCache() string {
	if dir := c.Public.TLS.ACME.Cache; dir != "" {
		return dir
	}
	if file, ok := c.sqliteFile(); ok {
		return filepath.Join(filepath.Dir(file), "acme")
	}
	return ""
}
