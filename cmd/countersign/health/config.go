package health

import (
	"cmp"
	"context"
	"crypto/sha256"
	"fmt"
	"os"
	"strings"
	"time"

	"countersign/cmd/countersign/config"
	"countersign/cmd/countersign/engine"
	"countersign/cmd/countersign/output"
	"countersign/model/store"
	"countersign/provider"
	"countersign/worker/pdf/cert"
)

// PrintConfig shows what was understood, and what may not be meant.
func PrintConfig(ctx context.Context, env *engine.Env, c *config.Config) error {
	rounds := roundTimes(ctx, env, c)
	about := env.Table()
	about.AppendRow([]any{env.Name("config"), c.File()})
	about.AppendRow([]any{env.Name("database"), c.DatabaseShown()})
	about.AppendRow([]any{env.Name("documents"), c.Documents})
	about.AppendRow([]any{env.Name("public"), c.Public.Address})
	about.AppendRow([]any{env.Name("console"), c.Console.Address})
	if err := env.Print(about); err != nil {
		return err
	}
	for _, account := range c.Accounts {
		if err := env.Printf("\n%s (%s)\n", account.ID, account.Provider); err != nil {
			return err
		}
		t := env.Table()
		t.AppendRow([]any{"  " + env.Name("callbacks"), cmp.Or(c.CallbackURL(account.ID), env.Say("cli.config.no_url"))})
		t.AppendRow([]any{"  " + env.Name("calls"), cmp.Or(account.BaseURL, env.Say("cli.config.production")) + ", " +
			budgetShown(env, account)})
		for _, s := range account.Polls(env.Now()) {
			t.AppendRow([]any{"  " + env.Word("cli.kind", s.Tier), env.Say("cli.config.next",
				"at", s.Next.Format("2006-01-02 15:04 MST"), "line", s.Line)})
		}
		if round := rounds[account.ID]; round != "" {
			t.AppendRow([]any{"  " + env.Name("a round"), round})
		}
		for _, der := range account.Trusted() {
			t.AppendRow([]any{"  " + env.Name("trusts"), trustedShown(env, der)})
		}
		if err := env.Print(t); err != nil {
			return err
		}
	}
	for i, w := range c.Warnings(os.Stat) {
		if i == 0 {
			env.Printf("\n") //nolint:errcheck // the next line tells
		}
		if err := env.Printf("%s %s\n", env.Paint(output.Warn, env.Say("cli.config.warning")), w); err != nil {
			return err
		}
	}
	return env.Printf("\n%s\n", env.Say("cli.config.good", "file", c.File()))
}

// trustedShown says whose a trusted certificate is, until when, and by which SHA-256 one can tell that it is the right
// one.
func trustedShown(env *engine.Env, der []byte) string {
	sum := fmt.Sprintf("%x", sha256.Sum256(der))
	c, err := cert.Parse(der)
	if err != nil {
		return "SHA-256 " + sum
	}
	return env.Say("cli.config.trusted", "name", output.Plain(c.Subject.String()), "until", c.NotAfter.Format(time.DateOnly),
		"sum", sum)
}

// budgetShown says how many requests a minute are made at most.
func budgetShown(env *engine.Env, a config.Account) string {
	b := a.Budgets()
	said := []string{env.Say("cli.config.read", "n", b[provider.ClassRead])}
	if files := b[provider.ClassFiles]; files > 0 {
		said = append(said, env.Say("cli.config.files", "n", files))
	}
	if test := b[provider.ClassTest]; test > 0 {
		said = append(said, env.Say("cli.config.test", "n", test))
	}
	return strings.Join(said, ", ")
}

// roundTimes says per account how long one round over its open rows takes with its budget; nothing
// where there is no database yet.
func roundTimes(ctx context.Context, env *engine.Env, c *config.Config) map[string]string {
	s, err := env.OpenStore(ctx, c, true)
	if err != nil {
		return nil
	}
	defer s.Close() //nolint:errcheck // only read
	all := map[string]string{}
	for i := range c.Accounts {
		account := &c.Accounts[i]
		n, err := s.CountOpenRows(ctx, store.OpenFilter{Account: account.ID, Tier: "open"})
		if err != nil {
			return nil
		}
		budget := account.Budgets()[provider.ClassRead]
		if took := time.Duration(n) * time.Minute / time.Duration(budget); took > 0 {
			all[account.ID] = env.CountOf("cli.config.round", n, "span", env.Lasting(took))
		}
	}
	return all
}
