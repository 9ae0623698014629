package config

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"slices"

	"go.yaml.in/yaml/v3"

	"countersign/cmd/countersign/config/tree"
	"countersign/provider"
)

// Shown is the config as it was understood: defaults filled in, paths absolute, secrets masked.
func (c *Config) Shown() *yaml.Node { return c.ShownBy(tree.Masked) }

// Fingerprinted is the config as it was understood, of one account or of all; a secret shows the beginning of its
// SHA-256, so that it can be compared with another and never be read.
func (c *Config) Fingerprinted(account string) *yaml.Node {
	shown := c.ShownBy(func(secret string) string {
		sum := sha256.Sum256([]byte(secret))
		return "<secret " + hex.EncodeToString(sum[:4]) + ">"
	})
	if account == "" {
		return shown
	}
	for i := 0; i+1 < len(shown.Content); i += 2 {
		if shown.Content[i].Value != "accounts" {
			continue
		}
		for _, one := range shown.Content[i+1].Content {
			if len(one.Content) > 1 && one.Content[1].Value == account {
				return one
			}
		}
	}
	return nil
}

// ShownBy is the config as it was understood, with a mask over its secrets.
func (c *Config) ShownBy(mask tree.Mask) *yaml.Node {
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
	return tree.Show(s, mask)
}

// Show masks the secrets of settings, whose keys only the provider knows.
func (s Settings) Show(mask tree.Mask) *yaml.Node { return s.node.Shown(mask) }

// credential is what the account shows its provider: the first of the settings that every account has. "" if not at
// hand.
func (a *Account) credential() (key, value string) {
	if len(a.traits.FirstSettings) == 0 || a.Settings.node == nil {
		return "", ""
	}
	key = a.traits.FirstSettings[0].Key()
	return key, a.Settings.node.Text(key)
}
