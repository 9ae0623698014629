// Package browser shows pages in Chromium, and says how many requests that took and when they were painted.
package browser

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"
)

const (
	settles      = 700 * time.Millisecond // after the load: a later paint is none of the page's
	browserWaits = 20 * time.Second
)

// Browser is a Chromium that is told what to do over two pipes, in its debugging protocol.
type Browser struct {
	cmd     *exec.Cmd
	dir     string
	in      *os.File
	session string

	mu       sync.Mutex
	next     int
	waiting  map[int]chan message
	requests int
	loaded   chan struct{}
	ended    chan struct{}
}

type message struct {
	ID             int
	Method         string
	Params, Result json.RawMessage
	Error          *struct{ Message string }
}

// Find is where a Chromium is installed; "" where none is.
func Find() string {
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	return ""
}

// Open starts a Chromium without a window and a profile of its own.
func Open(ctx context.Context, program string) (b *Browser, err error) {
	b = &Browser{waiting: map[int]chan message{}, loaded: make(chan struct{}, 1), ended: make(chan struct{})}
	if b.dir, err = os.MkdirTemp("", "countersign-bench-*"); err != nil {
		return nil, err
	}
	args := []string{"--headless=new", "--remote-debugging-pipe", "--user-data-dir=" + b.dir, "--no-first-run",
		"--disable-gpu", "--window-size=1280,860", "--no-proxy-server"}
	if os.Getuid() == 0 {
		args = append(args, "--no-sandbox")
	}
	b.cmd = exec.CommandContext(ctx, program, append(args, "about:blank")...) //nolint:gosec // a browser that is installed
	theirs, in, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	out, mine, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	b.in, b.cmd.ExtraFiles = in, []*os.File{theirs, mine}
	if err := b.cmd.Start(); err != nil {
		return nil, err
	}
	if err := errors.Join(theirs.Close(), mine.Close()); err != nil {
		return nil, err
	}
	go b.hear(out)
	return b, b.attach()
}

// attach opens a page of its own.
func (b *Browser) attach() error {
	var target struct{ TargetID string }
	var session struct{ SessionID string }
	for _, step := range []struct {
		method string
		params map[string]any
		to     any
	}{
		{"Target.createTarget", map[string]any{"url": "about:blank"}, &target},
		{"Target.attachToTarget", map[string]any{"flatten": true}, &session},
		{"Page.enable", nil, nil}, {"Network.enable", nil, nil}, {"Runtime.enable", nil, nil},
		{"Page.addScriptToEvaluateOnNewDocument", map[string]any{"source": `new PerformanceObserver(list => {
for (const e of list.getEntries()) globalThis.largestPaint = e.startTime }).observe({type: "largest-contentful-paint", buffered: true})`}, nil},
	} {
		if step.to == &session {
			step.params["targetId"] = target.TargetID
		}
		result, err := b.call(step.method, step.params)
		if err == nil && step.to != nil {
			err = json.Unmarshal(result, step.to)
		}
		if err != nil {
			return errors.Join(err, b.Close())
		}
		b.session = session.SessionID
	}
	return nil
}

// hear reads answers and events, each ended by a NUL.
func (b *Browser) hear(out *os.File) {
	defer close(b.ended)
	for in := bufio.NewReader(out); ; {
		line, err := in.ReadBytes(0)
		if err != nil {
			return
		}
		var m message
		if json.Unmarshal(line[:len(line)-1], &m) != nil {
			continue
		}
		b.mu.Lock()
		switch {
		case m.ID != 0 && b.waiting[m.ID] != nil:
			b.waiting[m.ID] <- m
			delete(b.waiting, m.ID)
		case m.Method == "Page.loadEventFired":
			select {
			case b.loaded <- struct{}{}:
			default:
			}
		case m.Method == "Network.responseReceived" && fetched(m.Params):
			b.requests++
		case m.Method == "Network.requestServedFromCache": // its answer is received as well
			b.requests--
		}
		b.mu.Unlock()
	}
}

// fetched says whether an answer came over the network.
func fetched(params json.RawMessage) bool {
	var p struct {
		Response struct {
			URL                              string
			FromDiskCache, FromPrefetchCache bool
			EncodedDataLength                float64
		}
	}
	err := json.Unmarshal(params, &p)
	return err == nil && !p.Response.FromDiskCache && p.Response.EncodedDataLength > 0 && strings.HasPrefix(p.Response.URL, "http")
}

// call asks for something and waits for the answer.
func (b *Browser) call(method string, params map[string]any) (json.RawMessage, error) {
	answer := make(chan message, 1)
	b.mu.Lock()
	b.next++
	id := b.next
	b.waiting[id] = answer
	b.mu.Unlock()
	ask := map[string]any{"id": id, "method": method}
	if params != nil {
		ask["params"] = params
	}
	if b.session != "" {
		ask["sessionId"] = b.session
	}
	text, err := json.Marshal(ask)
	if err != nil {
		return nil, err
	}
	if _, err := io.WriteString(b.in, string(text)+"\x00"); err != nil {
		return nil, fmt.Errorf("chromium: %w", err)
	}
	select {
	case m := <-answer:
		if m.Error != nil {
			return nil, fmt.Errorf("chromium, %s: %s", method, m.Error.Message)
		}
		return m.Result, nil
	case <-b.ended:
		return nil, fmt.Errorf("chromium ended before it answered %s", method)
	case <-time.After(browserWaits):
		return nil, fmt.Errorf("chromium did not answer %s", method)
	}
}

// View shows a page, and says how many requests that took and when its largest paint was, in milliseconds.
func (b *Browser) View(address string) (requests int, paint float64, err error) {
	b.mu.Lock()
	b.requests = 0
	select {
	case <-b.loaded:
	default:
	}
	b.mu.Unlock()
	if _, err := b.call("Page.navigate", map[string]any{"url": address}); err != nil {
		return 0, 0, err
	}
	select {
	case <-b.loaded:
	case <-time.After(browserWaits):
		return 0, 0, errors.New("chromium did not load the page")
	}
	time.Sleep(settles)
	result, err := b.call("Runtime.evaluate", map[string]any{"expression": "globalThis.largestPaint", "returnByValue": true})
	if err != nil {
		return 0, 0, err
	}
	var v struct{ Result struct{ Value float64 } }
	if err := json.Unmarshal(result, &v); err != nil {
		return 0, 0, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.requests, v.Result.Value, nil
}

// Close ends the browser.
func (b *Browser) Close() error {
	b.session = ""
	b.call("Browser.close", nil) //nolint:errcheck // it is killed else
	done := make(chan error, 1)
	go func() { done <- b.cmd.Wait() }()
	select {
	case <-done: //nolint:errcheck // it was told to end
	case <-time.After(5 * time.Second):
		b.cmd.Process.Kill() //nolint:errcheck // gone
		<-done
	}
	return errors.Join(b.in.Close(), os.RemoveAll(b.dir))
}

// Slow has the processor run at one part in rate of its speed.
func (b *Browser) Slow(rate int) error {
	_, err := b.call("Emulation.setCPUThrottlingRate", map[string]any{"rate": rate})
	return err
}

// Forget empties the cache.
func (b *Browser) Forget() error {
	_, err := b.call("Network.clearBrowserCache", nil)
	return err
}
