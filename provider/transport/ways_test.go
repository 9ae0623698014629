package transport

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"countersign/provider/transport/ways"
)

// egress is a proxy on loopback that plays the hosts behind it. Tunnels lead to one server.
type egress struct {
	mu      sync.Mutex
	asked   []string
	headers []http.Header
	tunnel  string
	answer  http.HandlerFunc
}

func (e *egress) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	e.mu.Lock()
	e.asked = append(e.asked, r.Method+" "+r.URL.Host)
	e.headers = append(e.headers, r.Header.Clone())
	e.mu.Unlock()
	if r.Method != http.MethodConnect {
		e.answer(w, r)
		return
	}
	to, err := net.Dial("tcp", e.tunnel) //nolint:noctx // loopback
	if err != nil {
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	w.WriteHeader(http.StatusOK)
	from, _, err := w.(http.Hijacker).Hijack()
	if err != nil {
		return
	}
	go func() { io.Copy(to, from); to.Close() }()   //nolint:errcheck // a tunnel of a test
	go func() { io.Copy(from, to); from.Close() }() //nolint:errcheck // a tunnel of a test
}

// behind returns a client for other hosts whose only way out is a proxy, and that proxy. Names resolve as the test
// says.
func behind(t *testing.T, private bool, names map[string]string) (*http.Client, *egress) {
	t.Helper()
	e := &egress{answer: func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "%PDF-1.7 %%EOF") }} //nolint:errcheck // a test
	server := httptest.NewServer(e)
	through, err := url.Parse(strings.Replace(server.URL, "http://", "http://us:hush-proxy@", 1))
	if err != nil {
		t.Fatal(err)
	}
	proxy := func(r *http.Request) (*url.URL, error) {
		switch r.URL.Hostname() {
		case "direct.example.org", "127.0.0.1":
			return nil, nil
		case "odd.example.org":
			return nil, errors.New(`invalid proxy address "hush-proxy"`)
		}
		return through, nil
	}
	c := NewForeignClient(Options{Now: time.Now, Attempts: 1, Proxy: proxy}, private)
	waysOf(c).Lookup = func(_ context.Context, name string) ([]netip.Addr, error) {
		var all []netip.Addr
		for _, a := range strings.Fields(names[name]) {
			all = append(all, netip.MustParseAddr(a))
		}
		if all == nil {
			return nil, errors.New("no such host")
		}
		return all, nil
	}
	t.Cleanup(func() { c.CloseIdleConnections(); server.CloseClientConnections(); server.Close() })
	return c, e
}

func waysOf(c *http.Client) *ways.Ways {
	return c.Transport.(foreign).t.o.Base.(*ways.Ways) //nolint:forcetypeassert // it is made so
}

func fetch(t *testing.T, c *http.Client, address string) (string, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer hush-key")
	req.Header.Set("Proxy-Authorization", "Basic hush-key")
	resp, err := Do(c, req)
	if err != nil {
		return "", err
	}
	var file strings.Builder
	_, err = Save(&file, resp)
	return file.String(), err
}

// Files come through the proxy, in plain and through a tunnel, and the key goes neither to it nor beyond.
func TestFilesComeThroughAProxy(t *testing.T) {
	t.Parallel()
	got := make(chan http.Header, 1)
	secure := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got <- r.Header.Clone()
		io.WriteString(w, "%PDF-1.4 secure") //nolint:errcheck // a test
	}))
	defer secure.Close()
	c, e := behind(t, false, nil)
	e.tunnel = secure.Listener.Addr().String()
	waysOf(c).Proxied.TLSClientConfig = secure.Client().Transport.(*http.Transport).TLSClientConfig.Clone() //nolint:forcetypeassert // it is one
	for address, want := range map[string]string{
		"http://files.example.test/a.pdf?X-Sig=hush": "%PDF-1.7 %%EOF", "http://93.184.216.34/a.pdf": "%PDF-1.7 %%EOF",
		"https://example.com/a.pdf?X-Sig=hush": "%PDF-1.4 secure",
	} {
		if file, err := fetch(t, c, address); err != nil || file != want {
			t.Errorf("%s: %q, %v", address, file, err)
		}
	}
	for _, h := range append(e.headers, <-got) {
		if h.Get("Authorization") != "" || h.Get("Proxy-Authorization") == "Basic hush-key" {
			t.Errorf("the key went along: %v", h)
		}
	}
	slices.Sort(e.asked)
	if asked := strings.Join(e.asked,
		", "); asked != "CONNECT example.com:443, GET 93.184.216.34, GET files.example.test" {
		t.Errorf("asked for %s", asked)
	}
	secure.CloseClientConnections()
}

// A host that is not public, as far as can be known here, is refused before the proxy is asked.
func TestAProxyIsAskedForNoPrivateHost(t *testing.T) {
	t.Parallel()
	names := map[string]string{"inside.example.org": "93.184.216.34 10.0.0.7", "outside.example.org": "93.184.216.34",
		"under_score.example.org": "8.8.8.8"}
	for host, asked := range map[string]bool{
		"outside.example.org": true, "unknown.example.test": true, "93.184.216.34": true, "[2606:4700::1111]": true,
		"8.8.8.8.":                true,
		"under_score.example.org": true, "m\u00fcnchen.example": true,
		"10.1.2.3": false, "192.168.1.1": false, "169.254.169.254": false, "[fe80::1]": false, "[::ffff:10.0.0.1]": false,
		"[fd00::1]":        false,
		"[64:ff9b::a00:1]": false, "10.1.2.3.": false, "10.1": false, "0x0a000001": false, "167772161": false,
		"0xA.0.0.1": false, "0300.0250.1.1": false,
		"inside.example.org": false, "INSIDE.example.org.": false, "some.localhost": false, "\uff11\uff10.1.2.3": false,
		"169\u3002254\u3002169\u3002254":    false,
		"\uff11\uff10.\uff11.\uff12.\uff13": false,
	} {
		for _, scheme := range []string{"http", "https"} {
			c, e := behind(t, false, names)
			_, err := fetch(t, c, scheme+"://"+host+"/file")
			if (len(e.asked) > 0) != asked || !asked && !errors.Is(err, ways.ErrAddress) {
				t.Errorf("%s://%s: asked %v: %v", scheme, host, e.asked, err)
			}
		}
	}
	c, e := behind(t, true, names)
	for _, host := range []string{"10.1.2.3", "inside.example.org"} {
		if _, err := fetch(t, c, "http://"+host+"/file"); err != nil {
			t.Errorf("%s, where private links are allowed: %v", host, err)
		}
	}
	if len(e.asked) != 2 {
		t.Errorf("asked %v", e.asked)
	}
}

// Each redirect is judged anew, what goes past the proxy is judged as it is dialled, and no error tells the proxy's
// password.
func TestWhatGoesPastAProxyIsJudgedToo(t *testing.T) {
	t.Parallel()
	c, e := behind(t, false, nil)
	for _, to := range []string{"http://169.254.169.254/latest", "http://127.0.0.1:1/", "http://[::1]:1/"} {
		e.answer = func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, to, http.StatusFound) }
		e.asked = nil
		if _, err := fetch(t, c, "http://files.example.test/file"); !errors.Is(err, ways.ErrAddress) || len(e.asked) != 1 {
			t.Errorf("to %s: asked %v: %v", to, e.asked, err)
		}
	}
	gone := httptest.NewServer(nil)
	gone.Close()
	through, _ := url.Parse(strings.Replace(gone.URL, "http://", "http://us:hush-proxy@", 1))
	for _, address := range []string{"http://odd.example.org/file", "http://files.example.test/file",
		"https://files.example.test/file"} {
		if !strings.Contains(address, "odd") {
			waysOf(c).Proxy = http.ProxyURL(through)
		}
		_, err := fetch(t, c, address)
		if err == nil || strings.Contains(err.Error(), "hush") {
			t.Errorf("%s: %v", address, err)
		}
	}
}
