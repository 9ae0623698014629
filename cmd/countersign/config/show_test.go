package config

import (
	"io/fs"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
)

// What is shown says every key with its default, and no secret.
func TestShown(t *testing.T) {
	t.Parallel()
	text := `
public: { url: "https://${HOST}" }
console: { token: hush-token-hush-token-1 }
database: postgres://me:hush-password@db/x
callback_objective: 99.5%
accounts:
  - { id: sales, provider: onespan, settings: { api_key: hush-key, callback_keys: ["${KEY}"], retries: 3, oauth: { client_secret: hush } } }
  - { id: hr, provider: onespan, download: [], budget: { read: 7 }, settings: { api_key: "${OTHER}" } }
`
	from := onPaper(map[string]string{"HOST": "sign.example.com", "KEY": "hush-callback", "OTHER": "hush-other"})
	c, err := Parse("config.yaml", []byte(text), from)
	if err != nil {
		t.Fatal(SpelledOut(err))
	}
	out, err := yaml.Marshal(c.Shown())
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(out), "hush") {
		t.Errorf("a secret is shown:\n%s", out)
	}
	for _, want := range []string{
		"database: postgres://me@db/x\n", "url: https://sign.example.com\n", "token: <secret>\n",
		"callback_objective: 99.5%\n", "slot_jitter: 2m0s\n",
		"api_key: <secret>\n", "- <secret>\n", "retries: 3\n", "client_secret: <secret>\n", "active: 0 */6 * * *\n",
		"download: [signed, evidence]\n", "download: []\n", "read: 7\n", "recheck_after: [10s, 1m0s, 10m0s]\n",
		"scope: all\n", "refused_size: 256MiB\n",
	} {
		if !strings.Contains(string(out), want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
}

// The console shows a secret's fingerprint, which is compared and never read.
func TestFingerprinted(t *testing.T) {
	t.Parallel()
	c, err := Parse("config.yaml", []byte(`
public: { url: "https://sign.example.com" }
console: { token: hush-token-hush-token-1 }
accounts:
  - { id: sales, provider: onespan, settings: { api_key: hush-key, callback_key: "${KEY}" } }
  - { id: hr, provider: onespan, settings: { api_key: hush-other, callback_key: hush } }
`), onPaper(map[string]string{"KEY": "hush-callback"}))
	require.NoError(t, err)
	for account, want := range map[string][]string{
		"":      {"token: <secret 14d3e6c9>", "api_key: <secret "},
		"sales": {"id: sales", "api_key: <secret "},
	} {
		out, err := yaml.Marshal(c.Fingerprinted(account))
		require.NoError(t, err)
		require.NotContains(t, string(out), "hush")
		require.NotContains(t, string(out), "<secret>")
		for _, w := range want {
			require.Contains(t, string(out), w)
		}
		require.Equal(t, account == "", strings.Contains(string(out), "id: hr"))
	}
	require.Nil(t, c.Fingerprinted("none"))
}

// What is no fault and still not meant is named, without the secret.
func TestWarnings(t *testing.T) {
	t.Parallel()
	text := `
public: { url: "https://sign.example.com" }
console: { token: "a token with blanks in it" }
accounts:
  - { id: a, provider: onespan, settings: { api_key: "hush hush", callback_key: y } }
  - { id: b, provider: onespan, settings: { api_key: "${KEY}", callback_keys: ["\ufeffx"] } }
  - { id: c, provider: dropboxsign, settings: { api_key: "${KEY}" } }
  - { id: d, provider: onespan, settings: { api_key: "${KEY}", callback_key: y } }
  - { id: e, provider: onespan, base_url: "https://sandbox.esignlive.com", settings: { api_key: "${KEY}", callback_key: y } }
`
	c, err := Parse("config.yaml", []byte(text), onPaper(map[string]string{"KEY": "hush"}))
	if err != nil {
		t.Fatal(SpelledOut(err))
	}
	got := c.Warnings(func(string) (fs.FileInfo, error) { return nil, fs.ErrNotExist })
	want := []string{
		"console.token has a blank or a character that nobody sees: no caller will send it like that",
		"accounts[0].settings.api_key has a blank or a character that nobody sees inside: was it copied whole, and nothing else?",
		"accounts[1].settings.callback_keys[0] has a blank or a character that nobody sees inside: was it copied whole, and nothing else?",
		"accounts[3].settings.api_key is that of accounts[1] too: each transaction is then a row of both, and asked about twice",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
