package dropboxsign

import (
	"fmt"
	"testing"

	"countersign/model"
	"countersign/provider/providertest"
)

func TestAnOddSignatureHidesNoOther(t *testing.T) {
	t.Parallel()
	const one = `{"signature_id":"s1","status_code":"signed","signed_at":1772442900,"order":"x"}`
	for _, odd := range []string{"null", `"Ada"`, "7", "[]"} {
		body := fmt.Sprintf(`{"signature_request":{"signature_request_id":%q,"title":7,"signatures":[%s,%s,{"signature_id":"s2"}]}}`, testRef, one, odd)
		o, err := account(t, answering(t, 200, "application/json", body).URL, keyed).Fetch(t.Context(), testRef)
		if err != nil || o.Status != model.InProgress || o.Name != "7" {
			t.Errorf("%s: %+v, %v", odd, o, err)
		}
		providertest.Skips(t, odd, o, []string{"s1", "s2"}, map[string]int{model.SkippedSigner: 1})
	}
}

// The mark may stand before the whole body or before the JSON in its field.
func TestAMarkBeforeTheJSONOfAForm(t *testing.T) {
	t.Parallel()
	const mark = "\ufeff"
	s, json := account(t, "", keyed), mark+mark+signed(evSent, "", about)
	const head = "--b0\r\nContent-Disposition: form-data; name=\"json\"\r\n\r\n"
	for name, body := range map[string]string{
		"in the field": head + json + "\r\n--b0--\r\n", "before the form": mark + head + json +
			"\r\n--b0--\r\n", "alone": json,
	} {
		if r, err := s.Receive(form("multipart/form-data; boundary=b0", body)); err != nil || r.Ref != testRef ||
			len(r.Observations) != 1 {
			t.Errorf("%s: %+v, %v", name, r, err)
		}
	}
}
