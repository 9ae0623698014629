package installed

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"countersign/cmd/countersign/installtest"
	"countersign/cmd/countersign/output"
	"countersign/model"
	"countersign/provider/simulator"
	"countersign/worker/pdf/pdftest"
)

// alteredPDF carries a signature whose ByteRange cannot be true.
func alteredPDF() []byte {
	return pdftest.Small("/AcroForm<</SigFlags 3/Fields[4 0 R]>>",
		"<</Type/Annot/Subtype/Widget/FT/Sig/T(x)/Rect[0 0 0 0]"+
			"/V<</Type/Sig/Filter/Adobe.PPKLite/SubFilter/adbe.pkcs7.detached/ByteRange[0 90 50 9]/Contents<00>>>>>")
}

// Files that are altered, unsigned or made to eat the reader's memory are set aside; the daemon goes on, and an
// operator may let one in.
func TestGate(t *testing.T) {
	t.Parallel()
	d := documensoing(t, simulator.Options{})
	d.in.Edit(t, `(?m)^    download: \[signed\]$`, "$0\n    signatures: required")
	d.in.Polling(t, simulator.AccountDocumenso)
	files := map[string][]byte{"altered": alteredPDF(), "bomb": pdftest.Bomb(t), "unsigned": pdftest.Small("", "<<>>")}
	completed := func(name string) string {
		ref, at := "envelope_"+name, "2026-11-20T10:00:00.000Z"
		d.On("GET "+documensoPath+"envelope/item/envelope_item_"+name+"/download", installtest.AnswerFile(files[name]))
		more := installtest.Said{"completedAt": at, "updatedAt": at}
		more["envelopeItems"] = []installtest.Said{{"id": "envelope_item_" + name, "envelopeId": ref, "title": "contract.pdf",
			"order": 1, "documentDataId": "data-1"}}
		d.is(ref, "COMPLETED", more)
		delete(more, "envelopeItems")
		d.tells(t, "DOCUMENT_COMPLETED", d.payload(ref, "COMPLETED", more), model.Accepted, "")
		return ref
	}
	for name, reason := range map[string]string{"bomb": "of memory", "altered": "ByteRange overlaps",
		"unsigned": "must carry a signature"} {
		doc := d.in.FileBecomes(t, completed(name), "quarantined")
		require.Contains(t, doc["reason"], reason)
		require.Contains(t, doc["reason"], "documents release")
		require.Contains(t, doc["path"], "quarantine/")
		require.Equal(t, map[string]any{"bomb": "", "altered": "altered", "unsigned": "unsigned"}[name], doc["signature"])
		_, stderr, code := d.in.Verb(t, "documents", "get", simulator.AccountDocumenso, "envelope_"+name, "-o", t.TempDir())
		require.NotZero(t, code, "a quarantined file was handed out: %s", stderr)
	}

	// An operator's word, beside the daemon.
	ref := "envelope_altered"
	require.Contains(t, d.in.Said(t, "documents", "show", simulator.AccountDocumenso, ref), "ByteRange overlaps")
	before := d.in.FileBecomes(t, ref, "quarantined")
	require.Contains(t, d.in.Said(t, "documents", "release", simulator.AccountDocumenso, ref), "is stored as")
	after := d.in.FileBecomes(t, ref, "stored")
	require.Equal(t, []any{"released by operator", "altered", before["sha256"]},
		[]any{after["reason"], after["signature"], after["sha256"]})
	require.Equal(t, after["sha256"], installtest.FileHash(t, filepath.Join(d.in.Dir, "documents", after["path"].(string))))
	require.NoFileExists(t, filepath.Join(d.in.Dir, "documents", before["path"].(string)))
	require.Contains(t, d.in.Said(t, "changes", "--json"), `"kind":"document","from":"quarantined","to":"stored"`)
	_, stderr, code := d.in.Verb(t, "documents", "release", simulator.AccountDocumenso, ref)
	require.Equal(t, output.ExitFailed, code)
	require.Contains(t, stderr, "not in quarantine")

	// What is stored is checked again; a file that changed on disk is a difference.
	require.Contains(t, d.in.Said(t, "documents", "verify", "--json"), `{"checked":1,"differences":0,"filled":0}`)
	require.NoError(t, os.WriteFile(filepath.Join(d.in.Dir, "documents", after["path"].(string)),
		pdftest.Small("", "<</A 1>>"), 0o600))
	stdout, _, code := d.in.Verb(t, "documents", "verify", "--json")
	require.Equal(t, output.ExitDrift, code)
	require.Contains(t, stdout, `"field":"sha256"`)
	require.Contains(t, stdout, `{"checked":1,"differences":1,"filled":0}`)
}
