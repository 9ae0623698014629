package allsign

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"countersign/model"
	"countersign/provider"
	"countersign/provider/lenient"
	"countersign/provider/providertest"
)

const (
	testKey = "allsign_live_sk_of_the_tests"
	testDoc = "doc_7c1d0a52be9f4e06a3d8f5b1c2e49078"
	testV2  = "0b9d8c7e-6f5a-4b3c-92d1-e0f1a2b3c4d5"
	secret  = "whsec_dGhlLXdlYmhvb2stc2VjcmV0LW9mLXRoZS10ZXN0cyE="
	older   = "whsec_YW4tb2xkZXItc2VjcmV0LXRoYXQtc3RpbGwtaG9sZHM="
	another = "whsec_YS1zZWNyZXQtdGhhdC1pcy1vZi1ub2JvZHktaGVyZSE="
	typed   = "a-secret-typed-into-the-dashboard"
	keyedV3 = "{api_key: " + testKey + ", webhook_secrets: [" + older + ", " + secret + "]}"
	keyedV2 = "{profile: v2, api_key: " + testKey + ", webhook_secrets: [another-of-ours, " + typed + "]}"
	pdf     = "%PDF-1.7\nwhole\n%%EOF\n"
)

var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

// answers maps "GET /path" to a body, or to a status and a body: "404 {}".
type answers map[string]string

func answering(t *testing.T, by answers) *providertest.Service {
	t.Helper()
	return providertest.Serve(t, func(w http.ResponseWriter, r *http.Request) {
		body, ok := by[r.Method+" "+r.URL.Path]
		code := http.StatusOK
		if !ok {
			code, body = http.StatusNotFound, `{"code":"NOT_FOUND"}`
		} else if n := 0; len(body) > 4 && body[3] == ' ' {
			if _, err := fmt.Sscanf(body[:3], "%d", &n); err == nil {
				code, body = n, body[4:]
			}
		}
		kind := "application/json"
		if strings.HasPrefix(body, "%PDF") {
			kind = "application/pdf"
		} else if code >= http.StatusBadRequest {
			kind = "application/problem+json"
		}
		w.Header().Set("Content-Type", kind)
		w.WriteHeader(code)
		io.WriteString(w, body)
	})
}

// open is an account whose service is at base.
func open(t *testing.T, base, block string, change ...func(*provider.Options)) provider.Service {
	t.Helper()
	o := provider.Options{
		Account: "mx", BaseURL: base, Settings: providertest.Decode(block), Client: http.DefaultClient,
		Foreign: http.DefaultClient, IncludeTest: true,
		Now: func() time.Time { return noon },
	}
	for _, c := range change {
		c(&o)
	}
	p, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func openV3(t *testing.T, base string, change ...func(*provider.Options)) *v3 {
	t.Helper()
	return open(t, base, keyedV3, change...).Provider.(*v3)
}

func openV2(t *testing.T, base string, change ...func(*provider.Options)) *v2 {
	t.Helper()
	return open(t, base, keyedV2, change...).Provider.(*v2)
}

// memory is where tokens rest in a test.
type memory struct {
	mu   sync.Mutex
	kept map[string][]byte
	fail error
}

func (m *memory) tokens() provider.Tokens {
	return provider.Tokens{
		Load: func(_ context.Context, name string) ([]byte, error) {
			m.mu.Lock()
			defer m.mu.Unlock()
			return bytes.Clone(m.kept[name]), m.fail
		},
		Save: func(_ context.Context, name string, raw []byte) error {
			m.mu.Lock()
			defer m.mu.Unlock()
			if m.fail != nil {
				return m.fail
			}
			if m.kept == nil {
				m.kept = map[string][]byte{}
			}
			m.kept[name] = bytes.Clone(raw)
			return nil
		},
	}
}

func TestFaultySettingsAreToldAtOnce(t *testing.T) {
	t.Parallel()
	for block, want := range map[string][]string{
		"{}":                        {"settings.api_key: must be set"},
		"{profile: v4, api_key: a}": {`settings.profile: "v4" is not v3 or v2`},
		"{webhook_secrets: ['', whsec_c2hvcnQ=], list_scope: mine, replay_window: -1s, allow_unsigned: true, events: {a: unknown, b: sent}}": {
			"settings.api_key", "webhook_secrets[0]: empty", "webhook_secrets[1]: is no base64 of 24 bytes",
			`list_scope: "mine"`, "replay_window: must not be negative",
			"allow_unsigned: only with profile v2", `events.a: "unknown" is no status`, `events.b: "sent" is no status`,
		},
		"{profile: v2, api_key: a}": {"settings.webhook_secrets: must be set, or allow_unsigned"},
		"{profile: v2, api_key: a, allow_unsigned: true, replay_window: 1m, signature_encoding: rot13, document_id_paths: [], pdf_link_paths: [''], download_path: x, sse_token_url: nowhere, sse_streams: -1, sse_idle: -1s, states: {A: b}}": {
			"replay_window: only with profile v3", `signature_encoding: "rot13"`, "document_id_paths", "pdf_link_paths",
			"download_path: must begin with /", "sse_token_url", "sse_streams", "sse_idle", `states.A: "b"`,
		},
	} {
		_, err := New(provider.Options{Settings: providertest.Decode(block)})
		if err == nil {
			t.Errorf("%s: no fault", block)
			continue
		}
		for _, w := range want {
			if !strings.Contains(err.Error(), w) {
				t.Errorf("%s: %q is not told: %v", block, w, err)
			}
		}
		if n := strings.Count(err.Error(), "settings."); n != len(want) {
			t.Errorf("%s: %d faults, want %d: %v", block, n, len(want), err)
		}
		if strings.Contains(err.Error(), "c2hvcnQ") {
			t.Errorf("a secret is told: %v", err)
		}
	}
}

func TestTheGenerationIsASettingAndV3TheDefault(t *testing.T) {
	t.Parallel()
	if s := openV3(t, ""); s.base != production || s.scope != "accessible" {
		t.Errorf("%q %q", s.base, s.scope)
	}
	if s := openV3(t, "https://proxy.example.org/allsign/",
		func(o *provider.Options) { o.Scope = "own" }); s.base != "https://proxy.example.org/allsign" || s.scope != "owner" {
		t.Errorf("%q %q", s.base, s.scope)
	}
	if s := open(t, "", strings.Replace(keyedV3, "{", "{list_scope: org, ", 1)).Provider.(*v3); s.scope != "org" {
		t.Errorf("%q", s.scope)
	}
	openV2(t, "")
}

func TestEachWordOfTheServiceHasItsStatus(t *testing.T) {
	t.Parallel()
	want := map[string]model.Status{
		"draft": "draft", "collecting_data": "draft", "processing": "in_progress", "awaiting_signatures": "in_progress",
		"correcting": "in_progress",
		"completed":  "completed", "expired": "expired", "voided": "cancelled",
	}
	providertest.Same(t, "v3", openV3(t, "").states, want)
	for word, status := range map[string]model.Status{
		"sellos_pdf": "in_progress", "recolectando_firmantes": "draft", "esperando_firmas": "in_progress",
		"generando_pdf": "in_progress", "todos_firmaron": "completed", "some_signed": "in_progress",
	} {
		want[word] = status
	}
	providertest.Same(t, "v2", openV2(t, "").states, want)
}

// What an answer says of an open document moves the word and not the status, whichever way it goes.
func TestCorrectingGoesBackAndForthWithoutMovingTheStatus(t *testing.T) {
	t.Parallel()
	s := openV3(t, "")
	row := model.Transaction{Account: "mx", Ref: testDoc}
	for i, word := range []string{"draft", "awaiting_signatures", "correcting", "awaiting_signatures", "correcting",
		"collecting_data", "awaiting_signatures", "processing", "completed"} {
		o := s.observe(document{ID: testDoc, Status: lenient.Text(word)})
		o.At, o.AskedAt, o.Version = noon.Add(time.Duration(i)*time.Minute), noon.Add(time.Duration(i)*time.Minute),
			row.Version
		row = model.Decide(s.Rules(), row, o).Next
		if row.ProviderStatus != word || row.Status != defaultStates()[word] || !row.Confirmed {
			t.Errorf("%s: %s %q", word, row.Status, row.ProviderStatus)
		}
	}
	late := s.claim(documentSent, testDoc)
	late.At = noon.Add(time.Hour)
	if d := model.Decide(s.Rules(), row, late); d.Next.Status != model.Completed || d.Next.NextCheckAt == nil {
		t.Errorf("an older event's word undoes an end: %+v", d.Next)
	}
}

func TestEventsAreATableThatSettingsChange(t *testing.T) {
	t.Parallel()
	s := open(t, "", strings.Replace(keyedV3, "{",
		"{events: {document.annulled: cancelled, document.voided: '', document.sent: in_progress, signer.declined: declined}, states: {NOTARISING: in_progress}, ", 1)).Provider.(*v3)
	for name, want := range map[string]model.Status{"document.annulled": model.Cancelled, documentVoided: "",
		documentCompleted: model.Completed, signerDeclined: model.Declined, "document.other": ""} {
		if o := s.claim(name, testDoc); o.Status != want || o.Refetch != (want == "") {
			t.Errorf("%s: %+v", name, o)
		}
	}
	if s.state("notarising") != model.InProgress {
		t.Error("states has no effect")
	}
	r := s.Rules()
	providertest.Same(t, "cancelled is told by", r.TypesFor(model.ChangeStatus, model.Cancelled),
		[]string{"document.annulled"})
	providertest.Same(t, "a beginning is told by", r.TypesFor(model.ChangeCreated, model.InProgress),
		[]string{documentSent})
	if !r.Allows(model.InProgress, model.Declined) {
		t.Error("a claim of declined goes nowhere")
	}
}

func TestWhatHasNoEventIsNoMissedCallback(t *testing.T) {
	t.Parallel()
	r := openV3(t, "").Rules()
	if len(r.TypesFor(model.ChangeStatus, model.InProgress)) > 0 || r.Tells[model.ChangeCreated] != nil ||
		len(r.TypesFor(model.ChangeStatus, model.Completed)) != 1 {
		t.Errorf("%+v", r.Tells)
	}
	signed := model.Status(model.SignerSigned)
	providertest.Same(t, "v3: a signature", r.TypesFor(model.ChangeSigner, signed),
		[]string{signerSigned, documentCompleted})
	r = openV2(t, "").Rules()
	providertest.Same(t, "v2: a beginning", r.TypesFor(model.ChangeCreated, model.InProgress),
		[]string{documentCreated, documentSent})
	providertest.Same(t, "v2: a signature", r.TypesFor(model.ChangeSigner, signed),
		[]string{signerSigned, documentSigned, documentCompleted})
}
