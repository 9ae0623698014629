package onespan

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"golang.org/x/oauth2"

	"countersign/provider"
	"countersign/provider/lenient"
)

// clientApp is a client application of the account: its token is asked for in JSON.
type clientApp struct {
	ClientID string          `yaml:"client_id"`
	Secret   provider.Secret `yaml:"secret"`
	Type     string          `yaml:"type"`
	Email    string          `yaml:"email"`
}

// oauthClient is an OAuth 2.0 client with the client credentials grant.
type oauthClient struct {
	ClientID     string          `yaml:"client_id"`
	ClientSecret provider.Secret `yaml:"client_secret"`
	TokenURL     string          `yaml:"token_url"`
	SenderID     string          `yaml:"sender_id"`
	DelegatorID  string          `yaml:"delegator_id"`
}

func (a *clientApp) check(fault func(path, what string)) {
	if a.ClientID == "" {
		fault("client_app.client_id", "must be set")
	}
	if a.Secret == "" {
		fault("client_app.secret", "must be set")
	}
	switch a.Type {
	case "", "OWNER":
		if a.Email != "" {
			fault("client_app.email", "only with type SENDER")
		}
	case "SENDER":
		if a.Email == "" {
			fault("client_app.email", "must be set with type SENDER")
		}
	default:
		fault("client_app.type", "is not OWNER or SENDER")
	}
}

func (c *oauthClient) check(fault func(path, what string)) {
	if c.ClientID == "" {
		fault("oauth.client_id", "must be set")
	}
	if c.ClientSecret == "" {
		fault("oauth.client_secret", "must be set")
	}
	if u, err := url.Parse(c.TokenURL); c.TokenURL != "" &&
		(err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http") {
		fault("oauth.token_url", "is not an http or https URL")
	}
}

// authorizer gives the Authorization header of a call. Renew is told the header that was refused and
// gives another, or "" where there is no other.
type authorizer interface {
	header(ctx context.Context) (string, error)
	renew(ctx context.Context, refused string) (string, error)
}

// authorizer chooses the way in.
func (set settings) authorizer(s *service) authorizer {
	switch {
	case set.ClientApp != nil:
		return newTokens(s, set.ClientApp.ask(s), "client_app", s.base, set.ClientApp.ClientID, set.ClientApp.Type,
			set.ClientApp.Email)
	case set.OAuth != nil:
		c := *set.OAuth
		if c.TokenURL == "" {
			c.TokenURL = s.base + "/oauth2/token"
		}
		return newTokens(s, c.ask(s), "oauth", c.TokenURL, c.ClientID, c.SenderID, c.DelegatorID)
	}
	return apiKey(set.APIKey)
}

// apiKey is sent as the portal shows it: not encoded again.
type apiKey provider.Secret

func (k apiKey) header(context.Context) (string, error) { return "Basic " + string(k), nil }

func (k apiKey) renew(context.Context, string) (string, error) { return "", nil }

// askFunc asks the service for a token.
type askFunc func(ctx context.Context) (*oauth2.Token, error)

// ask asks for a client app token. Its address is not below /api, and its life ends in milliseconds.
func (a *clientApp) ask(s *service) askFunc {
	kind := a.Type
	if kind == "" {
		kind = "OWNER"
	}
	want := map[string]string{"clientId": a.ClientID, "secret": a.Secret.Reveal(), "type": kind}
	if a.Email != "" {
		want["email"] = a.Email
	}
	return func(ctx context.Context) (*oauth2.Token, error) {
		body, err := json.Marshal(want)
		if err != nil {
			return nil, err
		}
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.base+"/apitoken/clientApp/accessToken",
			bytes.NewReader(body))
		if err != nil {
			return nil, err
		}
		req.Header.Set("Content-Type", "application/json")
		var got struct {
			AccessToken string       `json:"accessToken"`
			ExpiresAt   lenient.Text `json:"expiresAt"`
		}
		if err := s.token(req, &got); err != nil {
			return nil, err
		}
		t := &oauth2.Token{AccessToken: got.AccessToken}
		if at := got.ExpiresAt.Millis(); at != nil {
			t.Expiry = *at
		}
		return t, nil
	}
}

// ask asks for an OAuth 2.0 token. Client id and secret go into the Basic header as they are; the
// client of x/oauth2 would escape them first.
func (c oauthClient) ask(s *service) askFunc {
	form := url.Values{"grant_type": {"client_credentials"}}
	for k, v := range map[string]string{"sender_id": c.SenderID, "delegator_id": c.DelegatorID} {
		if v != "" {
			form.Set(k, v)
		}
	}
	return func(ctx context.Context) (*oauth2.Token, error) {
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.TokenURL, strings.NewReader(form.Encode()))
		if err != nil {
			return nil, err
		}
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.SetBasicAuth(c.ClientID, c.ClientSecret.Reveal())
		var got struct {
			AccessToken string       `json:"access_token"`
			ExpiresIn   lenient.Text `json:"expires_in"`
		}
		if err := s.token(req, &got); err != nil {
			return nil, err
		}
		t := &oauth2.Token{AccessToken: got.AccessToken, Expiry: jwtExpiry(got.AccessToken)}
		if life := got.ExpiresIn.In(time.Second); life > 0 {
			t.Expiry = s.now().Add(life)
		}
		return t, nil
	}
}

// jwtExpiry reads the exp of a token that is a JWT; zero where it is none.
func jwtExpiry(token string) time.Time {
	var claims struct {
		Exp lenient.Text `json:"exp"`
	}
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return time.Time{}
	}
	raw, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil || json.Unmarshal(raw, &claims) != nil {
		return time.Time{}
	}
	if at := claims.Exp.Seconds(); at != nil {
		return *at
	}
	return time.Time{}
}

// renewBefore is how long before its end a token is renewed.
const renewBefore = 60 * time.Second

// tokens keeps one access token, asked for once however many calls need it.
type tokens struct {
	ask    askFunc
	name   string
	whose  string        // for whom the token is: one of other credentials is not used
	turn   chan struct{} // holds a value while somebody reads or renews
	now    func() time.Time
	warn   func(msg string, err error)
	rest   provider.Tokens
	loaded bool
	token  *oauth2.Token
}

// savedToken is a token at rest.
type savedToken struct {
	Whose  string    `json:"whose"`
	Token  string    `json:"token"`
	Expiry time.Time `json:"expiry"`
}

func newTokens(s *service, ask askFunc, name string, whose ...string) *tokens {
	sum := sha256.Sum256([]byte(strings.Join(whose, "\x00")))
	return &tokens{
		ask: ask, name: name, whose: hex.EncodeToString(sum[:]), turn: make(chan struct{}, 1), now: s.now,
		warn: func(msg string, err error) {
			if s.log != nil {
				s.log.WithField("err", err).Warn(msg)
			}
		},
	}
}

// UseTokens gives the functions that load and save the access token. Call it before the first call.
func (s *service) UseTokens(t provider.Tokens) {
	if own, ok := s.auth.(*tokens); ok {
		own.rest = t
	}
}

// Prepare loads nothing: what Receive needs stands in the settings.
func (s *service) Prepare(context.Context) error { return nil }

func (t *tokens) header(ctx context.Context) (string, error) { return t.get(ctx, "") }

func (t *tokens) renew(ctx context.Context, refused string) (string, error) {
	return t.get(ctx, refused)
}

// get returns the header of a token that has a minute to live and is not the refused one.
func (t *tokens) get(ctx context.Context, refused string) (string, error) {
	select {
	case t.turn <- struct{}{}:
		defer func() { <-t.turn }()
	case <-ctx.Done():
		return "", ctx.Err()
	}
	t.load(ctx)
	if t.good(refused) {
		return bearer(t.token), nil
	}
	var header string
	err := t.rest.Once(ctx, t.name, func(ctx context.Context) (err error) {
		if t.rest.Alone != nil { // another process may have brought one
			t.loaded = false
			t.load(ctx)
		}
		header, err = t.fresh(ctx, refused)
		return err
	})
	return header, err
}

// good says whether the token at hand may be used.
func (t *tokens) good(refused string) bool {
	return t.token != nil && bearer(t.token) != refused && t.lives()
}

// fresh returns the header of a token that came meanwhile, or else of a new one.
func (t *tokens) fresh(ctx context.Context, refused string) (string, error) {
	if t.good(refused) {
		return bearer(t.token), nil
	}
	fresh, err := t.ask(ctx)
	if err != nil {
		return "", err
	}
	if fresh.AccessToken == "" {
		return "", fmt.Errorf("%w: the answer holds no token", provider.ErrDenied)
	}
	t.token = fresh
	t.save(ctx)
	return bearer(fresh), nil
}

func bearer(t *oauth2.Token) string { return "Bearer " + t.AccessToken }

func (t *tokens) lives() bool {
	return t.token.Expiry.IsZero() || t.now().Before(t.token.Expiry.Add(-renewBefore))
}

// load takes the token from rest, once. What cannot be read is asked for again.
func (t *tokens) load(ctx context.Context) {
	if t.loaded || t.rest.Load == nil {
		return
	}
	raw, err := t.rest.Load(ctx, t.name)
	if err != nil {
		t.warn("load access token", err)
		return
	}
	t.loaded = true
	var saved savedToken
	if raw != nil && json.Unmarshal(raw, &saved) == nil && saved.Whose == t.whose && saved.Token != "" {
		t.token = &oauth2.Token{AccessToken: saved.Token, Expiry: saved.Expiry}
	}
}

// save puts the token to rest. A token that could not be saved serves until the next start.
func (t *tokens) save(ctx context.Context) {
	if t.rest.Save == nil {
		return
	}
	raw, err := json.Marshal(savedToken{t.whose, t.token.AccessToken, t.token.Expiry})
	if err == nil {
		err = t.rest.Save(ctx, t.name, raw)
	}
	if err != nil {
		t.warn("save access token", err)
	}
}
