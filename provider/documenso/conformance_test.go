package documenso

import (
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

// suite is the conformance suite for an account whose settings are given.
func suite(t *testing.T, block string) providertest.Suite {
	made := func(block string) func(string, *http.Client) provider.Service {
		return func(base string, c *http.Client) provider.Service {
			return open(t, base, block, func(o *provider.Options) { o.Client, o.Foreign = c, c })
		}
	}
	s := providertest.Suite{
		New: made(block), Stranger: made(strings.ReplaceAll(block, testSecret, "another-secret")),
		Tokens:    []string{"tokenOfAda101", "tokenOfBen102", "tokenOfCleo103"},
		Callbacks: "testdata/callbacks", Answers: "testdata/answers", Ref: testRef, RefPrefix: refPrefix,
		FetchPath: func(ref string) string { return "/api/v2/envelope/" + ref },
		Page: func(records string) []byte {
			return fmt.Appendf(nil, `{"data":[%s],"count":3,"totalPages":1}`, records)
		},
		Record: func(ref string) string {
			return fmt.Sprintf(`{"id":%q,"type":"DOCUMENT","status":"PENDING","recipients":[]}`, ref)
		},
		Document: model.DocumentRef{ID: "envelope_item_onlyonlyonlyone", Kind: model.SignedDocument, Name: "lease.pdf"},
		Secrets:  []string{testKey, testSecret, "tokenOf", "pass-word", "query-secret", "Example", "ada@example.org"},
	}
	for word, status := range words {
		s.Words = append(s.Words, providertest.Word{Word: word, Status: status, Body: withStatus(word)})
	}
	s.Words = append(s.Words, providertest.Word{Word: "FROZEN", Body: withStatus("FROZEN")})
	return s
}

func withStatus(word string) []byte {
	return fmt.Appendf(nil, `{"id":%q,"type":"DOCUMENT","status":%q,"teamId":8,"recipients":[]}`, testRef, word)
}

func TestConformance(t *testing.T) {
	t.Parallel()
	providertest.Run(t, suite(t, keyed))
}
