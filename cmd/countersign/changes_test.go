package main

import (
	"strings"
	"testing"
	"time"

	"countersign/cmd/countersign/output"
	"countersign/model/store"
)

// Whoever comes back after retention has gone past them is told so, with the seq to go on from. What was forgotten
// is no such hole.
func TestChangesThatAreNoLongerKept(t *testing.T) {
	t.Parallel()
	dir, config := seeded(t, false)
	s := opened(t, dir)
	changes := func(after string) (string, string, int) {
		a, stdout, stderr := testApp(nil)
		code := a.run(t.Context(), []string{"--config", config, "changes", "--json", "--after", after})
		return stdout.String(), stderr.String(), code
	}
	if out, _, code := changes("1"); code != output.ExitDone || strings.Count(out, "\n") != 4 {
		t.Errorf("before: exit %d\n%s", code, out)
	}
	before := nine.Add(-time.Hour)
	took, err := s.Prune(t.Context(), store.PruneBefore{History: &before})
	if err != nil || took.Changes != 1 {
		t.Fatalf("pruned %+v: %v", took, err)
	}
	if out, _, code := changes("1"); code != output.ExitDone || strings.Count(out, "\n") != 4 {
		t.Errorf("all that come after it are kept: exit %d\n%s", code, out)
	}
	before = nine
	if _, err := s.Prune(t.Context(), store.PruneBefore{History: &before}); err != nil {
		t.Fatal(err)
	}
	_, stderr, code := changes("1")
	if code != output.ExitFailed || !strings.Contains(stderr, "changes before seq 6 are no longer kept") ||
		!strings.Contains(stderr, "--after 5") {
		t.Errorf("exit %d: %s", code, stderr)
	}
	if _, _, code := changes("5"); code != output.ExitDone {
		t.Errorf("after the last that is gone: exit %d", code)
	}
}
