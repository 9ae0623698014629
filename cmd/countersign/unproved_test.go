package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"countersign/cmd/countersign/output"
)

// unprovedConfig writes a config with one account, in a folder of its own.
func unprovedConfig(t *testing.T, provider, settings string) string {
	t.Helper()
	dir := t.TempDir()
	file := filepath.Join(dir, "config.yaml")
	text := "public: { address: 127.0.0.1:0 }\nconsole: { address: 127.0.0.1:0 }\n" +
		"database: \"sqlite:" + dir + "/countersign.db\"\n" +
		"documents: \"file:" + dir + "/documents\"\ndocuments_min_free: 1MiB\n" +
		"accounts: [{ id: la, provider: " + provider + ", base_url: \"https://service.example\", " +
		"settings: " + settings + " }]\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// Whoever leaves the callback secret out is told what becomes of callbacks, by `config check`, by `doctor` and in the
// log of `serve`, with each provider that has one.
func TestAnAccountWithoutACallbackSecretIsWarnedOf(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ provider, settings, warning string }{
		{"autosign", "{ access_token: x }", "webhook_secrets is not set: every callback is refused"},
		{"autosign", "{ access_token: x, webhook_secrets: [y] }", ""},
		{"onespan", "{ api_key: x }", "callback_key is not set: nothing proves a callback"},
		{"onespan", "{ api_key: x, callback_keys: [y] }", ""},
		{"documenso", "{ api_key: x }", "webhook_secret is not set: nothing proves a callback"},
		{"documenso", "{ api_key: x, webhook_secrets: [y] }", ""},
		{"allsign", "{ api_key: x }", "webhook_secrets is not set: every callback is refused, unless `registration set`"},
		{"allsign", "{ api_key: x, profile: v2, allow_unsigned: true }", ""},
		{"dropboxsign", "{ api_key: x }", ""}, // the key itself proves
	} {
		t.Run(c.provider+" "+c.settings, func(t *testing.T) {
			t.Parallel()
			file := unprovedConfig(t, c.provider, c.settings)
			warned := func(verb, said string) {
				needless := strings.Contains(said, "is not set: every") || strings.Contains(said, "is not set: nothing proves")
				if !strings.Contains(said, c.warning) || c.warning == "" && needless {
					t.Errorf("%s: %s", verb, said)
				}
			}
			a, stdout, stderr := testApp(nil)
			a.Providers, a.Transport = providers(), unreachable{}
			if code := a.run(t.Context(), []string{"--config", file, "config", "check"}); code != output.ExitDone {
				t.Errorf("exit %d", code)
			}
			warned("config check", stdout.String()+stderr.String())
			stdout.Reset()
			a.run(t.Context(), []string{"--config", file, "doctor"}) // it reaches no provider, which fails it
			warned("doctor", stdout.String())
			if said := stdout.String(); !strings.Contains(said, "  la ") {
				t.Errorf("no line of the account: %s", said)
			}
			warned("serve", servedOnce(t, file))
		})
	}
}

// servedOnce runs serve until it is ready, and returns its log.
func servedOnce(t *testing.T, file string) string {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	log, code := waitingFor("ready"), make(chan int, 1)
	a := newApp(strings.NewReader(""), log, log)
	a.Transport = unreachable{}
	go func() { code <- a.run(ctx, []string{"--config", file, "serve"}) }()
	var c int
	select {
	case <-log.said:
		cancel()
		c = <-code
	case c = <-code:
		t.Error("serve ended before it was ready")
	}
	if c != output.ExitDone {
		t.Errorf("serve: exit %d, %s", c, log.String())
	}
	return log.String()
}
