package hook_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"countersign/model"
	"countersign/model/announced"
	"countersign/provider/transport/ways"
	"countersign/worker/hook"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	secret = "whsec_bmV3LXNlY3JldC1uZXctc2VjcmV0LW5ldy1zZWM="
	older  = "whsec_b2xkLXNlY3JldC1vbGQtc2VjcmV0LW9sZC1zZWM="
)

func changed() *announced.Change {
	return &announced.Change{Change: model.Change{Seq: 42, Account: "sales", Ref: "a/b \"ü\"", Kind: model.KindStatus,
		From: "in_progress", To: "completed", Status: model.Completed, Confirmed: true, Source: "confirm",
		At: time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)}, Provider: "onespan", ExternalID: "C-1", Marked: true}
}

func eventOf(t *testing.T) hook.Event {
	t.Helper()
	e, err := hook.EventOf(changed())
	require.NoError(t, err)
	return e
}

// senderTo posts to a URL as a daemon does.
func senderTo(t *testing.T, url string, timeout time.Duration, private bool) hook.Sender {
	t.Helper()
	way := ways.New(nil, func(d *net.Dialer) *http.Transport {
		if d == nil {
			d = &net.Dialer{}
		}
		return &http.Transport{DialContext: d.DialContext, MaxResponseHeaderBytes: 64 << 10,
			TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12}}
	}, timeout, private)
	t.Cleanup(way.CloseIdleConnections)
	send, err := hook.HTTP{URL: url, Secrets: []string{secret, older}, Headers: map[string]string{"X-Gateway": "g"},
		Agent: "countersign/test", Timeout: timeout, Through: way, Now: time.Now}.Sender()
	require.NoError(t, err)
	return send
}

// listening serves connections byte by byte.
func listening(t *testing.T, serve func(net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	done := make(chan struct{})
	t.Cleanup(func() { l.Close(); <-done }) //nolint:errcheck // a test ends
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			serve(c)
			c.Close() //nolint:errcheck // as its receiver likes
		}
	}()
	return "http://" + l.Addr().String()
}

// asked reads a request's head and body.
func asked(c net.Conn) {
	if r, err := http.ReadRequest(bufio.NewReader(c)); err == nil {
		io.Copy(io.Discard, r.Body) //nolint:errcheck // as far as it came
	}
}

func TestEachOfTwoSecretsProvesAnEventAndNoOtherDoes(t *testing.T) {
	var body []byte
	var head http.Header
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ = io.ReadAll(r.Body)
		head = r.Header.Clone()
	}))
	defer s.Close()
	e := eventOf(t)
	a := senderTo(t, s.URL, time.Minute, true)(t.Context(), e)
	require.Equal(t, hook.Answer{Taken: true, Note: "200 OK"}, a)
	require.Equal(t, e.Body, body)
	require.Equal(t, e.ID, head.Get("Webhook-Id"))
	require.Equal(t, "g", head.Get("X-Gateway"))
	for _, one := range []string{secret, older} {
		wh, err := standardwebhooks.NewWebhook(one)
		require.NoError(t, err)
		require.NoError(t, wh.Verify(body, head))
		require.Error(t, wh.Verify(append(body, ' '), head), "another body")
	}
	wh, err := standardwebhooks.NewWebhook("whsec_bm9ib2R5cy1zZWNyZXQtbm9ib2R5cy1zZWNyZXQ=")
	require.NoError(t, err)
	require.Error(t, wh.Verify(body, head))
}

func TestAnEventIsTheSameWheneverItIsWritten(t *testing.T) {
	t.Parallel()
	e := eventOf(t)
	require.Equal(t, e, eventOf(t))
	require.JSONEq(t, `{"specversion":"1.0","id":"`+e.ID+`","source":"/countersign/sales","type":"countersign.status",
"subject":"a%2Fb%20%22%C3%BC%22","sequence":"42","time":"2026-01-31T12:00:00Z","datacontenttype":"application/json",
"data":{"seq":42,"account":"sales","provider":"onespan","ref":"a/b \"ü\"","external_id":"C-1","test":false,"kind":"status",
"from":"in_progress","to":"completed","status":"completed","confirmed":true,"source":"confirm",
"at":"2026-01-31T12:00:00.000Z","signer":"","document":""}}`, string(e.Body))
	other := changed()
	other.To = "declined"
	o, err := hook.EventOf(other)
	require.NoError(t, err)
	require.NotEqual(t, e.ID, o.ID, "the same seq after a restore says something else")
}

func TestWhatAnAnswerMeans(t *testing.T) {
	for _, test := range []struct {
		code   int
		header string
		body   string
		want   hook.Answer
	}{
		{200, "", "", hook.Answer{Taken: true, Note: "200 OK"}},
		{204, "", "", hook.Answer{Taken: true, Note: "204 No Content"}},
		{299, "", "", hook.Answer{Taken: true, Note: "299 "}},
		{400, "", "no\nsuch \x1b[31mthing", hook.Answer{Note: "400 Bad Request: no such [31mthing"}},
		{410, "", "", hook.Answer{Gone: true, Note: "410 Gone"}},
		{429, "120", "", hook.Answer{Busy: true, Wait: 2 * time.Minute, Note: "429 Too Many Requests"}},
		{429, "soon", "", hook.Answer{Busy: true, Note: "429 Too Many Requests"}},
		{429, "-5", "", hook.Answer{Busy: true, Note: "429 Too Many Requests"}},
		{503, "99999999999999", "", hook.Answer{Busy: true, Wait: 24 * time.Hour, Note: "503 Service Unavailable"}},
		{503, "", "", hook.Answer{Note: "503 Service Unavailable"}},
		{500, "60", "", hook.Answer{Wait: time.Minute, Note: "500 Internal Server Error"}},
	} {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			if test.header != "" {
				w.Header().Set("Retry-After", test.header)
			}
			w.WriteHeader(test.code)
			fmt.Fprint(w, test.body) //nolint:errcheck // as far as it goes
		}))
		require.Equal(t, test.want, senderTo(t, s.URL, time.Minute, true)(t.Context(), eventOf(t)), "%d", test.code)
		s.Close()
	}
}

// A receiver that wants to do harm gets an attempt that fails in time, and nothing more.
func TestHostileReceivers(t *testing.T) {
	const wait = 500 * time.Millisecond
	elsewhere := atomic.Int32{}
	metadata := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { elsewhere.Add(1) }))
	defer metadata.Close()
	for name, test := range map[string]struct {
		serve func(net.Conn)
		want  string
		taken bool
	}{
		"says nothing":    {func(c net.Conn) { asked(c); io.Copy(io.Discard, c) }, "no answer within", false}, //nolint:errcheck // it waits
		"hangs up":        {func(c net.Conn) { asked(c) }, "EOF", false},
		"speaks no HTTP":  {func(c net.Conn) { asked(c); io.WriteString(c, "\x16\x03\x01\x00garbage\n\n") }, "malformed", false}, //nolint:errcheck // noise
		"resets":          {func(c net.Conn) { c.(*net.TCPConn).SetLinger(0) }, "reset", false},                                  //nolint:errcheck // noise
		"endless headers": {func(c net.Conn) { asked(c); endless(c, "HTTP/1.1 200 OK\r\n", "X-More: and more\r\n") }, "header", false},
		"one endless header": {func(c net.Conn) { asked(c); endless(c, "HTTP/1.1 200 OK\r\nX-More: ", "aaaaaaaaaaaaaaaa") },
			"header", false},
		"an endless answer that refuses": {func(c net.Conn) { asked(c); endless(c, "HTTP/1.1 500 No\r\n\r\n", "more and more ") },
			"500 Internal Server Error: more and more", false},
		"a slow answer that refuses": {func(c net.Conn) {
			asked(c)
			io.WriteString(c, "HTTP/1.1 500 No\r\nContent-Length: 100\r\n\r\nx") //nolint:errcheck // noise
			io.Copy(io.Discard, c)                                               //nolint:errcheck // it waits
		}, "500 Internal Server Error", false},
		"a slow body after it took the event": {func(c net.Conn) {
			asked(c)
			io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nx") //nolint:errcheck // noise
			io.Copy(io.Discard, c)                                               //nolint:errcheck // it waits
		}, "200 OK", true},
		"endless informational answers": {func(c net.Conn) { asked(c); endless(c, "", "HTTP/1.1 103 Early Hints\r\n\r\n") },
			"exceeded 65536 bytes", false},
		"a redirect": {func(c net.Conn) {
			asked(c)
			io.WriteString(c, "HTTP/1.1 307 Go\r\nContent-Length: 0\r\nLocation: "+metadata.URL+"\r\n\r\n") //nolint:errcheck // noise
		}, "redirects are not followed", false},
		"a redirect to the machine's metadata": {func(c net.Conn) {
			asked(c)
			io.WriteString(c, "HTTP/1.1 302 Go\r\nContent-Length: 0\r\nLocation: http://169.254.169.254/latest/meta-data\r\n\r\n") //nolint:errcheck // noise
		}, "redirects are not followed", false},
	} {
		t.Run(name, func(t *testing.T) {
			url := listening(t, test.serve)
			began := time.Now()
			a := senderTo(t, url, wait, true)(t.Context(), eventOf(t))
			require.Equal(t, test.taken, a.Taken, a.Note)
			require.Contains(t, a.Note, test.want)
			require.LessOrEqual(t, len([]rune(a.Note)), 201)
			require.Less(t, time.Since(began), 20*wait)
		})
	}
	require.Zero(t, elsewhere.Load(), "a redirect was followed")
}

func endless(c net.Conn, first, more string) {
	c.SetDeadline(time.Now().Add(10 * time.Second)) //nolint:errcheck // a test's connection
	_, err := io.WriteString(c, first)
	more = strings.Repeat(more, 1000)
	for err == nil {
		_, err = io.WriteString(c, more)
	}
}

func TestAnswersInTLSThatAreNone(t *testing.T) {
	url := listening(t, func(c net.Conn) {
		io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n") //nolint:errcheck // noise
	})
	a := senderTo(t, strings.Replace(url, "http:", "https:", 1), time.Second, true)(t.Context(), eventOf(t))
	require.False(t, a.Taken)
	require.Contains(t, a.Note, "does not look like a TLS handshake")
	s := httptest.NewTLSServer(http.NotFoundHandler())
	defer s.Close()
	a = senderTo(t, s.URL, time.Second, true)(t.Context(), eventOf(t))
	require.Contains(t, a.Note, "certificate", "nobody vouches for it")
}

// The address that is dialled is judged, whatever the name says.
func TestPrivateAddressesAreRefusedUnlessAllowed(t *testing.T) {
	reached := atomic.Int32{}
	s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached.Add(1) }))
	defer s.Close()
	port := s.URL[strings.LastIndexByte(s.URL, ':'):]
	for _, host := range []string{"127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "0.0.0.0"} {
		a := senderTo(t, "http://"+host+port+"/?token=secret", time.Second, false)(t.Context(), eventOf(t))
		require.False(t, a.Taken, host)
		require.NotContains(t, a.Note, "secret")
	}
	require.Zero(t, reached.Load())
	require.True(t, senderTo(t, s.URL, time.Second, true)(t.Context(), eventOf(t)).Taken)
}

func TestAnAttemptEndsWithItsContext(t *testing.T) {
	came, over := make(chan struct{}), make(chan struct{})
	s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { close(came); <-over }))
	defer s.Close()
	defer close(over)
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-came; cancel() }()
	a := senderTo(t, s.URL, time.Minute, true)(ctx, eventOf(t))
	require.Equal(t, hook.Answer{Note: "the daemon stopped before it was answered"}, a)
}

func TestSecretsThatAreNoneAreNotRepeated(t *testing.T) {
	t.Parallel()
	_, err := hook.HTTP{Secrets: []string{"whsec_not base64 at all"}}.Sender()
	require.Error(t, err)
	require.NotContains(t, err.Error(), "not base64 at")
	_, err = hook.HTTP{}.Sender()
	require.Error(t, err)
}
