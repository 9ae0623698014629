package paper

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Each base is what two other programs call a sound file with a valid signature.
func TestOthersReadTheBases(t *testing.T) {
	t.Parallel()
	for name, b := range map[string]Base{"approved": Approved, "seen": Seen, "certified": Certified1, "locked": LocksRent,
		"twice": Twice, "stamped": Stamped, "one page": {Signs: []Signing{{Filter: "ETSI.CAdES.detached"}}},
		"unsorted": {Signs: []Signing{{Unsorted: true}}}} {
		for _, packed := range []bool{false, true} {
			raw, err := b.Doc(packed).Bytes()
			if err != nil {
				t.Fatal(err)
			}
			file := filepath.Join(t.TempDir(), "file.pdf")
			if err := os.WriteFile(file, raw, 0o600); err != nil {
				t.Fatal(err)
			}
			if out := ask(t, "qpdf", "--check", file); strings.Contains(out, "WARNING") || strings.Contains(out, "ERROR") {
				t.Errorf("%s, packed %v: qpdf says %s", name, packed, out)
			}
			out := ask(t, "pdfsig", file)
			valid := 0
			for _, s := range b.Signs { // it does not verify time stamps
				if !s.Stamp {
					valid++
				}
			}
			if strings.Count(out, "Signature is Valid") != valid {
				t.Errorf("%s, packed %v: pdfsig says %s", name, packed, out)
			}
			if !strings.Contains(out, "Total document signed") {
				t.Errorf("%s, packed %v: pdfsig finds it not covered: %s", name, packed, out)
			}
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
