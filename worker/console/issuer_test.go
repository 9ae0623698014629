package console

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/worker/console/login"
	"countersign/worker/console/login/logintest"
)

// newIssuerDesk is a console that people log in to through an issuer; path is that of its outside address.
func newIssuerDesk(t *testing.T, path string) (*desk, *logintest.Issuer) {
	t.Helper()
	issuer := logintest.New(t, time.Now)
	d := newDeskOf(t, func(o *Options, base string) {
		u, err := url.Parse(base + path)
		require.NoError(t, err)
		o.URL, o.Issuer = u, &login.Issuer{URL: issuer.URL, ClientID: logintest.ClientID,
			ClientSecret: logintest.ClientSecret, Claim: "groups", Operators: []string{"ops"}, Readers: []string{"all"}}
	})
	return d, issuer
}

func TestLogInThroughTheIssuer(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"", "/ops/sign"} {
		d, issuer := newIssuerDesk(t, path)
		for _, test := range []struct {
			name    string
			claims  map[string]any
			more    map[string]any
			as      string
			operate bool
		}{
			{"an operator", map[string]any{"groups": []string{"x", "ops"}, "preferred_username": "ana"}, nil, "ana", true},
			{"of both groups", map[string]any{"groups": []string{"all", "ops"}, "email": "ana@example.org",
				"email_verified": true, "preferred_username": "ana"}, nil, "ana@example.org", true},
			{"a reader", map[string]any{"groups": "all", "email": "ana@example.org"}, nil, "u-7", false},
			{"groups beside the token", nil, map[string]any{"sub": "u-7", "groups": []string{"ops"}}, "u-7", true},
			{"a name that is ours", map[string]any{"groups": "ops", "preferred_username": "config"}, nil, "u-7", true},
			{"a name that breaks out", map[string]any{"groups": "ops", "preferred_username": "<b>\n\u202e"}, nil, "u-7", true},
		} {
			t.Run(test.name+path, func(t *testing.T) {
				issuer.Be("u-7", test.claims)
				issuer.UserInfo(test.more)
				b := newBrowser(t, d.URL)
				p := b.ask(path+"/?view=wall", nil)
				require.Equal(t, path+"/login?next="+url.QueryEscape("/?view=wall"), p.Header.Get("Location"))
				p = b.follow(path + "/login/oidc?next=" + url.QueryEscape("/?view=wall"))
				require.Equal(t, 200, p.StatusCode, p.body)
				require.Equal(t, path+"/?view=wall", p.Request.URL.RequestURI())
				w := b.ask(path+"/api/v1/accounts/sales/poll", url.Values{}, "Content-Type", "application/json")
				if test.operate {
					require.Equal(t, 202, w.StatusCode, w.body)
					require.Contains(t, strings.Join(d.asked, "\n"), "tiers by operator "+test.as+" ")
				} else {
					require.Equal(t, 403, w.StatusCode)
				}
			})
		}
	}
}

func TestTheIssuersAnswerHasToHold(t *testing.T) {
	t.Parallel()
	d, issuer := newIssuerDesk(t, "")
	ops := map[string]any{"groups": "ops"}
	for name, test := range map[string]struct {
		claims map[string]any
		change func(map[string]any)
		want   int
	}{
		"in no group":          {map[string]any{"groups": []string{"other"}, "preferred_username": "<ana>"}, nil, 403},
		"groups of no kind":    {map[string]any{"groups": map[string]any{"ops": true}}, nil, 403},
		"no groups":            {nil, nil, 403},
		"of another login":     {ops, func(c map[string]any) { c["nonce"] = "other" }, 502},
		"without a nonce":      {ops, func(c map[string]any) { delete(c, "nonce") }, 502},
		"for another program":  {ops, func(c map[string]any) { c["aud"] = "other" }, 502},
		"of another issuer":    {ops, func(c map[string]any) { c["iss"] = "https://other.example" }, 502},
		"of yesterday":         {ops, func(c map[string]any) { c["exp"] = time.Now().Add(-time.Hour).Unix() }, 502},
		"somebody else's info": {nil, nil, 403},
	} {
		issuer.Be("u-8", test.claims)
		issuer.Change(test.change)
		b := newBrowser(t, d.URL)
		p := b.follow("/login/oidc?next=/")
		require.Equal(t, test.want, p.StatusCode, "%s: %s", name, p.body)
		require.NotContains(t, b.cookies(), "countersign", name)
		require.NotContains(t, p.body, "<ana>")
	}
}

func TestAWayBackFromTheIssuerIsGoodForOneBrowserOnce(t *testing.T) {
	t.Parallel()
	d, issuer := newIssuerDesk(t, "")
	issuer.Be("u-1", map[string]any{"groups": "ops"})
	b, other := newBrowser(t, d.URL), newBrowser(t, d.URL)
	there := b.ask("/login/oidc?next=//evil.example", nil)
	require.Equal(t, 303, there.StatusCode)
	back := b.ask(there.Header.Get("Location"), nil).Header.Get("Location")
	require.True(t, strings.HasPrefix(back, d.URL+"/login/callback?code="), back)
	require.Equal(t, 400, other.ask(back, nil).StatusCode, "in another browser: nobody is logged in as somebody else")
	require.NotContains(t, other.cookies(), "countersign")
	other.ask("/login/oidc", nil)
	require.Equal(t, 400, other.ask(back, nil).StatusCode, "in a browser that is on its own way")
	p := b.ask(back, nil)
	require.Equal(t, 303, p.StatusCode)
	require.Equal(t, "/", p.Header.Get("Location"), "to no other host")
	require.Equal(t, 400, b.ask(back, nil).StatusCode, "a second time")
	require.Equal(t, 200, b.ask("/", nil).StatusCode, "whoever is logged in stays so")

	b.ask("/login/oidc", nil)
	state, err := url.QueryUnescape(b.cookies()["countersign-login"])
	require.NoError(t, err)
	var a struct{ S string }
	require.NoError(t, json.Unmarshal([]byte(state), &a))
	p = b.ask("/login/callback?error=access_denied&error_description=%3Cscript%3E&state="+a.S, nil)
	require.Equal(t, 403, p.StatusCode)
	require.NotContains(t, p.body, "<script>")
}

func TestAnIssuerThatIsDownKeepsNobodyWithATokenOut(t *testing.T) {
	t.Parallel()
	d := newDeskOf(t, func(o *Options, base string) {
		o.URL, _ = url.Parse(base)
		o.Token, o.Issuer = "config-token", &login.Issuer{URL: "http://127.0.0.1:1", ClientID: "x", Claim: "groups"}
	})
	b := newBrowser(t, d.URL)
	p := b.ask("/login/oidc", nil)
	require.Equal(t, 502, p.StatusCode)
	require.Equal(t, 303, b.ask("/login", url.Values{"token": {"config-token"}}).StatusCode)
	require.Equal(t, 200, b.ask("/", nil).StatusCode)
}
