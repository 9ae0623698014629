package console

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// Ten thousand connections that send half a request, or wait, keep nobody out, and take no more files than they may.
func TestTenThousandConnectionsKeepNobodyOut(t *testing.T) {
	t.Parallel()
	bound := newConnections(50)
	var most int
	srv := httptest.NewUnstartedServer(bound.answering(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		bound.mu.Lock()
		most = max(most, len(bound.open))
		bound.mu.Unlock()
		io.WriteString(w, "ok") //nolint:errcheck // asked below
	})))
	srv.Config.ConnState, srv.Config.ConnContext = bound.state, bound.with
	srv.Start()
	defer srv.Close()
	var held []net.Conn
	defer func() {
		for _, c := range held {
			c.Close() //nolint:errcheck // of no use any more
		}
	}()
	n := 10_000
	if testing.Short() {
		n = 1000
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 10 * time.Second}
	for i := range n {
		c, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", srv.Listener.Addr().String())
		require.NoError(t, err)
		if i%2 == 0 {
			io.WriteString(c, "GET / HTTP/1.1\r\nHost: x\r\nX: ") //nolint:errcheck // it may be closed by then
		}
		if held = append(held, c); len(held) > 200 { // the system has its own bound
			held[0].Close() //nolint:errcheck // of no use any more
			held = held[1:]
		}
		if i%500 == 499 {
			r, err := http.NewRequestWithContext(t.Context(), "GET", srv.URL, nil)
			require.NoError(t, err)
			resp, err := client.Do(r)
			require.NoError(t, err, "after %d", i)
			resp.Body.Close() //nolint:errcheck // not read
			require.Equal(t, 200, resp.StatusCode)
		}
	}
	require.LessOrEqual(t, most, 50)
}

// One that is being answered is not closed in another's favour.
func TestWhatIsAnsweredStaysOpen(t *testing.T) {
	t.Parallel()
	bound := newConnections(2)
	begun, on := make(chan struct{}, 2), make(chan struct{})
	srv := httptest.NewUnstartedServer(bound.answering(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		begun <- struct{}{}
		<-on
		io.WriteString(w, "ok") //nolint:errcheck // asked below
	})))
	srv.Config.ConnState, srv.Config.ConnContext = bound.state, bound.with
	srv.Start()
	defer srv.Close()
	dial := func() net.Conn {
		c, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", srv.Listener.Addr().String())
		require.NoError(t, err)
		t.Cleanup(func() { c.Close() }) //nolint:errcheck // of no use any more
		return c
	}
	ask := func() net.Conn {
		c := dial()
		_, err := io.WriteString(c, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
		require.NoError(t, err)
		<-begun
		return c
	}
	first, second := ask(), ask()
	third := dial()
	_, err := third.Read(make([]byte, 1))
	require.ErrorIs(t, err, io.EOF, "there is no room, and nobody to make it")
	close(on)
	for _, c := range []net.Conn{first, second} {
		resp, err := http.ReadResponse(bufio.NewReader(c), nil)
		require.NoError(t, err)
		require.Equal(t, 200, resp.StatusCode)
		resp.Body.Close() //nolint:errcheck // not read
	}
}

// A reader that takes nothing is left after a minute, and holds neither memory nor a connection.
func TestAReaderThatTakesNothingIsLeft(t *testing.T) {
	t.Parallel()
	wrote := make(chan error, 1)
	past := time.Now().Add(-answerTime + 300*time.Millisecond) // the minute is nearly over
	srv := httptest.NewServer(timely(func() time.Time { return past }, http.HandlerFunc(
		func(w http.ResponseWriter, _ *http.Request) {
			for {
				if _, err := w.Write(make([]byte, 1<<20)); err != nil {
					wrote <- err
					return
				}
			}
		})))
	defer srv.Close()
	c, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", srv.Listener.Addr().String())
	require.NoError(t, err)
	defer c.Close() //nolint:errcheck // of no use any more
	_, err = io.WriteString(c, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	require.NoError(t, err)
	require.True(t, errors.Is(<-wrote, os.ErrDeadlineExceeded))
}

// A stream ends with the session or the token of its reader.
func TestAStreamEndsWithItsSession(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := openStore(t)
		defer s.Close() //nolint:errcheck // nothing is left in it
		srv := newServer(t, Options{Address: "127.0.0.1:1", Token: "config-token", Store: s})
		defer srv.feed.Stop()
		in := httptest.NewRequest("POST", "/login", strings.NewReader(url.Values{"token": {"config-token"}}.Encode()))
		in.Host = "localhost"
		in.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		w := httptest.NewRecorder()
		srv.Handler().ServeHTTP(w, in)
		cookie := w.Result().Cookies()[0]
		ask := func(ctx context.Context, method, path string) *httptest.ResponseRecorder {
			r := httptest.NewRequest(method, path, nil).WithContext(ctx)
			r.Host = "localhost"
			r.AddCookie(cookie)
			w := httptest.NewRecorder()
			srv.Handler().ServeHTTP(w, r)
			return w
		}
		over := make(chan time.Time, 1)
		began := time.Now()
		go func() {
			ask(t.Context(), "GET", "/api/v1/changes/stream")
			over <- time.Now()
		}()
		time.Sleep(time.Minute)
		require.Empty(t, over, "it lasts as long as the session")
		require.Equal(t, 303, ask(t.Context(), "POST", "/logout").Code)
		require.WithinRange(t, <-over, began.Add(time.Minute), began.Add(time.Minute+10*time.Second))
	})
}
