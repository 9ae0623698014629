package model

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// A new kind of incident is listed, so that metrics show it and the docs have to explain it.
func TestIncidentKindsAreAllListed(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("incident.go")
	if err != nil {
		t.Fatal(err)
	}
	_, block, _ := strings.Cut(string(text), "// The incident kinds.\n")
	block, _, _ = strings.Cut(block, "\n)\n")
	var kinds []string
	for _, m := range regexp.MustCompile(`(?m)^\t\w+ += "(\w+)"`).FindAllStringSubmatch(block, -1) {
		kinds = append(kinds, m[1])
	}
	if len(kinds) < 6 || !slices.Equal(kinds, IncidentKinds()) {
		t.Errorf("there are %v, listed are %v", kinds, IncidentKinds())
	}
}
