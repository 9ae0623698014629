package main

import (
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"testing"
)

// Each start of the program, and of the child that reads one file, pays for what packages do before main. No package
// may do much: one that filled a table took longer than everything else together.
func TestNoPackageTakesLongBeforeMain(t *testing.T) {
	const most = 5.0 // milliseconds, in the best of a few starts
	line := regexp.MustCompile(`(?m)^init (\S+) @\S+ ms, (\S+) ms clock`)
	best := map[string]float64{}
	for range 5 {
		c := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^$") //nolint:gosec // this test itself
		c.Env = append(os.Environ(), "GODEBUG=inittrace=1")
		out, err := c.CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		for _, m := range line.FindAllStringSubmatch(string(out), -1) {
			took, err := strconv.ParseFloat(m[2], 64)
			if err != nil {
				t.Fatal(err)
			}
			if was, ok := best[m[1]]; !ok || took < was {
				best[m[1]] = took
			}
		}
	}
	if len(best) < 10 {
		t.Fatalf("only %d packages told how long they take", len(best))
	}
	for name, took := range best {
		if took > most {
			t.Errorf("%s takes %.1f ms before main, %.0f is the most: find another version, or a way without it", name, took,
				most)
		}
	}
}
