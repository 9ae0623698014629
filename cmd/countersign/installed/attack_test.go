package installed

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/cmd/countersign/config"
	"countersign/cmd/countersign/installtest"
	"countersign/model"
	"countersign/provider/simulator"
)

// servedWithin is how soon a caller is answered, whatever others do to the listener.
const servedWithin = 2 * time.Second

// attacked is the real program on an empty world, with a proved callback to send.
type attacked struct {
	installtest.Installation
	p   *installtest.Process
	key string
	n   atomic.Int64
}

func attack(t *testing.T, public string) *attacked {
	t.Helper()
	svc := installtest.PlayServices(t, simulator.Options{Transactions: -1})
	a := &attacked{Installation: installtest.Install(t, svc, 1)}
	if public != "" {
		a.Edit(t, `(?m)^(public: \{)`, "$1 "+public+",")
	}
	a.key, _ = svc.Account(simulator.AccountOneSpan).Settings["callback_key"].(string)
	a.p, _ = a.Serving(t, installtest.BuiltProgram(t))
	return a
}

// served sends one proved callback on a connection of its own and holds its answer against the clock.
func (a *attacked) served(t *testing.T, what string) {
	t.Helper()
	began := time.Now()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 2 * servedWithin}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost,
		"http://"+a.Public+"/callbacks/"+simulator.AccountOneSpan,
		bytes.NewReader(installtest.OneSpanEvent("PACKAGE_CREATE", fmt.Sprintf("served-%d", a.n.Add(1)), time.Now())))
	require.NoError(t, err)
	r.Header.Set("Authorization", "Basic "+a.key)
	resp, err := client.Do(r)
	require.NoError(t, err, what)
	defer resp.Body.Close() //nolint:errcheck // only the code matters
	require.Equal(t, http.StatusOK, resp.StatusCode, what)
	require.Less(t, time.Since(began), servedWithin, what)
}

// hold opens connections, each of which sends text and then nothing more.
func (a *attacked) hold(t *testing.T, n int, text string) (held []net.Conn) {
	t.Helper()
	for range n {
		c, err := net.Dial("tcp", a.Public) //nolint:noctx // loopback
		require.NoError(t, err)
		t.Cleanup(func() { c.Close() }) //nolint:errcheck // a test
		_, err = io.WriteString(c, text)
		require.NoError(t, err)
		held = append(held, c)
	}
	return held
}

// Whoever holds connections open keeps nobody out: neither below the bounds nor beyond them.
func TestAttackHeldConnections(t *testing.T) {
	t.Parallel()
	for name, public := range map[string]string{
		"with the usual bounds": "", "of one address": "max_connections_per_address: 150",
		"in all": `max_connections: 150, trusted_proxies: ["127.0.0.1"]`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := attack(t, public)
			path := "POST /callbacks/" + simulator.AccountOneSpan + " HTTP/1.1\r\nHost: x\r\n"
			first := a.hold(t, 1, path)[0]
			a.hold(t, 200, path+"X-Slow: ")
			a.served(t, "200 half headers")
			a.hold(t, 200, path+"Authorization: Basic "+a.key+"\r\nContent-Length: 1000000\r\n\r\n{")
			a.served(t, "200 half bodies")
			idle := string(installtest.OneSpanEvent("PACKAGE_CREATE", "r-idle", time.Now()))
			a.hold(t, 200, fmt.Sprintf("%sAuthorization: Basic %s\r\nContent-Length: %d\r\n\r\n%s", path, a.key, len(idle),
				idle))
			a.hold(t, 100, "")
			for range 20 {
				a.served(t, "200 idle ones and 100 that say nothing")
			}
			require.True(t, installtest.Answers("http://"+a.Console+"/healthz", http.StatusOK))
			require.NoError(t, first.SetReadDeadline(time.Now().Add(time.Second)))
			_, err := first.Read(make([]byte, 1))
			require.ErrorIs(t, err, io.EOF, "the oldest has lost its place")
		})
	}
}

// Where the system gives few files, strangers do not take those that the database needs.
func TestAttackFewFiles(t *testing.T) {
	t.Parallel()
	svc := installtest.PlayServices(t, simulator.Options{Transactions: -1})
	a := &attacked{Installation: installtest.Install(t, svc, 1)}
	a.key, _ = svc.Account(simulator.AccountOneSpan).Settings["callback_key"].(string)
	a.p = a.StartAs(t, "sh", "-c", `ulimit -n 200; exec "$0" --config "$1" serve`, installtest.BuiltProgram(t), a.Config)
	a.Up(t, a.p)
	a.hold(t, 300, "POST /callbacks/"+simulator.AccountOneSpan+" HTTP/1.1\r\nHost: x\r\n")
	for range 10 {
		a.served(t, "300 connections where 200 files may be open")
	}
	code, text := a.Installation.Looked(t, "/readyz", "", "")
	require.Equal(t, http.StatusOK, code, text)
	require.Contains(t, a.p.Out.String(), "LimitNOFILE")
}

// talk sends bytes as they are and returns the first line of each answer, until the daemon ends the connection.
func (a *attacked) talk(t *testing.T, sent string) (lines []string) {
	t.Helper()
	c := a.hold(t, 1, "")[0]
	require.NoError(t, c.SetDeadline(time.Now().Add(15*time.Second)))
	go func() {
		io.WriteString(c, sent)       //nolint:errcheck // it may hang up in the middle
		c.(*net.TCPConn).CloseWrite() //nolint:errcheck,forcetypeassert // a test
	}()
	in := bufio.NewReader(c)
	for {
		line, err := in.ReadString('\n')
		if i := strings.Index(line, "HTTP/1"); i >= 0 { // the body before it may end without a new line
			lines = append(lines, strings.TrimSpace(line[i:]))
		}
		if err != nil {
			return lines
		}
	}
}

// Bytes that are no request, or an odd one, are refused or taken for what they are; the daemon goes on.
func TestAttackOddRequests(t *testing.T) {
	t.Parallel()
	a := attack(t, "")
	post := func(headers, body string) string {
		return "POST /callbacks/" + simulator.AccountOneSpan + " HTTP/1.1\r\nHost: x\r\nAuthorization: Basic " + a.key +
			"\r\n" + headers + "\r\n" + body
	}
	event := func(ref string) string { return string(installtest.OneSpanEvent("PACKAGE_CREATE", ref, time.Now())) }
	length := func(s string) string { return fmt.Sprintf("Content-Length: %d\r\n", len(s)) }
	var bomb bytes.Buffer
	zip := gzip.NewWriter(&bomb)
	for range 64 {
		_, err := zip.Write(make([]byte, 1<<20))
		require.NoError(t, err)
	}
	require.NoError(t, zip.Close())
	once := event("r-pipelined")
	for _, c := range []struct{ name, sent, want string }{
		{"noise", "\x00\x01\x02\xff\xfe\r\n\r\n", "HTTP/1.1 400 Bad Request"},
		{"a TLS greeting", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", "HTTP/1.1 400 Bad Request"},
		{"HTTP/2 without TLS", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "HTTP/1.1 404 Not Found"},
		{"HTTP/9", "POST /callbacks/x HTTP/9.1\r\nHost: x\r\n\r\n", "HTTP/1.1 505 HTTP Version Not Supported"},
		{"no host", "POST /callbacks/x HTTP/1.1\r\n\r\n", "HTTP/1.1 400 Bad Request"},
		{"two hosts", "POST /callbacks/x HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n", "HTTP/1.1 400 Bad Request"},
		{"endless headers", post("X-Long: "+strings.Repeat("x", 1<<20)+"\r\n", ""),
			"HTTP/1.1 431 Request Header Fields Too Large"},
		{"many headers", post(strings.Repeat("X: y\r\n", 50_000), ""), "HTTP/1.1 431 Request Header Fields Too Large"},
		{"two lengths", post("Content-Length: 5\r\nContent-Length: 6\r\n", "{}   "), "HTTP/1.1 400 Bad Request"},
		{"a length below nothing", post("Content-Length: -1\r\n", ""), "HTTP/1.1 400 Bad Request"},
		{"an unknown coding", post("Transfer-Encoding: gzip\r\n", ""), "HTTP/1.1 501 Not Implemented"},
		{"a broken chunk", post("Transfer-Encoding: chunked\r\n", "zz\r\n"), "HTTP/1.1 400 Bad Request"},
		{"an endless chunk extension",
			post("Transfer-Encoding: chunked\r\n",
				"2;"+strings.Repeat("x", 1<<20)+"\r\n{}\r\n0\r\n\r\n"), "HTTP/1.1 400 Bad Request"},
		{"a header with NUL", post("X: a\x00b\r\n", ""), "HTTP/1.1 400 Bad Request"},
		{"a folded header", post("X: a\r\n b\r\n"+length(once), once), ""},
		{"a space before the colon", post("X : a\r\n", ""), "HTTP/1.1 400 Bad Request"},
		{"packed", post("Content-Encoding: gzip\r\n"+length(bomb.String()), bomb.String()), "HTTP/1.1 200 OK"},
	} {
		lines := a.talk(t, c.sent)
		if c.want != "" {
			require.NotEmpty(t, lines, c.name)
			require.Contains(t, lines[0], c.want, c.name)
		}
		a.served(t, c.name)
	}
	require.Equal(t, string(model.NotUnderstood),
		installtest.One[string](a.Table(t),
			"SELECT verdict FROM callbacks ORDER BY LENGTH(body) DESC LIMIT 1"),
		"64 MiB of nothing stay 64 KiB: a body is not unpacked")

	once = event("r-one")
	lines := a.talk(t, strings.Repeat(post(length(once), once), 50)+post("Connection: close\r\n"+length(once), once))
	require.Len(t, lines, 51, "pipelined requests are answered one after the other")
	for _, line := range lines {
		require.Equal(t, "HTTP/1.1 200 OK", line)
	}
	for _, sent := range []string{"GET /x HTTP/1.1\r\nHost: x\r\n\r\n",
		"POST /callbacks/" + simulator.AccountOneSpan + " HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}"} {
		require.Len(t, a.talk(t, strings.Repeat(sent, 20_000)), 1, "whoever is turned away has to connect again")
		a.served(t, "pipelines that lead to nothing")
	}
}

// Nothing is served but the routes of callbacks, and what is not there looks the same everywhere.
func TestAttackOtherRoutes(t *testing.T) {
	t.Parallel()
	a := attack(t, "")
	const acc = simulator.AccountOneSpan
	for _, path := range []string{
		"/", "/metrics", "/healthz", "/readyz", "/api/v1/transactions", "/openapi.json", "/debug/pprof/", "/debug/vars",
		"/callbacks", "/callbacks/", "/callbacks/nobody",
		"/callbacks/" + acc + "/", "/callbacks/" + acc + "/x", "/callbacks//" + acc, "//callbacks/" +
			acc, "/callbacks/%2e%2e/" + acc, "/Callbacks/" + acc,
		"/callbacks/" + strings.ToUpper(acc), "/callbacks/" + acc + "%00", "/hints/" +
			acc, "/hints/nobody", "/return/nobody", "/.well-known/acme-challenge/x",
		"/favicon.ico", "/robots.txt", "/documents/", "/../../etc/passwd", "/countersign.db", "/countersign.key",
	} {
		for _, method := range []string{"GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT",
			"PROPFIND"} {
			lines := a.talk(t, method+" "+path+" HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
			require.Equal(t, []string{"HTTP/1.1 404 Not Found"}, lines, "%s %s", method, path)
		}
	}
	for _, method := range []string{"GET", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"} {
		lines := a.talk(t, method+" /callbacks/"+acc+" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
		require.Equal(t, []string{"HTTP/1.1 405 Method Not Allowed"}, lines, method)
	}
	require.Zero(t, a.Installation.Rows(t))
}

// A flood of callbacks without proof is bounded, and keeps none with proof out.
func TestAttackRefusedFlood(t *testing.T) {
	t.Parallel()
	a := attack(t, "refused_per_minute: 40")
	codes := map[int]int{}
	answers := map[string]bool{}
	for i := range 400 {
		code, text := a.Post(simulator.AccountOneSpan, "application/json", "Basic wrong",
			installtest.OneSpanEvent("PACKAGE_COMPLETE", fmt.Sprintf("r-%d", i), time.Now()))
		codes[code]++
		answers[text] = true
		if i%50 == 0 {
			a.served(t, "in the flood")
		}
	}
	require.GreaterOrEqual(t, codes[http.StatusUnauthorized], 40)
	require.Less(t, codes[http.StatusUnauthorized], 120, "the allowance is refilled slowly")
	require.Equal(t, 400, codes[http.StatusUnauthorized]+codes[http.StatusTooManyRequests])
	require.Len(t, answers, 2, "two answers, whatever is sent: %v", answers)
	require.Equal(t, codes[http.StatusUnauthorized],
		installtest.One[int](a.Table(t), "SELECT COUNT(*) FROM callbacks WHERE verdict = 'refused'"))
	require.Equal(t, int(a.n.Load()), installtest.One[int](a.Table(t), "SELECT COUNT(*) FROM callbacks WHERE verdict = 'accepted'"))
	_, metrics := a.Installation.Looked(t, "/metrics", "", "")
	require.Contains(t, metrics,
		fmt.Sprintf(`countersign_callbacks_total{account="%s",verdict="limited"} %d`, simulator.AccountOneSpan,
			codes[http.StatusTooManyRequests]))
}

// Where sources are named, an account is there for them alone; return pages are for everybody.
func TestAttackSources(t *testing.T) {
	t.Parallel()
	a := attack(t, `allow: ["203.0.113.0/24"], trusted_proxies: ["127.0.0.1"]`)
	ask := func(from, account string) int {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+a.Public+"/callbacks/"+account,
			bytes.NewReader(installtest.OneSpanEvent("PACKAGE_CREATE", "r-1", time.Now())))
		require.NoError(t, err)
		r.Header.Set("Authorization", "Basic "+a.key)
		if from != "" {
			r.Header.Set("X-Forwarded-For", from)
		}
		resp, err := http.DefaultClient.Do(r)
		require.NoError(t, err)
		defer resp.Body.Close() //nolint:errcheck // only the code matters
		return resp.StatusCode
	}
	require.Equal(t, http.StatusNotFound, ask("", simulator.AccountOneSpan))
	require.Equal(t, http.StatusNotFound, ask("198.51.100.7", simulator.AccountOneSpan))
	require.Equal(t, http.StatusNotFound, ask("203.0.113.9, 198.51.100.7", simulator.AccountOneSpan),
		"only the last hop is the proxy's word")
	require.Equal(t, http.StatusOK, ask("203.0.113.9", simulator.AccountOneSpan))
	require.Equal(t, http.StatusOK, ask("::ffff:203.0.113.9", simulator.AccountOneSpan))
	require.Equal(t, 2, installtest.One[int](a.Table(t), "SELECT COUNT(*) FROM callbacks"))
	lines := a.talk(t, "GET /return/"+simulator.AccountOneSpan+"?ref=x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
	require.Equal(t, []string{"HTTP/1.1 200 OK"}, lines)

	a.Edit(t, `(?m)^    allow_private_links: true$`, "$0\n    callback_sources: [127.0.0.1]")
	require.NoError(t, a.p.Process.Signal(syscall.SIGHUP))
	installtest.Eventually(t, "the account's own sources", func() bool { return ask("", simulator.AccountOneSpan) == http.StatusOK })
	require.Equal(t, http.StatusNotFound, ask("203.0.113.9", simulator.AccountOneSpan))
}

// Under load the config is read again and again, each time with another secret: who signs with the one that
// holds is taken, every 200 is kept once, and nobody sees another answer than 200 and 401.
func TestAttackReloadsUnderLoad(t *testing.T) {
	t.Parallel()
	a := attack(t, "refused_per_minute: 100000")
	text, err := os.ReadFile(a.Config)
	require.NoError(t, err)
	var mu sync.Mutex
	now, took := a.key, map[string]bool{}
	stop := make(chan struct{})
	var senders sync.WaitGroup
	for s := range 4 {
		senders.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-stop:
					return
				default:
				}
				mu.Lock()
				key := now
				mu.Unlock()
				ref := fmt.Sprintf("s%d-%d", s, i)
				code, said := a.Post(simulator.AccountOneSpan, "application/json", "Basic "+key,
					installtest.OneSpanEvent("PACKAGE_CREATE", ref, time.Now()))
				if code == http.StatusOK {
					mu.Lock()
					took[ref] = true
					mu.Unlock()
				} else if code != http.StatusUnauthorized {
					t.Errorf("answered %d %s", code, said)
					return
				}
			}
		})
	}
	for i := range 12 {
		next := fmt.Sprintf("secret-%d-%d", i, time.Now().UnixNano())
		require.NoError(t, os.WriteFile(a.Config+".new",
			[]byte(strings.ReplaceAll(string(text), config.Quote(a.key), `"`+next+`"`)), 0o600))
		require.NoError(t, os.Rename(a.Config+".new", a.Config))
		require.NoError(t, a.p.Process.Signal(syscall.SIGHUP))
		installtest.Eventually(t, "the next secret", func() bool {
			code, _ := a.Post(simulator.AccountOneSpan, "application/json", "Basic "+next,
				installtest.OneSpanEvent("PACKAGE_CREATE", "probe", time.Unix(1_700_000_000, 0)))
			return code == http.StatusOK
		})
		mu.Lock()
		now = next
		mu.Unlock()
	}
	close(stop)
	senders.Wait()
	stored := a.Callbacks(t, model.Accepted)
	require.NotEmpty(t, took)
	for ref := range took {
		require.Equal(t, 1, stored[ref], ref)
	}
	require.True(t, installtest.Answers("http://"+a.Console+"/healthz", http.StatusOK))
}
