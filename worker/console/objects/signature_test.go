package objects

import (
	"encoding/json"
	"reflect"
	"testing"
	"time"

	"countersign/model"
)

// The views and exports show the text that the database holds, and --json and the API these objects: they say the same.
func TestSignaturesSayWhatTheDatabaseSays(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 1, 31, 12, 0, 0, 123_000_000, time.UTC)
	full := model.EmbeddedSignature{
		Kind: "signature", Signer: "Ana", Time: &at, Reason: "agreed", Integrity: model.IntegrityIntact,
		Coverage: model.CoverageExtended, Trust: model.TrustTrusted, Note: "n", ProvedTime: &at, ProvedBy: "a clock",
		Algorithm: "RSA 2048 with SHA-1", Weaknesses: []string{"SHA-1"}, Added: []model.Addition{model.AddedSignature},
		Changed: []string{"page 2: its content"}, TrustNote: "why", Chain: []model.Certificate{{Subject: "CN=Ana",
			Issuer: "CN=Root", Serial: "0a", SHA256: "ab", Key: "cd", NotBefore: &at, NotAfter: &at}},
	}
	facts := model.FileFacts{Judge: 1, Added: []model.Addition{model.AddedForm}, Changed: []string{"x"},
		Certification: model.CertificationKept, CertificationLevel: 2, Seal: model.SealUsual, Unlisted: 3}
	for name, c := range map[string][2]any{
		"a signature":       {full, ofSignature(full)},
		"an empty one":      {model.EmbeddedSignature{}, ofSignature(model.EmbeddedSignature{})},
		"facts of the file": {facts, ofFacts(facts)},
		"no facts":          {model.FileFacts{}, ofFacts(model.FileFacts{})},
	} {
		if stored, shown := keysOf(t, c[0]), keysOf(t, c[1]); !reflect.DeepEqual(stored, shown) {
			t.Errorf("%s: the database says %v and the object %v", name, stored, shown)
		}
	}
}

func keysOf(t *testing.T, v any) (out map[string]any) {
	t.Helper()
	text, err := json.Marshal(v)
	if err == nil {
		err = json.Unmarshal(text, &out)
	}
	if err != nil {
		t.Fatal(err)
	}
	return out
}
