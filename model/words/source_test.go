package words

import (
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var (
	// said are the keys that are said in Go and in templates: Say("list.of", …), say "list.of".
	said = regexp.MustCompile(`\b(?:Say|Count)\(\s*"([^"]+)"[,)]|\b(?:say|count) "([^"]+)"`)
	// areas are those whose words are looked up.
	areas = regexp.MustCompile(`\bWord\(\s*"([^"]+)"|\bword "([^"]+)"`)
	// literals are all that may be a key, or the beginning of one.
	literals = regexp.MustCompile(`"([a-z][a-z_]*\.[a-z0-9_.]*)"`)
)

// use is which keys the source says.
type use struct {
	said     map[string]string // and where
	areas    map[string]string
	literals map[string]bool
}

// sources reads the program's files that are not tests, and its templates.
func sources(t *testing.T) use {
	u := use{said: map[string]string{}, areas: map[string]string{}, literals: map[string]bool{}}
	add := func(to map[string]string, re *regexp.Regexp, text, path string) {
		for _, m := range re.FindAllStringSubmatch(text, -1) {
			to[strings.Join(m[1:], "")] = path
		}
	}
	require.NoError(t, filepath.WalkDir("../..", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			if d != nil && strings.HasPrefix(d.Name(), ".git") {
				return fs.SkipDir
			}
			return err
		}
		isGo := strings.HasSuffix(path, ".go") && !strings.HasSuffix(path, "_test.go")
		if !isGo && !(strings.HasSuffix(path, ".html") && strings.Contains(path, "worker/console")) {
			return nil
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		add(u.said, said, string(data), path)
		add(u.areas, areas, string(data), path)
		for _, m := range literals.FindAllStringSubmatch(string(data), -1) {
			u.literals[m[1]] = true
		}
		return nil
	}))
	return u
}

// uses says whether the source says key: by itself, as a word of its area, or by its beginning ("incident." + kind).
func (u use) uses(key string) bool {
	for i, r := range key {
		if r != '.' {
			continue
		}
		if _, ok := u.areas[key[:i]]; ok || u.literals[key[:i+1]] {
			return true
		}
	}
	return u.literals[key]
}

// Every key that is said is there, and every key that is there is said.
func TestKeysOfTheSource(t *testing.T) {
	t.Parallel()
	u, en := sources(t), read(english)
	for key, path := range u.said {
		if !strings.HasSuffix(key, ".") {
			require.Contains(t, en, key, "said in %s", path)
		}
	}
	for area, path := range u.areas {
		require.True(t, slices.ContainsFunc(slices.Collect(maps.Keys(en)), func(key string) bool {
			return strings.HasPrefix(key, area+".")
		}), "no words of %s, looked up in %s", area, path)
	}
	for key := range en {
		require.True(t, u.uses(key), "nothing says %s", key)
	}
}

// The test of the source finds what it looks for.
func TestWhatSourcesSay(t *testing.T) {
	t.Parallel()
	find := func(re *regexp.Regexp, s string) (out []string) {
		for _, m := range re.FindAllStringSubmatch(s, -1) {
			out = append(out, strings.Join(m[1:], ""))
		}
		return out
	}
	require.Equal(t, []string{"a.b", "c.d", "e.f", "g"}, find(said,
		`p.Say("a.b", "n", 1) p.Count(`+"\n\t"+`"c.d", 2) {{say "e.f" "n" .N}} {{ count "g" .N }} Essay("x")`))
	require.Equal(t, []string{"status", "tier"}, find(areas, `p.Word("status", s) {{word "tier" .}} sword "x"`))
	u := use{areas: map[string]string{"status": ""}, literals: map[string]bool{"incident.": true, "list.of": true}}
	require.True(t, u.uses("status.completed") && u.uses("incident.x.title") && u.uses("list.of"))
	require.False(t, u.uses("list.other"))
}
