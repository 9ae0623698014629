package autosign

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"countersign/model"
	"countersign/provider"
	"countersign/provider/providertest"
	"countersign/provider/providertest/recorded"
)

const (
	testRef    = "ctest00transaction0000001"
	testSecret = "webhook-secret-of-the-tests"
	source     = "csource0document000000001"
	ada        = "cada00recipient0000000001"
	keyed      = "{access_token: the-access-token, webhook_secrets: [" + testSecret + "]}"
	login      = "oauth: {client_id: the-client, client_secret: the-client-secret, refresh_token: refresh-0, token_url: https://login.example.net/token}"
)

var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

// starting is every account of ours, whatever else it can do.
// account is an account whose service is at base.
func account(t *testing.T, base, block string, change ...func(*provider.Options)) provider.Service {
	t.Helper()
	o := provider.Options{
		Account: "la", BaseURL: base, Settings: providertest.Decode(block), Client: http.DefaultClient,
		Foreign: http.DefaultClient,
		Now:     func() time.Time { return noon },
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

// plain is an account of which only the service itself matters.
func plain(t *testing.T, base, block string, change ...func(*provider.Options)) *service {
	t.Helper()
	return account(t, base, block, change...).Provider.(*service)
}

// answering serves one answer to every question.
func answering(t *testing.T, code int, contentType, body string) *providertest.Service {
	return providertest.Serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", contentType)
		w.WriteHeader(code)
		fmt.Fprint(w, body)
	})
}

// fetched is what Fetch makes of a recorded answer.
func fetched(t *testing.T, name string) model.Observation {
	t.Helper()
	f := answering(t, http.StatusOK, "application/json", recorded.Text(t, "answers/"+name))
	o, err := account(t, f.URL, keyed).Fetch(t.Context(), testRef)
	if err != nil {
		t.Fatal(err)
	}
	o.At, o.AskedAt = noon, noon
	return o
}

// called is a signed callback.
func called(body string) provider.Callback {
	return sign(provider.Callback{Account: "la", Header: http.Header{}, Body: []byte(body), ReceivedAt: noon})
}

// told is what a recorded callback claims.
func told(t *testing.T, name string) provider.Received {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("testdata", "callbacks", name+".http"))
	if err != nil {
		t.Fatal(err)
	}
	_, body, _ := bytes.Cut(raw, []byte("\r\n\r\n"))
	r, err := plain(t, "", keyed).Receive(called(string(body)))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// claim is the one observation of a recorded callback.
func claim(t *testing.T, name string) model.Observation {
	t.Helper()
	r := told(t, name)
	if len(r.Observations) != 1 {
		t.Fatalf("%s: %d observations", name, len(r.Observations))
	}
	o := r.Observations[0]
	o.At = noon
	return o
}

func TestEveryFaultOfTheSettingsIsTold(t *testing.T) {
	t.Parallel()
	for block, want := range map[string][]string{
		"{}":                               {"settings.access_token"},
		"{access_token: x, " + login + "}": {"settings.access_token"},
		"{oauth: {}}":                      {"oauth.client_id", "oauth.client_secret", "oauth.token_url"},
		"{access_token: x, signature_hash: md5, signature_encoding: rot13, webhook_secrets: [\"\"]}":              {"signature_hash", "signature_encoding", "webhook_secrets[0]"},
		"{access_token: x, detail_path: /v1/transaction, sealed_path: \"sealed/{id}\", list_path: \"/v1/x?a=b\"}": {"detail_path", "sealed_path", "list_path"},
		"{access_token: x, webhook_create_path: /v1/webhook}":                                                     {"webhook_list_path"},
		"{access_token: x, status_words: {gone: vanished, asked: unknown}, list_limit: 5000, link_hosts: [\"https://x\"]}": {
			"status_words.asked", "status_words.gone", "list_limit", "link_hosts[0]"},
	} {
		_, err := New(provider.Options{Settings: providertest.Decode(block), Client: http.DefaultClient})
		for _, w := range want {
			if err == nil || !strings.Contains(err.Error(), w) {
				t.Errorf("%s: %v, want %s in it", block, err, w)
			}
		}
	}
}

func TestAnAccountCanDoOnlyWhatItsPathsTell(t *testing.T) {
	t.Parallel()
	for paths, want := range map[string][3]bool{
		"":                                 {},
		", list_path: /v1/transaction":     {true, false, false},
		", webhook_list_path: /v1/webhook": {false, true, false},
		", webhook_list_path: /v1/webhook, webhook_create_path: /v1/webhook":    {false, true, true},
		", list_path: /v1/transaction, webhook_list_path: /v1/webhook":          {true, true, false},
		", list_path: /l, webhook_list_path: /w, webhook_create_path: /webhook": {true, true, true},
	} {
		p := account(t, "", "{access_token: x"+paths+"}")
		if got := [3]bool{p.Lister != nil, p.Registrar != nil, p.Setter != nil}; got != want {
			t.Errorf("%q: lists, reads, makes: %v, want %v", paths, got, want)
		}
		if p.Linker == nil || p.Login == nil || p.Hinter == nil || p.Starter == nil {
			t.Errorf("%q: something that every account can do is gone", paths)
		}
		if p.Checker != nil {
			t.Error("no call is known that tells who we are")
		}
	}
}
