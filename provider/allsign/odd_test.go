package allsign

import (
	"fmt"
	"testing"

	"countersign/model"
	"countersign/provider"
	"countersign/provider/providertest"
)

func TestAnOddSignerHidesNoOther(t *testing.T) {
	t.Parallel()
	for _, odd := range []string{"null", `"Ada"`, "7", "[]", `{"id":null,"name":"Ada"}`} {
		list := `[{"id":"s1","status":"signed","name":7},` + odd + `,{"id":"s2"}]`
		f := answering(t, answers{docPath: string(withStatus(testDoc, "awaiting_signatures")),
			signed: `{"data":` + list + `}`})
		o, err := openV3(t, f.URL).Fetch(t.Context(), testDoc)
		if err != nil || o.Status != model.InProgress {
			t.Errorf("%s: %+v, %v", odd, o, err)
		}
		providertest.Skips(t, odd, o, []string{"s1", "s2"}, map[string]int{model.SkippedSigner: 1})
		f = answering(t, answers{"GET /v2/documents/" +
			testDoc: fmt.Sprintf(`{"data":{"id":%q,"name":7,"status":"awaiting_signatures","signersData":%s}}`, testDoc, list)})
		if o, err = openV2(t, f.URL).Fetch(t.Context(), testDoc); err != nil {
			t.Errorf("%s: %+v, %v", odd, o, err)
		}
		providertest.Skips(t, "v2: "+odd, o, []string{"s1", "s2"}, map[string]int{model.SkippedSigner: 1})
	}
}

func TestAnOddBrowserEventHidesNoOther(t *testing.T) {
	t.Parallel()
	for _, odd := range []string{"null", `"x"`, "7", "[]", `{"name":{},"documentId":[]}`} {
		body := `[{"documentId":"` + testDoc + `","name":"OTP_VERIFIED"},` + odd +
			`,{"name":"SIGNATURE_SUBMITTED","metadata":7}]`
		said := openV3(t, "").Hint(provider.Hint{Body: []byte(body)}, noon)
		if said.Ref != testDoc || len(said.Steps) != 2 || said.Steps[1].Name != "signature" {
			t.Errorf("%s: %+v", odd, said)
		}
	}
}
