package main

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"countersign/cmd/countersign/output"
	"countersign/model"
	"countersign/provider/simulator"
	"countersign/provider/simulator/world/pdf"
)

// Ten files come under one seal, then one that another has sealed, with a self-signed certificate of the same name: it is
// intact, stored, and told, until an operator accepts the seal.
func TestWholeSealOfAnother(t *testing.T) {
	t.Parallel()
	d := documensoing(t, simulator.Options{})
	d.in.polling(t, simulator.AccountDocumenso)
	sealed := func(name string, keys *pdf.Keys) map[string]any {
		t.Helper()
		return d.sealed(t, name, keys)["facts"].(map[string]any)
	}
	for n := range 10 {
		seal := sealed(fmt.Sprint("usual", n), sealKeys)["seal"]
		require.Equal(t, map[bool]string{true: "new", false: "usual"}[n == 0], seal)
	}
	require.NotContains(t, d.in.incidents(t), simulator.AccountDocumenso+" "+model.SealedByAnother)

	require.Equal(t, "other", sealed("stranger", pdf.NewKeys())["seal"])
	status, _, code := d.in.verb(t, "status")
	require.Equal(t, output.ExitDrift, code)
	require.Contains(t, status, "sealed by another than always")
	require.Contains(t, d.in.incidents(t), simulator.AccountDocumenso+" "+model.SealedByAnother)
	require.Contains(t, d.in.said(t, "changes", "--json"), `"to":"sealed_by_another"`)
	shown := d.in.said(t, "documents", "show", simulator.AccountDocumenso, "envelope_stranger")
	require.Regexp(t, `(?m)^seal +another than always`, shown)
	require.Regexp(t, `(?m)^certificate +.*Simulated signing service`, shown)
	require.Regexp(t, `(?m)^algorithm +RSA`, shown)
	require.Regexp(t, `(?m)^[0-9a-f]{16} +10 .*Simulated signing service`,
		d.in.said(t, "documents", "seals", simulator.AccountDocumenso))

	require.Contains(t, d.in.said(t, "documents", "seals", simulator.AccountDocumenso, "--accept"), "1 seal of")
	require.NotContains(t, d.in.incidents(t), simulator.AccountDocumenso+" "+model.SealedByAnother)
	require.Equal(t, "usual", sealed("usual10", sealKeys)["seal"])
}

// sealed completes an envelope whose file is sealed with keys, and returns the document, once it is stored.
func (d *documensoScript) sealed(t *testing.T, name string, keys *pdf.Keys) said {
	t.Helper()
	ref, at := "envelope_"+name, "2026-11-20T10:00:00.000Z"
	file := pdf.File{Title: name, Lines: []string{name}, Pages: 1, Sealed: true, At: nine}.Render(keys)
	d.on("GET "+documensoPath+"envelope/item/envelope_item_"+name+"/download", answerFile(file))
	more := said{"completedAt": at, "updatedAt": at, "envelopeItems": []said{{"id": "envelope_item_" + name,
		"envelopeId": ref, "title": "contract.pdf", "order": 1, "documentDataId": "data-1"}}}
	d.is(ref, "COMPLETED", more)
	delete(more, "envelopeItems")
	d.tells(t, "DOCUMENT_COMPLETED", d.payload(ref, "COMPLETED", more), model.Accepted, "")
	doc := d.in.fileBecomes(t, ref, "stored")
	require.Equal(t, "intact", doc["signature"])
	return doc
}

// With the seal's certificate in the config the child says who is trusted: the first file of another is told, and the
// word and the chain are shown.
func TestWholeTrust(t *testing.T) {
	t.Parallel()
	d := documensoing(t, simulator.Options{})
	certificate, err := sealKeys.Certificate()
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(filepath.Dir(d.in.config), "seals.pem"), certificate, 0o600))
	d.in.edit(t, `(?m)^    download: \[signed\]$`, "$0\n    trust: { certificates: seals.pem }")
	d.in.polling(t, simulator.AccountDocumenso)

	ours := d.sealed(t, "ours", sealKeys)
	require.Equal(t, "trusted", ours["trust"], ours)
	require.Equal(t, "usual", ours["facts"].(map[string]any)["seal"])
	require.NotContains(t, d.in.incidents(t), simulator.AccountDocumenso+" "+model.SealedByAnother)

	theirs := d.sealed(t, "theirs", pdf.NewKeys())
	require.Equal(t, "untrusted", theirs["trust"])
	require.Equal(t, "other", theirs["facts"].(map[string]any)["seal"])
	require.Contains(t, d.in.incidents(t), simulator.AccountDocumenso+" "+model.SealedByAnother)
	shown := d.in.said(t, "documents", "show", theirs["id"].(string))
	require.Regexp(t, `(?m)^trust +untrusted$`, shown)
	require.Regexp(t, `(?m)^certificate +.*Simulated signing service`, shown)
}
