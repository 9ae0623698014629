package engine

import (
	"net/http"
	"net/url"

	"golang.org/x/net/http/httpproxy"
)

// ProxySettings are HTTP_PROXY, HTTPS_PROXY and NO_PROXY of the environment, in capitals or small letters.
func (a *Env) ProxySettings() *httpproxy.Config {
	of := func(names ...string) string {
		for _, name := range names {
			if v, _ := a.Lookup(name); v != "" {
				return v
			}
		}
		return ""
	}
	return &httpproxy.Config{
		HTTPProxy:  of("HTTP_PROXY", "http_proxy"),
		HTTPSProxy: of("HTTPS_PROXY", "https_proxy"),
		NoProxy:    of("NO_PROXY", "no_proxy"),
		CGI:        of("REQUEST_METHOD") != "",
	}
}

// Proxy says through which proxy calls to providers and links to files leave; nil is none.
func (a *Env) Proxy() func(*http.Request) (*url.URL, error) {
	through := a.ProxySettings().ProxyFunc()
	return func(r *http.Request) (*url.URL, error) { return through(r.URL) }
}
