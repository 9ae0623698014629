package main

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"countersign/cmd/countersign/engine/keyfile"
	"countersign/cmd/countersign/output"
	"countersign/model"
	"countersign/model/store"
	"countersign/model/store/database"
)

// seeded is a folder with a database and a config that says nothing.
func seeded(t *testing.T, incident bool) (dir, config string) {
	t.Helper()
	dir = t.TempDir()
	if err := seed(t.Context(), dir, nine, incident); err != nil {
		t.Fatal(err)
	}
	config = filepath.Join(dir, "config.yaml")
	if err := os.WriteFile(config, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	return dir, config
}

// opened is a store in dir that can be written.
func opened(t *testing.T, dir string) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), store.Options{
		DSN: "sqlite:" + filepath.Join(dir, "countersign.db"), Key: seedKey, Now: func() time.Time { return nine },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() }) //nolint:errcheck // the test is over
	return s
}

// Following prints what there is and what comes, each once, and ends well when it is interrupted.
func TestFollow(t *testing.T) {
	t.Parallel()
	dir, config := seeded(t, false)
	s := opened(t, dir)
	ctx, interrupt := context.WithCancel(t.Context())
	a, stdout, stderr := testApp(nil)
	rounds := 0
	a.Wait = func(ctx context.Context, _ time.Duration) bool {
		if rounds++; rounds == 3 {
			interrupt()
			return false
		}
		err := s.Do(ctx, store.Unit{Apply: func(b *store.Batch) error {
			b.AddChange(model.Change{Account: "sales", Ref: "p-2", Kind: model.KindFlag, To: "archived", Source: "poll r3"})
			return nil
		}})
		return err == nil
	}
	if code := a.run(ctx,
		[]string{"--config", config, "changes", "--follow", "--json", "--after", "3"}); code != output.ExitDone {
		t.Fatalf("exit %d: %s", code, stderr)
	}
	lines := strings.Split(strings.TrimSpace(stdout.String()), "\n")
	if len(lines) != 4 {
		t.Fatalf("printed\n%s", stdout)
	}
	for i, line := range lines {
		if !strings.HasPrefix(line, fmt.Sprintf(`{"seq":%d,`, i+4)) {
			t.Errorf("line %d is %s", i, line)
		}
	}
}

// A reader that goes away, as head does, is no failure.
func TestClosedPipe(t *testing.T) {
	t.Parallel()
	_, config := seeded(t, false)
	for _, args := range []string{"list", "list --json", "show p-1", "status", "changes --follow", "callbacks list",
		"documents list --json", "gaps"} {
		a, _, stderr := testApp(nil)
		r, w := io.Pipe()
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
		a.Stdout = w
		if code := a.run(t.Context(),
			append([]string{"--config", config}, strings.Fields(args)...)); code != output.ExitDone || stderr.Len() > 0 {
			t.Errorf("%s: exit %d, %s", args, code, stderr)
		}
	}
}

// Reading leaves a folder as it was, but for what SQLite itself puts beside a database in use.
func TestReadingWritesNothing(t *testing.T) {
	t.Parallel()
	dir, config := seeded(t, true)
	before := sumsOf(t, dir)
	for _, args := range []string{"status", "list", "show p-1", "changes", "gaps", "callbacks list", "documents list",
		"config check", "migrate"} {
		a, _, _ := testApp(map[string]string{keyfile.Variable: strings.Repeat("01", keyfile.Size)})
		a.run(t.Context(), append([]string{"--config", config}, strings.Fields(args)...))
	}
	if diff := cmp.Diff(before, sumsOf(t, dir)); diff != "" {
		t.Errorf("reading changed (-before +after):\n%s", diff)
	}
}

// sumsOf hashes every file below dir.
func sumsOf(t *testing.T, dir string) map[string]string {
	t.Helper()
	sums := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasSuffix(path, "-shm") || strings.HasSuffix(path, "-wal") ||
			strings.HasSuffix(path, ".lock") {
			return err
		}
		text, err := os.ReadFile(path)
		sums[path] = fmt.Sprintf("%x", sha256.Sum256(text))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return sums
}

// A terminal shows the newest 50 and how many more there are; a file gets all.
func TestListOnTerminal(t *testing.T) {
	t.Parallel()
	dir, config := seeded(t, false)
	err := opened(t, dir).Do(t.Context(), store.Unit{Apply: func(b *store.Batch) error {
		for i := range 60 {
			row := model.Transaction{Account: "hr", Ref: fmt.Sprintf("n-%02d", i), Status: model.Draft, FirstSeenAt: nine,
				ChangedAt: nine.Add(time.Duration(i) * time.Second)}
			b.Put(row, model.Decision{Next: row, Grew: true})
		}
		return nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	for args, want := range map[string]struct {
		rows int
		last string
	}{
		"list":                   {50, "and 15 more rows: --all shows them"},
		"list --all":             {65, ""},
		"list --limit 7":         {7, ""},
		"list --status declined": {1, ""},
	} {
		a, stdout, stderr := testApp(nil)
		a.Terminal, a.Colour = true, true
		if code := a.run(t.Context(),
			append([]string{"--config", config}, strings.Fields(args)...)); code != output.ExitDone {
			t.Fatalf("%s: exit %d, %s", args, code, stderr)
		}
		lines := strings.Split(strings.TrimSpace(stdout.String()), "\n")
		rows := strings.Count(stdout.String(), "hr ") + strings.Count(stdout.String(), "sales ")
		if rows != want.rows || want.last != "" && lines[len(lines)-1] != want.last {
			t.Errorf("%s: %d rows, ends with %q", args, rows, lines[len(lines)-1])
		}
		if !strings.Contains(stdout.String(), "\x1b[") {
			t.Errorf("%s: no colour on a terminal", args)
		}
	}
}

// While a daemon runs, status says so and the database keeps its shape.
func TestBesideADaemon(t *testing.T) {
	t.Parallel()
	dir, config := seeded(t, false)
	held, err := opened(t, dir).Lock(t.Context(), database.LockServe, "host, process 7", time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	a, stdout, _ := testApp(nil)
	if code := a.run(t.Context(), []string{"--config", config, "status"}); code != output.ExitDone ||
		!strings.Contains(stdout.String(), "daemon    running, started just now (host, process 7)") {
		t.Errorf("status: exit %d\n%s", code, stdout)
	}
	if err := held.Release(); err != nil {
		t.Fatal(err)
	}

	older := t.TempDir() // nothing migrated yet
	if held, err = opened(t, older).Lock(t.Context(), database.LockServe, "host, process 7", time.Minute); err != nil {
		t.Fatal(err)
	}
	defer held.Release() //nolint:errcheck // the test is over
	if err := os.WriteFile(filepath.Join(older, "config.yaml"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	a, _, stderr := testApp(map[string]string{keyfile.Variable: strings.Repeat("01", keyfile.Size)})
	code := a.run(t.Context(), []string{"--config", filepath.Join(older, "config.yaml"), "migrate"})
	if code != output.ExitFailed || !strings.HasPrefix(stderr.String(), "error: a daemon uses the database: stop it") {
		t.Errorf("migrate beside a daemon: exit %d, %s", code, stderr)
	}
	a, _, stderr = testApp(nil)
	if code := a.run(t.Context(),
		[]string{"--config", filepath.Join(older, "config.yaml"), "list"}); code != output.ExitFailed ||
		!strings.Contains(stderr.String(), "countersign migrate") {
		t.Errorf("list of a database without its shape: exit %d, %s", code, stderr)
	}
}
