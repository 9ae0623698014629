package onespan

import (
	"fmt"
	"testing"

	"countersign/model"
	"countersign/provider/providertest"
)

func TestOddPartsOfAPackageHideNoOther(t *testing.T) {
	t.Parallel()
	const (
		signed = `{"role":"r1","accepted":"2026-03-02T09:00:00Z"},{"role":"r2"}`
		roles  = `{"id":"r1","index":1,"signers":[{"id":"s1","firstName":7}]},{"id":"r2","index":2,"name":null,"signers":[{"id":"s2"}]}`
	)
	both := []string{"s1", "s2"}
	for name, c := range map[string]struct {
		roles, approvals, more string
		signers                []string
		skipped                map[string]int
	}{
		"none":             {roles, signed, "", both, map[string]int{}},
		"a role":           {"null," + roles + `,"Ada"`, signed, "", both, map[string]int{model.SkippedSigner: 2}},
		"who signs a role": {`{"id":"r1","index":1,"signers":[7,{"id":"s1"}]},{"id":"r2","index":2,"signers":[{"id":"s2"}]}`, signed, "", both, map[string]int{model.SkippedSigner: 1}},
		"a message": {roles, signed, `,"messages":["no",{"content":"x"}]`, both,
			map[string]int{model.SkippedOther: 1}},
		"no list of roles": {`{"id":"r1","index":1,"signers":"Ada"}`, signed, "", []string{"r1"},
			map[string]int{model.SkippedSigner: 1}},
		// Who has signed cannot be told then.
		"an approval": {roles, signed + ",null", "", nil, map[string]int{model.SkippedSigner: 1}},
		"a document":  {roles, signed + `]},7,{"id":"e","approvals":[`, "", nil, map[string]int{model.SkippedDocument: 1}},
	} {
		body := fmt.Sprintf(`{"id":%q,"status":"SENT","sender":7,"roles":[%s],"documents":[{"id":"d","name":7,"approvals":[%s]}]%s}`, testRef, c.roles, c.approvals, c.more)
		o, err := account(t, answering(t, 200, "application/json", body).URL, keyed).Fetch(t.Context(), testRef)
		if err != nil || o.Status != model.InProgress || len(o.Documents) == 0 {
			t.Errorf("%s: %+v, %v", name, o, err)
		}
		providertest.Skips(t, name, o, c.signers, c.skipped)
	}
}
