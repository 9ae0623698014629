// Package simulatortest has what tests of the simulator share: a listener, clients, and the vendors' papers.
package simulatortest

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"countersign/provider/simulator"
	"countersign/provider/simulator/world"
)

// Hello is the answer that Dropbox Sign insists on.
const Hello = "Hello API Event Received"

// Listener is the other side of the callbacks.
type Listener struct {
	Mu     sync.Mutex
	got    []Heard
	Answer func(n int, h Heard) (int, string) // nil: all is well
	Delay  time.Duration                      // before it answers
}

// Heard is one callback.
type Heard struct {
	At      time.Time
	Account string
	Header  http.Header
	Body    []byte
}

// RoundTrip takes a callback.
func (l *Listener) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	time.Sleep(l.Delay)
	l.Mu.Lock()
	defer l.Mu.Unlock()
	h := Heard{time.Now(), r.URL.Path[strings.LastIndex(r.URL.Path, "/")+1:], r.Header, body}
	l.got = append(l.got, h)
	status, text := http.StatusOK, Hello
	if l.Answer != nil {
		status, text = l.Answer(len(l.got), h)
	}
	return &http.Response{StatusCode: status, Header: http.Header{},
		Body: io.NopCloser(bytes.NewReader([]byte(text)))}, nil
}

// Heard are the callbacks so far.
func (l *Listener) Heard() []Heard {
	l.Mu.Lock()
	defer l.Mu.Unlock()
	return append([]Heard{}, l.got...)
}

// Play runs a world in a bubble of fake time for so long, then hands it over, still running.
func Play(t *testing.T, o world.Options, l *Listener, span time.Duration,
	check func(t *testing.T, w *simulator.World)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		if l != nil {
			o.Client, o.Callbacks = l, "http://listener.example"
		}
		w := simulator.New(o)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- w.Run(ctx) }()
		time.Sleep(span)
		synctest.Wait()
		check(t, w)
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
}

// WholeDecks is enough transactions for each kind of life of both services.
const WholeDecks = 60
