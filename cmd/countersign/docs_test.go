package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// Each link from one page of the docs to another leads to a file that there is, and to a heading that it has.
func TestLinksBetweenPagesLeadSomewhere(t *testing.T) {
	t.Parallel()
	pages := []string{"../../README.md", "../../CHANGELOG.md"}
	err := filepath.WalkDir("../../docs", func(path string, _ fs.DirEntry, err error) error {
		if strings.HasSuffix(path, ".md") {
			pages = append(pages, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, page := range pages {
		text := readPage(t, page)
		for _, link := range regexp.MustCompile(`\]\(([^)\s]+)\)`).FindAllStringSubmatch(text, -1) {
			if strings.Contains(link[1], "://") || link[1] == "NAME.md" { // the second stands for any provider
				continue
			}
			path, heading, _ := strings.Cut(link[1], "#")
			to := page
			if path != "" {
				to = filepath.Join(filepath.Dir(page), path)
			}
			if _, err := os.Stat(to); err != nil {
				t.Errorf("%s links to %s, which there is not", page, link[1])
			} else if heading != "" && !slices.Contains(headings(readPage(t, to)), heading) {
				t.Errorf("%s links to %s, and there is no such heading", page, link[1])
			}
		}
	}
}

// headings are the names by which links know the headings of a page.
func headings(page string) (names []string) {
	for _, found := range regexp.MustCompile(`(?m)^#+ (.*)$`).FindAllStringSubmatch(page, -1) {
		name := strings.ReplaceAll(strings.ToLower(found[1]), " ", "-")
		names = append(names, regexp.MustCompile(`[^\p{L}\p{N}_-]`).ReplaceAllString(name, ""))
	}
	return names
}

func readPage(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// Whoever builds the program as a page says gets one whose SQLite has an index of words.
func TestDocsBuildWithTheSearchIndex(t *testing.T) {
	t.Parallel()
	commands := 0
	pages, err := filepath.Glob("../../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, page := range append(pages, "../../README.md", "../../Makefile", "../../.ci/run") {
		text := strings.ReplaceAll(readPage(t, page), "\\\n", " ") // a command over several lines
		for _, command := range regexp.MustCompile("go build [^\n`]*\\./cmd/countersign").FindAllString(text, -1) {
			commands++
			if !regexp.MustCompile(`-tags \S*\bsqlite_fts5\b`).MatchString(command) {
				t.Errorf("%s builds without -tags sqlite_fts5: %s", page, command)
			}
		}
	}
	if commands < 4 {
		t.Errorf("%d build commands were found", commands)
	}
}
