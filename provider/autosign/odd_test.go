package autosign

import (
	"fmt"
	"testing"

	"countersign/model"
	"countersign/provider/providertest"
)

func TestOddPartsOfATransactionHideNoOther(t *testing.T) {
	t.Parallel()
	const recipients = `{"id":"s1","index":"x","submitted_at":"2026-03-02T09:00:00Z"},{"id":"s2","index":2,"name":7}`
	for name, c := range map[string]struct {
		recipients, documents string
		skipped               map[string]int
	}{
		"none":        {recipients, `{"id":"d1","file":"none"}`, map[string]int{}},
		"a recipient": {`null,` + recipients + `,"Ada"`, `{"id":"d1"}`, map[string]int{model.SkippedSigner: 2}},
		"a recipient without id": {`{"id":null,"name":"Ada"},` + recipients, `{"id":"d1"}`,
			map[string]int{model.SkippedSigner: 1}},
		"a document": {recipients, `7,{"id":"d1"}`, map[string]int{model.SkippedDocument: 1}},
	} {
		body := fmt.Sprintf(`{"id":%q,"status":"completed","template":{"recipients":[%s],"documents":[%s]}}`, testRef,
			c.recipients, c.documents)
		o, err := plain(t, answering(t, 200, "application/json", body).URL, keyed).Fetch(t.Context(), testRef)
		if err != nil || o.Status != model.Completed || len(o.Documents) != 1 {
			t.Errorf("%s: %+v, %v", name, o, err)
		}
		providertest.Skips(t, name, o, []string{"s1", "s2"}, c.skipped)
	}
}
