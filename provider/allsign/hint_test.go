package allsign

import (
	"net/url"
	"testing"

	"countersign/provider"
	"countersign/provider/providertest"
)

func TestABrowserNamesADocumentAndAStepAndNothingElse(t *testing.T) {
	t.Parallel()
	step := func(names ...string) []provider.Step {
		var list []provider.Step
		for _, n := range names {
			list = append(list, provider.Step{Name: n, At: noon})
		}
		return list
	}
	query := func(s string) provider.Hint {
		v, err := url.ParseQuery(s)
		if err != nil {
			t.Fatal(err)
		}
		return provider.Hint{Query: v}
	}
	body := func(s string) provider.Hint { return provider.Hint{Body: []byte(s)} }
	for name, c := range map[string]struct {
		hint provider.Hint
		want provider.Hinted
	}{
		"a success, of one signer": {query("session_id=s&status=completed&document_id=d-1&signer_email=ada%40example.org&signature_id=g"), provider.Hinted{Ref: "d-1", Steps: step("signature")}},
		"a cancelled session": {query("session_id=s&status=cancelled&document_id=d-1&last_step=id_scan"),
			provider.Hinted{Ref: "d-1", Steps: step("id_scan")}},
		"a session that expired": {body(`{"reason":"expired","lastStep":null,"sessionId":"s","documentId":"d-1"}`),
			provider.Hinted{Ref: "d-1"}},
		"onSuccess": {body(`{"signatureId":"g","documentId":"d-1","signerEmail":"ada@example.org","signedAt":"2026-01-01T00:00:00Z"}`), provider.Hinted{Ref: "d-1", Steps: step("signature")}},
		"onEvent": {body(`{"name":"OTP_VERIFIED","metadata":{"documentId":"d-1"}}`),
			provider.Hinted{Ref: "d-1", Steps: step("otp")}},
		"several events":                {body(`[{"document_id":"d-1","name":"SESSION_STARTED"},{"name":"ID_SCAN_COMPLETED","metadata":"odd"},{"name":"SIGNATURE_SUBMITTED"}]`), provider.Hinted{Ref: "d-1", Steps: step("SESSION_STARTED", "id_scan", "signature")}},
		"a step with a name of its own": {body(`{"documentId":"d-1","name":"<script>"}`), provider.Hinted{Ref: "d-1"}},
		"no document":                   {body(`{"name":"OTP_SENT"}`), provider.Hinted{}},
		"a document that is none":       {query("document_id=a%00b"), provider.Hinted{}},
		"nothing":                       {provider.Hint{}, provider.Hinted{}},
		"no JSON":                       {body("document_id=d-1"), provider.Hinted{}},
	} {
		providertest.Same(t, name, openV3(t, "").Hint(c.hint, noon), c.want)
		providertest.Same(t, name, openV2(t, "").Hint(c.hint, noon), c.want)
	}
}
