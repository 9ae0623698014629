package allsign

import (
	"encoding/base64"
	"encoding/hex"
	"flag"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"countersign/model"
	"countersign/provider"
	"countersign/provider/providertest"
)

var _ = flag.Bool("update", false, "write what the recorded callbacks and answers mean")

func made(t *testing.T, block string) func(string, *http.Client) provider.Service {
	return func(base string, c *http.Client) provider.Service {
		return open(t, base, block, func(o *provider.Options) {
			o.Client, o.Foreign, o.ExternalID = c, c, "metadata.contract_id"
		})
	}
}

// signV3 signs a callback's body anew, as of two seconds before it came.
func signV3(c provider.Callback, whsec string) provider.Callback {
	hook, err := standardwebhooks.NewWebhook(whsec)
	if err != nil {
		panic(err)
	}
	at := c.ReceivedAt.Add(-2 * time.Second)
	c.Header = c.Header.Clone()
	if c.Header.Get(headerID) == "" {
		c.Header.Set(headerID, "evt_1")
	}
	signature, err := hook.Sign(c.Header.Get(headerID), at, c.Body)
	if err != nil {
		panic(err)
	}
	c.Header.Set(headerTimestamp, strconv.FormatInt(at.Unix(), 10))
	c.Header.Set(headerSignature, signature)
	return c
}

// worseV3 are changes in each thing that the service signs.
func worseV3(c provider.Callback) []provider.Callback {
	change := func(f func(*provider.Callback)) provider.Callback {
		to := c
		to.Header = c.Header.Clone()
		f(&to)
		return to
	}
	signature := c.Header.Get(headerSignature)
	return []provider.Callback{
		change(func(c *provider.Callback) { c.Body = append([]byte(" "), c.Body...) }),
		change(func(c *provider.Callback) { c.Header.Set(headerID, "evt_other") }),
		change(func(c *provider.Callback) { c.Header.Set(headerTimestamp, "1772452799") }),
		change(func(c *provider.Callback) { c.Header.Set(headerSignature, strings.ReplaceAll(signature, "v1,", "v2,")) }),
		change(func(c *provider.Callback) { c.Header.Set(headerSignature, strings.ReplaceAll(signature, "v1,", "")) }),
		change(func(c *provider.Callback) { c.ReceivedAt = c.ReceivedAt.Add(6 * time.Minute) }),
		change(func(c *provider.Callback) { c.ReceivedAt = c.ReceivedAt.Add(-6 * time.Minute) }),
	}
}

func listed(ref string) string {
	return fmt.Sprintf(`{"id":%q,"status":"awaiting_signatures","createdAt":"2026-03-02T11:30:00Z","updatedAt":"2026-03-02T11:30:00Z"}`, ref)
}

func withStatus(id, word string) []byte {
	return fmt.Appendf(nil,
		`{"id":%q,"name":"Contrato","status":%q,"createdAt":"2026-03-01T09:00:00Z","updatedAt":"2026-03-02T11:00:00Z"}`, id,
		word)
}

func TestConformanceOfV3(t *testing.T) {
	t.Parallel()
	s := providertest.Suite{
		New: made(t, keyedV3), Stranger: made(t, "{api_key: k, webhook_secrets: ["+another+"]}"),
		Callbacks: "testdata/callbacks/v3", Answers: "testdata/answers/v3", Ref: testDoc,
		Document:  model.DocumentRef{ID: signedID, Kind: model.SignedDocument, Name: "Contrato"},
		FetchPath: func(ref string) string { return "/v3/documents/" + ref }, Linked: true,
		Page:    func(records string) []byte { return fmt.Appendf(nil, `{"data":[%s],"hasMore":false}`, records) },
		Record:  listed,
		Secrets: []string{testKey, secret, older, another, strings.TrimPrefix(secret, secretPrefix), "Example"},
		Sign:    func(c provider.Callback) provider.Callback { return signV3(c, secret) },
		Signed:  worseV3,
		Steps: func(r *http.Request, _, files string) []byte {
			switch {
			case strings.HasSuffix(r.URL.Path, "/signers"):
				return []byte(`{"object":"list","data":[{"id":"sgr_1","documentId":"` + testDoc +
					`","status":"signed"},{"id":"sgr_2","documentId":"` + testDoc + `","status":"pending"}]}`)
			case strings.HasSuffix(r.URL.Path, "/evidence"):
				return fmt.Appendf(nil,
					`{"documentId":%q,"available":true,"evidencePdf":{"url":"%s/signed.pdf?X-Amz-Signature=hush"},"nom151":{"url":"%s/nom151.pdf?X-Amz-Signature=hush"}}`, testDoc, files, files)
			}
			return nil
		},
	}
	for word, status := range defaultStates() {
		s.Words = append(s.Words, providertest.Word{Word: word, Status: status, Body: withStatus(testDoc, word)})
	}
	s.Words = append(s.Words, providertest.Word{Word: "notarising", Body: withStatus(testDoc, "notarising")})
	providertest.Run(t, s)
}

func signV2(c provider.Callback) provider.Callback {
	c.Header = c.Header.Clone()
	c.Header.Set("X-AllSign-Signature", hex.EncodeToString(macV2(typed, c.Body)))
	return c
}

func suiteV2(t *testing.T, block string) providertest.Suite {
	s := providertest.Suite{
		New: made(t, block), Stranger: made(t, "{profile: v2, api_key: k, webhook_secrets: [of-somebody-else]}"),
		Callbacks: "testdata/callbacks/v2", Answers: "testdata/answers/v2", Rules: "testdata/rules_v2.json", Ref: testV2,
		Document:  model.DocumentRef{ID: signedID, Kind: model.SignedDocument},
		FetchPath: func(ref string) string { return "/v2/documents/" + ref },
		Page: func(records string) []byte {
			return fmt.Appendf(nil, `{"data":[%s],"meta":{"hasNext":false}}`, records)
		}, Record: listed,
		Secrets: []string{testKey, typed, "of-somebody-else", "Example",
			"c0ffee"}, Sign: signV2, Tokens: []string{"X-Amz-Signature=c0ffee"},
		Signed: func(c provider.Callback) []provider.Callback {
			body, short, plain := c, c, c
			body.Body = append([]byte(" "), c.Body...)
			short.Header, plain.Header = c.Header.Clone(), c.Header.Clone()
			short.Header.Set("X-AllSign-Signature", c.Header.Get("X-AllSign-Signature")[:62])
			plain.Header.Set("X-AllSign-Signature", base64.StdEncoding.EncodeToString(macV2(typed, c.Body)))
			return []provider.Callback{body, short, plain}
		},
	}
	for word, status := range openV2(t, "").states {
		s.Words = append(s.Words, providertest.Word{Word: word, Status: status, Body: withStatus(testV2, word)})
	}
	s.Words = append(s.Words, providertest.Word{Word: "ARCHIVADO", Body: withStatus(testV2, "ARCHIVADO")})
	return s
}

func TestConformanceOfV2(t *testing.T) {
	t.Parallel()
	providertest.Run(t, suiteV2(t, keyedV2))
}

func TestConformanceOfV2Unsigned(t *testing.T) {
	t.Parallel()
	s := suiteV2(t, "{profile: v2, api_key: "+testKey+", allow_unsigned: true}")
	s.Hints, s.Callbacks = true, "testdata/callbacks/v2_unsigned"
	providertest.Run(t, s)
}
