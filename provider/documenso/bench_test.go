package documenso

import (
	"bytes"
	"fmt"
	"net/http"
	"testing"

	"countersign/provider"
	"countersign/provider/providertest"
)

// BenchmarkReceive verifies, reads and cleans a callback of 2 KiB, as most are.
func BenchmarkReceive(b *testing.B) {
	const block = `{api_key: api_a, webhook_secret: s}`
	p, err := New(provider.Options{Settings: providertest.Decode(block), Client: http.DefaultClient,
		Foreign: http.DefaultClient})
	if err != nil {
		b.Fatal(err)
	}
	filler := bytes.Repeat([]byte("the quick brown fox jumps over the lazy dog. "), 60)
	recipient := fmt.Sprintf(`[{"id":1,"envelopeId":"envelope_a","email":"ann@example.org","name":"Ann","token":"hush",`+
		`"signedAt":null,"readStatus":"OPENED","signingStatus":"NOT_SIGNED","sendStatus":"SENT","role":"SIGNER","note":%q}]`,
		filler[:500])
	body := fmt.Appendf(nil, `{"event":"DOCUMENT_OPENED","payload":{"id":1,"envelopeId":"envelope_a","externalId":null,`+
		`"teamId":7,"title":"A contract","status":"PENDING","createdAt":"2026-03-02T12:00:00.000Z",`+
		`"updatedAt":"2026-03-02T12:00:00.000Z","completedAt":null,"deletedAt":null,"Recipient":%s,"recipients":%s},`+
		`"createdAt":"2026-03-02T12:00:00.000Z","webhookEndpoint":"https://hooks.example.org/x"}`, recipient, recipient)
	c := provider.Callback{Body: body, Header: http.Header{"X-Documenso-Secret": {"s"}}}
	b.SetBytes(int64(len(c.Body)))
	b.ReportAllocs()
	for b.Loop() {
		r, err := p.Provider.Receive(c)
		if err != nil || len(r.Observations) != 1 {
			b.Fatal(r, err)
		}
	}
}
