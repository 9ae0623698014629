package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"countersign/cmd/countersign/engine/keyfile"
	"countersign/cmd/countersign/output"
	"countersign/provider"
	"countersign/provider/autosign"
	"countersign/provider/onespan"
)

// tokenService gives tokens for the code "good", and remembers what it was asked.
type tokenService struct {
	*httptest.Server
	mu    sync.Mutex
	codes []string
}

func (s *tokenService) asked() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.codes...)
}

func newTokenService(t *testing.T) *tokenService {
	t.Helper()
	s := &tokenService{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var body map[string]string
		json.NewDecoder(r.Body).Decode(&body)
		s.mu.Lock()
		s.codes = append(s.codes, body["code"])
		s.mu.Unlock()
		if body["code"] != "good" {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		io.WriteString(w, `{"access_token":"the-access-token","refresh_token":"the-refresh-token","expires_in":3600}`)
	}))
	t.Cleanup(s.Close)
	return s
}

// loginApp is the program with one account that logs in at the service.
func loginApp(t *testing.T, s *tokenService, authorize string) (a *app, stdout, stderr *bytes.Buffer, dir string) {
	t.Helper()
	dir = t.TempDir()
	conf := filepath.Join(dir, "config.yaml")
	text := fmt.Sprintf(`database: "sqlite:%s/countersign.db"
accounts:
  - { id: la, provider: autosign, base_url: %q, settings: { oauth: { client_id: c, client_secret: the-client-secret, token_url: "%s/token"%s } } }
  - { id: hr, provider: onespan, settings: { api_key: x } }
`, dir, s.URL, s.URL, authorize)
	if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	a, stdout, stderr = testApp(map[string]string{keyfile.Variable: strings.Repeat("01", keyfile.Size)})
	a.Providers = map[string]provider.Driver{"autosign": {New: autosign.New}, "onespan": {New: onespan.New}}
	a.ConfigFlag = conf
	return a, stdout, stderr, dir
}

// resting is what the login left at rest, opened with the installation key.
func resting(t *testing.T, dir string) string {
	t.Helper()
	raw, err := opened(t, dir).Token(t.Context(), "la", "oauth")
	if err != nil {
		return err.Error()
	}
	return string(raw)
}

const consent = `, authorize_url: "https://app.example.net/oauth"`

func TestALoginTakesACodeAndKeepsTheTokensEncrypted(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		args, stdin, authorize string
	}{
		"a code as a flag":                 {args: "--code good"},
		"a code on stdin":                  {stdin: "\ngood\n", authorize: consent},
		"an address on stdin":              {stdin: "http://127.0.0.1:7/?code=good&scope=x\n", authorize: consent},
		"without an address to consent at": {stdin: "good\n"},
		"with a redirect the service wants": {args: "--redirect https://intranet.example.org/back", stdin: "good",
			authorize: consent},
	} {
		s := newTokenService(t)
		a, stdout, stderr, dir := loginApp(t, s, test.authorize)
		a.Stdin = strings.NewReader(test.stdin)
		code := a.run(t.Context(),
			append([]string{"--config", a.ConfigFlag, "oauth", "login", "la"}, strings.Fields(test.args)...))
		if code != output.ExitDone || !strings.Contains(stdout.String(), "la: logged in") {
			t.Errorf("%s: exit %d, %s%s", name, code, stdout, stderr)
			continue
		}
		said := stdout.String()
		if test.stdin != "" && strings.Contains(said, "https://app.example.net/oauth?") != (test.authorize != "") ||
			test.authorize == "" && test.stdin != "" && !strings.Contains(said, "authorize_url") {
			t.Errorf("%s: prints %s", name, said)
		}
		if strings.Contains(said+stderr.String(), "the-access-token") || strings.Contains(said, "the-refresh-token") ||
			strings.Contains(said, "secret") {
			t.Errorf("%s: a secret is printed: %s", name, said)
		}
		raw, err := os.ReadFile(filepath.Join(dir, "countersign.db"))
		if err != nil || bytes.Contains(raw, []byte("the-refresh-token")) {
			t.Errorf("%s: the token rests in clear, or %v", name, err)
		}
		if rests := resting(t, dir); !strings.Contains(rests, "the-refresh-token") {
			t.Errorf("%s: kept %s", name, rests)
		}
	}
}

func TestALoginThatFailsKeepsNothing(t *testing.T) {
	t.Parallel()
	for args, test := range map[string]struct {
		stdin string
		exit  int
		want  string
	}{
		"login la --code bad": {exit: output.ExitFailed, want: "credentials refused"},
		"login la":            {exit: output.ExitUsage, want: "no code came on stdin"},
		"login la --redirect https://x.example.org": {stdin: "https://x.example.org/?code=good&state=another\n",
			exit: output.ExitFailed, want: "the state is not that of this login"},
		"login nobody":                              {exit: output.ExitUsage, want: "not in the config"},
		"login hr --code good":                      {exit: output.ExitUsage, want: "takes no login"},
		"login la --listen 0.0.0.0:0":               {exit: output.ExitUsage, want: "not on this machine"},
		"login la --listen :0":                      {exit: output.ExitUsage, want: "not on this machine"},
		"login la --code good --listen 127.0.0.1:0": {exit: output.ExitUsage, want: "goes alone"},
		"login la --listen 127.0.0.1:0":             {exit: output.ExitUsage, want: "authorize_url"},
	} {
		authorize := consent
		if strings.HasSuffix(args, "--listen 127.0.0.1:0") {
			authorize = ""
		}
		a, _, stderr, dir := loginApp(t, newTokenService(t), authorize)
		a.Stdin = strings.NewReader(test.stdin)
		code := a.run(t.Context(), append([]string{"--config", a.ConfigFlag, "oauth"}, strings.Fields(args)...))
		if code != test.exit || !strings.Contains(stderr.String(), test.want) ||
			strings.Contains(stderr.String(), "the-client-secret") {
			t.Errorf("%s: exit %d, %s", args, code, stderr)
		}
		if rests := resting(t, dir); strings.Contains(rests, "access") {
			t.Errorf("%s: kept %s", args, rests)
		}
	}
}

// watchedOutput tells when an address to open was printed.
type watchedOutput struct {
	mu   sync.Mutex
	text bytes.Buffer
	seen chan string
}

var printedURL = regexp.MustCompile(`https://app\S+`)

func (w *watchedOutput) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.text.Write(p)
	if at := printedURL.Find(p); at != nil {
		w.seen <- string(at)
	}
	return len(p), nil
}

func TestALoginThatListensTakesOnlyItsOwnState(t *testing.T) {
	t.Parallel()
	s := newTokenService(t)
	a, _, stderr, dir := loginApp(t, s, consent)
	out := &watchedOutput{seen: make(chan string, 1)}
	a.Stdout = out
	ended := make(chan int, 1)
	go func() {
		ended <- a.run(context.Background(),
			[]string{"--config", a.ConfigFlag, "oauth", "login", "la", "--listen", "127.0.0.1:0"})
	}()
	var at *url.URL
	select {
	case seen := <-out.seen:
		at, _ = url.Parse(seen)
	case code := <-ended:
		t.Fatalf("exit %d: %s", code, stderr)
	}
	q := at.Query()
	redirect, state := q.Get("redirect_uri"), q.Get("state")
	if !strings.HasPrefix(redirect, "http://127.0.0.1:") || len(state) < 20 {
		t.Fatalf("goes to %s", at)
	}
	for query, want := range map[string]int{"": 400, "?code=good": 400, "?code=good&state=guessed": 400} {
		resp, err := http.Get(redirect + query)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != want {
			t.Errorf("%q: %s", query, resp.Status)
		}
	}
	if len(s.asked()) > 0 {
		t.Errorf("codes of somebody else were exchanged: %v", s.asked())
	}
	resp, err := http.Get(redirect + "?code=good&state=" + state)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatal(resp, err)
	}
	resp.Body.Close()
	if code := <-ended; code != output.ExitDone || !strings.Contains(resting(t, dir), "the-refresh-token") {
		t.Errorf("exit %d, kept %s: %s", code, resting(t, dir), stderr)
	}
}

func TestALoginWorksBesideARunningDaemon(t *testing.T) {
	t.Parallel()
	s := newTokenService(t)
	a, stdout, stderr, dir := loginApp(t, s, "")
	// makes the database
	if code := a.run(t.Context(), []string{"--config", a.ConfigFlag, "track", "la", "r1"}); code != output.ExitDone {
		t.Fatalf("exit %d: %s", code, stderr)
	}
	ctx, stop := context.WithCancel(t.Context())
	daemon := opened(t, dir)
	held, over := make(chan struct{}), make(chan error, 1)
	go func() {
		over <- daemon.WithLock(ctx, "serve", "the daemon", func(ctx context.Context) error {
			close(held)
			return daemon.Run(ctx)
		})
	}()
	<-held
	a.Stdin = strings.NewReader("good\n")
	if code := a.run(t.Context(), []string{"--config", a.ConfigFlag, "oauth", "login", "la"}); code != output.ExitDone {
		t.Errorf("exit %d: %s%s", code, stdout, stderr)
	}
	if raw, err := daemon.Token(t.Context(), "la", "oauth"); err != nil ||
		!bytes.Contains(raw, []byte("the-refresh-token")) {
		t.Errorf("the daemon reads %q, %v", raw, err)
	}
	stop()
	<-over
}

func TestBackfillOfAnAccountThatListsNothingNamesTrack(t *testing.T) {
	t.Parallel()
	a, _, stderr, _ := loginApp(t, newTokenService(t), "")
	if code := a.run(t.Context(),
		[]string{"--config", a.ConfigFlag, "backfill", "--since", "30d", "--account", "la"}); code != output.ExitUsage ||
		!strings.Contains(stderr.String(), "track --file") {
		t.Errorf("exit %d: %s", code, stderr)
	}
}
