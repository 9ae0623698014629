package model

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// What is written for those who read `--json` and the views is read back as it was.
func TestFactsAreReadBackAsTheyWereWritten(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 1, 31, 12, 0, 0, 123_000_000, time.UTC)
	f := SignatureFacts{
		Signature: SignatureIntact, Integrity: IntegrityIntact, Coverage: CoverageExtended, Trust: TrustTrusted, Note: "n",
		Signatures: []EmbeddedSignature{{
			Kind: "signature", Signer: "Ana", Time: &at, Reason: "agreed", Integrity: IntegrityIntact,
			Coverage: CoverageExtended, Trust: TrustTrusted, Note: "n", ProvedTime: &at, ProvedBy: "a clock",
			Algorithm: "RSA 2048 with SHA-1", Weaknesses: []string{"SHA-1"}, Added: []Addition{AddedSignature},
			Changed: []string{"page 2: its content"}, TrustNote: "why",
			Chain: []Certificate{{Subject: "CN=Ana", Issuer: "CN=Root", Serial: "0a", SHA256: "ab", Key: "cd", NotBefore: &at,
				NotAfter: &at}},
		}},
		File: FileFacts{Judge: 1, Added: []Addition{AddedValidation}, Changed: []string{"x"},
			Certification: CertificationKept, CertificationLevel: 2, Seal: SealUsual, Unlisted: 3},
	}
	text, err := json.Marshal(f)
	if err != nil {
		t.Fatal(err)
	}
	var back SignatureFacts
	if err := json.Unmarshal(text, &back); err != nil || !cmp.Equal(back, f) {
		t.Errorf("%v\n%s", err, cmp.Diff(f, back))
	}
	for _, says := range []string{`"status":"intact"`, `"issuer":"CN=Root"`, `"serial":"0a"`, `"certificate":"ab"`,
		`"time":"2026-01-31T12:00:00.123Z"`, `"not_after":"2026-01-31T12:00:00.123Z"`} {
		if !strings.Contains(string(text), says) {
			t.Errorf("%s is not in %s", says, text)
		}
	}
}

func TestTheStatusOfOneSignature(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		integrity Integrity
		coverage  Coverage
		want      Signature
	}{
		{IntegrityIntact, CoverageWhole, SignatureIntact}, {IntegrityIntact, CoverageExtended, SignatureIntact},
		{IntegrityIntact, CoverageChanged, SignatureAltered}, {IntegrityAltered, CoverageWhole, SignatureAltered},
		{IntegrityUnknown, CoverageWhole, SignatureUnknown}, {IntegrityUnknown, CoverageChanged, SignatureAltered},
	} {
		if got := (EmbeddedSignature{Integrity: c.integrity, Coverage: c.coverage}).Status(); got != c.want {
			t.Errorf("%s, %s: %s and not %s", c.integrity, c.coverage, got, c.want)
		}
	}
}
