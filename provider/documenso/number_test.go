package documenso

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"countersign/model"
	"countersign/provider"
	"countersign/provider/providertest"
)

// numbered is a server that knows envelopes by the numbers that it is asked about; of is what it answers for one.
func numbered(t *testing.T, of map[string]string) (*providertest.Service, *[]string) {
	asked := &[]string{}
	return providertest.Serve(t, func(w http.ResponseWriter, r *http.Request) {
		raw, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		*asked = append(*asked, r.Method+" "+r.URL.Path+" "+string(raw))
		var body struct {
			IDs struct {
				Type string        `json:"type"`
				IDs  []json.Number `json:"ids"`
			} `json:"ids"`
		}
		if json.Unmarshal(raw, &body) != nil || body.IDs.Type != "documentId" {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		var found []string
		for _, n := range body.IDs.IDs {
			if e := of[n.String()]; e != "" {
				found = append(found, e)
			}
		}
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"data":[%s]}`, strings.Join(found, ","))
	}), asked
}

func TestANumberLeadsToItsEnvelope(t *testing.T) {
	t.Parallel()
	envelope := func(number, ref, more string) string {
		return fmt.Sprintf(`{"id":%q,"secondaryId":%q,"teamId":8,"status":"COMPLETED","recipients":[],"envelopeItems":[{"id":"i1"}]%s}`, ref, number, more)
	}
	f, asked := numbered(t, map[string]string{
		"83": envelope("document_83", "envelope_k83", `,"type":"DOCUMENT"`), "84": envelope("template_84", "envelope_t84",
			`,"type":"TEMPLATE"`),
		"85": envelope("document_85", "envelope_t85", `,"type":"TEMPLATE"`), "86": envelope("document_68", "envelope_k68",
			`,"type":"DOCUMENT"`),
		"87": envelope("document_87", "envelope_k87", `,"type":"DOCUMENT","teamId":9`), "88": `null,7,{"id":null}`,
	})
	s := open(t, f.URL, `{api_key: `+testKey+`, webhook_secret: `+testSecret+`, team_id: "8"}`)
	o, err := s.Fetch(t.Context(), "document_83")
	if err != nil || o.Ref != "envelope_k83" || o.Alias != "document_83" || o.Status != model.Completed ||
		len(o.Documents) != 2 {
		t.Errorf("%+v, %v", o, err)
	}
	want := `POST /api/v2/envelope/get-many {"ids":{"ids":[83],"type":"documentId"}}`
	if len(*asked) != 1 || (*asked)[0] != want {
		t.Errorf("asked %q, want %q once", *asked, want)
	}
	for what, ref := range map[string]string{
		"unknown": "document_89", "a template": "document_84", "a template under a document's number": "document_85",
		"another's":      "document_86",
		"another team's": "document_87", "odd records": "document_88",
	} {
		if o, err := s.Fetch(t.Context(), ref); err != nil || o.Absence != model.NotFound || o.Ref != ref || o.Alias != ref {
			t.Errorf("%s: %+v, %v", what, o, err)
		}
	}
	before := len(*asked)
	if got, err := s.Batcher.FetchBatch(t.Context(), []string{"document_83"}); err != nil || len(got) != 0 ||
		len(*asked) != before {
		t.Errorf("in a batch: %+v, %v", got, err)
	}
}

func TestACallbackWithANumberOnlyIsAboutAnAlias(t *testing.T) {
	t.Parallel()
	s := account(t, "", keyed)
	sent := func(payload string, header ...string) (provider.Received, error) {
		c := provider.Callback{Header: http.Header{},
			Body: []byte(`{"event":"DOCUMENT_COMPLETED","payload":` + payload +
				`,"createdAt":"2026-03-02T09:15:00Z"}`), ReceivedAt: noon}
		for _, secret := range header {
			c.Header.Set(secretHeader, secret)
		}
		return s.Receive(c)
	}
	for payload, want := range map[string]string{
		`{"id":83,"teamId":8,"status":"COMPLETED"}`: "document_83",
		`{"id":"83","teamId":8,"envelopeId":null}`:  "document_83", `{"id":83,"teamId":null}`: "document_83",
		`{"id":83,"teamId":8,"recipients":[null,{"envelopeId":"envelope_x"}]}`: "envelope_x",
		`{"id":83,"teamId":8,"envelopeId":"envelope_y"}`:                       "envelope_y",
	} {
		r, err := sent(payload, testSecret)
		if err != nil || len(r.Observations) != 1 || r.Ref != want || r.Observations[0].Ref != want ||
			(r.Observations[0].Alias != "") != isAlias(want) || r.DedupeKey == "" {
			t.Errorf("%s: %+v, %v", payload, r, err)
		}
		again, err := sent(strings.Replace(payload, "{", `{ `, 1), testSecret)
		if err != nil || again.DedupeKey != r.DedupeKey {
			t.Errorf("%s: a retry is another event: %q, %q, %v", payload, r.DedupeKey, again.DedupeKey, err)
		}
		if _, err := sent(payload); err == nil {
			t.Errorf("%s: taken without the secret", payload)
		}
	}
	for payload, why := range map[string]string{
		`{"id":0,"teamId":8}`: "no number", `{"id":-1,"teamId":8}`: "no number", `{"id":8.5,"teamId":8}`: "no number",
		`{"id":{},"teamId":8}`: "no number", `{"teamId":8}`: "no number",
		`{"id":12345678901234567890,"teamId":8}`: "no number",
	} {
		if _, err := sent(payload, testSecret); err == nil || !strings.Contains(err.Error(), why) {
			t.Errorf("%s: %v", payload, err)
		}
	}
	if r, err := sent(`{"id":10,"teamId":null}`, testSecret); err != nil || !r.Test {
		t.Errorf("the test button: %+v, %v", r, err)
	}
	if r, err := sent(`{"id":83,"teamId":9}`, testSecret); err != nil || r.Ignored == "" || len(r.Observations) != 0 {
		t.Errorf("another team's: %+v, %v", r, err)
	}
}
