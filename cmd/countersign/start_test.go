package main

import (
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"testing"
)

// Each start of the program, and of the child that reads one file, pays for what packages do before main. No package
// may do much: one that filled a table took longer than everything else together. What a package allocates is counted,
// since it is the same at each start, and how long it takes is not.
func TestNoPackageDoesMuchBeforeMain(t *testing.T) {
	const most = 2 << 20 // bytes
	line := regexp.MustCompile(`(?m)^init (\S+) @\S+ ms, \S+ ms clock, (\d+) bytes`)
	c := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^$") //nolint:gosec // this test itself
	c.Env = append(os.Environ(), "GODEBUG=inittrace=1")
	out, err := c.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	told := line.FindAllStringSubmatch(string(out), -1)
	if len(told) < 10 {
		t.Fatalf("only %d packages told what they do", len(told))
	}
	for _, m := range told {
		bytes, err := strconv.Atoi(m[2])
		if err != nil {
			t.Fatal(err)
		}
		if bytes > most {
			t.Errorf("%s takes %d bytes before main, %d is the most: find another version, or a way without it", m[1], bytes, most)
		}
	}
}
