package access

import (
	"net"
	"net/http"
	"net/url"
	"strings"

	"countersign/worker/console/problem"
)

// Base is the path of console.url, which stands in front of every link and asset; "" where it has none.
func (d *Door) Base() string { return Base(d.URL) }

// Base is the path of an outside address without its last slash.
func Base(u *url.URL) string {
	if u == nil {
		return ""
	}
	return strings.TrimRight(u.EscapedPath(), "/")
}

// Href is where browsers find what stands at a path of ours.
func (d *Door) Href(path string) string { return d.Base() + path }

// inside takes the path of console.url off a request's: some proxies pass it on, some take it off themselves.
func (d *Door) inside(r *http.Request) *http.Request {
	base := d.Base()
	if base == "" {
		return r
	}
	path, ok := strings.CutPrefix(r.URL.EscapedPath(), base)
	if !ok || path != "" && path[0] != '/' {
		return r
	}
	if path == "" {
		path = "/"
	}
	plain, err := url.PathUnescape(path)
	if err != nil {
		return r
	}
	u := *r.URL
	u.Path, u.RawPath = plain, path
	if u.EscapedPath() == (&url.URL{Path: plain}).EscapedPath() {
		u.RawPath = ""
	}
	r = r.WithContext(r.Context())
	r.URL = &u
	return r
}

// Local returns an address if it is one of ours: a path, maybe with a query, and nothing that leads elsewhere; "/" if it
// is not. It never leads back to logging in or out.
func Local(address string) string {
	u, err := url.Parse(address)
	if err != nil || len(address) > mostAddress || u.Scheme != "" || u.Host != "" || u.User != nil || u.Opaque != "" ||
		!strings.HasPrefix(address, "/") || strings.HasPrefix(u.Path, "//") || strings.Contains(u.EscapedPath(), "//") ||
		strings.HasPrefix(address, "//") || strings.ContainsFunc(u.Path, unsafe) || strings.ContainsFunc(address, unsafe) {
		return "/"
	}
	for _, out := range []string{"/login", "/logout"} {
		if u.Path == out || strings.HasPrefix(u.Path, out+"/") {
			return "/"
		}
	}
	return u.RequestURI()
}

// mostAddress is how long an address may be that is come back to.
const mostAddress = 2000

// unsafe are characters that browsers take off or turn round in addresses.
func unsafe(c rune) bool { return c < ' ' || c == '\\' || c == 0x7f }

// cameFrom is where somebody wanted to go: what they asked for or, where they sent something, the page that it stood on.
func (d *Door) cameFrom(r *http.Request) string {
	if safe(r.Method) {
		return Local(r.URL.RequestURI())
	}
	u, err := url.Parse(r.Referer())
	if err != nil || u.Host != r.Host && (d.URL == nil || u.Host != d.URL.Host) {
		return "/"
	}
	return Local(d.inside(&http.Request{URL: &url.URL{Path: u.Path, RawPath: u.RawPath, RawQuery: u.RawQuery}}).URL.RequestURI())
}

// Meant refuses what was sent to another name than ours: a web page whose name was made to lead to 127.0.0.1 would read
// with its visitor's browser otherwise. Where no token is asked for, that is whatever is not this machine; with
// console.url, whatever is neither that nor this machine nor an address. Whoever shows a token is no such page.
func (d *Door) Meant(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case d.Open(r.Context()) && !local(r.Host):
			problem.New(problem.WrongHost,
				"The console answers to localhost and loopback addresses; for other names set console.token.").Write(w, r)
		case !d.answersTo(r):
			problem.New(problem.WrongHost, "The console answers to the name of console.url.").Write(w, r)
		default:
			next.ServeHTTP(w, r)
		}
	})
}

// answersTo says whether a request names us.
func (d *Door) answersTo(r *http.Request) bool {
	if _, given := bearer(r); d.URL == nil || given || r.URL.Path == "/healthz" || r.URL.Path == "/readyz" {
		return true
	}
	ours := strings.EqualFold(withPort(r.Host, d.URL.Scheme), withPort(d.URL.Host, d.URL.Scheme))
	return ours || local(r.Host) || net.ParseIP((&url.URL{Host: r.Host}).Hostname()) != nil
}

// withPort is a host with its port, which its scheme may imply.
func withPort(host, scheme string) string {
	u := url.URL{Host: host}
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[scheme]
	}
	return net.JoinHostPort(u.Hostname(), port)
}

// local says whether a Host header names this machine, with a port or without.
func local(host string) bool {
	if _, _, err := net.SplitHostPort(host); err != nil {
		host = net.JoinHostPort(strings.Trim(host, "[]"), "0")
	}
	return Loopback(strings.ToLower(host))
}

// Loopback says whether only this machine reaches an address.
func Loopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return false
	}
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
