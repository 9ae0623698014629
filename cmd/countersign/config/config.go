// Package config reads the config file into typed values: it expands aliases, variables and files, decodes, and checks.
// Every fault is told at once, with its line and path and without a secret.
package config

import (
	"net/netip"
	"net/url"
	"time"

	"golang.org/x/crypto/acme"

	"countersign/cmd/countersign/config/hooks"
	"countersign/cmd/countersign/config/values"
	"countersign/provider"
)

// SystemConfig is where a packaged daemon has its config.
const SystemConfig = "/etc/countersign/config.yaml"

// Config is the whole config file; config.example.yaml says what each key is for. Once loaded, its
// defaults are filled in, its secrets resolved and its paths absolute.
type Config struct {
	Database  string    `yaml:"database"`
	Documents string    `yaml:"documents"`
	Public    Public    `yaml:"public"`
	Console   Console   `yaml:"console"`
	Accounts  []Account `yaml:"accounts"`

	Polling           Polling         `yaml:"polling"`
	Retention         Retention       `yaml:"retention"`
	KeyFile           string          `yaml:"key_file"`
	DatabaseMode      values.Mode     `yaml:"database_mode"`
	DocumentsMinFree  values.Size     `yaml:"documents_min_free"`
	DocumentsMaxSize  values.Size     `yaml:"documents_max_size"`
	DocumentsSpool    string          `yaml:"documents_spool"`
	DocumentsLinks    values.Duration `yaml:"documents_links"`
	CallbackObjective values.Percent  `yaml:"callback_objective"`
	Log               Log             `yaml:"log"`

	Hooks       []hooks.Hook    `yaml:"hooks"`
	Retry       Retry           `yaml:"retry"`
	SlotJitter  values.Duration `yaml:"slot_jitter"`
	ListOverlap values.Duration `yaml:"list_overlap"`

	file string // where it was read from, as it was named
}

// File is where the config was read from, as it was named.
func (c *Config) File() string { return c.file }

// Public is the listener that providers reach.
type Public struct {
	Address        string           `yaml:"address"`
	URL            string           `yaml:"url"`
	TLS            TLS              `yaml:"tls"`
	TrustedProxies []values.Network `yaml:"trusted_proxies"`
	MaxBody        values.Size      `yaml:"max_body"`
	Allow          []values.Network `yaml:"allow"`

	MaxConnections           int `yaml:"max_connections"`
	MaxConnectionsPerAddress int `yaml:"max_connections_per_address"`
	RefusedPerMinute         int `yaml:"refused_per_minute"`
}

// Proxies are the trusted ones.
func (p Public) Proxies() []netip.Prefix { return prefixes(p.TrustedProxies) }

// Sources are the networks that may call an account: its own, or those that may call any.
func (a *Account) Sources(all []values.Network) []netip.Prefix {
	if len(a.CallbackSources) > 0 {
		all = a.CallbackSources
	}
	return prefixes(all)
}

func prefixes(list []values.Network) []netip.Prefix {
	out := make([]netip.Prefix, len(list))
	for i, n := range list {
		out[i] = n.Prefix
	}
	return out
}

// TLS names the files of a certificate, both or neither; or says who issues one.
type TLS struct {
	CertFile string `yaml:"cert_file"`
	KeyFile  string `yaml:"key_file"`
	ACME     ACME   `yaml:"acme"`
}

// ACME gets and renews certificates from an authority such as Let's Encrypt. No hosts: it is off.
type ACME struct {
	Hosts     []string `yaml:"hosts"`
	Email     string   `yaml:"email"`
	Directory string   `yaml:"directory"`
	Roots     string   `yaml:"roots"`
	Cache     string   `yaml:"cache"`
}

// Console is the private listener: dashboard, JSON API, metrics, health.
type Console struct {
	Address string        `yaml:"address"`
	URL     string        `yaml:"url"`
	Token   values.Secret `yaml:"token"`
	OIDC    OIDC          `yaml:"oidc"`
}

// Outside is the outside address of the console; nil: none was said.
func (c Console) Outside() *url.URL {
	if u, err := url.Parse(c.URL); err == nil && c.URL != "" {
		return u
	}
	return nil
}

// OIDC says who vouches for those who log in to the console, and what each may. No issuer: it is off.
type OIDC struct {
	Issuer       string        `yaml:"issuer"`
	ClientID     string        `yaml:"client_id"`
	ClientSecret values.Secret `yaml:"client_secret"`
	Claim        string        `yaml:"claim"`
	Operators    []string      `yaml:"operators"`
	Readers      []string      `yaml:"readers"`
}

// Meant says whether a login was asked for, well or not.
func (o OIDC) Meant() bool {
	return o.Issuer != "" || o.ClientID != "" || o.ClientSecret != "" || len(o.Operators)+len(o.Readers) > 0
}

// Account is one connection to a provider.
type Account struct {
	ID       string   `yaml:"id"`
	Provider string   `yaml:"provider"`
	BaseURL  string   `yaml:"base_url"`
	Settings Settings `yaml:"settings"`

	Budget            Budget            `yaml:"budget"`
	Scope             string            `yaml:"scope"`
	ExternalID        string            `yaml:"external_id"`
	Download          *[]string         `yaml:"download"`
	Confirm           string            `yaml:"confirm"`
	IncludeTest       bool              `yaml:"include_test"`
	AllowPrivateLinks bool              `yaml:"allow_private_links"`
	CallbackSources   []values.Network  `yaml:"callback_sources"`
	ReturnPage        string            `yaml:"return_page"`
	Hints             Hints             `yaml:"hints"`
	RecheckAfter      []values.Duration `yaml:"recheck_after"`
	GapGrace          values.Duration   `yaml:"gap_grace"`
	Polling           Polling           `yaml:"polling"`
	Signatures        string            `yaml:"signatures"`
	OnBadSignature    string            `yaml:"on_bad_signature"`
	Trust             Trust             `yaml:"trust"`

	at     string          // its path in the file: accounts[0]
	traits provider.Traits // of its provider
}

// Budget is requests a minute per class; 0 means the provider's default.
type Budget struct {
	Read  int `yaml:"read"`
	Files int `yaml:"files"`
	Test  int `yaml:"test"`
}

// Hints is what browsers may say; off by default.
type Hints struct {
	Enabled bool     `yaml:"enabled"`
	Origins []string `yaml:"origins"`
}

// Polling is the slot of each tier: cron lines in UTC.
type Polling struct {
	Active values.Slots `yaml:"active"`
	Idle   values.Slots `yaml:"idle"`
	Audit  values.Slots `yaml:"audit"`
}

// same says whether the slots of all tiers are equal.
func (p Polling) same(o Polling) bool {
	return p.Active.String() == o.Active.String() && p.Idle.String() == o.Idle.String() &&
		p.Audit.String() == o.Audit.String()
}

// Retention is how long things are kept.
type Retention struct {
	Bodies  values.Lifetime `yaml:"bodies"`
	Refused values.Lifetime `yaml:"refused"`
	// RefusedSize is how much of the bodies of refused callbacks is kept in all.
	RefusedSize values.Size `yaml:"refused_size"`

	Outbox  values.Lifetime `yaml:"outbox"`
	History values.Lifetime `yaml:"history"`
}

// Retry is how long failed questions and downloads wait, and how fast that grows.
type Retry struct {
	First values.Duration `yaml:"first"`
	Most  values.Duration `yaml:"most"`
}

// Log is how the daemon logs.
type Log struct {
	Level  string `yaml:"level"`
	Format string `yaml:"format"`
}

// debounce runs from the first claim since the last question.
const debounce = 2 * time.Second

// defaults is a config in which nothing was said.
func defaults() Config {
	return Config{
		Database:  "sqlite:./countersign.db",
		Documents: "file:./documents",
		Public: Public{
			Address: ":8081", MaxBody: 10 << 20, MaxConnections: 2048, MaxConnectionsPerAddress: 512, RefusedPerMinute: 600,
			TLS: TLS{ACME: ACME{Directory: acme.LetsEncryptURL}},
		},
		Console: Console{Address: "127.0.0.1:8080", OIDC: OIDC{Claim: "groups", Operators: []string{},
			Readers: []string{}}},
		Polling: Polling{Active: utc("0 */6 * * *"), Idle: utc("0 */12 * * *"), Audit: utc("0 3 * * *")},
		Retention: Retention{Bodies: values.Lifetime(90 * values.Day), Refused: values.Lifetime(7 * values.Day),
			RefusedSize: 256 << 20, Outbox: values.Lifetime(30 * values.Day), History: values.Forever},

		DatabaseMode:      0o600,
		DocumentsMinFree:  1 << 30,
		DocumentsMaxSize:  1 << 30,
		CallbackObjective: 99,
		Log:               Log{Level: "info", Format: "auto"},

		Retry:       Retry{First: values.Duration(30 * time.Second), Most: values.Duration(30 * time.Minute)},
		SlotJitter:  values.Duration(2 * time.Minute),
		ListOverlap: values.Duration(15 * time.Minute),
	}
}

// defaultAccount is an account in which nothing was said.
func defaultAccount() Account {
	return Account{
		Scope:       "all",
		Confirm:     "final",
		IncludeTest: true,
		RecheckAfter: []values.Duration{values.Duration(10 * time.Second), values.Duration(time.Minute),
			values.Duration(10 * time.Minute)},
		GapGrace: values.Duration(5 * time.Minute),

		OnBadSignature: "quarantine",
	}
}

// utc are the slots of a line that is known to be good.
func utc(line string) values.Slots {
	s, err := values.ParseSlots(line)
	if err != nil {
		panic(err)
	}
	return s
}

// Fill makes an account in which nothing was said.
func (a *Account) Fill() { *a = defaultAccount() }
