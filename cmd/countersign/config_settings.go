package main

import (
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

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
		Settings:    a.decodeSettings,
		Scope:       a.Scope,
		ExternalID:  a.ExternalID,
		IncludeTest: a.IncludeTest,
	}
	if a.Download != nil {
		o.Download = append([]string{}, *a.Download...)
	}
	return o
}

// decodeSettings writes the account's settings to v, strictly. Its error is *faults, with line and
// path and never a value.
func (a *Account) decodeSettings(v any) error {
	r := newReader(a.reader.found.file, a.reader.dir, a.reader.lookup)
	r.hidden, r.lines = maps.Clone(a.reader.hidden), a.reader.lines
	n := a.Settings
	if n.Kind == 0 {
		n = yaml.Node{Kind: yaml.MappingNode, Tag: "!!map"}
		if at := a.reader.nodes[a.at]; at != nil {
			n.Line = at.Line
		}
	}
	r.decode(&n, reflect.ValueOf(v).Elem(), a.at+".settings")
	if len(r.found.all) > 0 {
		return r.found.sorted()
	}
	return nil
}

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
	b := map[provider.Class]int{provider.ClassRead: 30}
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
