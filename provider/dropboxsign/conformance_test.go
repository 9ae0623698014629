package dropboxsign

import (
	"bytes"
	"flag"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"countersign/model"
	"countersign/provider"
	"countersign/provider/providertest"
)

var _ = flag.Bool("update", false, "write what the recorded callbacks and answers mean")

func TestConformance(t *testing.T) {
	t.Parallel()
	made := func(block string) func(string, *http.Client) provider.Service {
		return func(base string, c *http.Client) provider.Service {
			return open(t, base, block, func(o *provider.Options) { o.Client, o.Foreign = c, c })
		}
	}
	request := func(flags, code string) []byte {
		return fmt.Appendf(nil,
			`{"signature_request":{"signature_request_id":%q,%s"signatures":[{"signature_id":%q,"status_code":%q}]}}`, testRef,
			flags, ada, code)
	}
	providertest.Run(t, providertest.Suite{
		New: made(keyed), Stranger: made("{api_key: another-key, callback_keys: [and-another]}"),
		Callbacks: "testdata/callbacks", Answers: "testdata/answers", Ref: testRef,
		FetchPath: func(ref string) string { return "/v3/signature_request/" + ref },
		Page: func(records string) []byte {
			return fmt.Appendf(nil, `{"list_info":{"num_pages":1,"num_results":3},"signature_requests":[%s]}`, records)
		},
		Record:   func(ref string) string { return fmt.Sprintf(`{"signature_request_id":%q,"signatures":[]}`, ref) },
		Document: sent, Secrets: []string{testKey, oldKey, "ada@example.org"}, Tokens: []string{"app.hellosign.com/sign/"},
		ProofInBody: true, Sign: mended, Signed: forged,
		NoUnknownWord: true, // flags and signers' codes tell where a request stands
		Words: []providertest.Word{
			{Word: wordComplete, Status: model.Completed, Body: request(`"is_complete":true,`, "signed")},
			{Word: wordDeclined, Status: model.Declined, Body: request(`"is_declined":true,`, wordDeclined)},
			{Word: wordError, Status: model.Failed, Body: request(`"has_error":true,`, "awaiting_signature")},
			{Word: wordExpired, Status: model.Expired, Body: request("", wordExpired)},
			{Word: wordOpen, Status: model.InProgress, Body: request("", "awaiting_signature")},
			{Word: wordPrepared, Status: model.Draft, Body: request("", wordPrepared)},
			{Word: wordHeld, Status: model.Draft, Body: request("", wordHeld)},
			{Word: wordInvalidEmail, Status: model.InProgress, Body: request("", wordInvalidEmail)},
			{Word: "error_unknown", Status: model.Failed, Body: request("", "error_unknown")},
			{Word: "error_file", Status: model.Failed, Body: request("", "error_file")},
			{Word: "error_component_position", Status: model.Failed, Body: request("", "error_component_position")},
			{Word: "error_text_tag", Status: model.Failed, Body: request("", "error_text_tag")},
		},
	})
}

// mended is c with the event_hash that its changed body has to have.
func mended(c provider.Callback) provider.Callback {
	_, e, err := read(c)
	if err != nil || e.Event.Hash == "" {
		return c
	}
	c.Body = bytes.ReplaceAll(c.Body, []byte(e.Event.Hash), []byte(e.Event.hash(testKey)))
	return c
}

// forged changes what event_hash covers, or the hash itself. The rest of a body it does not cover.
func forged(c provider.Callback) (out []provider.Callback) {
	_, e, err := read(c)
	if err != nil {
		return nil
	}
	change := func(from, to string) {
		worse := c
		worse.Body = bytes.ReplaceAll(c.Body, []byte(from), []byte(to))
		if from != "" && !bytes.Equal(worse.Body, c.Body) {
			out = append(out, worse)
		}
	}
	sum := string(e.Event.Hash)
	change(sum, strings.ToUpper(sum))
	change(sum, sum[1:])
	change(sum, sum+"0")
	change(sum, "")
	change(string(e.Event.Time), string(e.Event.Time)+"0")
	change(string(e.Event.Type), "x"+string(e.Event.Type))
	change(string(e.Event.Type), evAllSigned)
	return out
}
