package output

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"countersign/model"
	"countersign/model/words"
	"countersign/worker/console/objects"
)

func TestLanguageOfTheEnvironment(t *testing.T) {
	t.Parallel()
	for env, want := range map[string]string{
		"": "en", "LANG=es_MX.UTF-8": "es", "LC_MESSAGES=es LANG=en": "es", "LC_ALL=C LC_MESSAGES=es LANG=es": "en",
		"LC_ALL= LANG=es": "es", "LANG=de_DE": "en", "LC_ALL=de_DE LANG=es": "en", "LANG=POSIX": "en",
		"LANGUAGE=es": "en",
	} {
		set := map[string]string{}
		for _, pair := range strings.Fields(env) {
			name, value, _ := strings.Cut(pair, "=")
			set[name] = value
		}
		got := LanguageOf(func(name string) (string, bool) { v, ok := set[name]; return v, ok })
		require.Equal(t, want, got.Lang(), env)
	}
}

// Every heading and every name of a fact that a verb uses can be said in each language.
func TestEveryNameIsSaid(t *testing.T) {
	t.Parallel()
	calls := regexp.MustCompile(`(?:\.Table|\.?\badd|\.each|\.Name)\(\s*("[^"]*"(?:,\s*"[^"]*")*)`)
	made, names := Speech{words.MadeUp()}, 0
	require.NoError(t, filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") ||
			strings.HasPrefix(path, "../bench") || strings.HasPrefix(path, "../config/") {
			return err
		}
		data, err := os.ReadFile(path)
		for _, m := range calls.FindAllStringSubmatch(string(data), -1) {
			for _, name := range strings.Split(m[1], ",") {
				if name = strings.ToLower(strings.Trim(strings.TrimSpace(name), `"`)); name == "" {
					continue
				}
				names++
				require.NotEqual(t, name, made.Name(name), "%s: a name without cli.name.…", path)
			}
		}
		return err
	}))
	require.Greater(t, names, 100)
}

// A language that is two fifths longer leaves columns aligned, and lines within the terminal.
func TestALongLanguageFits(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)
	made := Speech{words.MadeUp()}
	var b strings.Builder
	p := &Printer{Speech: made, Stdout: &b, Now: func() time.Time { return at.Add(time.Hour) }, Terminal: true, Width: 80}
	latency := 3 * time.Minute
	row := objects.Row{
		Transaction: model.Transaction{Account: "sales", Ref: "p-1", Name: "Lease", Provider: "onespan",
			Status: model.InProgress, ReportedStatus: model.Completed, ChangedAt: at, FirstSeenAt: at, NextCheckAt: &at,
			DueReason: model.DueNotFound, Test: true, Trashed: true,
			Signers: []model.Signer{{Name: "Ana", Email: "ana@example.com", Status: model.SignerViewed, ViewedAt: &at}}},
		Documents: []model.Document{shownDocument()},
		Callbacks: []model.Callback{{ID: "c1", Type: "x", Verdict: model.NotUnderstood, Outcome: model.NothingNew, At: at}},
		Gaps: []model.Gap{{Kind: model.GapLate, Change: model.ChangeSigner, To: "signed", Before: at, FoundAt: at,
			Latency: &latency}},
	}
	require.NoError(t, p.PrintRow(row, nil))
	require.NoError(t, p.PrintDocuments(row.Documents))
	for line := range strings.Lines(b.String()) {
		if !strings.Contains(line, strings.Repeat("ab", 32)) { // a hash is never broken
			require.LessOrEqual(t, utf8.RuneCountInString(strings.TrimRight(line, "\n")), 80, line)
		}
	}

	b.Reset()
	p.Width = 0
	require.NoError(t, p.Print(p.GapsTable(append(row.Gaps, model.Gap{Kind: model.GapMissed, To: "completed", Before: at,
		FoundAt: at.Add(-9 * time.Minute)}), true)))
	lines := strings.Split(b.String(), "\n")
	column := func(line, what string) int {
		before, _, found := strings.Cut(line, what)
		require.True(t, found, "%s in %s", what, line)
		return utf8.RuneCountInString(before)
	}
	happened := strings.ToUpper(made.Name("happened"))
	before := made.Say("cli.gap.before", "before", at.Format(time.DateTime))
	require.Equal(t, column(lines[0], happened), column(lines[1], before))
	require.Equal(t, column(lines[0], happened), column(lines[2], before))
}
