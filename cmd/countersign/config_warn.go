package main

import (
	"context"
	"fmt"
	"io/fs"
	"net/url"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"countersign/cmd/countersign/output"
	"countersign/model/store"
	"countersign/provider"
)

// databaseShown is the database without a password.
func (c *Config) databaseShown() string {
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

// budgetShown says how many requests a minute are made at most.
func budgetShown(a Account) string {
	b := a.budgets()
	s := fmt.Sprintf("at most %d a minute", b[provider.ClassRead])
	if files := b[provider.ClassFiles]; files > 0 {
		s += fmt.Sprintf(", %d for files", files)
	}
	if test := b[provider.ClassTest]; test > 0 {
		s += fmt.Sprintf(", %d in test mode", test)
	}
	return s
}

// warnings tells what is no fault and may still not be meant.
func (c *Config) warnings(stat func(string) (fs.FileInfo, error)) []string {
	var all []string
	add := func(format string, args ...any) { all = append(all, fmt.Sprintf(format, args...)) }
	if len(c.Accounts) == 0 {
		add("accounts is empty: there is nothing to do")
	}
	switch {
	case c.Public.URL == "":
		add("public.url is not set: providers cannot be told where to call, and only polls bring news")
	case strings.HasPrefix(c.Public.URL, "http://") && !loopbackURL(c.Public.URL):
		add("public.url begins with http://: most providers call https:// only")
	}
	if token := c.Console.Token.Reveal(); token != "" && len(token) < 20 {
		add("console.token is short: `openssl rand -hex 16` makes a better one")
	}
	for _, a := range c.Accounts {
		if strings.HasPrefix(a.BaseURL, "http://") && !loopbackURL(a.BaseURL) {
			add("%s.base_url begins with http://: the API key and signers' data go out in clear", a.at)
		}
		if t := a.traits; t.ProofSettings != nil && !slices.ContainsFunc(t.ProofSettings, func(key string) bool { return says(&a.Settings, key) }) {
			add("%s.settings.%s is not set: %s", a.at, t.ProofSettings[0], t.Unproved)
		}
		if a.Hints.Enabled && len(a.Hints.Origins) == 0 {
			add("%s.hints.origins is empty: servers may send hints, no web page may", a.at)
		}
	}
	if len(c.Hooks) > 0 {
		add("hooks are understood and kept, but this version does not announce yet: a later release does; `countersign changes --follow` does today")
	}
	secret := []string{c.keyFile()}
	if c.holdsSecrets() {
		secret = append(secret, c.file)
	}
	for _, file := range secret {
		if info, err := stat(file); file != "" && err == nil && info.Mode().Perm()&0o007 != 0 {
			add("%s holds secrets and can be read by everybody on this machine: chmod 0600, or 0640 for a group", file)
		}
	}
	return all
}

// says says whether a mapping has a key, or one that names a file for it.
func says(n *yaml.Node, key string) bool {
	for i := 0; i+1 < len(n.Content); i += 2 {
		if k := n.Content[i].Value; k == key || k == key+"_file" {
			return true
		}
	}
	return false
}

// holdsSecrets says whether secrets stand in the config file itself.
func (c *Config) holdsSecrets() bool {
	return slices.ContainsFunc(c.Accounts, func(a Account) bool { return a.reader.literalSecret(&a.Settings) })
}

// literalSecret says whether a mapping says a secret outright, not by ${NAME} or *_file.
func (r *reader) literalSecret(n *yaml.Node) bool {
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i].Value, n.Content[i+1]
		named := strings.Contains(key, "key") || strings.Contains(key, "secret") || strings.Contains(key, "token")
		for _, v := range append([]*yaml.Node{value}, value.Content...) {
			if named && v.Kind == yaml.ScalarNode && v.Value != "" && !r.hidden[v] && !strings.HasSuffix(key, "_url") {
				return true
			}
		}
		if value.Kind == yaml.MappingNode && r.literalSecret(value) {
			return true
		}
	}
	return false
}

// loopbackURL says whether a URL stays on this machine.
func loopbackURL(text string) bool {
	u, err := url.Parse(text)
	return err == nil && loopback(u.Hostname()+":0")
}

// roundTimes says per account how long one round over its open rows takes with its budget; nothing
// where there is no database yet.
func roundTimes(ctx context.Context, env *Env, c *Config) map[string]string {
	s, err := env.openStore(ctx, c, true)
	if err != nil {
		return nil
	}
	defer s.Close() //nolint:errcheck // only read
	all := map[string]string{}
	for i := range c.Accounts {
		account := &c.Accounts[i]
		n, err := s.CountOpenRows(ctx, store.OpenFilter{Account: account.ID, Tier: "open"})
		if err != nil {
			return nil
		}
		budget := account.budgets()[provider.ClassRead]
		if took := time.Duration(n) * time.Minute / time.Duration(budget); took > 0 {
			all[account.ID] = fmt.Sprintf("over %s takes %s at most, one call each", output.Count(n, "open row"), output.Lasting(took))
		}
	}
	return all
}
