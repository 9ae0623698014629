package main

import (
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

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
		text := simulatedConfig(simulatedOptions{
			Accounts: w.Accounts(), Base: server.URL, PublicAddress: "127.0.0.1:0", PublicURL: "http://127.0.0.1:18099", ConsoleAddress: "127.0.0.1:0",
			Database: "sqlite:./countersign.db", Documents: "file:./documents", Speed: speed,
		})
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		for _, args := range []string{"config check", "doctor", "registration show sim-onespan"} {
			a, stdout, stderr := testApp(nil)
			a.providers, a.now = providers(), time.Now
			if code := a.run(t.Context(), append([]string{"--config", file}, strings.Fields(args)...)); code != exitDone {
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
