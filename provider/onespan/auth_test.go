package onespan

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"countersign/provider"
	"countersign/provider/providertest"
)

const (
	owner  = "{client_app: {client_id: the-id, secret: the-secret, type: OWNER}}"
	sender = "{client_app: {client_id: the-id, secret: the-secret, type: SENDER, email: cleo@example.org}}"
	grant  = "{oauth: {client_id: 'the:id', client_secret: 's+c/r=t', sender_id: s1, delegator_id: d1}}"
)

// gate is a service that gives tokens and takes those it has not revoked.
type gate struct {
	asked   atomic.Int64
	life    time.Duration
	revoked atomic.Int64 // tokens up to this number are refused
	body    atomic.Value // of the newest request for a token
	header  atomic.Value
}

func (g *gate) answer(w http.ResponseWriter, r *http.Request) {
	switch r.URL.Path {
	case "/apitoken/clientApp/accessToken":
		var body map[string]string
		json.NewDecoder(r.Body).Decode(&body) //nolint:errcheck // the test compares it
		g.body.Store(fmt.Sprint(body))
		fmt.Fprintf(w, `{"accessToken":"token-%d","expiresAt":%d}`, g.asked.Add(1), noon.Add(g.life).UnixMilli())
		return
	case "/oauth2/token":
		r.ParseForm() //nolint:errcheck // the test compares it
		g.body.Store(r.PostForm.Encode())
		g.header.Store(r.Header.Get("Authorization"))
		fmt.Fprintf(w, `{"access_token":"token-%d","token_type":"Bearer","expires_in":%d}`, g.asked.Add(1),
			int(g.life.Seconds()))
		return
	}
	var n int64
	if _, err := fmt.Sscanf(r.Header.Get("Authorization"), "Bearer token-%d", &n); err != nil || n <= g.revoked.Load() {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	fmt.Fprint(w, `{"url":""}`)
}

func TestTokenLifeIsInMilliseconds(t *testing.T) {
	t.Parallel()
	for _, block := range []string{owner, sender, grant} {
		g := &gate{life: 30 * time.Minute}
		s := account(t, providertest.Serve(t, g.answer).URL, block)
		now := noon
		s.auth.(*tokens).now = func() time.Time { return now }
		for _, step := range []struct {
			at   time.Duration
			want int64
		}{{0, 1}, {28 * time.Minute, 1}, {29*time.Minute - time.Second, 1}, {29 * time.Minute, 2}} {
			now = noon.Add(step.at)
			if _, err := s.Registration(t.Context()); err != nil {
				t.Fatal(err)
			}
			if got := g.asked.Load(); got != step.want {
				t.Errorf("%s: %s into its life %d tokens were asked for, want %d", block, step.at, got, step.want)
			}
		}
	}
}

func TestWhatIsSentForAToken(t *testing.T) {
	t.Parallel()
	for block, want := range map[string]string{
		owner:  "map[clientId:the-id secret:the-secret type:OWNER]",
		sender: "map[clientId:the-id email:cleo@example.org secret:the-secret type:SENDER]",
		grant:  "delegator_id=d1&grant_type=client_credentials&sender_id=s1",
	} {
		g := &gate{life: time.Hour}
		s := account(t, providertest.Serve(t, g.answer).URL, block)
		if _, err := s.Registration(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := g.body.Load(); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
		if got := g.header.Load(); block == grant &&
			got != "Basic "+base64.StdEncoding.EncodeToString([]byte("the:id:s+c/r=t")) {
			t.Errorf("got %s: id and secret go in as they are", got)
		}
	}
}

func TestARefusedTokenIsRenewedOnce(t *testing.T) {
	t.Parallel()
	g := &gate{life: time.Hour}
	f := providertest.Serve(t, g.answer)
	s := account(t, f.URL, owner)
	if _, err := s.Registration(t.Context()); err != nil {
		t.Fatal(err)
	}
	g.revoked.Store(1)
	if _, err := s.Registration(t.Context()); err != nil || g.asked.Load() != 2 {
		t.Errorf("after a revocation: %v, %d tokens", err, g.asked.Load())
	}
	g.revoked.Store(1000)
	before := len(f.Requests())
	if _, err := s.Registration(t.Context()); !errors.Is(err, provider.ErrDenied) {
		t.Errorf("refused twice: got %v", err)
	}
	if got := len(f.Requests()) - before; got != 3 { // refused, a token, refused
		t.Errorf("%d requests: one renewal and no more", got)
	}
	f = answering(t, http.StatusUnauthorized, "application/json", `{}`)
	if _, err := account(t, f.URL, keyed).Registration(t.Context()); !errors.Is(err, provider.ErrDenied) ||
		len(f.Requests()) != 1 {
		t.Errorf("an API key cannot be renewed: %v, %d requests", err, len(f.Requests()))
	}
}

func TestManyCallsAskForOneToken(t *testing.T) {
	t.Parallel()
	g := &gate{life: time.Hour}
	s := account(t, providertest.Serve(t, g.answer).URL, owner)
	all := func() {
		var wg sync.WaitGroup
		for range 16 {
			wg.Go(func() {
				if _, err := s.Registration(t.Context()); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
	}
	all()
	g.revoked.Store(1)
	all()
	if got := g.asked.Load(); got != 2 {
		t.Errorf("%d tokens for 32 calls and one revocation", got)
	}
}

func TestCredentialsThatGetNoTokenAreDenied(t *testing.T) {
	t.Parallel()
	for _, code := range []int{400, 401, 403} {
		f := answering(t, code, "application/json", `{"error":"invalid_client"}`)
		for _, block := range []string{owner, grant} {
			if _, err := account(t, f.URL, block).Fetch(t.Context(), testRef); !errors.Is(err, provider.ErrDenied) {
				t.Errorf("%d: got %v", code, err)
			}
		}
	}
	for _, f := range []*providertest.Service{answering(t, 503, "", ""), answering(t, 404, "", ""),
		answering(t, 403, "text/html", "<html>")} {
		if _, err := account(t, f.URL, owner).Fetch(t.Context(), testRef); err == nil || errors.Is(err, provider.ErrDenied) {
			t.Errorf("an outage is no refusal: got %v", err)
		}
	}
}

// shelf keeps what a provider saves.
type shelf struct {
	mu   sync.Mutex
	kept map[string][]byte
}

func (s *shelf) tokens() provider.Tokens {
	return provider.Tokens{
		Load: func(_ context.Context, name string) ([]byte, error) {
			s.mu.Lock()
			defer s.mu.Unlock()
			return s.kept[name], nil
		},
		Save: func(_ context.Context, name string, secret []byte) error {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.kept[name] = secret
			return nil
		},
	}
}

func TestTokensOutliveARestart(t *testing.T) {
	t.Parallel()
	g := &gate{life: time.Hour}
	f := providertest.Serve(t, g.answer)
	rest := &shelf{kept: map[string][]byte{}}
	for _, step := range []struct {
		block string
		want  int64
	}{{owner, 1}, {owner, 1}, {strings.Replace(owner, "the-id", "another", 1), 2}, {sender, 3}} {
		s := account(t, f.URL, step.block)
		s.UseTokens(rest.tokens())
		if _, err := s.Registration(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := g.asked.Load(); got != step.want {
			t.Errorf("%s: %d tokens, want %d: a token belongs to the credentials it was given to", step.block, got, step.want)
		}
	}
	broken := provider.Tokens{
		Load: func(context.Context, string) ([]byte, error) { return nil, errors.New("locked") },
		Save: func(context.Context, string, []byte) error { return errors.New("locked") },
	}
	s := account(t, f.URL, owner)
	s.UseTokens(broken)
	if _, err := s.Registration(t.Context()); err != nil {
		t.Errorf("a shelf that is locked costs a token, not the account: %v", err)
	}
}

func TestWaitingForATokenEndsWithTheCall(t *testing.T) {
	t.Parallel()
	s := account(t, "http://127.0.0.1:1", owner)
	s.auth.(*tokens).turn <- struct{}{} // somebody else is renewing
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Fetch(ctx, testRef); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestJWTExpiryWhereTheAnswerTellsNoLife(t *testing.T) {
	t.Parallel()
	jwt := "e30." + base64.RawURLEncoding.EncodeToString([]byte(`{"exp":1772452800}`)) + ".x"
	if got := jwtExpiry(jwt); got.Unix() != 1772452800 {
		t.Errorf("got %s", got)
	}
	for _, token := range []string{"", "opaque", "a.b.c", "a." + base64.RawURLEncoding.EncodeToString([]byte(`{}`)) +
		".c"} {
		if got := jwtExpiry(token); !got.IsZero() {
			t.Errorf("%q: got %s", token, got)
		}
	}
}
