package callback

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestHugeBodies(t *testing.T) {
	t.Parallel()
	d := newTestListener(t)
	address, _ := d.start(t)
	for name, body := range map[string]io.Reader{
		"announced": strings.NewReader(strings.Repeat("x", 64<<20)),
		"chunked":   io.LimitReader(neverEnding{}, 64<<20),
	} {
		resp, err := post(address, "sales", "right", body)
		if err == nil && resp.StatusCode != 413 {
			t.Errorf("%s: %d", name, resp.StatusCode)
		}
	}
	if len(d.got()) != 0 {
		t.Error("something was stored")
	}
}

type neverEnding struct{}

func (neverEnding) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'x'
	}
	return len(p), nil
}

// wire is a network in memory. In a bubble it lets a test wait until nobody has anything to do, and time passes at
// once.
type wire struct {
	dialled chan net.Conn
	closed  chan struct{}
	close   func()
}

func newWire() *wire {
	w := &wire{dialled: make(chan net.Conn), closed: make(chan struct{})}
	w.close = sync.OnceFunc(func() { close(w.closed) })
	return w
}

func (w *wire) Accept() (net.Conn, error) {
	select {
	case c := <-w.dialled:
		return c, nil
	case <-w.closed:
		return nil, net.ErrClosed
	}
}

func (w *wire) Close() error   { w.close(); return nil }
func (w *wire) Addr() net.Addr { return &net.UnixAddr{Name: "wire", Net: "wire"} }

// dial connects to what listens.
func (w *wire) dial(context.Context, string, string) (net.Conn, error) {
	client, server := net.Pipe()
	select {
	case w.dialled <- server:
		return client, nil
	case <-w.closed:
		return nil, net.ErrClosed
	}
}

// sends connects and sends what a request begins with.
func (w *wire) sends(t *testing.T, format string, args ...any) net.Conn {
	t.Helper()
	c, err := w.dial(t.Context(), "", "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() }) //nolint:errcheck // a test
	if _, err := fmt.Fprintf(c, format, args...); err != nil {
		t.Fatal(err)
	}
	return c
}

// post sends a whole callback and returns the answer's code; 0 where none came.
func (w *wire) post(body string) int {
	r, err := http.NewRequest(http.MethodPost, "http://wire/callbacks/sales", strings.NewReader(body))
	if err != nil {
		return 0
	}
	r.Header.Set("Key", "right")
	resp, err := (&http.Transport{DisableKeepAlives: true, DialContext: w.dial}).RoundTrip(r)
	if err != nil {
		return 0
	}
	resp.Body.Close() //nolint:errcheck // only the code matters
	return resp.StatusCode
}

// startWire serves on a network in memory, until the test ends or stop is called.
func (d *testListener) startWire(t *testing.T) (w *wire, stop func()) {
	t.Helper()
	w = newWire()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- d.Run(ctx, w, nil) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		time.Sleep(time.Second) // of the bubble: net/http lets the last answers of closed connections reach the client
	})
	t.Cleanup(stop)
	return w, stop
}

func TestEndlesslySlowBody(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newTestListener(t, func(o *Options) { o.ReadTimeout = 300 * time.Millisecond })
		w, _ := d.startWire(t)
		c := w.sends(t, "POST /callbacks/sales HTTP/1.1\r\nHost: x\r\nKey: right\r\nContent-Length: 1000\r\n\r\n{")
		var drip sync.WaitGroup
		drip.Go(func() {
			for range 100 {
				if _, err := io.WriteString(c, " "); err != nil {
					return
				}
				time.Sleep(10 * time.Millisecond) // of the bubble
			}
		})
		began := time.Now()
		line, err := bufio.NewReader(c).ReadString('\n')
		if err != nil || !strings.HasPrefix(line, "HTTP/1.1 408") || len(d.got()) != 0 || time.Since(began) > d.ReadTimeout {
			t.Errorf("%q, %v after %s", line, err, time.Since(began))
		}
		c.Close() //nolint:errcheck // a test
		drip.Wait()
	})
}

// TestHalfOpenBodies: more of them than there are places, some of them large, keep nobody out.
func TestHalfOpenBodies(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newTestListener(t, func(o *Options) { o.MaxWaiting = 8; o.MaxBody = 10 << 20; o.ReadTimeout = time.Hour })
		w, stop := d.startWire(t)
		for i := range 200 {
			c := w.sends(t, "POST /callbacks/sales HTTP/1.1\r\nHost: x\r\nKey: right\r\nContent-Length: %d\r\n\r\n{", 9<<20)
			if i < 8 {
				go io.Copy(c, io.LimitReader(neverEnding{}, 8<<20)) //nolint:errcheck // it may be refused
			}
		}
		synctest.Wait()
		if large := d.large.used.Load(); large <= 16<<20 {
			t.Errorf("only %d bytes of large bodies are in memory", large)
		}
		for range 50 {
			if code := w.post("{}"); code != 200 {
				t.Fatalf("got %d", code)
			}
		}
		if small, large := d.small.used.Load(), d.large.used.Load(); small > smallBodies || large > largeBodies {
			t.Errorf("%d and %d bytes in memory", small, large)
		}
		began := time.Now()
		stop()
		if took := time.Since(began); took > drainTimeout+2*time.Second {
			t.Errorf("stopping took %s", took)
		}
		synctest.Wait()
		if d.small.used.Load() != 0 || d.large.used.Load() != 0 {
			t.Error("memory was not given back")
		}
	})
}

func TestWhoHangsUpUndoesNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newTestListener(t)
		inApply, goOn := make(chan struct{}), make(chan struct{})
		var cancelled atomic.Bool
		d.apply = func(ctx context.Context) error {
			close(inApply)
			<-goOn
			cancelled.Store(ctx.Err() != nil)
			return ctx.Err()
		}
		w, _ := d.startWire(t)
		c := w.sends(t, "POST /callbacks/sales HTTP/1.1\r\nHost: x\r\nKey: right\r\nContent-Length: 2\r\n\r\n{}")
		<-inApply
		c.Close()       //nolint:errcheck // a test
		synctest.Wait() // net/http has noticed
		close(goOn)
		synctest.Wait()
		if len(d.got()) != 1 || cancelled.Load() {
			t.Errorf("%d stored; the caller's leaving cancelled the write: %v", len(d.got()), cancelled.Load())
		}

		half := w.sends(t, "POST /callbacks/sales HTTP/1.1\r\nHost: x\r\nKey: right\r\nContent-Length: 50\r\n\r\n{}")
		half.Close() //nolint:errcheck // a test
		synctest.Wait()
		if len(d.got()) != 1 {
			t.Error("half a body was stored")
		}
	})
}

func TestStopAnswersWhatIsInHand(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newTestListener(t)
		goOn := make(chan struct{})
		d.apply = func(context.Context) error { <-goOn; return nil }
		w, stop := d.startWire(t)
		answers := make(chan int, 3)
		for range 3 {
			go func() { answers <- w.post("{}") }()
		}
		synctest.Wait() // all are being applied
		stopped := make(chan struct{})
		go func() { stop(); close(stopped) }()
		synctest.Wait() // nothing more is accepted
		if code := w.post("{}"); code != 0 {
			t.Errorf("it still listens: %d", code)
		}
		close(goOn)
		for range 3 {
			if code := <-answers; code != 200 {
				t.Errorf("answered %d", code)
			}
		}
		<-stopped
	})
}

func TestBoundedWaiting(t *testing.T) {
	t.Parallel()
	d := newTestListener(t, func(o *Options) { o.MaxWaiting = 1 })
	inApply, goOn := make(chan struct{}), make(chan struct{})
	d.apply = func(context.Context) error { close(inApply); <-goOn; return nil }
	first := make(chan int)
	go func() { first <- d.ask("POST", "/callbacks/sales", "right", "{}").Code }()
	<-inApply
	if w := d.ask("POST", "/callbacks/sales", "right", "{}"); w.Code != 503 || w.Header().Get("Retry-After") == "" {
		t.Errorf("got %d", w.Code)
	}
	close(goOn)
	if code := <-first; code != 200 {
		t.Errorf("got %d", code)
	}
}
