package autosign

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"countersign/provider"
	"countersign/provider/lenient"
	"countersign/provider/transport"
)

// oauthSettings is an OAuth client of the account. The addresses are not documented (dossier: 1).
type oauthSettings struct {
	ClientID      string          `yaml:"client_id"`
	ClientSecret  provider.Secret `yaml:"client_secret"`
	RefreshToken  provider.Secret `yaml:"refresh_token"`
	TokenURL      string          `yaml:"token_url"`
	ExchangeURL   string          `yaml:"exchange_url"`
	AuthorizeURL  string          `yaml:"authorize_url"`
	Scopes        []string        `yaml:"scopes"`
	ExpiresInUnit time.Duration   `yaml:"expires_in_unit"`
}

func (c *oauthSettings) check(fault func(path, what string)) {
	if c.ClientID == "" {
		fault("oauth.client_id", "must be set")
	}
	if c.ClientSecret == "" {
		fault("oauth.client_secret", "must be set")
	}
	if c.ExpiresInUnit < 0 {
		fault("oauth.expires_in_unit", "is below nothing")
	}
	for _, a := range []struct{ name, is string }{
		{"token_url", c.TokenURL}, {"exchange_url", c.ExchangeURL}, {"authorize_url", blank(c.AuthorizeURL)},
	} {
		u, err := url.Parse(a.is)
		switch {
		case a.is == "" && a.name == "token_url":
			fault("oauth."+a.name, "must be set: it is not documented, ask the service's support")
		case a.is != "" && (err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http"):
			fault("oauth."+a.name, "is not an http or https URL")
		}
	}
}

// authorizer gives the Authorization header of a call. Renew is told the header that was refused and
// gives another, or "" where there is no other.
type authorizer interface {
	header(ctx context.Context) (string, error)
	renew(ctx context.Context, refused string) (string, error)
}

// authorizer chooses the way in.
func (s *service) authorizer() authorizer {
	if s.set.OAuth == nil {
		return accessToken(s.set.AccessToken)
	}
	c := *s.set.OAuth
	c.ExchangeURL = cmp.Or(c.ExchangeURL, c.TokenURL)
	c.ExpiresInUnit = cmp.Or(c.ExpiresInUnit, time.Second)
	return &tokens{c: c, client: s.client, now: s.now, turn: make(chan struct{}, 1), warn: func(msg string, err error) {
		if s.log != nil {
			s.log.WithField("err", err).Warn(msg)
		}
	}}
}

// accessToken is a token that does not end.
type accessToken provider.Secret

func (t accessToken) header(context.Context) (string, error) { return "Bearer " + string(t), nil }

func (t accessToken) renew(context.Context, string) (string, error) { return "", nil }

// tokens keeps an access token and the refresh token behind it, asked for once however many calls
// need it. Another process may do the same: what rests is read before anything is spent.
type tokens struct {
	c       oauthSettings
	client  *http.Client
	now     func() time.Time
	warn    func(msg string, err error)
	turn    chan struct{} // holds a value while somebody reads or renews
	rest    provider.Tokens
	current savedTokens
	unsaved bool // current is newer than what rests
}

// savedTokens is what rests in the database, encrypted there.
type savedTokens struct {
	Whose   string    `json:"whose"` // for which client: those of another are not used
	Seed    string    `json:"seed"`  // the refresh token of the config at that time: another one there goes before
	Access  string    `json:"access"`
	Refresh string    `json:"refresh"`
	RenewAt time.Time `json:"renew_at"` // zero: when it is refused
}

const (
	restName    = "oauth"
	renewBefore = 60 * time.Second // and never more than a quarter of a token's life
)

var errNoLogin = errors.New("settings.oauth is not set: an access token needs no login")

// UseTokens gives the functions that load and save the tokens. Call it before the first call.
func (s *service) UseTokens(t provider.Tokens) {
	if own, ok := s.auth.(*tokens); ok {
		own.rest = t
	}
}

// Prepare loads nothing: what Receive needs stands in the settings.
func (s *service) Prepare(context.Context) error { return nil }

// LoginURL is where a person consents; "" without oauth.authorize_url. Where that address has
// places such as {client_id}, they are filled; else the usual parameters of OAuth are appended.
func (s *service) LoginURL(state, redirect string) string {
	if s.set.OAuth == nil || s.set.OAuth.AuthorizeURL == "" {
		return ""
	}
	c := s.set.OAuth
	scopes := c.Scopes
	if scopes == nil {
		scopes = []string{"transaction:read", "webhook:read"}
	}
	given := map[string]string{"client_id": c.ClientID, "scope": strings.Join(scopes, " "), "state": state,
		"redirect_uri": redirect}
	if strings.Contains(c.AuthorizeURL, "{") {
		var pairs []string
		for name, v := range given {
			pairs = append(pairs, "{"+name+"}", url.QueryEscape(v))
		}
		return strings.NewReplacer(pairs...).Replace(c.AuthorizeURL)
	}
	u, err := url.Parse(c.AuthorizeURL)
	if err != nil {
		return ""
	}
	q := u.Query()
	q.Set("response_type", "code")
	for name, v := range given {
		q.Set(name, v)
	}
	u.RawQuery = q.Encode()
	return u.String()
}

// blank is an address with its places filled by something harmless.
func blank(address string) string {
	return strings.NewReplacer("{client_id}", "x", "{scope}", "x", "{state}", "x", "{redirect_uri}", "x").Replace(address)
}

// Exchange turns a code into tokens and keeps them. The documented body has no redirect (dossier: 1).
func (s *service) Exchange(ctx context.Context, code, _ string) error {
	t, ok := s.auth.(*tokens)
	if !ok {
		return errNoLogin
	}
	if t.rest.Save == nil {
		return errors.New("there is nowhere to save the tokens")
	}
	if err := t.lock(ctx); err != nil {
		return err
	}
	defer t.unlock()
	return t.rest.Once(ctx, restName, func(ctx context.Context) error {
		got, err := t.ask(ctx, t.c.ExchangeURL, "code", code)
		if err != nil {
			return err
		}
		if got.RefreshToken == "" {
			t.warn("the answer holds no refresh token: the next login is due when the access token ends", nil)
		}
		t.take(got)
		return t.save(ctx)
	})
}

func (t *tokens) header(ctx context.Context) (string, error) { return t.get(ctx, "") }

func (t *tokens) renew(ctx context.Context, refused string) (string, error) {
	return t.get(ctx, refused)
}

func (t *tokens) lock(ctx context.Context) error {
	select {
	case t.turn <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (t *tokens) unlock() { <-t.turn }

// get returns the header of a token that lives and is not the refused one.
func (t *tokens) get(ctx context.Context, refused string) (string, error) {
	if err := t.lock(ctx); err != nil {
		return "", err
	}
	defer t.unlock()
	if t.good(refused) {
		return t.bearer(), nil
	}
	var header string
	err := t.rest.Once(ctx, restName, func(ctx context.Context) (err error) {
		header, err = t.fresh(ctx, refused)
		return err
	})
	return header, err
}

// fresh returns the header of a token that another process has brought meanwhile, or else spends the refresh token.
func (t *tokens) fresh(ctx context.Context, refused string) (string, error) {
	if err := t.load(ctx); err != nil {
		return "", err
	}
	if t.good(refused) {
		return t.bearer(), nil
	}
	used := cmp.Or(t.current.Refresh, t.c.RefreshToken.Reveal())
	if used == "" {
		return "", fmt.Errorf("%w: there is no refresh token: `countersign oauth login` gets one", provider.ErrDenied)
	}
	got, err := t.ask(ctx, t.c.TokenURL, "refresh_token", used)
	if errors.Is(err, provider.ErrDenied) && t.load(ctx) == nil && t.current.Refresh != used && t.good(refused) {
		return t.bearer(), nil // another process spent it first, and kept what came
	}
	if err != nil {
		return "", err
	}
	t.take(got)
	if err := t.save(ctx); err != nil {
		t.warn("save tokens: they serve until the next start", err)
	}
	return t.bearer(), nil
}

func (t *tokens) bearer() string { return "Bearer " + t.current.Access }

// good says whether the token at hand may be used.
func (t *tokens) good(refused string) bool {
	return t.current.Access != "" && t.bearer() != refused &&
		(t.current.RenewAt.IsZero() || t.now().Before(t.current.RenewAt))
}

// load takes the tokens from rest. Without them an old refresh token might be spent: that is an error.
func (t *tokens) load(ctx context.Context) error {
	if t.rest.Load == nil || t.unsaved {
		return nil
	}
	raw, err := t.rest.Load(ctx, restName)
	if err != nil {
		return fmt.Errorf("load tokens: %w", err)
	}
	var saved savedTokens
	if raw != nil && json.Unmarshal(raw, &saved) == nil && saved.Whose == t.whose() && saved.Seed == t.seed() {
		t.current = saved
	}
	return nil
}

// save puts the tokens to rest.
func (t *tokens) save(ctx context.Context) error {
	if t.rest.Save == nil {
		return nil
	}
	raw, err := json.Marshal(t.current)
	if err == nil {
		err = t.rest.Save(context.WithoutCancel(ctx), restName, raw)
	}
	t.unsaved = err != nil
	return err
}

func (t *tokens) whose() string { return digest(t.c.ClientID, t.c.TokenURL) }

func (t *tokens) seed() string { return digest(t.c.RefreshToken.Reveal()) }

func digest(parts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return hex.EncodeToString(sum[:])
}

// tokenAnswer is what both token calls answer. A refresh seldom brings a new refresh token.
type tokenAnswer struct {
	AccessToken  string       `json:"access_token"`
	RefreshToken string       `json:"refresh_token"`
	ExpiresIn    lenient.Text `json:"expires_in"`
}

// take makes an answer what we go on with. The old refresh token stays where no new one came.
func (t *tokens) take(got tokenAnswer) {
	t.current = savedTokens{
		Whose: t.whose(), Seed: t.seed(), Access: got.AccessToken,
		Refresh: cmp.Or(got.RefreshToken, t.current.Refresh, t.c.RefreshToken.Reveal()),
	}
	if life := got.ExpiresIn.In(t.c.ExpiresInUnit); life > 0 { // the sample says 0, which is no life at all
		t.current.RenewAt = t.now().Add(life - min(renewBefore, life/4)).UTC()
	}
}

// ask sends one token call: JSON in and out, no grant_type (dossier: 1). What it answers says
// nothing of what was to be asked with the token: no 404 of it may be taken for one.
func (t *tokens) ask(ctx context.Context, address, name, value string) (got tokenAnswer, err error) {
	body, err := json.Marshal(map[string]string{"client_id": t.c.ClientID, "client_secret": t.c.ClientSecret.Reveal(),
		name: value})
	if err != nil {
		return got, err
	}
	ctx = provider.WithCall(ctx, provider.Call{Class: provider.ClassRead, JSON: true})
	if name == "refresh_token" { // a code serves once
		ctx = provider.WithCall(ctx, provider.Call{Retry: true})
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		return got, provider.Redact(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Accept", "application/json")
	resp, err := transport.Do(t.client, req)
	if err != nil {
		return got, err
	}
	if resp.StatusCode == http.StatusOK || resp.StatusCode == http.StatusCreated {
		if err := transport.ReadJSON(resp, &got); err != nil {
			return got, fmt.Errorf("access token: %w", err)
		}
		if got.AccessToken == "" {
			return got, fmt.Errorf("access token: %w: the answer holds none", provider.ErrDenied)
		}
		return got, nil
	}
	err = transport.StatusError(resp)
	switch h := refusal(err); {
	case !h.Page && slices.Contains([]int{http.StatusBadRequest, http.StatusUnauthorized, http.StatusForbidden}, h.Code):
		return got, fmt.Errorf("access token: %w: %s", provider.ErrDenied, h.Status)
	case h.Code == http.StatusTooManyRequests, h.Code >= http.StatusInternalServerError:
		return got, fmt.Errorf("access token: %w", err)
	}
	return got, fmt.Errorf("access token: %v", err) //nolint:errorlint // see above
}
