package dropboxsign

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
	const block = `{api_key: s}`
	p, err := New(provider.Options{Settings: providertest.Decode(block), Client: http.DefaultClient,
		Foreign: http.DefaultClient})
	if err != nil {
		b.Fatal(err)
	}
	filler := bytes.Repeat([]byte("the quick brown fox jumps over the lazy dog. "), 60)
	e := event{Time: "1772452800", Type: "signature_request_viewed"}
	body := fmt.Appendf(nil, `{"event":{"event_type":%q,"event_time":%q,"event_hash":%q,"event_metadata":{`+
		`"related_signature_id":"s1"}},"account_guid":"a","signature_request":{"signature_request_id":"r1","title":"A contract",`+
		`"message":%q,"is_complete":false,"test_mode":false,"signatures":[{"signature_id":"s1","signer_name":"Ann",`+
		`"signing_url":"https://sign.example.org/hush","status_code":"awaiting_signature"}],"response_data":[]}}`,
		e.Type, e.Time, e.hash("s"), filler[:1500])
	form := append(append([]byte("--xyz\r\nContent-Disposition: form-data; name=\"json\"\r\n\r\n"), body...), "\r\n--xyz--\r\n"...)
	c := provider.Callback{Body: form, Header: http.Header{"Content-Type": {"multipart/form-data; boundary=xyz"}}}
	b.SetBytes(int64(len(c.Body)))
	b.ReportAllocs()
	for b.Loop() {
		r, err := p.Provider.Receive(c)
		if err != nil || len(r.Observations) != 1 {
			b.Fatal(r, err)
		}
	}
}
