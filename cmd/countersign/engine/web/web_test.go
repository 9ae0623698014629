package web

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"testing"
	"time"
)

// Requests in hand are answered when the server is stopped, and one that takes longer than it may is cut off.
func TestAServerEndsWithItsContext(t *testing.T) {
	t.Parallel()
	for name, grace := range map[string]time.Duration{"answered": time.Minute, "cut off": 0} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			asked, answer := make(chan struct{}), make(chan struct{})
			server := &http.Server{ReadHeaderTimeout: time.Minute,
				Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					close(asked)
					select {
					case <-answer:
					case <-r.Context().Done():
					}
					io.WriteString(w, "done") //nolint:errcheck // the caller may be gone
				})}
			ctx, stop := context.WithCancel(t.Context())
			ended := make(chan error, 1)
			go func() { ended <- Serve(ctx, server, l, grace) }()
			got := make(chan error, 1)
			go func() {
				resp, err := http.Get("http://" + l.Addr().String())
				if err == nil {
					err = resp.Body.Close()
				}
				got <- err
			}()
			<-asked
			stop()
			if grace > 0 {
				close(answer)
			}
			if err := <-got; (err == nil) != (grace > 0) {
				t.Errorf("the request in hand: %v", err)
			}
			if err := <-ended; err != nil {
				t.Errorf("ended with %v", err)
			}
		})
	}
}

func TestAServerThatCannotServeSaysSo(t *testing.T) {
	t.Parallel()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err = errors.Join(err, l.Close()); err != nil {
		t.Fatal(err)
	}
	if err := Serve(t.Context(), &http.Server{ReadHeaderTimeout: time.Minute}, l, 0); !errors.Is(err, net.ErrClosed) {
		t.Errorf("ended with %v", err)
	}
}
