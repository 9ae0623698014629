package transport

import (
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"syscall"
)

// mostRedirects is how many redirects a file link may take.
const mostRedirects = 3

// errAddress is the cause of a call that was not made because of where it would have led.
var errAddress = errors.New("address refused")

// NewForeignClient returns a client for links to other hosts, such as file links. It sends no
// credentials, cookies or referrer, keeps no budget, and follows a few redirects. Unless allowPrivate
// is set it refuses every address that is not public, judged by what is dialled and not by the name.
// Where o.Proxy has a proxy for a link, the link's host is judged before the proxy is asked: what it
// is or what its name resolves to here. With o.Base set, o.Base dials as it likes.
func NewForeignClient(o Options, allowPrivate bool) *http.Client {
	o = o.withDefaults()
	if o.Base == nil {
		o.Base = newWays(o, allowPrivate)
	}
	t := newTransport(o, nil)
	return &http.Client{Transport: foreign{t}, CheckRedirect: func(req *http.Request, via []*http.Request) error {
		switch {
		case len(via) > mostRedirects:
			return fmt.Errorf("%w: more than %d redirects", errAddress, mostRedirects)
		case req.URL.Scheme != "https" && via[len(via)-1].URL.Scheme == "https":
			return fmt.Errorf("%w: a redirect from https to %s", errAddress, req.URL.Scheme)
		}
		return nil
	}}
}

// foreign takes out of a request what must not reach another host.
type foreign struct{ t *Transport }

// RoundTrip is for http.RoundTripper.
func (f foreign) RoundTrip(req *http.Request) (*http.Response, error) {
	if s := req.URL.Scheme; s != "https" && s != "http" || req.URL.Host == "" {
		closeBody(req.Body)
		return nil, fmt.Errorf("%w: not an http or https address", errAddress)
	}
	out := req.Clone(req.Context())
	for _, h := range []string{"Authorization", "Proxy-Authorization", "Cookie", "Referer"} {
		out.Header.Del(h)
	}
	out.URL.User = nil
	return f.t.RoundTrip(out)
}

// CloseIdleConnections closes what is open and not in use.
func (f foreign) CloseIdleConnections() { f.t.CloseIdleConnections() }

// publicOnly refuses to dial an address that is not public.
func publicOnly(_, address string, _ syscall.RawConn) error {
	to, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("%w: not an IP address", errAddress)
	}
	return publicAddress(to.Addr())
}

// public says whether an address belongs to the internet at large. An IPv4 address inside an IPv6
// one is judged by itself.
func public(a netip.Addr) bool {
	a = a.Unmap().WithZone("")
	if a.Is6() {
		b := a.As16()
		nat64, sixToFour := netip.MustParsePrefix("64:ff9b::/96"), netip.MustParsePrefix("2002::/16")
		switch {
		case nat64.Contains(a):
			return public(netip.AddrFrom4([4]byte(b[12:16])))
		case sixToFour.Contains(a):
			return public(netip.AddrFrom4([4]byte(b[2:6])))
		case !netip.MustParsePrefix("2000::/3").Contains(a): // unicast that is given out
			return false
		}
	}
	if !a.IsGlobalUnicast() || a.IsPrivate() {
		return false
	}
	for _, p := range [...]string{
		"0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.0.2.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "240.0.0.0/4",
		"2001::/23", "2001:db8::/32",
	} {
		if netip.MustParsePrefix(p).Contains(a) {
			return false
		}
	}
	return true
}
