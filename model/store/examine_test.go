package store

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"countersign/model"
	"countersign/model/store/sqlitefile"
)

// A kill in the middle of a checkpoint leaves a file that is shorter than it says, and the rest in the log.
func TestACheckpointThatWasCutShortIsNoFault(t *testing.T) {
	d := openSQLiteTest(t)
	raw := d.raw(t)
	_, err := raw.Exec("PRAGMA wal_checkpoint(TRUNCATE)")
	check(t, err)
	short, err := os.ReadFile(d.Path())
	check(t, err)
	for i := range 200 {
		putRow(t, d.Store, model.Key{Account: "a", Ref: strings.Repeat("r", 50+i)})
	}
	log, err := os.ReadFile(d.Path() + "-wal")
	check(t, err)
	_, err = raw.Exec("PRAGMA wal_checkpoint(TRUNCATE)")
	check(t, err)
	long, err := os.ReadFile(d.Path())
	check(t, err)
	if len(long) <= len(short) {
		t.Fatalf("the file did not grow: %d, %d", len(short), len(long))
	}
	copied := filepath.Join(t.TempDir(), "copy.db")
	check(t, os.WriteFile(copied, append(long[:4096:4096], short[4096:]...), 0o600))
	if err := sqlitefile.Examine(t.Context(), copied); err == nil || !strings.Contains(err.Error(), "is cut off") {
		t.Fatalf("without the log: got %v", err)
	}
	check(t, os.WriteFile(copied+"-wal", log, 0o600))
	o := d.options()
	o.DSN = "sqlite:" + copied
	s, err := Open(t.Context(), o)
	check(t, err)
	defer s.Close()
	check(t, s.Check(t.Context()))
	n, err := s.Count(t.Context(), Filter{})
	check(t, err)
	if n != 200 {
		t.Fatalf("%d rows, want 200", n)
	}
}

func putRow(t *testing.T, s *Store, k model.Key) {
	t.Helper()
	check(t, s.Do(context.Background(), Unit{Keys: []model.Key{k}, Apply: func(b *Batch) error {
		b.Put(model.Transaction{Account: k.Account, Ref: k.Ref, Provider: "onespan", Status: model.Draft, SignersSet: true},
			model.Decision{})
		return nil
	}}))
}
