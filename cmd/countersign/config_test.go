package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"countersign/cmd/countersign/output"
	"countersign/model"
	"countersign/provider"
)

// nine is the moment in which these tests live.
var nine = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

// testApp is an app with a clock that stands, an environment of its own and a made-up provider.
func testApp(env map[string]string) (a *app, stdout, stderr *bytes.Buffer) {
	stdout, stderr = &bytes.Buffer{}, &bytes.Buffer{}
	a = newApp(strings.NewReader(""), stdout, stderr)
	a.Now = func() time.Time { return nine }
	a.lookup = func(name string) (string, bool) { v, ok := env[name]; return v, ok }
	a.providers = onPaper("onespan", "dropboxsign")
	return a, stdout, stderr
}

// paperSettings are those of a provider that exists on paper only.
type paperSettings struct {
	APIKey       provider.Secret   `yaml:"api_key"`
	CallbackKey  provider.Secret   `yaml:"callback_key"`
	CallbackKeys []provider.Secret `yaml:"callback_keys"`
	Retries      int               `yaml:"retries"`
	OAuth        *struct {
		ClientSecret provider.Secret `yaml:"client_secret"`
	} `yaml:"oauth"`
}

type paperProvider struct {
	provider.Provider
	settings paperSettings
}

// onPaper are providers on paper with the traits of those of the names.
func onPaper(names ...string) map[string]provider.Driver {
	all := map[string]provider.Driver{}
	for _, name := range names {
		all[name] = provider.Driver{Traits: providers()[name].Traits, New: paper}
	}
	return all
}

func paper(o provider.Options) (provider.Service, error) {
	p := &paperProvider{}
	if err := o.Settings(&p.settings); err != nil {
		return provider.Service{}, err
	}
	if p.settings.APIKey == "" {
		return provider.Service{}, errors.New("api_key is missing")
	}
	return provider.Service{Provider: p}, nil
}

func TestConfigValues(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	cert, key := selfSigned(t, "sign.example.com")
	for name, text := range map[string]string{"c.pem": cert, "k.pem": key, "one": "from a file\r\n", "many": "first\n\n second \n", "db": "postgres://me:pw@host/name?sslmode=require\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	a, _, _ := testApp(map[string]string{"KEY": "from $the ${environment}", "N": "7"})
	c, err := a.parseConfig(filepath.Join(dir, "config.yaml"), []byte(`
database_file: db
public: { url: "https://sign.example.com/base/", tls: { cert_file: c.pem, key_file: "`+filepath.Join(dir, "k.pem")+`" } }
polling: { active: "0 * * * *" }
retention: { bodies: 2w }
accounts:
  - &first
    id: a
    provider: onespan
    base_url: https://x.example.com/
    settings: &keys { api_key: "a${KEY}b$$c$d", callback_key_file: one, callback_keys_file: many, retries: "${N}", oauth: { client_secret_file: one } }
    download: []
    polling: { idle: "30 5 * * *" }
    budget: { files: 3 }
  - <<: *first
    id: b
    settings: { <<: *keys, callback_keys: [x, y] }
    confirm: all
    recheck_after: []
    download: [signed]
`))
	if err != nil {
		t.Fatal(list(err))
	}
	if c.Database != "postgres://me:pw@host/name?sslmode=require" || c.databaseShown() != "postgres://me@host/name" {
		t.Errorf("database %q is shown as %q", c.Database, c.databaseShown())
	}
	if c.Public.TLS.CertFile != filepath.Join(dir, "c.pem") || c.Public.TLS.KeyFile != filepath.Join(dir, "k.pem") || c.Documents != "file:"+filepath.Join(dir, "documents") {
		t.Errorf("relative paths do not start at the config: %+v %s", c.Public.TLS, c.Documents)
	}
	if got := c.callbackURL("a"); got != "https://sign.example.com/base/callbacks/a" {
		t.Errorf("callback URL %s", got)
	}
	one, two := c.Accounts[0], c.Accounts[1]
	wantSettings(t, one, paperSettings{APIKey: "afrom $the ${environment}b$c$d", CallbackKey: "from a file", CallbackKeys: []provider.Secret{"first", "second"}, Retries: 7}, "from a file")
	wantSettings(t, two, paperSettings{APIKey: "afrom $the ${environment}b$c$d", CallbackKey: "from a file", CallbackKeys: []provider.Secret{"x", "y"}, Retries: 7}, "from a file")
	if o := one.options(); o.BaseURL != "https://x.example.com" || o.Download == nil || len(o.Download) != 0 || !o.IncludeTest || o.Scope != "all" {
		t.Errorf("options of a: %+v", o)
	}
	if o := two.options(); !reflect.DeepEqual(o.Download, []string{"signed"}) {
		t.Errorf("download of b: %v", o.Download)
	}
	if r := one.rules(model.Rules{Provider: "p"}); r.Confirm != model.ConfirmFinal || r.Debounce != 2*time.Second || len(r.RecheckAfter) != 3 || r.Provider != "p" {
		t.Errorf("rules of a: %+v", r)
	}
	if r := two.rules(model.Rules{}); r.Confirm != model.ConfirmAll || len(r.RecheckAfter) != 0 {
		t.Errorf("rules of b: %+v", r)
	}
	if b := one.budgets(); b[provider.ClassRead] != 120 || b[provider.ClassFiles] != 3 {
		t.Errorf("budgets of a: %v", b)
	}
	if one.Polling != (Polling{"0 * * * *", "30 5 * * *", "0 3 * * *"}) || c.Retention.Bodies != Keep(14*day) || c.Retention.History != forever {
		t.Errorf("polling %+v, retention %+v", one.Polling, c.Retention)
	}
}

func wantSettings(t *testing.T, a Account, want paperSettings, secret provider.Secret) {
	t.Helper()
	p, err := paper(a.options())
	if err != nil {
		t.Fatal(err)
	}
	got := p.Provider.(*paperProvider).settings
	if got.OAuth == nil || got.OAuth.ClientSecret != secret {
		t.Errorf("%s: nested secret: %+v", a.ID, got.OAuth)
	}
	got.OAuth = nil
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s: settings differ from what was wanted: %d keys, %d retries", a.ID, len(got.CallbackKeys), got.Retries)
	}
}

// list spells an error out.
func list(err error) string {
	var l *faults
	if !errors.As(err, &l) {
		return err.Error()
	}
	var b strings.Builder
	for _, f := range l.all {
		b.WriteString(f.in("config") + "\n")
	}
	return b.String()
}

func TestReadingNeedsNoSecrets(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "config.yaml")
	if err := os.WriteFile(file, []byte(account("id: a")+"    x: y\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	a, _, _ := testApp(nil)
	a.configFlag = file
	if _, err := a.readConfig(); err == nil {
		t.Error("an unknown key is forgiven")
	}
	if err := os.WriteFile(file, []byte("accounts: [{ id: a, provider: onespan, settings: { api_key: '${GONE}' } }]"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := a.readConfig(); err != nil {
		t.Errorf("reading asks for a secret: %v", list(err))
	}
	if _, err := a.config(); err == nil {
		t.Error("the daemon would start without a secret")
	}
	if err := os.WriteFile(file, []byte("database: '${GONE}'"), 0o600); err != nil {
		t.Fatal(err)
	}
	if c, err := a.readConfig(); err == nil {
		t.Errorf("a database that is not named is read: %q", c.Database)
	}
}

func exampleFile() string { return filepath.Join("..", "..", "config.example.yaml") }

// exampleConfig reads config.example.yaml with made-up secrets, for the providers that there are.
func exampleConfig(t *testing.T) (*app, *Config) {
	t.Helper()
	text, err := os.ReadFile(exampleFile())
	if err != nil {
		t.Fatal(err)
	}
	env := map[string]string{}
	for _, m := range regexp.MustCompile(`\$\{([A-Z_]+)\}`).FindAllStringSubmatch(string(text), -1) {
		env[m[1]] = "made-up-" + m[1]
	}
	env["ALLSIGN_SECRET"] = "whsec_" + base64.StdEncoding.EncodeToString(make([]byte, 32))
	a, _, _ := testApp(env)
	a.providers = providers()
	c, err := a.parseConfig(exampleFile(), text)
	if err != nil {
		t.Fatal(list(err))
	}
	return a, c
}

// The example is the reference: it loads, and it shows every key that the Config type has.
func TestExampleHasEveryKey(t *testing.T) {
	t.Parallel()
	a, c := exampleConfig(t)
	r := c.Accounts[0].reader
	for _, path := range keysOf(reflect.TypeFor[Config](), "") {
		if r.nodes[path] == nil {
			t.Errorf("config.example.yaml lacks %s", path)
		}
	}
	plain, err := a.parseConfig(exampleFile(), []byte(""))
	if err != nil {
		t.Fatal(list(err))
	}
	for name, pair := range map[string][2]any{
		"polling": {c.Polling, plain.Polling}, "retention": {c.Retention, plain.Retention}, "log": {c.Log, plain.Log},
		"database": {c.Database, plain.Database}, "documents": {c.Documents, plain.Documents}, "key_file": {c.KeyFile, plain.KeyFile},
		"database_mode": {c.DatabaseMode, plain.DatabaseMode}, "documents_min_free": {c.DocumentsMinFree, plain.DocumentsMinFree},
		"callback_objective": {c.CallbackObjective, plain.CallbackObjective}, "console": {c.Console, plain.Console},
		"public.address": {c.Public.Address, plain.Public.Address}, "public.max_body": {c.Public.MaxBody, plain.Public.MaxBody},
	} {
		if !reflect.DeepEqual(pair[0], pair[1]) {
			t.Errorf("config.example.yaml shows %v for %s, and the default is %v", pair[0], name, pair[1])
		}
	}
	exampleAccount(t, c.Accounts[0], c.Accounts[1])
}

// exampleAccount holds the first account, which spells all keys out, against one that relies on the defaults.
func exampleAccount(t *testing.T, shown, short Account) {
	t.Helper()
	if shown.Scope != short.Scope || shown.Confirm != short.Confirm || shown.IncludeTest != short.IncludeTest ||
		shown.GapGrace != short.GapGrace || !reflect.DeepEqual(shown.RecheckAfter, short.RecheckAfter) ||
		shown.Polling != short.Polling || shown.Budget != short.Budget || !reflect.DeepEqual(shown.Hints.Enabled, short.Hints.Enabled) {
		t.Errorf("config.example.yaml spells out other values than the defaults:\n%+v\n%+v", shown, short)
	}
}

// keysOf lists every key below a type, the first entry standing for a list.
func keysOf(of reflect.Type, path string) []string {
	var all []string
	switch {
	case of == nodeType || reflect.PointerTo(of).Implements(reflect.TypeFor[parser]()):
	case of.Kind() == reflect.Slice && of.Elem().Kind() == reflect.Struct:
		all = keysOf(of.Elem(), path+"[0]")
	case of.Kind() == reflect.Struct:
		for i := range of.NumField() {
			f := of.Field(i)
			name, _, _ := strings.Cut(f.Tag.Get("yaml"), ",")
			if !f.IsExported() || name == "" {
				continue
			}
			all = append(append(all, join(path, name)), keysOf(f.Type, join(path, name))...)
		}
	}
	return all
}

func TestConfigFile(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	a, _, stderr := testApp(map[string]string{})
	if code := a.run(context.Background(), []string{"config", "check"}); code != output.ExitUsage || !strings.HasPrefix(stderr.String(), "error: no config: ") {
		t.Errorf("without a config: exit %d, %s", code, stderr)
	}
	if err := os.WriteFile("config.yaml", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"config.yaml", "from-environment.yaml", "from-flag.yaml"} {
		if file, err := a.configFile(); file != want || err != nil {
			t.Errorf("reads %s, %v; want %s", file, err, want)
		}
		if want == "config.yaml" {
			a.lookup = func(string) (string, bool) { return "from-environment.yaml", true }
		} else {
			a.configFlag = "from-flag.yaml"
		}
	}
}
