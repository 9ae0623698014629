package twins_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"countersign/worker/pdf/pdftest/attacks"
	"countersign/worker/pdf/pdftest/deeper"
	"countersign/worker/pdf/pdftest/paper"
	"countersign/worker/pdf/pdftest/twins"
)

// What is harmless to us is a sound file with valid signatures to other programs, too.
func TestOthersReadTheTwins(t *testing.T) {
	t.Parallel()
	for _, f := range twins.Files() {
		raw, err := f.Make()
		if err != nil {
			t.Fatalf("%s: %v", f.Name, err)
		}
		file := filepath.Join(t.TempDir(), "file.pdf")
		if err := os.WriteFile(file, raw, 0o600); err != nil {
			t.Fatal(err)
		}
		out := ask(t, "qpdf", "--check", file)
		if strings.Contains(f.Name, "padded") { // it looks for the end in the last kilobyte only
			out = ""
		}
		if strings.Contains(out, "WARNING") || strings.Contains(out, "ERROR") {
			t.Errorf("%s: qpdf says %s", f.Name, out)
		}
		out = ask(t, "pdfsig", file)
		valid, stamps := strings.Count(out, "Signature is Valid"), strings.Count(out, "has not yet been verified")
		if valid == 0 || valid+stamps != strings.Count(out, "Signing Time") {
			t.Errorf("%s: pdfsig says %s", f.Name, out)
		}
	}
}

func ask(t *testing.T, program string, args ...string) string {
	t.Helper()
	path, err := exec.LookPath(program)
	switch {
	case err != nil && os.Getenv("CI") != "":
		t.Fatalf("%s is not installed", program)
	case err != nil:
		t.Skipf("%s is not installed", program)
	}
	out, _ := exec.Command(path, args...).CombinedOutput() //nolint:errcheck // what it says is what counts
	return string(out)
}

// Each file has a name of its own, says what is seen, and is another one than its base.
func TestEachFileIsAnother(t *testing.T) {
	t.Parallel()
	names, files := map[string]bool{}, map[string]string{}
	for _, f := range slices.Concat(attacks.Files(), deeper.Files(), twins.Files()) {
		raw, err := f.Make()
		switch {
		case err != nil:
			t.Errorf("%s: %v", f.Name, err)
		case f.Says == "" || names[f.Name]:
			t.Errorf("%s: it says nothing, or comes twice", f.Name)
		case files[string(raw)] != "":
			t.Errorf("%s is the same file as %s", f.Name, files[string(raw)])
		}
		names[f.Name], files[string(raw)] = true, f.Name
	}
	if n := len(attacks.Files()); n < 66 {
		t.Errorf("%d attacks", n)
	}
}

// A step that does nothing to the file, or whose base is not the signed one, would show nothing: each attack begins
// with the signed file, or changes it.
func TestAttacksAreMadeOnTheirBase(t *testing.T) {
	t.Parallel()
	for _, s := range slices.Concat(attacks.Steps(), deeper.Steps()) {
		for _, packed := range []bool{false, true} {
			d := s.On.Doc(packed)
			before := string(d.Raw())
			s.Do(d)
			if string(d.Raw()) == before {
				t.Errorf("%s, packed %v: it is as it was", s.Name, packed)
			}
		}
	}
	if paper.Approved.Doc(false).Covered() == 0 {
		t.Error("the base covers nothing")
	}
}
