package config

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"countersign/cmd/countersign/config/configtest"
	"countersign/cmd/countersign/config/tree"
	"countersign/cmd/countersign/config/values"
	"countersign/model"
	"countersign/provider"
	"countersign/provider/dropboxsign"
	"countersign/provider/onespan"
)

func TestConfigValues(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	cert, key := configtest.SelfSigned(t, "sign.example.com")
	for name, text := range map[string]string{"c.pem": cert, "k.pem": key, "one": "from a file\r\n",
		"many": "first\n\n second \n", "db": "postgres://me:pw@host/name?sslmode=require\n"} {
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
	if c.Public.TLS.CertFile != filepath.Join(dir, "c.pem") || c.Public.TLS.KeyFile != filepath.Join(dir, "k.pem") ||
		c.Documents != "file:"+filepath.Join(dir, "documents") {
		t.Errorf("relative paths do not start at the config: %+v %s", c.Public.TLS, c.Documents)
	}
	if got := c.CallbackURL("a"); got != "https://sign.example.com/base/callbacks/a" {
		t.Errorf("callback URL %s", got)
	}
	one, two := c.Accounts[0], c.Accounts[1]
	wantSettings(t, one,
		configtest.PaperSettings{APIKey: "afrom $the ${environment}b$c$d", CallbackKey: "from a file",
			CallbackKeys: []provider.Secret{"first", "second"}, Retries: 7}, "from a file")
	wantSettings(t, two,
		configtest.PaperSettings{APIKey: "afrom $the ${environment}b$c$d", CallbackKey: "from a file",
			CallbackKeys: []provider.Secret{"x", "y"}, Retries: 7}, "from a file")
	if o := one.Options(); o.BaseURL != "https://x.example.com" || o.Download == nil || len(o.Download) != 0 ||
		!o.IncludeTest || o.Scope != "all" {
		t.Errorf("options of a: %+v", o)
	}
	if o := two.Options(); !reflect.DeepEqual(o.Download, []string{"signed"}) {
		t.Errorf("download of b: %v", o.Download)
	}
	if r := one.Rules(model.Rules{Provider: "p"}); r.Confirm != model.ConfirmFinal || r.Debounce != 2*time.Second ||
		len(r.RecheckAfter) != 3 || r.Provider != "p" {
		t.Errorf("rules of a: %+v", r)
	}
	if r := two.Rules(model.Rules{}); r.Confirm != model.ConfirmAll || len(r.RecheckAfter) != 0 {
		t.Errorf("rules of b: %+v", r)
	}
	if b := one.Budgets(); b[provider.ClassRead] != 120 || b[provider.ClassFiles] != 3 {
		t.Errorf("budgets of a: %v", b)
	}
	if p := one.Polling; p.Active.String() != "0 * * * *" || p.Idle.String() != "30 5 * * *" ||
		p.Audit.String() != "0 3 * * *" || c.Retention.Bodies != values.Lifetime(14*values.Day) ||
		c.Retention.History != values.Forever {
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
		Lookup: func(name string) (string, bool) { v, ok := env[name]; return v, ok },
		Providers: map[string]provider.Driver{"onespan": {Traits: onespan.Traits(), New: configtest.Paper},
			"dropboxsign": {Traits: dropboxsign.Traits(), New: configtest.Paper}},
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
	if err := os.WriteFile(file, []byte("accounts: [{ id: a, provider: onespan, settings: { api_key: '${GONE}' } }]"),
		0o600); err != nil {
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
		{"", "", "config.yaml"}, {"from-environment.yaml", "", "from-environment.yaml"}, {"from-environment.yaml",
			"from-flag.yaml", "from-flag.yaml"},
	} {
		env["COUNTERSIGN_CONFIG"] = c.env
		if file, err := Find(c.named, lookup); file != c.want || err != nil {
			t.Errorf("reads %s, %v; want %s", file, err, c.want)
		}
	}
}

// Whoever switched the user with runuser stands in a folder of root's.
func TestAFolderThatIsClosedIsPassedOver(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("nothing is closed to root")
	}
	dir := t.TempDir()
	t.Chdir(dir)
	if err := os.Chmod(dir, 0); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.Chmod(dir, 0o700) }) //nolint:errcheck,gosec // so that it can be removed
	file, err := Find("", func(string) (string, bool) { return "", false })
	if file == "config.yaml" {
		t.Errorf("%s, %v", file, err)
	}
}
