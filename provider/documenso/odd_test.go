package documenso

import (
	"fmt"
	"testing"

	"countersign/model"
	"countersign/provider/providertest"
)

func TestOddPartsOfAnEnvelopeHideNoOther(t *testing.T) {
	t.Parallel()
	const recipients = `{"id":1,"name":7,"role":"SIGNER","signingStatus":"SIGNED","signingOrder":"x"},{"id":2,"role":"SIGNER"}`
	both := []string{"1", "2"}
	for name, c := range map[string]struct {
		recipients, items string
		documents         int
		skipped           map[string]int
	}{
		"none":        {recipients, `{"id":"i1","title":7},{"id":"i2"}`, 3, map[string]int{}},
		"a recipient": {"null," + recipients + `,"Ada"`, `{"id":"i1"}`, 2, map[string]int{model.SkippedSigner: 2}},
		"an item":     {recipients, `7,{"id":"i1"},[]`, 2, map[string]int{model.SkippedDocument: 2}},
	} {
		body := fmt.Sprintf(`{"id":%q,"type":"DOCUMENT","status":"COMPLETED","team":"none","recipients":[%s],"envelopeItems":[%s]}`, testRef, c.recipients, c.items)
		o, err := account(t, answering(t, 200, body).URL, keyed).Fetch(t.Context(), testRef)
		if err != nil || o.Status != model.Completed || len(o.Documents) != c.documents {
			t.Errorf("%s: %+v, %v", name, o, err)
		}
		providertest.Skips(t, name, o, both, c.skipped)
	}
}

// One odd envelope in a batch is left to a question of its own.
func TestAnOddEnvelopeOfABatchHidesNoOther(t *testing.T) {
	t.Parallel()
	for _, odd := range []string{"null", "7", `"x"`, `{"id":null}`, "[]"} {
		body := fmt.Sprintf(`{"data":[{"id":"envelope_a","status":"PENDING"},%s,{"id":"envelope_b","status":"DRAFT","recipients":"none"}]}`, odd)
		got, err := account(t, answering(t, 200, body).URL, keyed).FetchBatch(t.Context(),
			[]string{"envelope_a", "envelope_odd", "envelope_b"})
		if err != nil || len(got) != 2 || got[0].Ref != "envelope_a" || got[1].Ref != "envelope_b" {
			t.Errorf("%s: %+v, %v", odd, got, err)
		}
	}
}
