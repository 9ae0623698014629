package config

import (
	"encoding/pem"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"countersign/cmd/countersign/config/configtest"
	"countersign/model"
)

func TestTrustIsReadFromAFileBesideTheConfig(t *testing.T) {
	t.Parallel()
	one, key := configtest.SelfSigned(t, "one")
	two, _ := configtest.SelfSigned(t, "two")
	short := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: []byte("0\x03\x02\x01\x01")}))
	for name, c := range map[string]struct {
		text  string // "": no file
		count int
		fault string
	}{
		"one":                     {one, 1, ""},
		"two with words between":  {one + "our seal\n" + two, 2, ""},
		"no file":                 {"", 0, "no such file"},
		"nothing in it":           {"\n", 0, "seals.pem holds no certificate: PEM is wanted"},
		"no PEM":                  {"0\x82", 0, "seals.pem holds no certificate: PEM is wanted"},
		"a private key":           {one + key, 0, "seals.pem holds a private key"},
		"something else":          {string(pem.EncodeToMemory(&pem.Block{Type: "X509 CRL"})), 0, "holds no certificate"},
		"one that was cut":        {one + short, 0, "certificate 2 in"},
		"one that is cut in text": {one[:len(one)/2], 0, "holds no certificate"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			file := filepath.Join(dir, "config.yaml")
			text := "accounts:\n  - id: sales\n    provider: onespan\n    settings: { api_key: x }\n" +
				"    trust: { certificates: seals.pem }\n"
			if c.text != "" {
				if err := os.WriteFile(filepath.Join(dir, "seals.pem"), []byte(c.text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			read, err := Parse(file, []byte(text), onPaper(nil))
			if c.fault == "" {
				if err != nil || len(read.Accounts[0].Trusted()) != c.count {
					t.Fatalf("%v: %+v", err, read)
				}
				return
			}
			var list *Faults
			if !errors.As(err, &list) || len(list.All) != 1 || list.All[0].Line != 5 ||
				!strings.Contains(list.Lines()[0], "accounts[0].trust.certificates: ") ||
				!strings.Contains(list.Lines()[0], c.fault) {
				t.Errorf("%v, want %q in it", err, c.fault)
			}
		})
	}
}

func TestWhatIsExpectedGoesByTheProvider(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		said  string
		seals bool
		want  model.Expectation
	}{
		{"", false, model.SignaturesIfPresent}, {"", true, model.SignaturesRequired},
		{"none", true, model.SignaturesNone}, {"required", false, model.SignaturesRequired},
	} {
		a := Account{Signatures: c.said}
		a.traits.Seals = c.seals
		if got := a.Expectation(); got != c.want {
			t.Errorf("%q, a provider that seals: %v: %s and not %s", c.said, c.seals, got, c.want)
		}
	}
}
