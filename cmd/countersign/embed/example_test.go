package embed_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"countersign/cmd/countersign/demo"
	"countersign/cmd/countersign/embed"
	"countersign/model"
	"countersign/provider"
	"countersign/provider/onespan"
	"countersign/provider/simulator"
)

func TestMain(m *testing.M) {
	if embed.Child() {
		return
	}
	os.Exit(m.Run())
}

// A program of your own that is told what happens to its contracts. (The service is simulated here, and the config
// written for it; yours names your accounts.)
func Example() {
	configFile, end := simulated()
	defer end()

	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	var first sync.Once
	err := embed.Run(ctx, embed.Options{
		Config:    configFile,
		Providers: map[string]provider.Driver{"onespan": {Traits: onespan.Traits(), New: onespan.New}},
		Backfill:  "30d",
		Filter: embed.Filter{
			Statuses: []model.Status{model.Completed}, Kinds: []model.ChangeKind{model.KindStatus}, Backfills: true,
		},
		OnChange: func(_ context.Context, c embed.Change) error {
			// In earnest: keep c.ID in the transaction in which you do the work, and do nothing where it is there.
			first.Do(func() {
				fmt.Println(c.Account, c.Status, "confirmed:", c.Confirmed)
				stop()
			})
			return nil
		},
		Stdout: io.Discard, Stderr: io.Discard,
	})
	fmt.Println("ended:", err)
	// Output:
	// sim-onespan completed confirmed: true
	// ended: <nil>
}

// simulated serves an account, and writes a config for it.
func simulated() (configFile string, end func()) {
	world := simulator.New(simulator.Options{Seed: 5, Transactions: 12, BornBefore: 12, Services: []string{"onespan"},
		QuotaScale: 100})
	service := httptest.NewServer(world.Handler())
	dir, err := os.MkdirTemp("", "embed")
	if err != nil {
		panic(err)
	}
	configFile = filepath.Join(dir, "config.yaml")
	text := demo.Config(demo.ConfigOptions{
		Accounts: world.Accounts(), Base: service.URL, PublicAddress: free(), ConsoleAddress: free(),
		Database: "sqlite:./countersign.db", Documents: "file:./documents", Speed: 1,
		Providers: map[string]provider.Driver{"onespan": {Traits: onespan.Traits(), New: onespan.New}},
	})
	if err := os.WriteFile(configFile, []byte("documents_min_free: 1MiB\n"+text), 0o600); err != nil {
		panic(err)
	}
	return configFile, func() { service.Close(); os.RemoveAll(dir) } //nolint:errcheck // an example ends
}

// free is a loopback address that nobody listens on.
func free() string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	defer l.Close() //nolint:errcheck // only looked at
	return l.Addr().String()
}
