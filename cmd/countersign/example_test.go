package main

import (
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"

	"countersign/cmd/countersign/config"
	"countersign/cmd/countersign/config/tree"
)

// The example is the reference: it loads, and it shows every key that the Config type has.
func TestExampleHasEveryKey(t *testing.T) {
	t.Parallel()
	a, c := exampleConfig(t)
	var doc yaml.Node
	if err := yaml.Unmarshal([]byte(pageOf(t, "config.example.yaml")), &doc); err != nil {
		t.Fatal(err)
	}
	root, _ := tree.Expand(doc.Content[0], ".", a.Lookup)
	for _, path := range keysOf(reflect.TypeFor[config.Config](), "") {
		if _, n := root.At(path); n == nil {
			t.Errorf("config.example.yaml lacks %s", path)
		}
	}
	plain, err := config.Parse(exampleFile(), nil, config.Source{Lookup: a.Lookup, Providers: a.Providers})
	if err != nil {
		t.Fatal(config.SpelledOut(err))
	}
	for name, pair := range map[string][2]any{
		"polling": {c.Polling, plain.Polling}, "retention": {c.Retention, plain.Retention}, "log": {c.Log, plain.Log},
		"database": {c.Database, plain.Database}, "documents": {c.Documents, plain.Documents}, "key_file": {c.KeyFile,
			plain.KeyFile},
		"database_mode": {c.DatabaseMode, plain.DatabaseMode}, "documents_min_free": {c.DocumentsMinFree,
			plain.DocumentsMinFree},
		"callback_objective": {c.CallbackObjective, plain.CallbackObjective}, "console": {c.Console, plain.Console},
		"public.address": {c.Public.Address, plain.Public.Address}, "public.max_body": {c.Public.MaxBody,
			plain.Public.MaxBody},
	} {
		if !reflect.DeepEqual(pair[0], pair[1]) {
			t.Errorf("config.example.yaml shows %v for %s, and the default is %v", pair[0], name, pair[1])
		}
	}
	exampleAccount(t, c.Accounts[0], c.Accounts[1])
}

// exampleAccount holds the first account, which spells all keys out, against one that relies on the defaults.
func exampleAccount(t *testing.T, shown, short config.Account) {
	t.Helper()
	if shown.Scope != short.Scope || shown.Confirm != short.Confirm || shown.IncludeTest != short.IncludeTest ||
		shown.GapGrace != short.GapGrace || !reflect.DeepEqual(shown.RecheckAfter, short.RecheckAfter) ||
		!reflect.DeepEqual(shown.Polling, short.Polling) || shown.Budget != short.Budget ||
		!reflect.DeepEqual(shown.Hints.Enabled, short.Hints.Enabled) {
		t.Errorf("config.example.yaml spells out other values than the defaults:\n%+v\n%+v", shown, short)
	}
}

// keysOf lists every key below a type, the first entry standing for a list.
func keysOf(of reflect.Type, path string) []string {
	var all []string
	switch {
	case of == reflect.TypeFor[config.Settings]() || reflect.PointerTo(of).Implements(reflect.TypeFor[tree.Parser]()):
	case of.Kind() == reflect.Slice && of.Elem().Kind() == reflect.Struct:
		all = keysOf(of.Elem(), path+"[0]")
	case of.Kind() == reflect.Struct:
		for i := range of.NumField() {
			f := of.Field(i)
			name, _, _ := strings.Cut(f.Tag.Get("yaml"), ",")
			if !f.IsExported() || name == "" {
				continue
			}
			all = append(append(all, tree.Join(path, name)), keysOf(f.Type, tree.Join(path, name))...)
		}
	}
	return all
}

// What the real providers say of their settings, each fault at its own path, named once.
func TestConfigFaultsOfProviders(t *testing.T) {
	t.Parallel()
	_, err := config.Parse("config", []byte(`accounts:
  - { id: a, provider: onespan, settings: {} }
  - id: b
    provider: onespan
    settings:
      api_key: x
      client_app: {}
      oauth: { client_id: u }
  - { id: c, provider: dropboxsign }
`), config.Source{Lookup: os.LookupEnv, Providers: providers()})
	want := `config:2: accounts[0].settings.api_key: exactly one of api_key, client_app and oauth must be set
config:6: accounts[1].settings.api_key: exactly one of api_key, client_app and oauth must be set
config:7: accounts[1].settings.client_app.client_id: must be set
config:7: accounts[1].settings.client_app.secret: must be set
config:8: accounts[1].settings.oauth.client_secret: must be set
config:9: accounts[2].settings.api_key: must be set
`
	if diff := cmp.Diff(strings.TrimSpace(want),
		strings.ReplaceAll(config.SpelledOut(err).Error(), "; config", "\nconfig")); diff != "" {
		t.Errorf("faults (-want +got):\n%s", diff)
	}
}
