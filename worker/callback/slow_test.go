package callback

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

func TestHugeBodies(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
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

func TestEndlesslySlowBody(t *testing.T) {
	t.Parallel()
	d := newDesk(t, func(o *Options) { o.ReadTimeout = 300 * time.Millisecond })
	address, _ := d.start(t)
	c := dial(t, address)
	fmt.Fprint(c, "POST /callbacks/sales HTTP/1.1\r\nHost: x\r\nKey: right\r\nContent-Length: 1000\r\n\r\n{")
	go func() {
		for range 100 {
			if _, err := io.WriteString(c, " "); err != nil {
				return
			}
			time.Sleep(10 * time.Millisecond)
		}
	}()
	began := time.Now()
	line, err := bufio.NewReader(c).ReadString('\n')
	if strings.HasPrefix(line, "HTTP/1.1 2") || len(d.got()) != 0 || time.Since(began) > 10*time.Second {
		t.Errorf("%q, %v after %s", line, err, time.Since(began))
	}
	if err == nil && !strings.HasPrefix(line, "HTTP/1.1 408") {
		t.Errorf("got %q", line)
	}
}

// TestHalfOpenBodies: more of them than there are places, some of them large, keep nobody out.
func TestHalfOpenBodies(t *testing.T) {
	t.Parallel()
	d := newDesk(t, func(o *Options) { o.MaxWaiting = 8; o.MaxBody = 10 << 20 })
	address, stop := d.start(t)
	for i := range 200 {
		c := dial(t, address)
		fmt.Fprintf(c, "POST /callbacks/sales HTTP/1.1\r\nHost: x\r\nKey: right\r\nContent-Length: %d\r\n\r\n{", 9<<20)
		if i < 8 {
			go io.Copy(c, io.LimitReader(neverEnding{}, 8<<20)) //nolint:errcheck // it may be refused
		}
	}
	wait(t, func() bool { return d.large.used.Load() > 16<<20 })
	for range 50 {
		resp, err := post(address, "sales", "right", strings.NewReader("{}"))
		if err != nil || resp.StatusCode != 200 {
			t.Fatalf("%+v, %v", resp, err)
		}
	}
	if small, large := d.small.used.Load(), d.large.used.Load(); small > smallBodies || large > largeBodies {
		t.Errorf("%d and %d bytes in hand", small, large)
	}
	began := time.Now()
	stop()
	if took := time.Since(began); took > 9*time.Second {
		t.Errorf("stopping took %s", took)
	}
	wait(t, func() bool { return d.small.used.Load() == 0 && d.large.used.Load() == 0 })
}

func wait(t *testing.T, until func() bool) {
	t.Helper()
	for range 2000 {
		if until() {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	t.Fatal("waited in vain")
}

func TestWhoHangsUpUndoesNothing(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	inApply, goOn := make(chan struct{}), make(chan struct{})
	var cancelled atomic.Bool
	d.apply = func(ctx context.Context) error {
		close(inApply)
		<-goOn
		cancelled.Store(ctx.Err() != nil)
		return ctx.Err()
	}
	address, _ := d.start(t)
	c := dial(t, address)
	fmt.Fprint(c, "POST /callbacks/sales HTTP/1.1\r\nHost: x\r\nKey: right\r\nContent-Length: 2\r\n\r\n{}")
	<-inApply
	c.Close()
	time.Sleep(50 * time.Millisecond) // net/http notices
	close(goOn)
	wait(t, func() bool { return len(d.got()) == 1 })
	if cancelled.Load() {
		t.Error("the caller's leaving cancelled the write")
	}

	half := dial(t, address)
	fmt.Fprint(half, "POST /callbacks/sales HTTP/1.1\r\nHost: x\r\nKey: right\r\nContent-Length: 50\r\n\r\n{}")
	half.Close()
	time.Sleep(50 * time.Millisecond)
	if len(d.got()) != 1 {
		t.Error("half a body was stored")
	}
}

func TestStopAnswersWhatIsInHand(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	inApply, goOn := make(chan struct{}, 3), make(chan struct{})
	d.apply = func(context.Context) error { inApply <- struct{}{}; <-goOn; return nil }
	address, stop := d.start(t)
	answers := make(chan int, 3)
	for range 3 {
		go func() {
			resp, err := post(address, "sales", "right", strings.NewReader("{}"))
			if err != nil {
				answers <- 0
				return
			}
			answers <- resp.StatusCode
		}()
	}
	for range 3 {
		<-inApply
	}
	stopped := make(chan struct{})
	go func() { stop(); close(stopped) }()
	time.Sleep(50 * time.Millisecond)
	close(goOn)
	for range 3 {
		if code := <-answers; code != 200 {
			t.Errorf("answered %d", code)
		}
	}
	<-stopped
	if _, err := post(address, "sales", "right", strings.NewReader("{}")); err == nil {
		t.Error("it still listens")
	}
}

func TestBoundedWaiting(t *testing.T) {
	t.Parallel()
	d := newDesk(t, func(o *Options) { o.MaxWaiting = 1 })
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
