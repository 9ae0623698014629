package transport

import (
	"fmt"
	"net/http"

	"countersign/provider/transport/ways"
)

// mostRedirects is how many redirects a file link may take.
const mostRedirects = 3

// NewForeignClient returns a client for links to other hosts, such as file links. It sends no
// credentials, cookies or referrer, keeps no budget, and follows a few redirects. Unless allowPrivate
// is set it refuses every address that is not public, judged by what is dialled and not by the name.
// Where o.Proxy has a proxy for a link, the link's host is judged before the proxy is asked: what it
// is or what its name resolves to here. With o.Base set, o.Base dials as it likes.
func NewForeignClient(o Options, allowPrivate bool) *http.Client {
	o = o.withDefaults()
	if o.Base == nil {
		o.Base = ways.New(o.Proxy, dialer, o.Timeout, allowPrivate)
	}
	t := newTransport(o, nil)
	return &http.Client{Transport: foreign{t}, CheckRedirect: func(req *http.Request, via []*http.Request) error {
		switch {
		case len(via) > mostRedirects:
			return fmt.Errorf("%w: more than %d redirects", ways.ErrAddress, mostRedirects)
		case req.URL.Scheme != "https" && via[len(via)-1].URL.Scheme == "https":
			return fmt.Errorf("%w: a redirect from https to %s", ways.ErrAddress, req.URL.Scheme)
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
		return nil, fmt.Errorf("%w: not an http or https address", ways.ErrAddress)
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
