package seals

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"countersign/model"
)

func sealer(key, name, issuer string) model.Sealer {
	return model.Sealer{Account: "acc", Key: key, Name: name, IssuerKey: issuer, Documents: 1}
}

// told plays files through, each with a seal, and returns a letter for each word.
func told(files ...model.Sealer) string {
	letters := map[model.Seal]string{model.SealNew: "n", model.SealVaries: "v", model.SealUsual: "u",
		model.SealRenewed: "r", model.SealOther: "O"}
	var list []model.Sealer
	var word model.Seal
	out := ""
	for _, f := range files {
		word, list = compare(list, f)
		out += letters[word]
	}
	return out
}

func times(n int, s model.Sealer) (out []model.Sealer) {
	for range n {
		out = append(out, s)
	}
	return out
}

func TestAnotherSealThanAlwaysIsTold(t *testing.T) {
	t.Parallel()
	ours, theirs := sealer("k1", "service", "root"), sealer("k2", "stranger", "")
	for name, c := range map[string]struct {
		files []model.Sealer
		want  string
	}{
		"one seal":                         {times(12, ours), "n" + strings.Repeat("u", 11)},
		"another after ten":                {append(times(10, ours), theirs, theirs, ours), "nuuuuuuuuuOOu"},
		"another too soon":                 {append(times(9, ours), theirs), "nuuuuuuuun"},
		"renewed by the same issuer":       {append(times(10, ours), sealer("k3", "service", "root"), sealer("k3", "service", "root")), "nuuuuuuuuuru"},
		"the name alone is not the issuer": {append(times(10, ours), sealer("k3", "service", "another root")), "nuuuuuuuuuO"},
		"a self-signed one of the same name": {append(times(10, sealer("k1", "service", "")),
			sealer("k3", "service", "")), "nuuuuuuuuuO"},
		"renewed for years, then another": {append(slices.Concat(times(10, ours), times(10, sealer("k5", "service", "root")),
			times(10, sealer("k6", "service", "root")), times(10, sealer("k7", "service", "root")),
			times(10, sealer("k8", "service", "root"))), theirs),
			"n" + strings.Repeat("u", 9) + strings.Repeat("r"+strings.Repeat("u", 9), 4) + "O"},
		"who imitated one renews it": {append(times(10, ours), sealer("k3", "x", "y"), sealer("k4", "x", "y")), "nuuuuuuuuuOO"},
	} {
		if got := told(c.files...); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

// Where each signer signs with a certificate of their own, nothing is told, however many there are.
func TestSignersWithCertificatesOfTheirOwnAreNoIncident(t *testing.T) {
	t.Parallel()
	var files []model.Sealer
	for i := range 3000 {
		who := i % 97 // they come back
		files = append(files, sealer(fmt.Sprint("k", who), fmt.Sprint("person ", who), "authority"))
	}
	if got := told(files...); strings.Contains(got, "O") {
		t.Errorf("an incident: %s", got)
	}
	var list []model.Sealer
	for _, f := range files {
		_, list = compare(list, f)
	}
	if len(list) > mostSeals {
		t.Errorf("%d seals are remembered", len(list))
	}
}
