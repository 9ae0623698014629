package output

import (
	"testing"

	"countersign/model"
	"countersign/worker/console/objects"
)

// Two changes of one kind on one transaction are told apart by what they are about.
func TestAChangeNamesItsSubject(t *testing.T) {
	t.Parallel()
	for want, c := range map[string]model.Change{
		"missed (signer s-1)": {Kind: model.KindGap, To: "missed", Signer: "s-1"},
		"waiting -> stored (d000000000007)": {Kind: model.KindDocument, From: "waiting", To: "stored",
			Document: "d000000000007"},
		"no longer email_bounced (signer 2)": {
			Kind: model.KindAttention, From: "email_bounced", Signer: "2",
		},
		"draft -> in_progress": {Kind: model.KindStatus, From: "draft", To: "in_progress"},
	} {
		if got := English().ChangeWords(c); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	row := objects.Row{Transaction: model.Transaction{Signers: []model.Signer{{Ref: "s-1", Name: "Ada"}}},
		Documents: []model.Document{{ID: "d7", Name: "Lease", Version: 2}}}
	if signer, document := nameOf(row, model.Change{Signer: "s-1", Document: "d7"}); signer != "Ada" ||
		document != "Lease (v2)" {
		t.Errorf("named %q and %q", signer, document)
	}
	if signer, document := nameOf(row, model.Change{Signer: "gone", Document: "d8"}); signer != "gone" || document != "d8" {
		t.Errorf("named %q and %q", signer, document)
	}
}
