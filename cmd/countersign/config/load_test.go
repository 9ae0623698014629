package config

import (
	"encoding/base64"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"countersign/cmd/countersign/config/configtest"
	"countersign/cmd/countersign/config/tree"
	"countersign/model"
	"countersign/provider"
	"countersign/provider/allsign"
	"countersign/provider/autosign"
	"countersign/provider/documenso"
	"countersign/provider/dropboxsign"
	"countersign/provider/onespan"
)

func TestConfigValues(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	cert, key := configtest.SelfSigned(t, "sign.example.com")
	for name, text := range map[string]string{"c.pem": cert, "k.pem": key, "one": "from a file\r\n", "many": "first\n\n second \n", "db": "postgres://me:pw@host/name?sslmode=require\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c, err := Parse(filepath.Join(dir, "config.yaml"), []byte(`
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
`), onPaper(map[string]string{"KEY": "from $the ${environment}", "N": "7"}))
	if err != nil {
		t.Fatal(list(err))
	}
	if c.Database != "postgres://me:pw@host/name?sslmode=require" || c.DatabaseShown() != "postgres://me@host/name" {
		t.Errorf("database %q is shown as %q", c.Database, c.DatabaseShown())
	}
	if c.Public.TLS.CertFile != filepath.Join(dir, "c.pem") || c.Public.TLS.KeyFile != filepath.Join(dir, "k.pem") || c.Documents != "file:"+filepath.Join(dir, "documents") {
		t.Errorf("relative paths do not start at the config: %+v %s", c.Public.TLS, c.Documents)
	}
	if got := c.CallbackURL("a"); got != "https://sign.example.com/base/callbacks/a" {
		t.Errorf("callback URL %s", got)
	}
	one, two := c.Accounts[0], c.Accounts[1]
	wantSettings(t, one, configtest.PaperSettings{APIKey: "afrom $the ${environment}b$c$d", CallbackKey: "from a file", CallbackKeys: []provider.Secret{"first", "second"}, Retries: 7}, "from a file")
	wantSettings(t, two, configtest.PaperSettings{APIKey: "afrom $the ${environment}b$c$d", CallbackKey: "from a file", CallbackKeys: []provider.Secret{"x", "y"}, Retries: 7}, "from a file")
	if o := one.Options(); o.BaseURL != "https://x.example.com" || o.Download == nil || len(o.Download) != 0 || !o.IncludeTest || o.Scope != "all" {
		t.Errorf("options of a: %+v", o)
	}
	if o := two.Options(); !reflect.DeepEqual(o.Download, []string{"signed"}) {
		t.Errorf("download of b: %v", o.Download)
	}
	if r := one.Rules(model.Rules{Provider: "p"}); r.Confirm != model.ConfirmFinal || r.Debounce != 2*time.Second || len(r.RecheckAfter) != 3 || r.Provider != "p" {
		t.Errorf("rules of a: %+v", r)
	}
	if r := two.Rules(model.Rules{}); r.Confirm != model.ConfirmAll || len(r.RecheckAfter) != 0 {
		t.Errorf("rules of b: %+v", r)
	}
	if b := one.Budgets(); b[provider.ClassRead] != 120 || b[provider.ClassFiles] != 3 {
		t.Errorf("budgets of a: %v", b)
	}
	if p := one.Polling; p.Active.String() != "0 * * * *" || p.Idle.String() != "30 5 * * *" || p.Audit.String() != "0 3 * * *" || c.Retention.Bodies != Lifetime(14*Day) || c.Retention.History != forever {
		t.Errorf("polling %+v, retention %+v", one.Polling, c.Retention)
	}
}

func wantSettings(t *testing.T, a Account, want configtest.PaperSettings, secret provider.Secret) {
	t.Helper()
	p, err := configtest.Paper(a.Options())
	if err != nil {
		t.Fatal(err)
	}
	got := p.Provider.(*configtest.PaperProvider).Settings
	if got.OAuth == nil || got.OAuth.ClientSecret != secret {
		t.Errorf("%s: nested secret: %+v", a.ID, got.OAuth)
	}
	got.OAuth = nil
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s: settings differ from what was wanted: %d keys, %d retries", a.ID, len(got.CallbackKeys), got.Retries)
	}
}

// list spells an error out, in a file called config.
func list(err error) string {
	var l *tree.Faults
	if !errors.As(err, &l) {
		return err.Error()
	}
	var b strings.Builder
	for _, f := range l.All {
		b.WriteString(f.In("config") + "\n")
	}
	return b.String()
}

// onPaper reads configs with an environment of its own and providers on paper.
func onPaper(env map[string]string) Source {
	return Source{
		Lookup:    func(name string) (string, bool) { v, ok := env[name]; return v, ok },
		Providers: map[string]provider.Driver{"onespan": {Traits: onespan.Traits(), New: configtest.Paper}, "dropboxsign": {Traits: dropboxsign.Traits(), New: configtest.Paper}},
	}
}

func TestReadingNeedsNoSecrets(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "config.yaml")
	if err := os.WriteFile(file, []byte(account("id: a")+"    x: y\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	all := onPaper(nil)
	reading := all
	reading.WithoutSecrets = true
	if _, err := Load(file, reading); err == nil {
		t.Error("an unknown key is forgiven")
	}
	if err := os.WriteFile(file, []byte("accounts: [{ id: a, provider: onespan, settings: { api_key: '${GONE}' } }]"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(file, reading); err != nil {
		t.Errorf("reading asks for a secret: %v", list(err))
	}
	if _, err := Load(file, all); err == nil {
		t.Error("the daemon would start without a secret")
	}
	if err := os.WriteFile(file, []byte("database: '${GONE}'"), 0o600); err != nil {
		t.Fatal(err)
	}
	if c, err := Load(file, reading); err == nil {
		t.Errorf("a database that is not named is read: %q", c.Database)
	}
}

// The example is the reference: it loads, and it shows every key that the Config type has.
func TestExampleHasEveryKey(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(exampleText())
	if err != nil {
		t.Fatal(err)
	}
	from := onPaper(nil)
	from.Lookup = func(name string) (string, bool) {
		return "whsec_" + base64.StdEncoding.EncodeToString(make([]byte, 32)), true
	}
	from.Providers = inUse()
	c, err := Parse(exampleText(), text, from)
	if err != nil {
		t.Fatal(list(err))
	}
	doc, _ := parse(text)
	root, _ := tree.Expand(doc, ".", from.Lookup)
	for _, path := range keysOf(reflect.TypeFor[Config](), "") {
		if _, n := root.At(path); n == nil {
			t.Errorf("config.example.yaml lacks %s", path)
		}
	}
	plain, err := Parse(exampleText(), nil, from)
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
		!reflect.DeepEqual(shown.Polling, short.Polling) || shown.Budget != short.Budget || !reflect.DeepEqual(shown.Hints.Enabled, short.Hints.Enabled) {
		t.Errorf("config.example.yaml spells out other values than the defaults:\n%+v\n%+v", shown, short)
	}
}

// keysOf lists every key below a type, the first entry standing for a list.
func keysOf(of reflect.Type, path string) []string {
	var all []string
	switch {
	case of == reflect.TypeFor[Settings]() || reflect.PointerTo(of).Implements(reflect.TypeFor[tree.Parser]()):
	case of.Kind() == reflect.Slice && of.Elem().Kind() == reflect.Struct:
		all = keysOf(of.Elem(), path+"[0]")
	case of.Kind() == reflect.Struct:
		for i := range of.NumField() {
			f := of.Field(i)
			name, _, _ := strings.Cut(f.Tag.Get("yaml"), ",")
			if !f.IsExported() || name == "" || f.Type == reflect.TypeFor[NotYet]() {
				continue
			}
			all = append(append(all, tree.Join(path, name)), keysOf(f.Type, tree.Join(path, name))...)
		}
	}
	return all
}

func exampleText() string { return filepath.Join("..", "..", "..", "config.example.yaml") }

// inUse are the providers of the example.
func inUse() map[string]provider.Driver {
	return map[string]provider.Driver{
		"allsign":     {Traits: allsign.Traits(), New: allsign.New},
		"autosign":    {Traits: autosign.Traits(), New: autosign.New},
		"documenso":   {Traits: documenso.Traits(), New: documenso.New},
		"dropboxsign": {Traits: dropboxsign.Traits(), New: dropboxsign.New},
		"onespan":     {Traits: onespan.Traits(), New: onespan.New},
	}
}

func TestTheConfigIsFound(t *testing.T) {
	t.Chdir(t.TempDir())
	env := map[string]string{}
	lookup := func(name string) (string, bool) { v, ok := env[name]; return v, ok }
	if file, err := Find("", lookup); err == nil || !strings.HasPrefix(err.Error(), "no config: ") {
		t.Errorf("without a config: %q, %v", file, err)
	}
	if err := os.WriteFile("config.yaml", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ env, named, want string }{
		{"", "", "config.yaml"}, {"from-environment.yaml", "", "from-environment.yaml"}, {"from-environment.yaml", "from-flag.yaml", "from-flag.yaml"},
	} {
		env["COUNTERSIGN_CONFIG"] = c.env
		if file, err := Find(c.named, lookup); file != c.want || err != nil {
			t.Errorf("reads %s, %v; want %s", file, err, c.want)
		}
	}
}
