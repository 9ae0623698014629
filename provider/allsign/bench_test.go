package allsign

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
	const block = `{api_key: a, profile: v3, webhook_secrets: [whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=]}`
	p, err := New(provider.Options{Settings: providertest.Decode(block), Client: http.DefaultClient,
		Foreign: http.DefaultClient})
	if err != nil {
		b.Fatal(err)
	}
	filler := bytes.Repeat([]byte("the quick brown fox jumps over the lazy dog. "), 60)
	body := fmt.Appendf(nil, `{"eventId":"e1","eventType":"document.signed","occurredAt":"2026-03-02T12:00:00.000Z",`+
		`"livemode":true,"data":{"documentId":"d1","name":"A contract","note":%q}}`, filler[:1800])
	const whsec = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
	c := signV3(provider.Callback{Body: body, ReceivedAt: noon, Header: http.Header{}}, whsec)
	b.SetBytes(int64(len(c.Body)))
	b.ReportAllocs()
	for b.Loop() {
		r, err := p.Provider.Receive(c)
		if err != nil || len(r.Observations) != 1 {
			b.Fatal(r, err)
		}
	}
}
