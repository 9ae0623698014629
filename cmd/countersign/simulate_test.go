package main

import (
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"countersign/cmd/countersign/demo"
	"countersign/cmd/countersign/output"
	"countersign/provider/simulator"
)

// A config for simulated services loads at any speed, and doctor and registration agree with them.
func TestSimulatedConfig(t *testing.T) {
	t.Parallel()
	for _, speed := range []float64{1, 10, 288, 2880, 100000} {
		w := simulator.New(simulator.Options{Seed: 1, Speed: speed, Callbacks: "http://127.0.0.1:18099"})
		server := httptest.NewServer(w.Handler())
		t.Cleanup(server.Close)
		dir := t.TempDir()
		file := filepath.Join(dir, "config.yaml")
		text := demo.Config(demo.ConfigOptions{Providers: providers(),
			Accounts: w.Accounts(), Base: server.URL, PublicAddress: "127.0.0.1:0", PublicURL: "http://127.0.0.1:18099",
			ConsoleAddress: "127.0.0.1:0",
			Database:       "sqlite:./countersign.db", Documents: "file:./documents", Speed: speed,
		})
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		for _, args := range []string{"config check", "doctor", "registration show sim-onespan"} {
			a, stdout, stderr := testApp(nil)
			a.Providers, a.Now = providers(), time.Now
			if code := a.run(t.Context(), append([]string{"--config", file}, strings.Fields(args)...)); code != output.ExitDone {
				t.Fatalf("speed %v, %s: exit %d\n%s%s\n%s", speed, args, code, stdout, stderr, text)
			}
			for _, acc := range w.Accounts() {
				if key, _ := acc.Settings["api_key"].(string); strings.Contains(stdout.String()+stderr.String(), key) {
					t.Errorf("%s prints a secret", args)
				}
			}
		}
	}
}

// The habits of single services reach the world: a config written for a secret that will be replaced holds both.
func TestSimulatedHabits(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		args    string
		secrets int
	}{{"", 1}, {"--rotate-secrets 1h --disable-after 3 --clear-after 10 --key-life 1h --token-life 1m --shift 0.1 --same-second", 2}} {
		file := filepath.Join(t.TempDir(), "sim.yaml")
		a, stdout, stderr := testApp(nil)
		args := "simulate --address 127.0.0.1:0 --for 1ms --service allsign --transactions 0 --write-config " + file + " " +
			c.args
		if code := a.run(t.Context(), strings.Fields(args)); code != output.ExitDone {
			t.Fatalf("%s: exit %d\n%s%s", args, code, stdout, stderr)
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if n := strings.Count(string(text), "whsec_"); n != c.secrets {
			t.Errorf("%s: %d secrets, want %d\n%s", args, n, c.secrets, text)
		}
	}
	for _, wrong := range []string{"--shift 2", "--rotate-secrets -1s", "--disable-after -1"} {
		a, _, stderr := testApp(nil)
		if code := a.run(t.Context(), strings.Fields("simulate --for 1ms "+wrong)); code != output.ExitUsage {
			t.Errorf("%s: exit %d: %s", wrong, code, stderr)
		}
	}
}
