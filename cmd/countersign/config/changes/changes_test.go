package changes

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"countersign/cmd/countersign/config"
)

// live is what a reload takes over; every other key needs a restart.
func live() []string {
	return []string{"accounts", "polling", "public.url", "public.allow", "documents_max_size", "hooks"}
}

// A key that is in neither list would be taken over, or not, without a word.
func TestEveryKeyIsReadAgainOrNeedsARestart(t *testing.T) {
	var known []string
	for _, s := range atStart(&config.Config{}) {
		known = append(known, s.key)
	}
	known = append(known, live()...)
	keys := func(v reflect.Type, before string) (out []string) {
		for i := range v.NumField() {
			if name := v.Field(i).Tag.Get("yaml"); name != "" {
				out = append(out, before+name)
			}
		}
		return out
	}
	all := keys(reflect.TypeFor[config.Config](), "")
	all = append(all, keys(reflect.TypeFor[config.Public](), "public.")...)
	all = append(all, keys(reflect.TypeFor[config.Console](), "console.")...)
	for _, key := range all {
		if key != "public" && key != "console" && !slices.Contains(known, key) {
			t.Errorf("%s: is it read again at a reload?", key)
		}
	}
}

func TestARestartIsNamedForWhatAReloadDoesNotTakeOver(t *testing.T) {
	read := func(text string) *config.Config {
		c, err := config.Parse("config.yaml", []byte(text),
			config.Source{Lookup: func(string) (string, bool) { return "", false }})
		if err != nil {
			t.Fatal(config.SpelledOut(err))
		}
		return c
	}
	started := read("accounts: []\n")
	for text, want := range map[string]string{
		"accounts: []\n": "",
		"accounts: []\npolling: { active: \"0 * * * *\" }\npublic: { url: \"https://sign.example.com\" }\n": "",
		"accounts: []\npublic: { address: \":9000\", max_body: 1MiB }\nlog: { level: debug }\n":             "public.address public.max_body log",
		"accounts: []\nretry: { first: 1s }\ndatabase: sqlite:./other.db\n":                                 "database retry",
	} {
		if got := strings.Join(NeedRestart(read(text), started), " "); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}
