package odd

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// docs/metrics.md explains each kind, and no other.
func TestOddKindsAreDocumented(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../../docs/metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(page), "\n## Odd requests\n")
	var explained []string
	for _, m := range regexp.MustCompile("(?m)^\\| `(\\w+)` \\| .{10,} \\|$").FindAllStringSubmatch(section, -1) {
		explained = append(explained, m[1])
	}
	if !slices.Equal(explained, Kinds()) {
		t.Errorf("explained are %v, counted are %v", explained, Kinds())
	}
}
