package autosign

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"countersign/provider"
	"countersign/provider/providertest"
)

// vault keeps tokens as the database does.
type vault struct {
	mu   sync.Mutex
	kept map[string][]byte
	fail error
}

func (v *vault) tokens() provider.Tokens {
	return provider.Tokens{
		Load: func(_ context.Context, name string) ([]byte, error) {
			v.mu.Lock()
			defer v.mu.Unlock()
			return v.kept[name], v.fail
		},
		Save: func(_ context.Context, name string, secret []byte) error {
			v.mu.Lock()
			defer v.mu.Unlock()
			if v.fail == nil {
				v.kept[name] = secret
			}
			return v.fail
		},
	}
}

// issuer gives tokens, and transactions to whoever has the newest.
type issuer struct {
	*providertest.Service
	mu      sync.Mutex
	n       int    // tokens given
	rotates bool   // each refresh brings a new refresh token, and ends the one before
	refresh string // the refresh token that is good
	expires string
}

func issue(t *testing.T) *issuer {
	t.Helper()
	i := &issuer{refresh: "refresh-0", expires: "3600"}
	i.Service = providertest.Serve(t, func(w http.ResponseWriter, r *http.Request) {
		i.mu.Lock()
		defer i.mu.Unlock()
		w.Header().Set("Content-Type", "application/json")
		if r.URL.Path != "/token" {
			if r.Header.Get("Authorization") != fmt.Sprintf("Bearer access-%d", i.n) {
				w.WriteHeader(http.StatusUnauthorized)
				return
			}
			w.Write(withStatus("started"))
			return
		}
		var body map[string]string
		json.Unmarshal([]byte(i.Service.Bodies()[len(i.Service.Bodies())-1]), &body)
		if body["client_id"] != "the-client" || body["client_secret"] != "the-client-secret" || body["code"] == "" &&
			body["refresh_token"] != i.refresh {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		i.n++
		if i.rotates || body["code"] != "" {
			i.refresh = fmt.Sprintf("refresh-%d", i.n)
			fmt.Fprintf(w, `{"access_token":"access-%d","refresh_token":%q,"expires_in":%s}`, i.n, i.refresh, i.expires)
			return
		}
		fmt.Fprintf(w, `{"access_token":"access-%d","expires_in":%s}`, i.n, i.expires)
	})
	return i
}

// asked is how often a token was asked for.
func (i *issuer) asked() (n int) {
	for _, r := range i.Requests() {
		if r.URL.Path == "/token" {
			n++
		}
	}
	return n
}

// account is an account with a client of the issuer, at a time, with its tokens in v.
func (i *issuer) account(t *testing.T, v *vault, at *time.Time, more string) *service {
	t.Helper()
	s := plain(t, i.URL, "{oauth: {client_id: the-client, client_secret: the-client-secret, token_url: \""+i.URL+
		"/token\""+more+"}}",
		func(o *provider.Options) { o.Now = func() time.Time { return *at } })
	s.UseTokens(v.tokens())
	return s
}

func fetch(t *testing.T, s *service) error {
	t.Helper()
	_, err := s.Fetch(t.Context(), testRef)
	return err
}

const seeded = ", refresh_token: refresh-0"

func TestATokenIsRefreshedBeforeItEndsInJSONWithoutAGrantType(t *testing.T) {
	t.Parallel()
	i, v, now := issue(t), &vault{kept: map[string][]byte{}}, noon
	s := i.account(t, v, &now, seeded)
	for range 3 {
		if err := fetch(t, s); err != nil {
			t.Fatal(err)
		}
	}
	providertest.Same(t, "the body", i.Bodies()[0],
		`{"client_id":"the-client","client_secret":"the-client-secret","refresh_token":"refresh-0"}`)
	if n := i.asked(); n != 1 {
		t.Errorf("%d tokens for three questions", n)
	}
	now = noon.Add(59*time.Minute + time.Second) // a minute before its end
	if err := fetch(t, s); err != nil || i.asked() != 2 {
		t.Errorf("%v, %d tokens", err, i.asked())
	}
}

func TestARefusedTokenIsRefreshedOnce(t *testing.T) {
	t.Parallel()
	i, v, now := issue(t), &vault{kept: map[string][]byte{}}, noon
	i.expires = "0" // as in the sample: no life at all, so that it serves until it is refused
	s := i.account(t, v, &now, seeded)
	if err := fetch(t, s); err != nil {
		t.Fatal(err)
	}
	i.mu.Lock()
	i.n++ // ended by the service
	i.mu.Unlock()
	if err := fetch(t, s); err != nil || i.asked() != 2 {
		t.Errorf("%v, %d tokens", err, i.asked())
	}
	f := answering(t, http.StatusUnauthorized, "application/json", "{}")
	if err := fetch(t, plain(t, f.URL, keyed)); !errors.Is(err, provider.ErrDenied) || len(f.Requests()) != 1 {
		t.Errorf("an access token that does not change: %v after %d questions", err, len(f.Requests()))
	}
}

func TestTheUnitOfExpiresInMayBeSet(t *testing.T) {
	t.Parallel()
	i, v, now := issue(t), &vault{kept: map[string][]byte{}}, noon
	i.expires = "3600000"
	s := i.account(t, v, &now, seeded+", expires_in_unit: 1ms")
	if err := fetch(t, s); err != nil {
		t.Fatal(err)
	}
	now = noon.Add(time.Hour)
	if err := fetch(t, s); err != nil || i.asked() != 2 {
		t.Errorf("%v, %d tokens", err, i.asked())
	}
}

func TestTheOldRefreshTokenStaysWhereNoNewOneComes(t *testing.T) {
	t.Parallel()
	for _, rotates := range []bool{false, true} {
		i, v, now := issue(t), &vault{kept: map[string][]byte{}}, noon
		i.rotates = rotates
		for n := range 4 { // each a start of its own, after the token has ended
			if err := fetch(t, i.account(t, v, &now, seeded)); err != nil || i.asked() != n+1 {
				t.Errorf("rotates %v, start %d: %v, %d tokens", rotates, n, err, i.asked())
			}
			now = now.Add(2 * time.Hour)
		}
	}
}

func TestManyCallsAskForOneToken(t *testing.T) {
	t.Parallel()
	i, v, now := issue(t), &vault{kept: map[string][]byte{}}, noon
	s := i.account(t, v, &now, seeded)
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			if err := fetch(t, s); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if i.asked() != 1 {
		t.Errorf("%d tokens", i.asked())
	}
}

func TestWhatAnotherProcessRefreshedIsUsed(t *testing.T) {
	t.Parallel()
	i, v, now := issue(t), &vault{kept: map[string][]byte{}}, noon
	i.rotates = true
	daemon, verb := i.account(t, v, &now, seeded), i.account(t, v, &now, seeded)
	for n, s := range []*service{daemon, verb, daemon} {
		if err := fetch(t, s); err != nil {
			t.Errorf("question %d: %v", n, err)
		}
	}
	now = now.Add(2 * time.Hour)
	if err := errors.Join(fetch(t, verb), fetch(t, daemon)); err != nil {
		t.Error(err)
	}
	if i.asked() != 2 {
		t.Errorf("%d tokens in two hours", i.asked())
	}
}

func TestARefreshTokenThatAnotherProcessSpentIsNoRefusal(t *testing.T) {
	t.Parallel()
	i, v, now := issue(t), &vault{kept: map[string][]byte{}}, noon
	i.rotates = true
	s := i.account(t, v, &now, seeded)
	own := s.auth.(*tokens)
	loads := 0
	load := own.rest.Load
	own.rest.Load = func(ctx context.Context, name string) ([]byte, error) {
		if loads++; loads == 1 { // the other process spends it just after we looked
			raw, err := load(ctx, name)
			if oerr := fetch(t, i.account(t, v, &now, seeded)); oerr != nil {
				t.Error(oerr)
			}
			return raw, err
		}
		return load(ctx, name)
	}
	if err := fetch(t, s); err != nil {
		t.Error(err)
	}
}

func TestARefreshTokenOfTheConfigGoesBeforeAnOlderLogin(t *testing.T) {
	t.Parallel()
	i, v, now := issue(t), &vault{kept: map[string][]byte{}}, noon
	if err := i.account(t, v, &now, seeded).Exchange(t.Context(), "code", ""); err != nil {
		t.Fatal(err)
	}
	now = now.Add(2 * time.Hour)
	if err := fetch(t, i.account(t, v, &now, seeded)); err != nil {
		t.Errorf("what the login brought is not used: %v", err)
	}
	i.refresh = "refresh-by-hand"
	now = now.Add(2 * time.Hour)
	if err := fetch(t, i.account(t, v, &now, ", refresh_token: refresh-by-hand")); err != nil {
		t.Errorf("what the config says now is not used: %v", err)
	}
}

func TestTokensThatCannotBeReadSpendNoOldOne(t *testing.T) {
	t.Parallel()
	i, v, now := issue(t), &vault{kept: map[string][]byte{}, fail: errors.New("the database is gone")}, noon
	if err := fetch(t, i.account(t, v, &now, seeded)); err == nil || i.asked() != 0 || errors.Is(err, provider.ErrDenied) {
		t.Errorf("%v, %d tokens", err, i.asked())
	}
}

func TestTokensThatCannotBeSavedServeUntilTheNextStart(t *testing.T) {
	t.Parallel()
	i, v, now := issue(t), &vault{kept: map[string][]byte{}}, noon
	i.rotates = true
	s := i.account(t, v, &now, seeded)
	s.auth.(*tokens).rest.Save = func(context.Context, string, []byte) error { return errors.New("disk full") }
	for range 3 {
		if err := fetch(t, s); err != nil {
			t.Error(err)
		}
		now = now.Add(2 * time.Hour)
	}
}

func TestALoginKeepsItsTokens(t *testing.T) {
	t.Parallel()
	i, v, now := issue(t), &vault{kept: map[string][]byte{}}, noon
	if err := fetch(t, i.account(t, v, &now, "")); !errors.Is(err, provider.ErrDenied) ||
		!strings.Contains(err.Error(), "oauth login") {
		t.Errorf("before a login: %v", err)
	}
	daemon := i.account(t, v, &now, "")
	if err := i.account(t, v, &now, "").Exchange(t.Context(), "the-code", "http://127.0.0.1:7/"); err != nil {
		t.Fatal(err)
	}
	providertest.Same(t, "the body", i.Bodies()[0],
		`{"client_id":"the-client","client_secret":"the-client-secret","code":"the-code"}`)
	if err := fetch(t, daemon); err != nil {
		t.Errorf("a daemon that runs does not see it: %v", err)
	}
	v.fail = errors.New("disk full")
	if err := i.account(t, v, &now, "").Exchange(t.Context(), "the-code", ""); err == nil {
		t.Error("tokens that were not kept are no login")
	}
	if err := plain(t, i.URL, keyed).Exchange(t.Context(), "the-code", ""); err == nil {
		t.Error("an access token needs no login")
	}
}

func TestWhatTheTokenCallAnswersIsNoWordOnATransaction(t *testing.T) {
	t.Parallel()
	for code, denied := range map[int]bool{400: true, 401: true, 403: true, 404: false, 410: false, 500: false} {
		f := answering(t, code, "application/json", `{"message":"the-client-secret"}`)
		now := noon
		i := &issuer{Service: f}
		o, err := i.account(t, &vault{}, &now, seeded).Fetch(t.Context(), testRef)
		if err == nil || errors.Is(err, provider.ErrDenied) != denied || errors.Is(err, provider.ErrNotFound) ||
			strings.Contains(err.Error(), "secret") {
			t.Errorf("%d: %+v, %v", code, o, err)
		}
	}
}

func TestTheLoginURLHasTheUsualParametersOrThoseOfATemplate(t *testing.T) {
	t.Parallel()
	given := func(address string) string {
		return plain(t, "", strings.Replace("{"+login+"}", "oauth: {", "oauth: {authorize_url: \""+address+"\", ",
			1)).LoginURL("s 1", "http://127.0.0.1:7/")
	}
	u, err := url.Parse(given("https://app.example.net/oauth?lang=es"))
	if err != nil {
		t.Fatal(err)
	}
	providertest.Same(t, "parameters", u.Query(),
		url.Values{"lang": {"es"}, "response_type": {"code"}, "client_id": {"the-client"},
			"scope": {"transaction:read webhook:read"}, "state": {"s 1"}, "redirect_uri": {"http://127.0.0.1:7/"}})
	providertest.Same(t, "a template",
		given("https://app.example.net/a/{client_id}?permisos={scope}&s={state}&r={redirect_uri}"),
		"https://app.example.net/a/the-client?permisos=transaction%3Aread+webhook%3Aread&s=s+1&r=http%3A%2F%2F127.0.0.1%3A7%2F")
	if got := plain(t, "", "{"+login+"}").LoginURL("s", "r"); got != "" {
		t.Errorf("without an address: %s", got)
	}
}
