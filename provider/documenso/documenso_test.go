package documenso

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
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
	testRef    = "envelope_qkzvmwhtrnplasde"
	testKey    = "api_key-of-the-tests"
	testSecret = "secret-of-the-tests"
	keyed      = "{api_key: " + testKey + ", webhook_secret: " + testSecret + ", team_id: 8}"
	teamless   = "{api_key: " + testKey + ", webhook_secret: " + testSecret + "}"
)

var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

// answering serves one answer to every question.
func answering(t *testing.T, code int, body string, headers ...string) *providertest.Service {
	return providertest.Serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		for i := 0; i+1 < len(headers); i += 2 {
			w.Header().Set(headers[i], headers[i+1])
		}
		w.WriteHeader(code)
		io.WriteString(w, body)
	})
}

// account is the provider of an account whose service is at base.
func account(t *testing.T, base, block string, change ...func(*provider.Options)) *service {
	t.Helper()
	return open(t, base, block, change...).Provider.(*service)
}

// open is an account whose service is at base.
func open(t *testing.T, base, block string, change ...func(*provider.Options)) provider.Service {
	t.Helper()
	o := provider.Options{
		Account: "self", BaseURL: base, Settings: providertest.Decode(block), Client: http.DefaultClient,
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

// fetched is what Fetch makes of a recorded answer.
func fetched(t *testing.T, name string, change ...func(*provider.Options)) model.Observation {
	t.Helper()
	f := answering(t, http.StatusOK, recorded.Text(t, "answers/"+name))
	o, err := account(t, f.URL, keyed, change...).Fetch(t.Context(), testRef)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// called is a recorded callback.
func called(t *testing.T, name string) provider.Callback {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("testdata", "callbacks", name+".http"))
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(raw)))
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(req.Body)
	if err != nil {
		t.Fatal(err)
	}
	return provider.Callback{Account: "self", Header: req.Header, Body: body, ReceivedAt: noon}
}

// said is what a recorded callback says.
func said(t *testing.T, s *service, name string) provider.Received {
	t.Helper()
	r, err := s.Receive(called(t, name))
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return r
}

// with returns a callback with another body, of which change is made.
func with(t *testing.T, c provider.Callback, change func(body, payload map[string]any)) provider.Callback {
	t.Helper()
	var body map[string]any
	if err := json.Unmarshal(c.Body, &body); err != nil {
		t.Fatal(err)
	}
	change(body, body["payload"].(map[string]any))
	raw, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	c.Body = raw
	return c
}

func TestNewTellsAllFaultsAtOnce(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		block, scope string
		want         []string
	}{
		"nothing":         {"{}", "", []string{"settings.api_key: must"}},
		"an empty secret": {"{api_key: a, webhook_secrets: [s, '']}", "", []string{"settings.webhook_secrets[1]: empty"}},
		"all of it": {`{api_key: "a\nb", webhook_secret: " s\rt", webhook_secrets: ["x\ty"], team_id: lettings}`, "own",
			[]string{
				"settings.api_key: holds a line break", "settings.webhook_secret: holds", "settings.webhook_secrets[0]: holds",
				"settings.team_id: is not", "scope: own"}},
		"an unknown key": {"{api_key: a, api_kye: b}", "", []string{"api_kye"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := New(provider.Options{Settings: providertest.Decode(c.block), Scope: c.scope})
			for _, want := range c.want {
				if err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("got %v, want %q in it", err, want)
				}
			}
		})
	}
}

func TestWhiteSpaceAroundSecretsIsCut(t *testing.T) {
	t.Parallel()
	s := account(t, "http://api.example.net/ \n", `{api_key: " a\n", webhook_secret: "s\r\n", team_id: " 8\n"}`)
	if s.key != "a" || s.secrets[0].Secret != "s" || s.teamID != "8" || s.base != "http://api.example.net/api/v2" {
		t.Errorf("%q %q %q %s", s.key.Reveal(), s.secrets[0].Secret.Reveal(), s.teamID, s.base)
	}
}

func TestTheHostAndItsBasePathAreConfiguration(t *testing.T) {
	t.Parallel()
	for base, want := range map[string]string{
		"": "https://app.documenso.com/api/v2", "http://sign.example.org/sub/": "http://sign.example.org/sub/api/v2",
	} {
		if got := account(t, base, keyed).base; got != want {
			t.Errorf("%q: %s", base, got)
		}
	}
}

func TestTheProviderHasItsInterfaces(t *testing.T) {
	t.Parallel()
	p := open(t, "", keyed)
	for name, is := range map[string]bool{
		"Lister": p.Lister != nil, "Checker": p.Checker != nil, "Batcher": p.Batcher != nil,
		"no Registrar, since no API tells it": p.Registrar == nil, "no Reply": p.Traits.Reply == provider.Reply{},
	} {
		if !is {
			t.Error(name)
		}
	}
}

func TestNoSecretIsPrinted(t *testing.T) {
	t.Parallel()
	s := account(t, "", keyed)
	for _, text := range []string{fmt.Sprintf("%v %+v", s.key, s.secrets), fmt.Sprintf("%#v", s.secrets)} {
		if strings.Contains(text, testKey) || strings.Contains(text, testSecret) {
			t.Error(text)
		}
	}
}
