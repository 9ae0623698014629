package pdf

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"countersign/model"
)

// What a hostile file says of itself fits into a row, and what an ordinary one says stays as it is.
func TestFactsAreBounded(t *testing.T) {
	t.Parallel()
	huge := strings.Repeat("é\x00<", 5<<20)
	certificate := model.Certificate{Subject: huge, Issuer: huge, Serial: huge, SHA256: strings.Repeat("ab", 32), Key: huge}
	one := model.EmbeddedSignature{
		Kind: "signature", Signer: huge, Reason: huge, Note: huge, ProvedBy: huge, Algorithm: huge, TrustNote: huge,
		Weaknesses: make([]string, 1000), Changed: []string{huge, huge, huge, huge}, Added: make([]model.Addition, 1000),
		Chain: []model.Certificate{certificate, certificate, certificate, certificate},
	}
	f := model.SignatureFacts{Note: huge, Signatures: make([]model.EmbeddedSignature, 100_000),
		File: model.FileFacts{Changed: []string{huge}, Added: make([]model.Addition, 1000)}}
	for i := range f.Signatures {
		f.Signatures[i] = one
	}
	f.Signatures[99_999].Signer = "the last one"
	b := Bounded(f)
	text, err := json.Marshal(b)
	if err != nil || len(text) > 700_000 || strings.Contains(string(text), `\u0000`) || !utf8.Valid(text) {
		t.Errorf("%d bytes of JSON (%v)", len(text), err)
	}
	if n := len(b.Signatures); n != 100 || b.Signatures[99].Signer != "the last one" || b.File.Unlisted != 99_900 {
		t.Errorf("%d signatures are listed, the last by %q, %d are not", n, b.Signatures[n-1].Signer, b.File.Unlisted)
	}
	if b.Signatures[0].Chain[0].SHA256 != certificate.SHA256 {
		t.Errorf("a hash was cut to %q", b.Signatures[0].Chain[0].SHA256)
	}
	if again := Bounded(b); !cmp.Equal(again, b) {
		t.Errorf("bounded twice differs:\n%s", cmp.Diff(b, again))
	}
	if f.Signatures[0].Signer != huge || f.Signatures[0].Chain[0].Subject != huge {
		t.Error("what was bounded was changed itself")
	}
}
