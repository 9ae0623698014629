package config

import (
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"countersign/cmd/countersign/config/hooks"
	"countersign/cmd/countersign/config/tree"
	"countersign/cmd/countersign/config/values"
	"countersign/model"
	"countersign/provider"
	"countersign/worker/files"
)

// Account returns the account with this id.
func (c *Config) Account(id string) (*Account, bool) {
	i := slices.IndexFunc(c.Accounts, func(a Account) bool { return a.ID == id })
	if i < 0 {
		return nil, false
	}
	return &c.Accounts[i], true
}

// Hook returns the hook with this id.
func (c *Config) Hook(id string) (*hooks.Hook, bool) {
	i := slices.IndexFunc(c.Hooks, func(h hooks.Hook) bool { return h.ID == id })
	if i < 0 {
		return nil, false
	}
	return &c.Hooks[i], true
}

// DocumentsAddress is where documents are kept.
func (c *Config) DocumentsAddress() files.Address {
	at, _ := files.ParseAddress(c.Documents) //nolint:errcheck // a config that was loaded has a good one
	return at
}

// DocumentsFolder is where documents are kept on disk; "": they are kept in a bucket.
func (c *Config) DocumentsFolder() string { return c.DocumentsAddress().Folder }

// SpoolFolder is where files wait on this machine until they are in the bucket; "": documents are kept in a folder, or
// nothing says where.
func (c *Config) SpoolFolder() string {
	switch file, ok := c.SQLiteFile(); {
	case c.DocumentsFolder() != "":
		return ""
	case c.DocumentsSpool != "":
		return c.DocumentsSpool
	case ok:
		return filepath.Join(filepath.Dir(file), "countersign.spool")
	}
	return ""
}

// CallbackURL is what the provider has to call for an account; "" while public.url is not set.
func (c *Config) CallbackURL(id string) string {
	if c.Public.URL == "" {
		return ""
	}
	return c.Public.URL + "/callbacks/" + id
}

// Options is what the account's provider is built from, but for clients, clock and log.
func (a *Account) Options() provider.Options {
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
	node       *tree.Node
	path, file string
	lacking    bool // a secret of it is missing
}

// has says whether a key is set.
func (s Settings) has(key string) bool { return s.node.Value(key) != nil }

// Take keeps the node.
func (s *Settings) Take(n *tree.Node) { s.node = n }

// Decode writes the settings to v, strictly. Its error is *Faults, with line and path and never a value.
func (s Settings) Decode(v any) error { return tree.Decode(s.node, v, s.path).Of(s.file) }

// SameSettings says whether an account has the settings, and so the credentials, of another reading of it.
func (a *Account) SameSettings(o *Account) bool { return tree.Same(a.Settings.node, o.Settings.node) }

// Rules fills in what the account decides about its provider's rules.
func (a *Account) Rules(r model.Rules) model.Rules {
	r.Confirm = model.ConfirmPolicy(a.Confirm)
	r.Debounce = debounce
	r.RecheckAfter = make([]time.Duration, len(a.RecheckAfter))
	for i, d := range a.RecheckAfter {
		r.RecheckAfter[i] = time.Duration(d)
	}
	return r
}

// defaultReads is how many requests a minute a service bears that says nothing of it.
const defaultReads = 30

// Budgets is requests a minute per class. A class that is absent shares the read budget.
func (a *Account) Budgets() map[provider.Class]int {
	b := map[provider.Class]int{provider.ClassRead: defaultReads}
	maps.Copy(b, a.traits.Budget)
	for class, said := range map[provider.Class]int{
		provider.ClassRead: a.Budget.Read, provider.ClassFiles: a.Budget.Files, provider.ClassTest: a.Budget.Test,
	} {
		if said > 0 {
			b[class] = said
		}
	}
	return b
}

// Poll is when a tier is polled next.
type Poll struct {
	Tier string
	Line values.Slots
	Next time.Time
}

// Polls lists the account's next polls.
func (a *Account) Polls(now time.Time) []Poll {
	var all []Poll
	for _, s := range []Poll{{Tier: "active", Line: a.Polling.Active}, {Tier: "idle", Line: a.Polling.Idle},
		{Tier: "audit", Line: a.Polling.Audit}} {
		if s.Next = s.Line.Next(now); !s.Next.IsZero() {
			all = append(all, s)
		}
	}
	return all
}

// PollsByTier are the account's next polls, by tier.
func (a *Account) PollsByTier(now time.Time) map[string]time.Time {
	all := map[string]time.Time{}
	for _, s := range a.Polls(now) {
		all[s.Tier] = s.Next
	}
	return all
}

// NextPoll is the soonest of an account's next polls; nil where it has none.
func (a *Account) NextPoll(now time.Time) *time.Time {
	var first *time.Time
	for _, s := range a.Polls(now) {
		if first == nil || s.Next.Before(*first) {
			first = &s.Next
		}
	}
	return first
}

// Kinds is what the account downloads.
func (a *Account) Kinds() []model.DocumentKind {
	if a.Download == nil {
		return []model.DocumentKind{model.SignedDocument, model.EvidenceDocument}
	}
	out := []model.DocumentKind{}
	for _, k := range *a.Download {
		out = append(out, model.DocumentKind(k))
	}
	return out
}

// InstallationKeyFile is where the installation key rests: key_file, or beside an SQLite database; "" where
// neither says.
func (c *Config) InstallationKeyFile() string {
	if c.KeyFile != "" {
		return c.KeyFile
	}
	if file, ok := c.SQLiteFile(); ok {
		return filepath.Join(filepath.Dir(file), "countersign.key")
	}
	return ""
}

// SQLiteFile is the database's file, where it is one.
func (c *Config) SQLiteFile() (string, bool) { return strings.CutPrefix(c.Database, "sqlite:") }

// ACMECache is the folder of account key and certificates; "" where nothing says one.
func (c *Config) ACMECache() string {
	if dir := c.Public.TLS.ACME.Cache; dir != "" {
		return dir
	}
	if file, ok := c.SQLiteFile(); ok {
		return filepath.Join(filepath.Dir(file), "acme")
	}
	return ""
}
