package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"countersign/provider"
	"countersign/provider/autosign"
)

// `echo key | base64` in a cluster's secret leaves a line break behind each value.
func TestLineBreaksBehindSecretsAndAddressesAreCut(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "hook"), []byte(" hook\r\n\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	from := onPaper(map[string]string{"TOKEN": "token\n", "URL": "https://api.example.com\r\n", "BROKEN": "two\nlines"})
	from.Providers["autosign"] = provider.Driver{Traits: autosign.Traits(), New: autosign.New}
	parse := func(secret string) (*Config, error) {
		return Parse(filepath.Join(dir, "config.yaml"), []byte(`accounts:
  - id: la
    provider: autosign
    base_url: "${URL}"
    settings: { access_token: "${TOKEN}", webhook_secrets_file: `+secret+` }
`), from)
	}
	c, err := parse("hook")
	if err != nil {
		t.Fatal(list(err))
	}
	if c.Accounts[0].BaseURL != "https://api.example.com" {
		t.Errorf("%q", c.Accounts[0].BaseURL)
	}
	p, err := autosign.New(c.Accounts[0].Options())
	if err != nil {
		t.Fatal(err)
	}
	h, body, err := p.Canary("id", time.Unix(1772452800, 0))
	if err != nil {
		t.Fatal(err)
	}
	if r, err := p.Receive(provider.Callback{Header: h, Body: body}); err != nil || !r.Test {
		t.Errorf("%+v, %v", r, err)
	}
	_, err = Parse(filepath.Join(dir, "config.yaml"),
		[]byte(`accounts: [{ id: la, provider: autosign, settings: { access_token: "${BROKEN}" } }]`), from)
	if err == nil || !strings.Contains(list(err), "accounts[0].settings.access_token: holds a line break") ||
		strings.Contains(list(err), "two") {
		t.Errorf("a line break inside: %v", err)
	}
}
