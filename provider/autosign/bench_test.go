package autosign

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
	const block = `{access_token: a, webhook_secrets: [s]}`
	p, err := New(provider.Options{Settings: providertest.Decode(block), Client: http.DefaultClient,
		Foreign: http.DefaultClient})
	if err != nil {
		b.Fatal(err)
	}
	filler := bytes.Repeat([]byte("the quick brown fox jumps over the lazy dog. "), 60)
	body := fmt.Appendf(nil, `{"id":"e1","type":"recipient_submitted","created":"2026-03-02T12:00:00.000Z","data":{"id":"t1",`+
		`"status":"started","name":"A contract","recipient":{"id":"r1","name":"Ann","email":"ann@example.org","role":"signer",`+
		`"token":"hush","submitted_at":"2026-03-02T12:00:00.000Z"},"notes":%q}}`, filler[:1700])
	c := provider.Callback{Body: body, ReceivedAt: noon, Header: http.Header{}}
	c.Header.Set("autosign-signature", fmt.Sprintf("%x", mac("sha256", "s", body)))
	b.SetBytes(int64(len(c.Body)))
	b.ReportAllocs()
	for b.Loop() {
		r, err := p.Provider.Receive(c)
		if err != nil || len(r.Observations) != 1 {
			b.Fatal(r, err)
		}
	}
}
