package output

import (
	"encoding/json"
	"testing"

	"countersign/model"
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
		if got := ChangeWords(c); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	row := Row{Transaction: model.Transaction{Signers: []model.Signer{{Ref: "s-1", Name: "Ada"}}},
		Documents: []model.Document{{ID: "d7", Name: "Lease", Version: 2}}}
	if signer, document := row.nameOf(model.Change{Signer: "s-1", Document: "d7"}); signer != "Ada" ||
		document != "Lease (v2)" {
		t.Errorf("named %q and %q", signer, document)
	}
	if signer, document := row.nameOf(model.Change{Signer: "gone", Document: "d8"}); signer != "gone" || document != "d8" {
		t.Errorf("named %q and %q", signer, document)
	}
}

func TestObjectsNameTheirSubject(t *testing.T) {
	t.Parallel()
	change := model.Change{Seq: 1, Kind: model.KindGap, To: "missed", Signer: "s-1", Document: "d7"}
	for name, c := range map[string]struct {
		object any
		want   map[string]string
	}{
		"change":  {ChangeObject(change), map[string]string{"kind": "gap", "signer": "s-1", "document": "d7"}},
		"history": {historyObject(change), map[string]string{"kind": "gap", "signer": "s-1", "document": "d7"}},
		"gap":     {GapObject(model.Gap{Signer: "s-1"}), map[string]string{"signer": "s-1"}},
		"drift, signer": {DriftObject(model.DriftLine{Field: "signer", About: "s-1"}),
			map[string]string{"signer": "s-1", "document": ""}},
		"drift, document": {DriftObject(model.DriftLine{Field: "document a", About: "d7"}),
			map[string]string{"signer": "", "document": "d7"}},
		"drift, the whole": {DriftObject(model.DriftLine{Field: "status"}), map[string]string{"signer": "", "document": ""}},
	} {
		text, err := json.Marshal(c.object)
		if err != nil {
			t.Fatal(err)
		}
		var got map[string]any
		if err := json.Unmarshal(text, &got); err != nil {
			t.Fatal(err)
		}
		for key, want := range c.want {
			if got[key] != want {
				t.Errorf("%s: %s is %v, want %q", name, key, got[key], want)
			}
		}
	}
}
