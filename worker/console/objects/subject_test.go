package objects

import (
	"encoding/json"
	"testing"

	"countersign/model"
)

func TestObjectsNameTheirSubject(t *testing.T) {
	t.Parallel()
	change := model.Change{Seq: 1, Kind: model.KindGap, To: "missed", Signer: "s-1", Document: "d7"}
	for name, c := range map[string]struct {
		object any
		want   map[string]string
	}{
		"change":  {OfChange(change), map[string]string{"kind": "gap", "signer": "s-1", "document": "d7"}},
		"history": {ofRowChange(change), map[string]string{"kind": "gap", "signer": "s-1", "document": "d7"}},
		"gap":     {OfGap(model.Gap{Signer: "s-1"}), map[string]string{"signer": "s-1"}},
		"drift, signer": {OfDrift(model.DriftLine{Field: "signer", About: "s-1"}),
			map[string]string{"signer": "s-1", "document": ""}},
		"drift, document": {OfDrift(model.DriftLine{Field: "document a", About: "d7"}),
			map[string]string{"signer": "", "document": "d7"}},
		"drift, the whole": {OfDrift(model.DriftLine{Field: "status"}), map[string]string{"signer": "", "document": ""}},
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
