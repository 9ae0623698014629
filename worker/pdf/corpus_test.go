package pdf_test

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"countersign/model"
	"countersign/worker/pdf"
	"countersign/worker/pdf/pdftest/attacks"
	"countersign/worker/pdf/pdftest/deeper"
	"countersign/worker/pdf/pdftest/paper"
	"countersign/worker/pdf/pdftest/twins"
)

var corpusTo = flag.String("pdf.corpus", "", "write the generated files and their table into this folder")

// fits says why a verdict is not the one that is wanted; "" if it is.
func fits(v pdf.Verdict, want paper.Want) string {
	got := fmt.Sprintf("%s, coverage %s: %s%s", v.Facts.Signature, v.Facts.Coverage, v.Facts.Note, v.Fault)
	covered := v.Facts.Coverage == model.CoverageWhole || v.Facts.Coverage == model.CoverageLater ||
		v.Facts.Coverage == model.CoverageExtended
	word, ok := v.Facts.Signature, v.Fault == ""
	switch want {
	case paper.Altered:
		ok = ok && word == model.SignatureAltered
	case paper.NotIntact:
		ok = ok && word != model.SignatureIntact && word != model.SignatureUnsigned
	case paper.Kept:
		ok = ok && word == model.SignatureIntact && covered
	case paper.NotAltered:
		ok = ok && (word == model.SignatureIntact || word == model.SignatureUnknown)
	}
	if ok {
		return ""
	}
	return got
}

func judged(t *testing.T, files []paper.File) {
	t.Helper()
	for _, f := range files {
		t.Run(f.Name, func(t *testing.T) {
			t.Parallel()
			raw, err := f.Make()
			if err != nil {
				t.Fatal(err)
			}
			if got := fits(pdf.Inspect(raw), f.Want); got != "" {
				t.Errorf("a reader sees: %s; wanted %s, found %s", f.Says, f.Want, got)
			}
		})
	}
}

// No change that a reader could see, or that a signer forbade, passes.
func TestEveryAttackIsFound(t *testing.T) {
	t.Parallel()
	judged(t, attacks.Files())
}

// Nor do those that are between the lines of the literature.
func TestEveryDeeperAttackIsFound(t *testing.T) {
	t.Parallel()
	judged(t, deeper.Files())
}

// What is harmless stays kept.
func TestEveryHarmlessTwinIsKept(t *testing.T) {
	t.Parallel()
	judged(t, twins.Files())
}

// The files and a table of what is found in them are written where it is asked for: make corpus.
func TestTheCorpusIsWritten(t *testing.T) {
	if *corpusTo == "" {
		t.Skip("-pdf.corpus=DIR was not given")
	}
	var table strings.Builder
	counts := map[string]int{}
	for i, f := range slices.Concat(attacks.Files(), deeper.Files(), twins.Files()) {
		raw, err := f.Make()
		if err != nil {
			t.Fatal(f.Name, err)
		}
		name := fmt.Sprintf("%03d.pdf", i)
		if err := os.WriteFile(filepath.Join(*corpusTo, name), raw, 0o600); err != nil {
			t.Fatal(err)
		}
		v := pdf.Inspect(raw)
		verdict, note := string(v.Facts.Signature), v.Facts.Note
		if v.Fault != "" {
			verdict, note = "fault", v.Fault
		}
		mark := "ok"
		if fits(v, f.Want) != "" {
			mark = "WRONG"
		}
		counts[fmt.Sprintf("%-12s %-8s %s", f.Want, verdict, mark)]++
		fmt.Fprintf(&table, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", name, f.Name, f.Says, f.Want, verdict, mark, note)
	}
	if err := os.WriteFile(filepath.Join(*corpusTo, "corpus.tsv"), []byte(table.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, k := range slices.Sorted(maps.Keys(counts)) {
		fmt.Printf("%-32s %d\n", k, counts[k])
	}
}
