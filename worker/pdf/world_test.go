package pdf_test

import (
	"cmp"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"countersign/model"
	"countersign/worker/pdf"
)

// Signed PDFs of public test sets lie beside the repository, each with the word that is wanted. They are read where
// they lie.
func TestTheWorldsFiles(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(cmp.Or(os.Getenv("COUNTERSIGN_SHARED"), "../../../shared"), "cases", "pdf")
	table, err := os.ReadFile(filepath.Join(dir, "verdicts.tsv"))
	switch {
	case err != nil && os.Getenv("CI") != "":
		t.Fatalf("the signed files are not at hand: %v (COUNTERSIGN_SHARED names the folder that has cases/pdf)", err)
	case err != nil:
		t.Skipf("no signed files beside the repository: %v (COUNTERSIGN_SHARED names the folder that has cases/pdf)", err)
	}
	wanted := map[string]string{}
	for _, l := range strings.Split(string(table), "\n")[1:] {
		if cells := strings.Split(l, "\t"); len(cells) > 2 {
			wanted[cells[0]] = cells[2]
		}
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.pdf"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no signed file in %s: %v", dir, err)
	}
	for _, name := range files {
		t.Run(filepath.Base(name), func(t *testing.T) {
			t.Parallel()
			raw, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			want, ok := wanted[filepath.Base(name)]
			if !ok {
				t.Fatal("it has no line in verdicts.tsv")
			}
			if v := pdf.Inspect(raw); !meets(v, want) {
				t.Errorf("want %s, found %q, coverage %q: %s%s", want, v.Facts.Signature, v.Facts.Coverage, v.Facts.Note,
					v.Fault)
			}
		})
	}
}

// meets says whether a verdict is the one that a line of verdicts.tsv asks for: its first word, or either of two, and
// after a comma what follows the signatures.
func meets(v pdf.Verdict, want string) bool {
	words, rest, _ := strings.Cut(want, ",")
	words, _, _ = strings.Cut(words, ":")
	if v.Fault != "" {
		return false
	}
	if strings.Contains(rest, "extended") && v.Facts.Coverage != model.CoverageExtended {
		return false
	}
	for _, word := range strings.Split(words, " or ") {
		if string(v.Facts.Signature) == strings.TrimSpace(word) {
			return true
		}
	}
	return false
}
