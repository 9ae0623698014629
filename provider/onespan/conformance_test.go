package onespan

import (
	"flag"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"countersign/model"
	"countersign/provider"
	"countersign/provider/providertest"
	"countersign/provider/providertest/recorded"
)

var _ = flag.Bool("update", false, "write what the recorded callbacks and answers mean")

// suite is the conformance suite for one way in.
func suite(t *testing.T, block string) providertest.Suite {
	made := func(block string) func(string, *http.Client) provider.Service {
		return func(base string, c *http.Client) provider.Service {
			return open(t, base, block, func(o *provider.Options) {
				o.Client, o.Foreign, o.ExternalID = c, c, "data.contract_id"
			})
		}
	}
	s := providertest.Suite{
		New: made(block), Stranger: made(strings.ReplaceAll(block, testKey, "another-callback-key")),
		Callbacks: "testdata/callbacks", Answers: "testdata/answers", Ref: testRef,
		FetchPath: func(ref string) string { return "/api/packages/" + ref },
		Page:      func(records string) []byte { return fmt.Appendf(nil, `{"count":3,"results":[%s]}`, records) },
		Record:    func(ref string) string { return fmt.Sprintf(`{"id":%q,"type":"PACKAGE","status":"SENT"}`, ref) },
		Document:  model.DocumentRef{ID: "6f0c2d7be1", Kind: model.SignedDocument, Name: "Tenancy agreement"},
		Secrets:   []string{"the-api-key", testKey, "the-secret", "token-1", "Example", "ada@example.org"},
	}
	for word, status := range words {
		s.Words = append(s.Words, providertest.Word{Word: word, Status: status, Body: withStatus(word)})
	}
	s.Words = append(s.Words, providertest.Word{Word: "HELD_BY_ROBOT", Body: withStatus("HELD_BY_ROBOT")})
	return s
}

func withStatus(word string) []byte {
	return fmt.Appendf(nil, `{"id":%q,"type":"PACKAGE","status":%q,"trashed":false,"updated":"2026-03-02T09:15:00Z"}`,
		testRef, word)
}

func TestConformance(t *testing.T) {
	t.Parallel()
	providertest.Run(t, suite(t, keyed))
}

func TestConformanceWithAClientApp(t *testing.T) {
	t.Parallel()
	s := suite(t, strings.Replace(owner, "{", "{callback_key: "+testKey+", ", 1))
	s.Steps = func(r *http.Request, _, _ string) []byte {
		if r.URL.Path != "/apitoken/clientApp/accessToken" {
			return nil
		}
		return fmt.Appendf(nil, `{"accessToken":"token-1","expiresAt":%d}`, noon.Add(time.Hour).UnixMilli())
	}
	s.FetchPath, s.Callbacks = nil, recorded.OneCallback(t, "package_complete") // callbacks do not depend on the way in
	providertest.Run(t, s)
}

func TestConformanceWithOAuth(t *testing.T) {
	t.Parallel()
	s := suite(t, "{callback_key: "+testKey+", oauth: {client_id: the-id, client_secret: the-secret}}")
	s.Steps = func(r *http.Request, _, _ string) []byte {
		if r.URL.Path != "/oauth2/token" {
			return nil
		}
		return []byte(`{"access_token":"token-1","token_type":"Bearer","expires_in":3600}`)
	}
	s.FetchPath, s.Callbacks = nil, recorded.OneCallback(t, "package_complete") // callbacks do not depend on the way in
	providertest.Run(t, s)
}
