package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"countersign/cmd/countersign/arguments"
	"countersign/cmd/countersign/config"
	"countersign/cmd/countersign/engine"
	"countersign/cmd/countersign/engine/environ"
	"countersign/cmd/countersign/output"
)

// What init writes loads with the provider that it is for, once its secrets are there.
func TestInitWritesWhatEachProviderNeeds(t *testing.T) {
	t.Parallel()
	for name, driver := range providers() {
		text, secrets := initialConfig(initFlags{provider: name, account: "one", base: "https://sign.example.org"},
			driver.Traits)
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

// Whoever is asked can end it: a read of stdin that never returns holds up neither init nor any other question.
func TestQuestionsEndWithTheContext(t *testing.T) {
	t.Parallel()
	silent, end := io.Pipe()
	defer end.Close()
	for name, do := range map[string]func(context.Context, *engine.Env) error{
		"init": func(ctx context.Context, env *engine.Env) error {
			return runInit(ctx, env, initFlags{file: filepath.Join(t.TempDir(), "c.yaml")}, func(string) bool { return false })
		},
		"track": func(ctx context.Context, env *engine.Env) error {
			_, _, err := arguments.RefsOf(ctx, env, &config.Config{}, "hr", "-", nil)
			return err
		},
	} {
		ctx, stop := context.WithCancel(t.Context())
		a := newApp(silent, io.Discard, io.Discard)
		ended := make(chan error, 1)
		go func() { ended <- do(ctx, a.Env) }()
		stop()
		if err := <-ended; !errors.Is(err, environ.ErrInterrupted) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Each answer is checked where it is given, and a server of one's own must be named.
func TestInitAsksAgain(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, answers, flags, want, fault string }{
		{"wrong answers", "nope\nonespan\nNo Id\nsales\n\nsign.example.com\nhttps://sign.example.com\n", "",
			`id: sales|base_url: "https://apps.esignlive.com"|url: "https://sign.example.com"`, ""},
		{"flags skip no URL", "https://sandbox.esignlive.com\nhttps://sign.example.com\n",
			"--provider onespan --account sales",
			`base_url: "https://sandbox.esignlive.com"|url: "https://sign.example.com"`, ""},
		{"no answers, a server that is usual", "", "--provider onespan --account sales",
			`base_url: "https://apps.esignlive.com"|# url:`, ""},
		{"a server of one's own", "main\nhttps://sign.example.org\n\n", "--provider documenso",
			`base_url: "https://sign.example.org"`, ""},
		{"no answer, a server that must be named", "", "--provider documenso --account self", "",
			"the input has ended before an answer to: the provider's server"},
		{"an answer that is wrong to the end", "https://sign.example.org?x\n", "--provider documenso --account self", "",
			"has a ? or # part"},
		{"a wrong flag, before any question", "onespan\n", "--account A", "", "--account: \"A\" is not an account id"},
	} {
		file := filepath.Join(t.TempDir(), "config.yaml")
		var errs bytes.Buffer
		code := run(t.Context(), append([]string{"init", "--file", file}, strings.Fields(c.flags)...),
			strings.NewReader(c.answers), io.Discard, &errs)
		text, _ := os.ReadFile(file)
		if (code == 0) != (c.fault == "") || code != 0 && code != output.ExitUsage ||
			!strings.Contains(errs.String(), c.fault) {
			t.Errorf("%s: exit %d\n%s", c.name, code, errs.String())
		}
		for want := range strings.SplitSeq(c.want, "|") {
			if !strings.Contains(string(text), want) {
				t.Errorf("%s: no %s in\n%s", c.name, want, text)
			}
		}
	}
}

// The key of a server of one's own goes nowhere else because base_url was left out.
func TestASelfHostedAccountNamesItsServer(t *testing.T) {
	t.Parallel()
	text := `accounts: [{ id: self, provider: documenso, settings: { api_key: api_x, webhook_secret: y } }]`
	_, err := config.Parse("config.yaml", []byte(text), config.Source{Lookup: os.LookupEnv, Providers: providers()})
	if err == nil || !strings.Contains(config.SpelledOut(err).Error(),
		"accounts[0].base_url: is missing, and the key must not go to a server that nobody named") {
		t.Errorf("%v", err)
	}
}
