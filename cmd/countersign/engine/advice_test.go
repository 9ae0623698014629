package engine

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"countersign/model/store"
	"countersign/model/store/database"
)

// The advice to reload names the process where it runs on this machine, and no service manager.
func TestHowToReloadNamesTheProcess(t *testing.T) {
	t.Parallel()
	a := NewEnv(strings.NewReader(""), io.Discard, io.Discard, nil)
	s, err := store.Open(t.Context(), store.Options{DSN: "sqlite:" + filepath.Join(t.TempDir(), "x.db"), Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close() //nolint:errcheck // the test has ended
	if _, _, err := s.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	same := func(want string) {
		t.Helper()
		if got := a.HowToReload(t.Context(), s); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	same("SIGHUP")
	for owner, want := range map[string]string{
		a.Owner(): fmt.Sprintf("kill -HUP %d", os.Getpid()), "elsewhere, process 7": "SIGHUP to elsewhere, process 7",
	} {
		lock, err := s.Lock(t.Context(), database.LockServe, owner, time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		same(want)
		lock.Release() //nolint:errcheck // the next one tells
	}
}
