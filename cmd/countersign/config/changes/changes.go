// Package changes says what another config changes for a daemon that runs.
package changes

import (
	"reflect"
	"slices"

	"countersign/cmd/countersign/config"
)

// setting is a key of the config, with what it says.
type setting struct {
	key   string
	value any
}

// atStart are the settings that a daemon reads when it starts, and not again.
func atStart(c *config.Config) []setting {
	p := c.Public
	return []setting{
		{"database", c.Database}, {"database_mode", c.DatabaseMode}, {"documents", c.Documents},
		{"documents_min_free", c.DocumentsMinFree}, {"documents_spool", c.DocumentsSpool}, {"documents_links", c.DocumentsLinks}, {"key_file", c.KeyFile},
		{"public.address", p.Address}, {"public.tls", p.TLS}, {"public.trusted_proxies", p.TrustedProxies},
		{"public.max_body", p.MaxBody}, {"public.max_connections", p.MaxConnections},
		{"public.max_connections_per_address", p.MaxConnectionsPerAddress}, {"public.refused_per_minute", p.RefusedPerMinute},
		{"console.address", c.Console.Address}, {"console.token", c.Console.Token},
		{"console.url", c.Console.URL}, {"console.oidc", c.Console.OIDC},
		{"retention", c.Retention}, {"callback_objective", c.CallbackObjective}, {"log", c.Log},
		{"retry", c.Retry}, {"slot_jitter", c.SlotJitter}, {"list_overlap", c.ListOverlap},
	}
}

// NeedRestart names the keys in which a config differs from the one that a daemon started with, of those that a reload
// does not take over.
func NeedRestart(c, started *config.Config) (keys []string) {
	before := atStart(started)
	for i, s := range atStart(c) {
		if !reflect.DeepEqual(s.value, before[i].value) {
			keys = append(keys, s.key)
		}
	}
	return keys
}

// SameCalls says whether an account's calls stay as they are under another reading of it: same service, credentials and
// limits. What only says when to ask, whom to let in and what to make of files does not count; what is not named there
// does.
func SameCalls(a, b *config.Account) bool {
	beside := []string{
		"Settings", "Confirm", "RecheckAfter", "GapGrace", "Polling", "CallbackSources", "ReturnPage", "Hints",
		"Signatures", "OnBadSignature", "Trust",
	}
	va, vb := reflect.ValueOf(a).Elem(), reflect.ValueOf(b).Elem()
	for i := range va.NumField() {
		f := va.Type().Field(i)
		if !f.IsExported() || slices.Contains(beside, f.Name) {
			continue
		}
		if !reflect.DeepEqual(va.Field(i).Interface(), vb.Field(i).Interface()) {
			return false
		}
	}
	return a.SameSettings(b)
}

// Server says which service an account asks.
func Server(a *config.Account) string { return a.Provider + " " + a.BaseURL }
