package config

import (
	"cmp"
	"slices"

	"go.yaml.in/yaml/v3"

	"countersign/cmd/countersign/config/tree"
	"countersign/provider"
)

// Shown is the config as it was understood: defaults filled in, paths absolute, secrets masked.
func (c *Config) Shown() *yaml.Node {
	s := *c
	s.Database, s.KeyFile, s.Public.TLS.ACME.Cache = c.DatabaseShown(), c.InstallationKeyFile(), c.ACMECache()
	s.Accounts = slices.Clone(c.Accounts)
	for i := range s.Accounts {
		a := &s.Accounts[i]
		b := a.Budgets()
		a.BaseURL = cmp.Or(a.BaseURL, a.traits.BaseURL)
		a.Budget = Budget{Read: b[provider.ClassRead], Files: b[provider.ClassFiles], Test: b[provider.ClassTest]}
		kinds := []string{}
		for _, k := range a.Kinds() {
			kinds = append(kinds, string(k))
		}
		a.Download = &kinds
		a.Signatures = string(a.Expectation())
	}
	return tree.Show(s)
}

// Show masks the secrets of settings, whose keys only the provider knows.
func (s Settings) Show() *yaml.Node { return s.node.Shown() }

// credential is what the account shows its provider: the first of the settings that every account has. "" if not at
// hand.
func (a *Account) credential() (key, value string) {
	if len(a.traits.FirstSettings) == 0 || a.Settings.node == nil {
		return "", ""
	}
	key = a.traits.FirstSettings[0].Key()
	return key, a.Settings.node.Text(key)
}
