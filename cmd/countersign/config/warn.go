package config

import (
	"cmp"
	"fmt"
	"io/fs"
	"net/url"
	"slices"
	"strings"

	"countersign/cmd/countersign/config/tree"
	"countersign/cmd/countersign/config/values"
)

// DatabaseShown is the database without a password.
func (c *Config) DatabaseShown() string {
	if _, ok := c.SQLiteFile(); ok {
		return c.Database
	}
	u, err := url.Parse(c.Database)
	if err != nil || u.User == nil && u.RawQuery == "" {
		return c.Database
	}
	shown := url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}
	if name := u.User.Username(); name != "" {
		shown.User = url.User(name)
	}
	return shown.String()
}

// Warnings tells what is no fault and may still not be meant.
func (c *Config) Warnings(stat func(string) (fs.FileInfo, error)) []string {
	var all []string
	add := func(format string, args ...any) { all = append(all, fmt.Sprintf(format, args...)) }
	if len(c.Accounts) == 0 {
		add("accounts is empty: there is nothing to do")
	}
	switch {
	case c.Public.URL == "":
		add("public.url is not set: providers cannot be told where to call, and only polls bring news")
	case strings.HasPrefix(c.Public.URL, "http://") && !values.LoopbackURL(c.Public.URL):
		add("public.url begins with http://: most providers call https:// only")
	}
	if strings.HasPrefix(c.Console.URL, "http://") && !values.LoopbackURL(c.Console.URL) {
		add("console.url begins with http://: tokens, sessions and what the console shows go out in clear")
	}
	if token := c.Console.Token.Reveal(); token != "" && len(token) < 20 {
		add("console.token is short: `openssl rand -hex 16` makes a better one")
	}
	if strings.ContainsFunc(c.Console.Token.Reveal(), tree.Unseen) {
		add("console.token has a blank or a character that nobody sees: no caller will send it like that")
	}
	first := map[[3]string]string{} // who has a credential
	for _, a := range c.Accounts {
		if key, value := a.credential(); value != "" {
			of := [3]string{a.Provider, cmp.Or(a.BaseURL, a.traits.BaseURL), value}
			if other := first[of]; other != "" {
				add("%s.settings.%s is that of %s too: each transaction is then a row of both, and asked about twice", a.at, key,
					other)
			}
			first[of] = cmp.Or(first[of], a.at)
		}
		for _, path := range a.Settings.node.Blanks(a.at + ".settings") {
			add("%s has a blank or a character that nobody sees inside: was it copied whole, and nothing else?", path)
		}
		if strings.HasPrefix(a.BaseURL, "http://") && !values.LoopbackURL(a.BaseURL) {
			add("%s.base_url begins with http://: the API key and signers' data go out in clear", a.at)
		}
		if t := a.traits; t.ProofSettings != nil && !slices.ContainsFunc(t.ProofSettings, a.Settings.has) {
			add("%s.settings.%s is not set: %s", a.at, t.ProofSettings[0], t.Unproved)
		}
		if a.Hints.Enabled && len(a.Hints.Origins) == 0 {
			add("%s.hints.origins is empty: servers may send hints, no web page may", a.at)
		}
	}
	secret := []string{c.InstallationKeyFile()}
	if c.hasSecrets() {
		secret = append(secret, c.file)
	}
	for _, file := range secret {
		if info, err := stat(file); file != "" && err == nil && info.Mode().Perm()&0o007 != 0 {
			add("%s holds secrets and can be read by everybody on this machine: chmod 0600, or 0640 for a group", file)
		}
	}
	return all
}

// hasSecrets says whether secrets stand in the config file itself.
func (c *Config) hasSecrets() bool {
	return slices.ContainsFunc(c.Accounts, func(a Account) bool { return a.Settings.node.LiteralSecret() })
}
