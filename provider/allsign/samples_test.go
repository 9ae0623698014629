package allsign

import (
	"cmp"
	"encoding/json"
	"errors"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"countersign/model"
	"countersign/provider"
	"countersign/provider/transport"
)

// samples are instances of the service's shapes, which are not in this repository: the tests are
// skipped where they are absent, but not in CI.
func samples(t *testing.T) map[string]string {
	t.Helper()
	dir := filepath.Join(cmp.Or(os.Getenv("COUNTERSIGN_SHARED"), "../../../shared"), "providers/samples/allsign")
	files, err := filepath.Glob(dir + "/*.json")
	if (err != nil || len(files) == 0) && os.Getenv("CI") == "" {
		t.Skip("no samples beside the repository: set COUNTERSIGN_SHARED to the folder that has providers/samples")
	}
	all := map[string]string{}
	for _, f := range files {
		raw, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		all[strings.TrimSuffix(filepath.Base(f), ".json")] = string(raw)
	}
	if len(all) == 0 {
		t.Fatal("no samples in ", dir)
	}
	return all
}

// A sample that nothing reads fails the test.
func TestEverySampleIsRead(t *testing.T) {
	t.Parallel()
	all, left := samples(t), map[string]bool{}
	for name := range all {
		left[name] = true
	}
	take := func(name string) string {
		if all[name] == "" {
			t.Errorf("no sample %s", name)
		}
		delete(left, name)
		return all[name]
	}
	sampleCallbacks(t, take)
	sampleAnswersOfV3(t, take)
	sampleAnswersOfV2(t, take)
	sampleHints(t, take)
	for name, shape := range map[string]string{"request.v3.webhook_create": "url",
		"request.v3.webhook_reenable": "disabled", "webhook.v3.headers": headerID, "sse.data": ""} {
		var v any
		if json.Unmarshal([]byte(take(name)), &v) != nil || shape != "" && v.(map[string]any)[shape] == nil {
			t.Errorf("%s has no %s", name, shape)
		}
	}
	for name := range left {
		t.Errorf("nothing reads %s", name)
	}
}

func sampleCallbacks(t *testing.T, take func(string) string) {
	const v3Doc, v2Doc = "doc_e43985c1d7c047a28eafb8390562ad4a", "550e8400-e29b-41d4-a716-446655440000"
	for name, status := range map[string]model.Status{"webhook.v3.document.completed": model.Completed,
		"webhook.v3.signer.signed": ""} {
		body := take(name)
		r, err := openV3(t, "").Receive(callback(body))
		if err != nil || r.Ref != v3Doc || len(r.Observations) != 1 || r.Observations[0].Status != status ||
			r.Observations[0].Test != model.No || r.Observations[0].ProviderTime == nil {
			t.Errorf("%s: %+v %v", name, r, err)
		}
		if _, err := openV2(t, "").Receive(callbackV2(body)); !errors.Is(err, provider.ErrNotUnderstood) {
			t.Errorf("%s, by v2: %v", name, err)
		}
	}
	for name, status := range map[string]model.Status{"webhook.v2.document.completed": model.Completed,
		"webhook.v2.document.expired": model.Expired, "webhook.v2.signer.signed": ""} {
		body := take(name)
		r, err := openV2(t, "").Receive(callbackV2(body))
		switch {
		case name == "webhook.v2.signer.signed": // the page shows no document id in it
			if !errors.Is(err, provider.ErrNotUnderstood) {
				t.Errorf("%s: %+v %v", name, r, err)
			}
		case err != nil || r.Ref != v2Doc || r.Observations[0].Status != status ||
			len(r.Links) != strings.Count(body, "s3_presigned_url"):
			t.Errorf("%s: %+v %v", name, r, err)
		}
		if _, err := openV3(t, "").Receive(callback(body)); !errors.Is(err, provider.ErrNotUnderstood) {
			t.Errorf("%s, by v3: %v", name, err)
		}
	}
}

func sampleAnswersOfV3(t *testing.T, take func(string) string) {
	const ref = "doc_e43985c1d7c047a28eafb8390562ad4a"
	at := "GET /v3/documents/" + ref
	detail, signed := take("response.v3.document"), take("response.v3.signer_list")
	o, err := openV3(t, answering(t, answers{at: detail, at + "/signers": signed}).URL).Fetch(t.Context(), ref)
	if err != nil || o.Status != model.InProgress || len(o.Signers) != 2 || o.Signers[0].Status != model.SignerSigned ||
		o.Mark == "" || o.CreatedAt == nil {
		t.Errorf("%+v %v", o, err)
	}
	done := strings.Replace(detail, "awaiting_signatures", "completed", 1)
	for name, want := range map[string]int{"response.v3.evidence.available": 2, "response.v3.evidence.pending": 1,
		"response.v3.evidence.testmode": 1} {
		o, err := openV3(t, answering(t,
			answers{at: done, at + "/signers": signed, at + "/evidence": take(name)}).URL).Fetch(t.Context(), ref)
		if err != nil || len(o.Documents) != want {
			t.Errorf("%s: %+v %v", name, o.Documents, err)
		}
	}
	p, err := openV3(t, answering(t,
		answers{"GET /v3/documents": take("response.v3.document_list")}).URL).List(t.Context(), provider.ListQuery{})
	if err != nil || len(p.Items) != 1 || p.Items[0].Observation.Status != model.Completed || p.Next != "" {
		t.Errorf("%+v %v", p, err)
	}
	catalogue, one := take("response.v3.webhook_events"), take("response.v3.webhook_get")
	f := answering(t, answers{"GET /v3/users/me": take("response.v3.users_me"), "GET /v3/webhooks/events": catalogue,
		"GET /v3/webhooks/whe_1": one, "GET /v3/webhooks": `{"data":[]}`,
		"POST /v3/webhooks": take("response.v3.webhook_create"), "DELETE /v3/webhooks/whe_nuevo": "204 "})
	s := registered(t, f.URL, keyedV3, keeps("whe_1", secret))
	if who, err := s.Check(t.Context()); err != nil || len(who.Warnings) != 0 {
		t.Errorf("%+v %v", who, err)
	}
	if r, err := s.Registration(t.Context()); err != nil || r.ID != "whe_1" || r.Disabled || r.URL == "" {
		t.Errorf("%+v %v", r, err)
	}
	if _, err := s.Register(t.Context(), provider.Registration{URL: ourURL}, false); err == nil ||
		!strings.Contains(err.Error(), "no secret that could be one") {
		t.Errorf("the sample's secret is a placeholder: %v", err)
	}
	for name, code := range map[string]string{"error.v3.problem": "422 ", "error.v3.rate_limited": "429 "} {
		_, err := openV3(t, answering(t, answers{at: code + take(name)}).URL).Fetch(t.Context(), ref)
		var h *transport.HTTPError
		if !errors.As(err, &h) || h.Key != map[string]string{"422 ": "VALIDATION_ERROR", "429 ": "RATE_LIMITED"}[code] {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func sampleAnswersOfV2(t *testing.T, take func(string) string) {
	for _, name := range []string{"response.v2.correction_context.newer", "response.v2.correction_context.older"} {
		body := `{"id":"x",` + strings.TrimPrefix(strings.TrimSpace(take(name)), "{")
		o, err := openV2(t, answering(t, answers{"GET /v2/documents/x": body}).URL).Fetch(t.Context(), "x")
		if err != nil || o.Status != model.InProgress || len(o.Signers) != 2 || o.Signers[0].Status != model.SignerSigned ||
			o.Signers[1].Reason != "" {
			t.Errorf("%s: %+v %v", name, o, err)
		}
	}
	p, err := openV2(t, answering(t,
		answers{"GET /v2/documents": take("response.v2.document_list")}).URL).List(t.Context(), provider.ListQuery{})
	if err != nil || len(p.Items) != 0 || p.Next == "" { // no update time: by creation
		t.Errorf("%+v %v", p, err)
	}
	_, err = openV2(t, answering(t,
		answers{"GET /v2/documents/x": "422 " + take("error.v2.partial")}).URL).Fetch(t.Context(), "x")
	if err == nil || !strings.Contains(err.Error(), "E1600") {
		t.Error(err)
	}
	if o, err := openV2(t,
		answering(t, answers{"GET /v2/documents/x": take("response.v2.document_void")}).URL).Fetch(t.Context(),
		"x"); err == nil {
		t.Errorf("an answer to a write is taken for a document: %+v", o)
	}
}

func sampleHints(t *testing.T, take func(string) string) {
	s := openV3(t, "")
	for name, step := range map[string]string{"return_url.success": "signature", "return_url.cancel": "signature"} {
		var members map[string]string
		if err := json.Unmarshal([]byte(take(name)), &members); err != nil {
			t.Fatal(err)
		}
		query := url.Values{}
		for k, v := range members {
			query.Set(k, v)
		}
		if h := s.Hint(provider.Hint{Query: query}, noon); h.Ref != "550e8400" || len(h.Steps) != 1 ||
			h.Steps[0].Name != step {
			t.Errorf("%s: %+v", name, h)
		}
	}
	if h := s.Hint(provider.Hint{Body: []byte(take("sdk.onSuccess"))}, noon); h.Ref == "" ||
		h.Steps[0].Name != "signature" {
		t.Errorf("%+v", h)
	}
	var exits []json.RawMessage
	var names []string
	if json.Unmarshal([]byte(take("sdk.onExit")), &exits) != nil ||
		json.Unmarshal([]byte(take("sdk.onEvent.names")), &names) != nil || len(exits) != 4 || len(names) != 12 {
		t.Errorf("%d exits, %d names", len(exits), len(names))
	}
	for _, e := range exits {
		if h := s.Hint(provider.Hint{Body: e}, noon); h.Ref == "" || len(h.Steps) > 1 {
			t.Errorf("%s: %+v", e, h)
		}
	}
	for _, n := range names {
		h := s.Hint(provider.Hint{Body: []byte(`{"name":"` + n + `","metadata":{"documentId":"d"}}`)}, noon)
		if h.Ref != "d" || len(h.Steps) != 1 {
			t.Errorf("%s: %+v", n, h)
		}
	}
}
