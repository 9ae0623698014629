package callback

import (
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
)

func networks(list ...string) (out []netip.Prefix) {
	for _, s := range list {
		out = append(out, netip.MustParsePrefix(s))
	}
	return out
}

// The allow-list works behind a load balancer that writes the port.
func TestSourcesBehindALoadBalancer(t *testing.T) {
	t.Parallel()
	d := newTestListener(t, func(o *Options) {
		o.TrustedProxies = networks("10.0.0.0/8")
		lookup := o.Lookup
		o.Lookup = func(id string) *Account {
			acc := *lookup(id)
			acc.Sources = networks("203.0.113.0/24", "2001:db8::/32")
			return &acc
		}
	})
	for forwarded, code := range map[string]int{
		"203.0.113.7:51234": 200, "[2001:db8::7]:443": 200, "::ffff:203.0.113.7": 200, "198.51.100.1:51234": 404,
		"unknown": 404, "": 404,
	} {
		r := httptest.NewRequest("POST", "/callbacks/sales", strings.NewReader("{}"))
		r.RemoteAddr = "10.1.1.1:5"
		r.Header.Set("Key", "right")
		r.Header.Set("X-Forwarded-For", forwarded)
		w := httptest.NewRecorder()
		if d.Handler().ServeHTTP(w, r); w.Code != code {
			t.Errorf("%q: %d, want %d", forwarded, w.Code, code)
		}
	}
}
