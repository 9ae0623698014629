package login

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"countersign/worker/console/access"
)

// Issuer is who vouches for people, and what each may.
type Issuer struct {
	URL, ClientID, ClientSecret string
	Claim                       string // lists somebody's groups
	Operators, Readers          []string
}

// Judged is a fingerprint of how people are judged.
func (i *Issuer) Judged() string {
	if i == nil {
		return ""
	}
	texts := []string{i.URL, i.ClientID, i.Claim, "operators"}
	texts = append(append(append(texts, i.Operators...), "readers"), i.Readers...)
	return access.Fingerprint(texts...)
}

// What is wrong with a login that is not the issuer's to mend.
var (
	errStranger = errors.New("in no group that may look")
	errAnswer   = errors.New("the issuer's answer does not hold")
)

// mostClaims bounds what an issuer may answer.
const mostClaims = 1 << 20

// issuer asks an issuer. What it says of itself is read when somebody logs in first: it may be down when we start. It is
// safe for concurrent use.
type issuer struct {
	Issuer
	redirect string
	now      func() time.Time
	client   *http.Client

	mu     sync.Mutex
	found  *found
	failed error // what became of the last try, at
	at     time.Time
}

// againAfter is how long an issuer that did not answer is left alone.
const againAfter = 5 * time.Second

// found is what the issuer says of itself.
type found struct {
	provider *oidc.Provider
	oauth    oauth2.Config
	userInfo bool
}

func newIssuer(i Issuer, redirect string, now func() time.Time) *issuer {
	return &issuer{Issuer: i, redirect: redirect, now: now, client: &http.Client{
		Timeout: 10 * time.Second, Transport: bounded{&http.Transport{Proxy: http.ProxyFromEnvironment, DisableKeepAlives: true}},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// bounded cuts answers that are larger than any of an issuer's.
type bounded struct{ http.RoundTripper }

// RoundTrip is for http.RoundTripper.
func (b bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := b.RoundTripper.RoundTrip(r)
	if err == nil {
		resp.Body = http.MaxBytesReader(nil, resp.Body, mostClaims)
	}
	return resp, err
}

// ask returns what the issuer says of itself.
func (i *issuer) ask(ctx context.Context) (*found, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.found != nil || i.failed != nil && i.now().Sub(i.at) < againAfter {
		return i.found, i.failed
	}
	i.found, i.failed = i.read(ctx)
	i.at = i.now()
	return i.found, i.failed
}

// read asks for the issuer's own description.
func (i *issuer) read(ctx context.Context) (*found, error) {
	ctx = oidc.ClientContext(context.WithoutCancel(ctx), i.client) // the keys are asked for later, by others
	p, err := oidc.NewProvider(ctx, i.URL)
	if err != nil {
		return nil, err
	}
	var more struct {
		Scopes   []string `json:"scopes_supported"`
		UserInfo string   `json:"userinfo_endpoint"`
	}
	if err := p.Claims(&more); err != nil {
		return nil, err
	}
	scopes := []string{oidc.ScopeOpenID, "profile", "email"}
	if slices.Contains(more.Scopes, "groups") { // others refuse a scope that they do not know
		scopes = append(scopes, "groups")
	}
	return &found{provider: p, userInfo: more.UserInfo != "", oauth: oauth2.Config{ClientID: i.ClientID,
		ClientSecret: i.ClientSecret, Endpoint: p.Endpoint(), RedirectURL: i.redirect, Scopes: scopes}}, nil
}

// way is where somebody is sent to log in.
func (i *issuer) way(ctx context.Context, a attempt) (string, error) {
	f, err := i.ask(ctx)
	if err != nil {
		return "", err
	}
	return f.oauth.AuthCodeURL(a.State, oidc.Nonce(a.Nonce), oauth2.S256ChallengeOption(a.Verifier)), nil
}

// person is somebody for whom the issuer vouches.
type person struct {
	name string
	role access.Role // "": none
}

// judge takes the code that somebody brings back, and says who they are and what they may.
func (i *issuer) judge(ctx context.Context, a attempt, code string) (person, error) {
	f, err := i.ask(ctx)
	if err != nil {
		return person{}, err
	}
	ctx = oidc.ClientContext(ctx, i.client)
	token, err := f.oauth.Exchange(ctx, code, oauth2.VerifierOption(a.Verifier))
	if err != nil {
		return person{}, fmt.Errorf("%w: the code was not taken", errAnswer)
	}
	raw, _ := token.Extra("id_token").(string)
	verified, err := f.provider.VerifierContext(ctx, &oidc.Config{ClientID: i.ClientID, Now: i.now}).Verify(ctx, raw)
	if err != nil || verified.Nonce == "" || !equal(verified.Nonce, a.Nonce) {
		return person{}, fmt.Errorf("%w: its token is not for this login", errAnswer)
	}
	claims := map[string]any{}
	if err := verified.Claims(&claims); err != nil {
		return person{}, fmt.Errorf("%w: its claims cannot be read", errAnswer)
	}
	groups, there := i.groups(claims)
	if !there && f.userInfo {
		info, err := f.provider.UserInfo(ctx, oauth2.StaticTokenSource(token))
		more := map[string]any{}
		if err == nil && info.Subject == verified.Subject && info.Claims(&more) == nil {
			groups, _ = i.groups(more)
		}
	}
	p := person{name: nameOf(claims, verified.Subject), role: i.roleOf(groups)}
	if p.role == "" {
		return p, errStranger
	}
	return p, nil
}

// groups are those that the claim lists; there is false where nothing of its name is.
func (i *issuer) groups(claims map[string]any) (groups []string, there bool) {
	value, there := claims[i.Claim]
	for path := i.Claim; !there && path != ""; {
		first, rest, deeper := strings.Cut(path, ".")
		if !deeper {
			value, there = claims[first]
			break
		}
		next, ok := claims[first].(map[string]any)
		if !ok {
			return nil, false
		}
		claims, path = next, rest
	}
	switch list := value.(type) {
	case string:
		groups = []string{list}
	case []any:
		for _, one := range list {
			if text, ok := one.(string); ok {
				groups = append(groups, text)
			}
		}
	}
	return groups, there
}

// roleOf is the larger of the roles that groups give.
func (i *issuer) roleOf(groups []string) access.Role {
	in := func(list []string) bool {
		return slices.ContainsFunc(groups, func(g string) bool { return slices.Contains(list, g) })
	}
	switch {
	case in(i.Operators):
		return access.Operate
	case in(i.Readers):
		return access.Read
	}
	return ""
}

// nameOf is what the history calls somebody: a verified address, a user name, or else the issuer's own id of them. A
// name that a token could not have is hashed.
func nameOf(claims map[string]any, subject string) string {
	names := []string{text(claims, "preferred_username"), subject}
	if sure, _ := claims["email_verified"].(bool); sure {
		names = append([]string{text(claims, "email")}, names...)
	}
	for _, name := range names {
		if access.CheckName(name) == nil {
			return name
		}
	}
	return "oidc-" + access.HashOf(subject)[:12]
}

func text(claims map[string]any, key string) string {
	s, _ := claims[key].(string)
	return s
}

// attempt is a login that is under way, as the browser keeps it.
type attempt struct {
	State    string `json:"s"`
	Nonce    string `json:"n"`
	Verifier string `json:"v"`
	Next     string `json:"to"`
}

func (a attempt) String() string {
	text, err := json.Marshal(a)
	if err != nil {
		return ""
	}
	return url.QueryEscape(string(text))
}

func readAttempt(value string) (a attempt, ok bool) {
	text, err := url.QueryUnescape(value)
	return a, err == nil && json.Unmarshal([]byte(text), &a) == nil && a.State != "" && a.Nonce != "" && a.Verifier != ""
}
