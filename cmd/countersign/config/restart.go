package config

import "reflect"

// setting is a key of the config, with what it says.
type setting struct {
	key   string
	value any
}

// atStart are the settings that a daemon reads when it starts, and not again.
func (c *Config) atStart() []setting {
	p := c.Public
	return []setting{
		{"database", c.Database}, {"database_mode", c.DatabaseMode}, {"documents", c.Documents},
		{"documents_min_free", c.DocumentsMinFree}, {"key_file", c.KeyFile},
		{"public.address", p.Address}, {"public.tls", p.TLS}, {"public.trusted_proxies", p.TrustedProxies},
		{"public.max_body", p.MaxBody}, {"public.max_connections", p.MaxConnections},
		{"public.max_connections_per_address", p.MaxConnectionsPerAddress}, {"public.refused_per_minute", p.RefusedPerMinute},
		{"console.address", c.Console.Address}, {"console.token", c.Console.Token},
		{"retention", c.Retention}, {"callback_objective", c.CallbackObjective}, {"log", c.Log},
		{"retry", c.Retry}, {"slot_jitter", c.SlotJitter}, {"list_overlap", c.ListOverlap},
	}
}

// NeedRestart names the keys in which a config differs from the one that a daemon started with, of those that a reload
// does not take over.
func (c *Config) NeedRestart(started *Config) (keys []string) {
	before := started.atStart()
	for i, s := range c.atStart() {
		if !reflect.DeepEqual(s.value, before[i].value) {
			keys = append(keys, s.key)
		}
	}
	return keys
}
