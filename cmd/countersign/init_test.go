package main

import (
	"encoding/base64"
	"testing"

	"countersign/cmd/countersign/config"
)

// What init writes loads with the provider that it is for, once its secrets are there.
func TestInitWritesWhatEachProviderNeeds(t *testing.T) {
	t.Parallel()
	for name, driver := range providers() {
		text, secrets := initialConfig(initFlags{provider: name, account: "one"}, driver.Traits)
		env := map[string]string{}
		for _, s := range secrets {
			env[s] = "whsec_" + base64.StdEncoding.EncodeToString(make([]byte, 32))
		}
		a, _, _ := testApp(env)
		a.Providers = providers()
		c, err := config.Parse("config.yaml", []byte(text), config.Source{Lookup: a.Lookup, Providers: a.Providers})
		if err != nil {
			t.Errorf("%s: %v\n%s", name, config.SpelledOut(err), text)
			continue
		}
		if len(c.Accounts) != 1 || c.Accounts[0].Provider != name {
			t.Errorf("%s: %+v", name, c.Accounts)
		}
	}
}
