package installed

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"countersign/cmd/countersign/installtest"
	"countersign/cmd/countersign/output"
	"countersign/model"
	"countersign/provider/simulator"
	"countersign/provider/simulator/world/pdf"
)

// Ten files come under one seal, then one that another has sealed, with a self-signed certificate of the same name: it is
// intact, stored, and told, until an operator accepts the seal.
func TestSealOfAnother(t *testing.T) {
	t.Parallel()
	d := documensoing(t, simulator.Options{})
	d.in.Polling(t, simulator.AccountDocumenso)
	sealed := func(name string, keys *pdf.Keys) map[string]any {
		t.Helper()
		return d.sealed(t, name, keys)["facts"].(map[string]any)
	}
	for n := range 10 {
		seal := sealed(fmt.Sprint("usual", n), installtest.SealKeys)["seal"]
		require.Equal(t, map[bool]string{true: "new", false: "usual"}[n == 0], seal)
	}
	require.NotContains(t, d.in.Incidents(t), simulator.AccountDocumenso+" "+model.SealedByAnother)

	require.Equal(t, "other", sealed("stranger", pdf.NewKeys())["seal"])
	status, _, code := d.in.Verb(t, "status")
	require.Equal(t, output.ExitDrift, code)
	require.Contains(t, status, "sealed by another than always")
	require.Contains(t, d.in.Incidents(t), simulator.AccountDocumenso+" "+model.SealedByAnother)
	require.Contains(t, d.in.Said(t, "changes", "--json"), `"to":"sealed_by_another"`)
	shown := d.in.Said(t, "documents", "show", simulator.AccountDocumenso, "envelope_stranger")
	require.Regexp(t, `(?m)^seal +another than always`, shown)
	require.Regexp(t, `(?m)^certificate +.*Simulated signing service`, shown)
	require.Regexp(t, `(?m)^algorithm +RSA`, shown)
	require.Regexp(t, `(?m)^[0-9a-f]{64} +10 .*Simulated signing service`,
		d.in.Said(t, "documents", "seals", simulator.AccountDocumenso))

	require.Contains(t, d.in.Said(t, "documents", "seals", simulator.AccountDocumenso, "--accept"), "1 seal of")
	require.NotContains(t, d.in.Incidents(t), simulator.AccountDocumenso+" "+model.SealedByAnother)
	require.Equal(t, "usual", sealed("usual10", installtest.SealKeys)["seal"])
}

// sealed completes an envelope whose file is sealed with keys, and returns the document, once it is stored.
func (d *documensoScript) sealed(t *testing.T, name string, keys *pdf.Keys) installtest.Said {
	t.Helper()
	ref, at := "envelope_"+name, "2026-11-20T10:00:00.000Z"
	file := pdf.File{Title: name, Lines: []string{name}, Pages: 1, Sealed: true, At: installtest.SealedAt}.Render(keys)
	d.On("GET "+documensoPath+"envelope/item/envelope_item_"+name+"/download", installtest.AnswerFile(file))
	more := installtest.Said{"completedAt": at, "updatedAt": at, "envelopeItems": []installtest.Said{{"id": "envelope_item_" + name,
		"envelopeId": ref, "title": "contract.pdf", "order": 1, "documentDataId": "data-1"}}}
	d.is(ref, "COMPLETED", more)
	delete(more, "envelopeItems")
	d.tells(t, "DOCUMENT_COMPLETED", d.payload(ref, "COMPLETED", more), model.Accepted, "")
	doc := d.in.FileBecomes(t, ref, "stored")
	require.Equal(t, "intact", doc["signature"])
	return doc
}

// With the seal's certificate in the config the child says who is trusted: the first file of another is told, and the
// word and the chain are shown.
func TestTrust(t *testing.T) {
	t.Parallel()
	d := documensoing(t, simulator.Options{})
	certificate, err := installtest.SealKeys.Certificate()
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(filepath.Dir(d.in.Config), "seals.pem"), certificate, 0o600))
	d.in.Edit(t, `(?m)^    download: \[signed\]$`, "$0\n    trust: { certificates: seals.pem }")
	d.in.Polling(t, simulator.AccountDocumenso)

	ours := d.sealed(t, "ours", installtest.SealKeys)
	require.Equal(t, "trusted", ours["trust"], ours)
	require.Equal(t, "usual", ours["facts"].(map[string]any)["seal"])
	require.NotContains(t, d.in.Incidents(t), simulator.AccountDocumenso+" "+model.SealedByAnother)

	theirs := d.sealed(t, "theirs", pdf.NewKeys())
	require.Equal(t, "untrusted", theirs["trust"])
	require.Equal(t, "other", theirs["facts"].(map[string]any)["seal"])
	require.Contains(t, d.in.Incidents(t), simulator.AccountDocumenso+" "+model.SealedByAnother)
	shown := d.in.Said(t, "documents", "show", theirs["id"].(string))
	require.Regexp(t, `(?m)^trust +untrusted$`, shown)
	require.Regexp(t, `(?m)^certificate +.*Simulated signing service`, shown)
}
