package autosign

import (
	"encoding/hex"
	"flag"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"countersign/model"
	"countersign/provider"
	"countersign/provider/providertest"
	"countersign/provider/providertest/recorded"
)

var _ = flag.Bool("update", false, "write what the recorded callbacks and answers mean")

// sign gives a callback the signature of the tests' secret.
func sign(c provider.Callback) provider.Callback {
	c.Header = c.Header.Clone()
	c.Header.Set("autosign-signature", hex.EncodeToString(mac("sha256", testSecret, c.Body)))
	return c
}

// suite is the conformance suite for one way in.
func suite(t *testing.T, block string) providertest.Suite {
	made := func(block string) func(string, *http.Client) provider.Service {
		return func(base string, c *http.Client) provider.Service {
			return account(t, base, block, func(o *provider.Options) {
				o.Client, o.Foreign, o.ExternalID = c, c, "template.id"
			})
		}
	}
	s := providertest.Suite{
		New: made(block), Stranger: made(strings.ReplaceAll(block, testSecret, "another-webhook-secret")),
		Callbacks: "testdata/callbacks", Answers: "testdata/answers", Ref: testRef, Sign: sign,
		Signed: func(c provider.Callback) []provider.Callback {
			longer, torn := c, c
			longer.Body = append(append([]byte{}, c.Body...), ' ')
			torn.Header = c.Header.Clone()
			torn.Header.Set("autosign-signature", c.Header.Get("autosign-signature")[:62])
			return []provider.Callback{longer, torn}
		},
		Tokens:    []string{"a-signing-token", "/sign/abc"},
		FetchPath: func(ref string) string { return "/v1/transaction/" + ref },
		Document:  model.DocumentRef{ID: source, Kind: model.SignedDocument, Name: "tenancy.pdf"},
		Secrets: []string{"the-access-token", testSecret, "the-client-secret", "token-1", "a-signing-token",
			"files.example.net", "Example", "ada@example.org"},
	}
	for word, status := range words() {
		s.Words = append(s.Words, providertest.Word{Word: word, Status: status, Body: withStatus(word)})
	}
	s.Words = append(s.Words, providertest.Word{Word: "in_review", Body: withStatus("in_review")})
	return s
}

func withStatus(word string) []byte {
	return fmt.Appendf(nil, `{"id":%q,"status":%q,"template":{"name":"Contrato"}}`, testRef, word)
}

const sealedPath = `sealed_path: "/v1/transaction/{id}/sealed/{document}"`

func TestConformance(t *testing.T) {
	t.Parallel()
	providertest.Run(t, suite(t, "{access_token: the-access-token, webhook_secrets: ["+testSecret+"], "+sealedPath+"}"))
}

func TestConformanceWithOAuthAListAndWebhooks(t *testing.T) {
	t.Parallel()
	s := suite(t, "{"+login+", webhook_secrets: ["+testSecret+
		"], list_path: /v1/transaction, webhook_list_path: /v1/webhook, webhook_create_path: /v1/webhook, "+sealedPath+"}")
	s.New = at(s.New)
	s.Stranger = at(s.Stranger)
	s.Page = func(records string) []byte {
		return fmt.Appendf(nil, `{"items":[%s],"meta":{"is_last_page":true}}`, records)
	}
	s.Record = func(ref string) string {
		return fmt.Sprintf(`{"id":%q,"status":"started","template":{"name":"Contrato"}}`, ref)
	}
	s.Steps = func(r *http.Request, _, _ string) []byte {
		if r.URL.Path != "/token" {
			return nil
		}
		return []byte(`{"access_token":"token-1","expires_in":3600}`)
	}
	// callbacks do not depend on the way in
	s.FetchPath, s.Callbacks, s.Tokens = nil, recorded.OneCallback(t, "transaction_completed"), nil
	providertest.Run(t, s)
}

// at lets the token be asked for where the service of a test is.
func at(made func(string, *http.Client) provider.Service) func(string, *http.Client) provider.Service {
	return func(base string, c *http.Client) provider.Service {
		p := made(base, c)
		p.Provider.(*service).auth.(*tokens).c.TokenURL = base + "/token"
		return p
	}
}
