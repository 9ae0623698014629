package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/testscript"

	"countersign/cmd/countersign/config/configtest"
	"countersign/cmd/countersign/engine/keyfile"
	"countersign/cmd/countersign/installtest"
	"countersign/provider"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// TestMain lets scripts run the program, with a clock that stands, and seed a database for it.
func TestMain(m *testing.M) {
	testscript.Main(installtest.Tests(m), map[string]func(){
		"countersign": func() {
			ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
			a := newApp(os.Stdin, os.Stdout, os.Stderr)
			a.Now = func() time.Time { return nine }
			a.Providers = onPaper("onespan", "dropboxsign")
			code := a.run(ctx, os.Args[1:])
			stop()
			os.Exit(code)
		},
		"seed": func() {
			incident := len(os.Args) > 1 && os.Args[1] == "-incident"
			if err := seed(context.Background(), ".", nine, incident); err != nil {
				fmt.Fprintln(os.Stderr, err)
				os.Exit(1)
			}
		},
	})
}

func TestScripts(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(e *testscript.Env) error {
			e.Setenv("COUNTERSIGN_KEY", strings.Repeat("01", keyfile.Size))
			return nil
		},
		RequireExplicitExec: true,
		UpdateScripts:       *update,
	})
}

// TestScreens holds what people see on a terminal against testdata/screen: run with -update, look at
// the difference.
func TestScreens(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := seed(t.Context(), dir, nine, true); err != nil {
		t.Fatal(err)
	}
	conf := filepath.Join(dir, "config.yaml")
	if err := os.WriteFile(conf, []byte(`public: { url: "https://sign.example.com" }
accounts:
  - { id: sales, provider: onespan, settings: { api_key: x } }
  - { id: hr, provider: dropboxsign, settings: { api_key: x } }
`), 0o600); err != nil {
		t.Fatal(err)
	}
	room := regexp.MustCompile(`[0-9.,]+ [KMGT]?i?B left|quedan [0-9.,]+ [KMGT]?i?B`) // what the disk has, which no two have alike
	for name, args := range map[string]string{
		"status":         "status",
		"list":           "list",
		"list-attention": "list --attention",
		"show-completed": "show p-1",
		"show-checking":  "show sales p-2",
		"show-attention": "show hr same",
		"changes":        "changes",
		"gaps":           "gaps",
		"callbacks":      "callbacks list",
		"documents":      "documents list",
		"config-check":   "config check",
		"list-80":        "list",
		"gaps-80":        "gaps",
		"callbacks-80":   "callbacks list",
		"show-80":        "show p-1",
		"status-80":      "status",

		"list-es":      "--lang es list",
		"list-80-es":   "--lang es list",
		"show-es":      "--lang es show p-1",
		"checking-es":  "--lang es show sales p-2",
		"attention-es": "--lang es show hr same",
		"status-es":    "--lang es status",
		"gaps-es":      "--lang es gaps",
		"documents-es": "--lang es documents list",
		"callbacks-es": "--lang es callbacks list",
		"changes-es":   "--lang es changes",
		"config-es":    "--lang es config check",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a, stdout, stderr := testApp(map[string]string{keyfile.Variable: strings.Repeat("01", keyfile.Size)})
			a.Terminal = true
			if strings.Contains(name, "-80") {
				a.Width = 80
			}
			a.Providers = onPaper("onespan", "dropboxsign")
			a.Providers["onespan"] = provider.Driver{Traits: a.Providers["onespan"].Traits, New: lister}
			a.run(t.Context(), append([]string{"--config", conf}, strings.Fields(args)...))
			golden(t, filepath.Join("testdata", "screen", name+".txt"),
				room.ReplaceAllString(strings.ReplaceAll(stdout.String()+stderr.String(), dir, "DIR"), "ROOM left"))
		})
	}
}

// lister is a provider on paper that lists.
func lister(o provider.Options) (provider.Service, error) {
	p, err := configtest.Paper(o)
	p.Lister = reaching("every transaction of the account")
	return p, err
}

type reaching string

func (reaching) Lists() provider.Listing { return provider.ListsChanged }
func (r reaching) Reach() string         { return string(r) }
func (reaching) List(context.Context, provider.ListQuery) (provider.Page, error) {
	return provider.Page{}, nil
}

// golden compares with a file, or writes it.
func golden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(got, "\n")); diff != "" {
		t.Errorf("%s (-want +got):\n%s", file, diff)
	}
}
