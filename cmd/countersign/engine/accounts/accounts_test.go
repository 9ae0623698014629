package accounts

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sirupsen/logrus"

	"countersign/cmd/countersign/config"
	"countersign/model/store"
	"countersign/provider"
	"countersign/provider/documenso"
)

// table is a table of accounts on a database, with a config file that a test writes.
type table struct {
	*Table
	file string
}

func newTable(t *testing.T) *table {
	t.Helper()
	dir := t.TempDir()
	s, err := store.Open(t.Context(), store.Options{
		DSN: "sqlite:" + filepath.Join(dir, "test.db"), Key: []byte(strings.Repeat("k", 32)), Now: time.Now,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() }) //nolint:errcheck // the test has its answer
	if _, _, err := s.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	o := Options{Store: s, Log: logrus.NewEntry(logrus.New()), Now: time.Now, Providers: drivers()}
	return &table{New(o), filepath.Join(dir, "config.yaml")}
}

func drivers() map[string]provider.Driver {
	return map[string]provider.Driver{"documenso": {Traits: documenso.Traits(), New: documenso.New}}
}

// read takes over a config of some accounts, and returns those that have a new generation.
func (tb *table) read(t *testing.T, accounts ...string) []string {
	t.Helper()
	if err := os.WriteFile(filepath.Join(filepath.Dir(tb.file), "key"), []byte("from-a-file"), 0o600); err != nil {
		t.Fatal(err)
	}
	text := "accounts:\n" + strings.Join(accounts, "\n") + "\n"
	c, err := config.Parse(tb.file, []byte(text), config.Source{Lookup: os.LookupEnv, Providers: drivers()})
	if err != nil {
		t.Fatal(config.SpelledOut(err))
	}
	changed, err := tb.Set(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(changed)
	return changed
}

func account(id, rest string) string {
	return fmt.Sprintf("  - { id: %s, provider: documenso, %s }", id, rest)
}

const (
	one = `base_url: "https://one.example.org", settings: { api_key: "k1" }`
	two = `base_url: "https://two.example.org", settings: { api_key: "k1" }`
)

func TestAnAccountWhoseCallsChangeHasANewGeneration(t *testing.T) {
	for name, c := range map[string]struct {
		now     []string
		changed string
	}{
		"nothing":      {[]string{account("b", two), account("a", one)}, "[]"},
		"another line": {[]string{account("b", two), "", "  # moved", account("a", one)}, "[]"},
		"when to ask": {[]string{account("a", one+`, polling: { active: "0 * * * *" }, gap_grace: 1m`),
			account("b", two)}, "[]"},
		"the key": {[]string{account("a", strings.Replace(one, "k1", "k2", 1)), account("b", two)}, "[a]"},
		"the key, in a file": {[]string{account("a", strings.Replace(one, `api_key: "k1"`, "api_key_file: key", 1)),
			account("b", two)}, "[a]"},
		"the secret": {[]string{account("a", strings.Replace(one, `"k1"`, `"k1", webhook_secret: "s"`, 1)),
			account("b", two)}, "[a]"},
		"the base_url":       {[]string{account("a", two), account("b", two)}, "[a]"},
		"the budget":         {[]string{account("a", one+", budget: { read: 5 }"), account("b", two)}, "[a]"},
		"what is downloaded": {[]string{account("a", one+", download: [signed]"), account("b", two)}, "[a]"},
		"retry, for all":     {[]string{account("a", one), account("b", two), "retry: { first: 1s }"}, "[a b]"},
		"one is new":         {[]string{account("a", one), account("b", two), account("c", one)}, "[c]"},
		"one is taken out":   {[]string{account("a", one)}, "[]"},
	} {
		t.Run(name, func(t *testing.T) {
			tb := newTable(t)
			if got := fmt.Sprint(tb.read(t, account("a", one), account("b", two))); got != "[a b]" {
				t.Fatalf("at first %s", got)
			}
			a, b := tb.Find("a"), tb.Find("b")
			if got := fmt.Sprint(tb.read(t, c.now...)); got != c.changed {
				t.Errorf("changed %s, want %s", got, c.changed)
			}
			for id, before := range map[string]bool{"a": a.Generation.Over(), "b": b.Generation.Over()} {
				if want := strings.Contains(c.changed, id) || tb.Find(id) == nil; before != want {
					t.Errorf("%s: its generation is over: %t", id, before)
				}
			}
			if tb.Find("a").Generation.Over() {
				t.Error("the new generation is over")
			}
		})
	}
}

func TestAnAccountThatIsBroughtBackHasANewGeneration(t *testing.T) {
	tb := newTable(t)
	tb.read(t, account("a", one), account("b", two))
	before := tb.Find("a")
	tb.read(t, account("b", two))
	if got := fmt.Sprint(tb.read(t, account("a", one), account("b", two))); got != "[a]" || !before.Generation.Over() {
		t.Errorf("changed %s, the one before is over: %t", got, before.Generation.Over())
	}
}
