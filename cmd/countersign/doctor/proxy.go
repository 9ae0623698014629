package doctor

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"time"

	"golang.org/x/net/http/httpproxy"

	"countersign/cmd/countersign/config"
	"countersign/cmd/countersign/engine/environ"
	"countersign/provider"
)

const proxyTime = 15 * time.Second

// proxy says which proxies the environment names, and tries each.
func (d *examination) proxy(ctx context.Context, only string) {
	set := environ.Proxies(d.Lookup)
	if set.HTTPProxy == "" && set.HTTPSProxy == "" {
		if text, _ := d.Lookup("ALL_PROXY"); text != "" {
			d.say("warn", about("proxy"), "cli.doctor.proxy.all")
		}
		return
	}
	except := excepted(set.NoProxy)
	for _, way := range []struct{ scheme, variable, value string }{
		{"https", "HTTPS_PROXY", set.HTTPSProxy}, {"http", "HTTP_PROXY", set.HTTPProxy},
	} {
		what := about(way.scheme + "_proxy")
		if way.value == "" {
			d.say("warn", what, "cli.doctor.proxy.unset", "variable", way.variable, "scheme", way.scheme)
			continue
		}
		through := proxyOf(way.value)
		if through == nil {
			d.say("FAIL", what, "cli.doctor.proxy.bad", "variable", way.variable)
			continue
		}
		shown := through.Scheme + "://" + through.Host
		if to := d.behind(set, way.scheme, only); to != nil {
			if err := d.throughProxy(ctx, through, to); err != nil {
				d.say("FAIL", what, "cli.doctor.proxy.failed", "proxy", shown, "err", err)
				continue
			}
			d.say("ok", what, "cli.doctor.proxy.reaches", "proxy", shown, "host", to.Host, "except", except)
			continue
		}
		if err := reachable(ctx, through); err != nil {
			d.say("FAIL", what, "cli.doctor.proxy.unreachable", "proxy", shown, "err", err, "variable", way.variable)
			continue
		}
		d.say("ok", what, "cli.doctor.proxy.unused", "proxy", shown, "except", except)
	}
}

// proxyOf reads a variable as the calls do; nil where it cannot be read.
func proxyOf(value string) *url.URL {
	set := httpproxy.Config{HTTPSProxy: value}
	through, err := set.ProxyFunc()(&url.URL{Scheme: "https", Host: "example.com"})
	if err != nil || through == nil || through.Host == "" {
		return nil
	}
	return through
}

// behind is the base URL of an account that is reached through the proxy of a scheme; nil where there is none.
func (d *examination) behind(set *httpproxy.Config, scheme, only string) *url.URL {
	through := set.ProxyFunc()
	for i := range d.config.Accounts {
		acc := &d.config.Accounts[i]
		to, err := url.Parse(d.baseOf(acc))
		if err != nil || to.Scheme != scheme || only != "" && acc.ID != only {
			continue
		}
		if way, err := through(to); err == nil && way != nil {
			return to
		}
	}
	return nil
}

func (d *examination) baseOf(acc *config.Account) string {
	return cmp.Or(acc.BaseURL, d.Providers[acc.Provider].Traits.BaseURL)
}

// throughProxy asks for a provider's front page, without credentials: any answer of its own will do.
func (d *examination) throughProxy(ctx context.Context, through, to *url.URL) error {
	ctx, cancel := context.WithTimeout(ctx, proxyTime)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodHead, to.String(), nil)
	if err != nil {
		return err
	}
	t := &http.Transport{Proxy: http.ProxyURL(through), DisableKeepAlives: true}
	resp, err := t.RoundTrip(req)
	if err != nil {
		return fmt.Errorf("does not lead to %s: %w: look at the proxy's address, its rights and its log",
			to.Host, provider.Redact(err))
	}
	resp.Body.Close() //nolint:errcheck // only the code matters
	switch resp.StatusCode {
	case http.StatusProxyAuthRequired:
		return fmt.Errorf("407: it wants a name and a password: write them into its address, http://NAME:PASSWORD@HOST:PORT")
	case http.StatusBadGateway, http.StatusGatewayTimeout:
		return fmt.Errorf("%d: it does not reach %s: look at its rules and its log", resp.StatusCode, to.Host)
	}
	return nil
}

func reachable(ctx context.Context, through *url.URL) error {
	ports := map[string]string{"https": "443", "socks5": "1080", "socks5h": "1080"}
	port := cmp.Or(through.Port(), ports[through.Scheme], "80")
	conn, err := (&net.Dialer{Timeout: proxyTime}).DialContext(ctx, "tcp", net.JoinHostPort(through.Hostname(), port))
	if err != nil {
		return err
	}
	return conn.Close()
}
