// Package ways sends requests to hosts of others: straight or through a proxy, and to public addresses alone where it
// is to be so.
package ways

import (
	"context"
	"errors"
	"fmt"
	"io"
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

// ErrAddress is the cause of a call that was not made because of where it would have led.
var ErrAddress = errors.New("address refused")

var errProxy = errors.New("the environment names no proxy that can be used")

// Ways sends a request to another host: straight, or through a proxy where one is set for it.
type Ways struct {
	// Proxy says which proxy a request goes through; nil is none. It is set before the first request.
	Proxy func(*http.Request) (*url.URL, error)
	// Lookup resolves the names of hosts before a proxy is asked. It is set before the first request.
	Lookup   func(context.Context, string) ([]netip.Addr, error)
	private  bool            // every address may be asked for
	straight *http.Transport // dials what its dialer allows
	Proxied  *http.Transport // dials proxies alone; it is changed before the first request
}

type chosenProxy struct{}

// New returns the ways to other hosts. Unless private is set only public addresses are reached: judged by what is
// dialled where we dial, by the link's host where a proxy does. Transport builds what dials; answer bounds the wait for
// the head of an answer.
func New(
	proxy func(*http.Request) (*url.URL,
		error), transport func(*net.Dialer) *http.Transport, answer time.Duration, private bool,
) *Ways {
	d := &net.Dialer{}
	if !private {
		d.Control = publicOnly
	}
	w := &Ways{
		Proxy: proxy, private: private, straight: transport(d), Proxied: transport(nil),
		Lookup: func(ctx context.Context, name string) ([]netip.Addr, error) {
			return net.DefaultResolver.LookupNetIP(ctx, "ip", name)
		},
	}
	if w.Proxy == nil {
		w.Proxy = http.ProxyFromEnvironment
	}
	w.straight.Proxy = nil
	w.Proxied.Proxy = func(r *http.Request) (*url.URL, error) {
		if through, ok := r.Context().Value(chosenProxy{}).(*url.URL); ok {
			return through, nil
		}
		return nil, errProxy
	}
	for _, t := range []*http.Transport{w.straight, w.Proxied} {
		t.ResponseHeaderTimeout = answer
	}
	return w
}

// RoundTrip is for http.RoundTripper.
func (w *Ways) RoundTrip(req *http.Request) (*http.Response, error) {
	through, err := w.Proxy(req)
	switch {
	case err != nil:
		closeBody(req.Body)
		return nil, fmt.Errorf("%w: %w", ErrAddress, errProxy) // what the environment says may be a secret
	case through == nil:
		return w.straight.RoundTrip(req)
	}
	if !w.private {
		if err := w.judge(req.Context(), req.URL.Hostname()); err != nil {
			closeBody(req.Body)
			return nil, err
		}
	}
	return w.Proxied.RoundTrip(req.WithContext(context.WithValue(req.Context(), chosenProxy{}, through)))
}

// CloseIdleConnections closes what is open and not in use.
func (w *Ways) CloseIdleConnections() {
	w.straight.CloseIdleConnections()
	w.Proxied.CloseIdleConnections()
}

// judge refuses a host that is not public, as far as it can be known here: an address by itself, a name by what it
// resolves to. A name that only the proxy resolves is the proxy's to judge.
func (w *Ways) judge(ctx context.Context, host string) error {
	name := strings.TrimSuffix(strings.ToLower(host), ".")
	if strings.ContainsFunc(name, func(r rune) bool { return r > unicode.MaxASCII }) {
		// It is written to the proxy as DNS has it, where the digits of other scripts are ours.
		var err error
		if name, err = idna.Lookup.ToASCII(name); err != nil {
			return fmt.Errorf("%w: no name of a host", ErrAddress)
		}
	}
	if a, err := netip.ParseAddr(name); err == nil {
		return publicAddress(a)
	}
	last := name[strings.LastIndexByte(name, '.')+1:]
	if last == "localhost" || numeric(last) {
		return fmt.Errorf("%w: not the name of a public host", ErrAddress)
	}
	ctx, cancel := context.WithTimeout(ctx, lookupMost)
	defer cancel()
	found, err := w.Lookup(ctx, name)
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
		return fmt.Errorf("%w: %s is not a public address", ErrAddress, a)
	}
	return nil
}

func closeBody(c io.Closer) {
	if c != nil {
		c.Close()
	}
}
