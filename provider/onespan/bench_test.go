package onespan

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
	const block = `{api_key: a, callback_key: s}`
	p, err := New(provider.Options{Settings: providertest.Decode(block), Client: http.DefaultClient,
		Foreign: http.DefaultClient})
	if err != nil {
		b.Fatal(err)
	}
	filler := bytes.Repeat([]byte("the quick brown fox jumps over the lazy dog. "), 60)
	body := fmt.Appendf(nil, `{"@class":"com.silanis.esl.packages.event.ESLProcessEvent","name":"SIGNER_COMPLETE",`+
		`"sessionUser":"ann","packageId":"p1","message":%q,"documentId":null,"createdDate":"2026-03-02T12:00:00.000Z"}`,
		filler[:1850])
	c := provider.Callback{Body: body, Header: http.Header{"Authorization": {"Basic s"}}}
	b.SetBytes(int64(len(c.Body)))
	b.ReportAllocs()
	for b.Loop() {
		r, err := p.Provider.Receive(c)
		if err != nil || len(r.Observations) != 1 {
			b.Fatal(r, err)
		}
	}
}
