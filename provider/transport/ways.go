package transport

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode"

	"golang.org/x/net/idna"
)

// lookupMost bounds how long a link's name is looked up before the proxy is asked: behind a proxy names are often not
// known here, and some resolvers say so late.
const lookupMost = 3 * time.Second

var errProxy = errors.New("the environment names no proxy that can be used")

// ways sends a request to another host: straight, or through a proxy where one is set for it.
type ways struct {
	proxy    func(*http.Request) (*url.URL, error)
	lookup   func(context.Context, string) ([]netip.Addr, error)
	private  bool            // every address may be asked for
	straight *http.Transport // dials what its dialer allows
	proxied  *http.Transport // dials proxies alone
}

type chosenProxy struct{}

// newWays returns the ways to other hosts. Unless private is set only public addresses are reached: judged by what is
// dialled where we dial, by the link's host where a proxy does.
func newWays(o Options, private bool) *ways {
	d := &net.Dialer{}
	if !private {
		d.Control = publicOnly
	}
	w := &ways{
		proxy: o.Proxy, private: private, straight: dialer(d), proxied: dialer(nil),
		lookup: func(ctx context.Context, name string) ([]netip.Addr, error) {
			return net.DefaultResolver.LookupNetIP(ctx, "ip", name)
		},
	}
	if w.proxy == nil {
		w.proxy = http.ProxyFromEnvironment
	}
	w.straight.Proxy = nil
	w.proxied.Proxy = func(r *http.Request) (*url.URL, error) {
		if through, ok := r.Context().Value(chosenProxy{}).(*url.URL); ok {
			return through, nil
		}
		return nil, errProxy
	}
	for _, t := range []*http.Transport{w.straight, w.proxied} {
		t.ResponseHeaderTimeout = o.Timeout
	}
	return w
}

// RoundTrip is for http.RoundTripper.
func (w *ways) RoundTrip(req *http.Request) (*http.Response, error) {
	through, err := w.proxy(req)
	switch {
	case err != nil:
		closeBody(req.Body)
		return nil, fmt.Errorf("%w: %w", errAddress, errProxy) // what the environment says may be a secret
	case through == nil:
		return w.straight.RoundTrip(req)
	}
	if !w.private {
		if err := w.judge(req.Context(), req.URL.Hostname()); err != nil {
			closeBody(req.Body)
			return nil, err
		}
	}
	return w.proxied.RoundTrip(req.WithContext(context.WithValue(req.Context(), chosenProxy{}, through)))
}

// CloseIdleConnections closes what is open and not in use.
func (w *ways) CloseIdleConnections() {
	w.straight.CloseIdleConnections()
	w.proxied.CloseIdleConnections()
}

// judge refuses a host that is not public, as far as it can be known here: an address by itself, a name by what it
// resolves to. A name that only the proxy resolves is the proxy's to judge.
func (w *ways) judge(ctx context.Context, host string) error {
	name := strings.TrimSuffix(strings.ToLower(host), ".")
	if strings.ContainsFunc(name, func(r rune) bool { return r > unicode.MaxASCII }) {
		// It is written to the proxy as DNS has it, where the digits of other scripts are ours.
		var err error
		if name, err = idna.Lookup.ToASCII(name); err != nil {
			return fmt.Errorf("%w: no name of a host", errAddress)
		}
	}
	if a, err := netip.ParseAddr(name); err == nil {
		return publicAddress(a)
	}
	last := name[strings.LastIndexByte(name, '.')+1:]
	if last == "localhost" || numeric(last) {
		return fmt.Errorf("%w: not the name of a public host", errAddress)
	}
	ctx, cancel := context.WithTimeout(ctx, lookupMost)
	defer cancel()
	found, err := w.lookup(ctx, name)
	if err != nil {
		return nil //nolint:nilerr // the proxy may know it
	}
	for _, a := range found {
		if err := publicAddress(a); err != nil {
			return err
		}
	}
	return nil
}

// numeric says whether the last part of a host makes it an address in one of its older forms, such as 127.1,
// 2130706433 or 0x7f000001: no domain ends so, and a proxy may take it for an address.
func numeric(last string) bool {
	_, err := strconv.ParseUint(last, 0, 64)
	return err == nil || strings.HasPrefix(last, "0x") || strings.Trim(last, "0123456789") == ""
}

func publicAddress(a netip.Addr) error {
	if !public(a) {
		return fmt.Errorf("%w: %s is not a public address", errAddress, a)
	}
	return nil
}
