package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"countersign/provider"
	"countersign/provider/onespan"
)

// registers is a provider on paper that tells what it calls.
type registers provider.Registration

func (r registers) Registration(context.Context) (provider.Registration, error) {
	return provider.Registration(r), nil
}

func TestRegistrationShowSaysThatTheProviderTurnedTheCallsOff(t *testing.T) {
	t.Parallel()
	const ours, public = "https://sign.example.com/callbacks/sales", "public: { url: \"https://sign.example.com\" }\n"
	for name, c := range map[string]struct {
		reg    provider.Registration
		public string
		want   string
	}{
		"on": {provider.Registration{URL: ours}, public, "(this is us)"},
		"off": {provider.Registration{URL: ours, Disabled: true}, public,
			"(this is us, and the provider has turned the calls off)"},
		"off, at another URL": {provider.Registration{URL: "https://x.example.com", Disabled: true}, public,
			"(not us, and the provider has turned the calls off)"},
		"off, and no URL of ours": {provider.Registration{URL: ours, Disabled: true}, "",
			"(public.url is not set, and the provider has turned the calls off)"},
		"one of several that's off": {provider.Registration{Others: []provider.Registration{{URL: ours, Disabled: true}}},
			public, "(this is us, and the provider has turned the calls off)"},
	} {
		a, stdout, stderr := testApp(nil)
		a.Providers["onespan"] = provider.Driver{New: func(o provider.Options) (provider.Service, error) {
			p, err := onespan.New(o)
			p.Registrar = registers(c.reg)
			return p, err
		}}
		config := filepath.Join(t.TempDir(), "config.yaml")
		text := c.public + "accounts: [{ id: sales, provider: onespan, settings: { api_key: k } }]\n"
		if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		code := a.run(t.Context(), []string{"--config", config, "registration", "show", "sales"})
		if code != 0 || !strings.Contains(stdout.String(), c.want) {
			t.Errorf("%s: exit %d, %s%s", name, code, stdout, stderr)
		}
	}
}
