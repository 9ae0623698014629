package callback

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sirupsen/logrus"
	"go.uber.org/goleak"

	"countersign/model"
	"countersign/model/store"
	"countersign/provider"
)

// net/http lets a closed connection's last answer reach the client for half a second, which is as long as goleak waits.
func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("net/http.(*conn).closeWriteAndWait"))
}

// toy is a provider whose proof is the header `Key: right` and whose body says what to do.
type toy struct{ provider.Provider }

func (toy) Receive(c provider.Callback) (provider.Received, error) {
	switch body := string(c.Body); {
	case body == "panic":
		panic("a fault of ours")
	case body == "unreadable":
		return provider.Received{}, provider.ErrUnreadable
	case c.Header.Get("Key") != "right":
		return provider.Received{}, fmt.Errorf("%w: another key", provider.ErrUnverified)
	case !strings.HasPrefix(body, "{"):
		return provider.Received{}, provider.ErrNotUnderstood
	case body == "{nul}":
		return provider.Received{Ref: "a\x00b", Observations: []model.Observation{{Ref: "a\x00b"}}}, nil
	}
	return provider.Received{Ref: "r1", Type: "SIGNED", DedupeKey: "d",
		Observations: []model.Observation{{Ref: "r1"}}}, nil
}

func (toy) Peek(provider.Callback) (ref, typ string) { return "peeked\xff", "TYPE" }

// replier insists on an answer.
func replier() provider.Service {
	return provider.Service{Provider: toy{},
		Traits: provider.Traits{Reply: provider.Reply{ContentType: "text/plain", Body: "Hello API Event Received"}}}
}

// testListener is a listener and what was applied.
type testListener struct {
	*Listener
	mu      sync.Mutex
	applied []Incoming
	apply   func(ctx context.Context) error
}

func (d *testListener) got() []Incoming {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.applied
}

func newTestListener(t *testing.T, change ...func(*Options)) *testListener {
	t.Helper()
	d := &testListener{apply: func(context.Context) error { return nil }}
	quiet := logrus.New()
	quiet.SetOutput(io.Discard)
	accounts := map[string]*Account{
		"sales": {ID: "sales", Provider: provider.Service{Provider: toy{}}, SecretHeaders: []string{"Key"}},
		"hr":    {ID: "hr", Provider: replier(), SecretHeaders: []string{"Key"}},
	}
	o := Options{
		Lookup: func(id string) *Account { return accounts[id] },
		Apply: func(ctx context.Context, in Incoming) (Result, error) {
			if err := d.apply(ctx); err != nil {
				return Result{}, err
			}
			d.mu.Lock()
			defer d.mu.Unlock()
			d.applied = append(d.applied, in)
			return Result{ID: "c1", Verdict: in.Callback.Verdict}, nil
		},
		HMACKey: []byte("installation"), Now: time.Now, Log: logrus.NewEntry(quiet),
		MaxBody: 1 << 20, MaxConns: 2048, MaxConnsEach: 512, RefusedAMinute: 600, RefusedBytes: 256 << 20,
	}
	for _, c := range change {
		c(&o)
	}
	var err error
	if d.Listener, err = New(o); err != nil {
		t.Fatal(err)
	}
	return d
}

// start serves on a real socket until the test ends, or until stop is called.
func (d *testListener) start(t *testing.T) (address string, stop func()) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- d.Run(ctx, ln, nil) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(stop)
	return ln.Addr().String(), stop
}

func (d *testListener) ask(method, path, key, body string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, "/", strings.NewReader(body))
	r.URL.Path, r.URL.RawPath = path, ""
	if key != "" {
		r.Header.Set("Key", key)
	}
	w := httptest.NewRecorder()
	d.Handler().ServeHTTP(w, r)
	return w
}

func TestAnswersInOrder(t *testing.T) {
	t.Parallel()
	huge := strings.Repeat("x", 1<<20+1)
	for _, c := range []struct {
		name, method, path, key, body string
		code                          int
		reply                         string
		verdict                       model.Verdict
	}{
		{"unknown account before all", "GET", "/callbacks/nobody", "", huge, 404, "", ""},
		{"method before size", "PUT", "/callbacks/sales", "", huge, 405, "", ""},
		{"a method nobody knows", "BREW", "/callbacks/sales", "", "", 405, "", ""},
		{"size before proof", "POST", "/callbacks/sales", "", huge, 413, "", ""},
		{"the largest", "POST", "/callbacks/sales", "right", "{" + huge[2:], 200, `{"received":true}`, model.Accepted},
		{"unreadable", "POST", "/callbacks/sales", "", "unreadable", 400, "", ""},
		{"no proof", "POST", "/callbacks/sales", "", "{}", 401, "", model.Refused},
		{"wrong proof before broken JSON", "POST", "/callbacks/sales", "wrong", "broken", 401, "", model.Refused},
		{"broken JSON", "POST", "/callbacks/sales", "right", "broken", 200, `{"received":true}`, model.NotUnderstood},
		{"empty", "POST", "/callbacks/sales", "right", "", 200, `{"received":true}`, model.NotUnderstood},
		{"an id that is no text", "POST", "/callbacks/sales", "right", "{nul}", 200, `{"received":true}`,
			model.NotUnderstood},
		{"good", "POST", "/callbacks/sales", "right", "{}", 200, `{"received":true}`, model.Accepted},
		{"a service that insists", "POST", "/callbacks/hr", "right", "{}", 200, "Hello API Event Received", model.Accepted},
		{"a panic", "POST", "/callbacks/sales", "right", "panic", 500, "", ""},
		{"root", "GET", "/", "", "", 404, "", ""},
		{"root, a method nobody knows", "BREW", "/", "", "", 404, "", ""},
		{"return", "GET", "/return/sales", "", "", 404, "", ""},
		{"hints", "POST", "/hints/sales", "", "", 404, "", ""},
		{"health", "GET", "/healthz", "", "", 404, "", ""},
		{"below an account", "POST", "/callbacks/sales/x", "right", "{}", 404, "", ""},
		{"slash after", "POST", "/callbacks/sales/", "right", "{}", 404, "", ""},
		{"no account", "POST", "/callbacks/", "right", "{}", 404, "", ""},
		{"NUL", "POST", "/callbacks/sales\x00", "right", "{}", 404, "", ""},
		{"dots", "POST", "/callbacks/../callbacks/sales", "right", "{}", 404, "", ""},
		{"not UTF-8", "POST", "/callbacks/s\xffales", "right", "{}", 404, "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			d := newTestListener(t)
			w := d.ask(c.method, c.path, c.key, c.body)
			if w.Code != c.code || c.reply != "" && w.Body.String() != c.reply {
				t.Errorf("got %d %q", w.Code, w.Body)
			}
			if (w.Code == 405) != (w.Header().Get("Allow") == "POST") {
				t.Errorf("Allow: %q", w.Header().Get("Allow"))
			}
			got := d.got()
			if (len(got) == 1) != (c.verdict != "") || len(got) == 1 && got[0].Callback.Verdict != c.verdict {
				t.Errorf("applied %+v, want %q", got, c.verdict)
			}
			if d.small.used.Load() != 0 || d.large.used.Load() != 0 || len(d.waiting) != 0 {
				t.Error("something is still held")
			}
		})
	}
}

func TestPathsOnTheWire(t *testing.T) {
	t.Parallel()
	address, _ := newTestListener(t).start(t)
	for path, want := range map[string]string{
		"POST /callbacks/sales%2F..":           "404",
		"POST /callbacks/sales%00":             "404",
		"POST /callbacks/%ff":                  "404",
		"POST /callbacks/%zz":                  "400",
		"POST /callbacks/..%2fcallbacks/sales": "404",
		"POST /callbacks//sales":               "404",
		"POST /callbacks/s%61les":              "401", // the same path, written otherwise
		"OPTIONS *":                            "404",
		"GET /callbacks/sales":                 "405",
	} {
		c := dial(t, address)
		fmt.Fprintf(c, "%s HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", path)
		if line, err := bufio.NewReader(c).ReadString('\n'); err != nil || !strings.HasPrefix(line, "HTTP/1.1 "+want) {
			t.Errorf("%s: %q, %v", path, line, err)
		}
	}
}

func dial(t *testing.T, address string) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(20 * time.Second))
	return c
}

func TestContentTypeIsNotJudged(t *testing.T) {
	t.Parallel()
	d := newTestListener(t)
	r := httptest.NewRequest("POST", "/callbacks/sales", strings.NewReader("{}"))
	r.Header.Set("Key", "right")
	r.Header.Set("Content-Type", "image/\x00png; =")
	w := httptest.NewRecorder()
	d.Handler().ServeHTTP(w, r)
	if w.Code != 200 {
		t.Errorf("got %d", w.Code)
	}
}

func TestRefusedIsKeptWholeAndItsSecretIsNot(t *testing.T) {
	t.Parallel()
	d := newTestListener(t)
	body := `{"long":"` + strings.Repeat("ü", 5000)
	d.ask("POST", "/callbacks/sales", "a-secret", body)
	d.ask("POST", "/callbacks/sales", "a-secret", body)
	got := d.got()
	if len(got) != 2 {
		t.Fatalf("%d stored", len(got))
	}
	c := got[0].Callback
	if !c.Sealed || string(c.Body) != body || c.Ref != "peeked\uFFFD" || c.Type != "TYPE" || c.DedupeKey != "" ||
		got[0].Observations != nil {
		t.Errorf("got %+v", c)
	}
	key := c.Headers["Key"]
	if !strings.HasPrefix(key, "hmac:") || key != got[1].Callback.Headers["Key"] ||
		strings.Contains(fmt.Sprint(c.Headers, c.Note), "a-secret") {
		t.Errorf("headers: %v", c.Headers)
	}
	other := newTestListener(t, func(o *Options) { o.HMACKey = []byte("another") })
	other.ask("POST", "/callbacks/sales", "a-secret", body)
	if other.got()[0].Callback.Headers["Key"] == key {
		t.Error("the HMAC does not depend on the installation key")
	}
}

func TestNotStoredIsNeverAcknowledged(t *testing.T) {
	t.Parallel()
	for name, err := range map[string]error{"busy": store.ErrBusy, "full": store.ErrUnavailable,
		"other": errors.New("x")} {
		for _, key := range []string{"right", "wrong"} {
			d := newTestListener(t)
			d.apply = func(context.Context) error { return err }
			if w := d.ask("POST", "/callbacks/hr", key, "{}"); w.Code != 503 || w.Header().Get("Retry-After") == "" {
				t.Errorf("%s, key %s: %d", name, key, w.Code)
			}
		}
	}
	d := newTestListener(t, func(o *Options) { o.ApplyTimeout = 20 * time.Millisecond })
	d.apply = func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
	if w := d.ask("POST", "/callbacks/sales", "right", "{}"); w.Code != 503 {
		t.Errorf("a store that hangs: %d", w.Code)
	}
}

// A callback is stored with its caller.
func TestTrustedProxies(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ trusted, peer, forwarded, want string }{
		{"127.0.0.1/32", "203.0.113.9:1", "198.51.100.1", "203.0.113.9"},
		{"10.0.0.0/8", "10.1.1.1:1", "198.51.100.1:5", "198.51.100.1"},
		{"::1/128", "[::1]:1", "2001:db8::9", "2001:db8::9"},
		{"10.0.0.0/8", "@", "198.51.100.1", "@"},
	} {
		d := newTestListener(t, func(o *Options) { o.TrustedProxies = networks(c.trusted) })
		r := httptest.NewRequest("POST", "/callbacks/sales", strings.NewReader("{}"))
		r.RemoteAddr = c.peer
		r.Header.Set("X-Forwarded-For", c.forwarded)
		d.Handler().ServeHTTP(httptest.NewRecorder(), r)
		if got := d.got()[0].Callback.RemoteAddr; got != c.want {
			t.Errorf("%+v: got %q", c, got)
		}
	}
}

func post(address, account, key string, body io.Reader) (*http.Response, error) {
	r, err := http.NewRequest("POST", "http://"+address+"/callbacks/"+account, body)
	if err != nil {
		return nil, err
	}
	r.Header.Set("Key", key)
	tr := &http.Transport{DisableKeepAlives: true}
	resp, err := tr.RoundTrip(r)
	if err == nil {
		var text bytes.Buffer
		_, err = text.ReadFrom(resp.Body)
		resp.Body.Close()
		resp.Body = io.NopCloser(&text)
	}
	return resp, err
}
