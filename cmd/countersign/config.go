package main

import (
	"time"

	"go.yaml.in/yaml/v3"
	"golang.org/x/crypto/acme"

	"countersign/provider"
)

// systemConfig is where a packaged daemon has its config.
const systemConfig = "/etc/countersign/config.yaml"

// Config is the whole config file; config.example.yaml says what each key is for. Once loaded, its
// defaults are filled in, its secrets resolved and its paths absolute.
type Config struct {
	Database  string    `yaml:"database"`
	Documents string    `yaml:"documents"`
	Public    Public    `yaml:"public"`
	Console   Console   `yaml:"console"`
	Accounts  []Account `yaml:"accounts"`

	Polling           Polling   `yaml:"polling"`
	Retention         Retention `yaml:"retention"`
	KeyFile           string    `yaml:"key_file"`
	DatabaseMode      Mode      `yaml:"database_mode"`
	DocumentsMinFree  Size      `yaml:"documents_min_free"`
	DocumentsMaxSize  Size      `yaml:"documents_max_size"`
	CallbackObjective Percent   `yaml:"callback_objective"`
	Log               Log       `yaml:"log"`
	Hooks             []Hook    `yaml:"hooks"`

	Retry       Retry    `yaml:"retry"`
	SlotJitter  Duration `yaml:"slot_jitter"`
	ListOverlap Duration `yaml:"list_overlap"`

	file string // where it was read from, as it was named
}

// Public is the listener that providers reach.
type Public struct {
	Address        string   `yaml:"address"`
	URL            string   `yaml:"url"`
	TLS            TLS      `yaml:"tls"`
	TrustedProxies []string `yaml:"trusted_proxies"`
	MaxBody        Size     `yaml:"max_body"`
	Allow          []string `yaml:"allow"`

	MaxConnections           int `yaml:"max_connections"`
	MaxConnectionsPerAddress int `yaml:"max_connections_per_address"`
	RefusedPerMinute         int `yaml:"refused_per_minute"`
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
	Address string `yaml:"address"`
	Token   Secret `yaml:"token"`
}

// Account is one connection to a provider.
type Account struct {
	ID       string    `yaml:"id"`
	Provider string    `yaml:"provider"`
	BaseURL  string    `yaml:"base_url"`
	Settings yaml.Node `yaml:"settings"`

	Budget            Budget     `yaml:"budget"`
	Scope             string     `yaml:"scope"`
	ExternalID        string     `yaml:"external_id"`
	Download          *[]string  `yaml:"download"`
	Confirm           string     `yaml:"confirm"`
	IncludeTest       bool       `yaml:"include_test"`
	AllowPrivateLinks bool       `yaml:"allow_private_links"`
	CallbackSources   []string   `yaml:"callback_sources"`
	ReturnPage        string     `yaml:"return_page"`
	Hints             Hints      `yaml:"hints"`
	RecheckAfter      []Duration `yaml:"recheck_after"`
	GapGrace          Duration   `yaml:"gap_grace"`
	Polling           Polling    `yaml:"polling"`
	Signatures        string     `yaml:"signatures"`
	OnBadSignature    string     `yaml:"on_bad_signature"`

	at     string          // its path in the file: accounts[0]
	reader *reader         // what read it
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
	Active string `yaml:"active"`
	Idle   string `yaml:"idle"`
	Audit  string `yaml:"audit"`
}

// Retention is how long things are kept.
type Retention struct {
	Bodies  Keep `yaml:"bodies"`
	Refused Keep `yaml:"refused"`
	// RefusedSize is how much of the bodies of refused callbacks is kept in all.
	RefusedSize Size `yaml:"refused_size"`

	Outbox  Keep `yaml:"outbox"`
	History Keep `yaml:"history"`
}

// Retry is how long failed questions and downloads wait, and how fast that grows.
type Retry struct {
	First Duration `yaml:"first"`
	Most  Duration `yaml:"most"`
}

// Log is how the daemon logs.
type Log struct {
	Level  string `yaml:"level"`
	Format string `yaml:"format"`
}

// Hook is where changes are announced.
type Hook struct {
	ID              string            `yaml:"id"`
	Type            string            `yaml:"type"`
	URL             string            `yaml:"url"`
	Subject         string            `yaml:"subject"`
	Command         []string          `yaml:"command"`
	Secrets         []Secret          `yaml:"secrets"`
	Headers         map[string]Secret `yaml:"headers"`
	Accounts        []string          `yaml:"accounts"`
	Statuses        []string          `yaml:"statuses"`
	Wait            string            `yaml:"wait_for_confirmation"`
	IncludeTest     bool              `yaml:"include_test"`
	IncludeBackfill bool              `yaml:"include_backfill"`
	AllowPrivate    bool              `yaml:"allow_private"`
	Timeout         Duration          `yaml:"timeout"`
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
		Console:   Console{Address: "127.0.0.1:8080"},
		Polling:   Polling{Active: "0 */6 * * *", Idle: "0 */12 * * *", Audit: "0 3 * * *"},
		Retention: Retention{Bodies: Keep(90 * day), Refused: Keep(7 * day), RefusedSize: 256 << 20, Outbox: Keep(30 * day), History: forever},

		DatabaseMode:      0o600,
		DocumentsMinFree:  1 << 30,
		DocumentsMaxSize:  1 << 30,
		CallbackObjective: 99,
		Log:               Log{Level: "info", Format: "auto"},

		Retry:       Retry{First: Duration(30 * time.Second), Most: Duration(30 * time.Minute)},
		SlotJitter:  Duration(2 * time.Minute),
		ListOverlap: Duration(15 * time.Minute),
	}
}

// defaultAccount is an account in which nothing was said.
func defaultAccount() Account {
	return Account{
		Scope:        "all",
		Confirm:      "final",
		IncludeTest:  true,
		RecheckAfter: []Duration{Duration(10 * time.Second), Duration(time.Minute), Duration(10 * time.Minute)},
		GapGrace:     Duration(5 * time.Minute),

		Signatures: "if_present", OnBadSignature: "quarantine",
	}
}

// defaultHook is a hook in which nothing was said.
func defaultHook() Hook { return Hook{Wait: "final", Timeout: Duration(10 * time.Second)} }
