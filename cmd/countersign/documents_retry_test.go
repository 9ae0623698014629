package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"countersign/cmd/countersign/engine/keyfile"
	"countersign/cmd/countersign/output"
	"countersign/model"
	"countersign/model/store"
	"countersign/model/store/database"
)

// Beside a daemon, retry makes a quarantined document due as a new version; the old row stays.
func TestDocumentsRetry(t *testing.T) {
	t.Parallel()
	dir, config := seeded(t, false)
	if err := os.WriteFile(config, []byte("accounts:\n  - { id: sales, provider: onespan, settings: { api_key: x } }\n"),
		0o600); err != nil {
		t.Fatal(err)
	}
	s := opened(t, dir)
	held, err := s.Lock(t.Context(), database.LockWork, "host, process 7", time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	defer held.Release() //nolint:errcheck // the test is over
	a, stdout, stderr := testApp(map[string]string{keyfile.Variable: strings.Repeat("01", keyfile.Size)})
	a.Providers = providers() // those on paper have no rules
	code := a.run(t.Context(), []string{"--config", filepath.Clean(config), "documents", "retry", "sales", "p-1"})
	if code != output.ExitDone || stdout.String() != "1 document to be fetched again\nthe daemon fetches them\n" {
		t.Fatalf("exit %d: %s%s", code, stdout, stderr)
	}
	list, err := s.Documents(t.Context(), store.DocumentFilter{Account: "sales", Ref: "p-1"})
	if err != nil {
		t.Fatal(err)
	}
	states := map[int]model.DocumentState{}
	for _, d := range list {
		if d.Kind == model.EvidenceDocument {
			states[d.Version] = d.State
		}
	}
	if states[1] != model.DocumentQuarantined || states[2] != model.DocumentWaiting {
		t.Errorf("versions stand as %v", states)
	}
}
