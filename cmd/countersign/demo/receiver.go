package demo

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"countersign/cmd/countersign/output"
)

// demoSecret signs what a demo announces: to itself.
const demoSecret = "whsec_YSBkZW1vIHNpZ25zIGZvciBpdHNlbGYgYWxvbmU=" //nolint:gosec // it protects nothing

// receiver is where a demo announces changes. It verifies each with the public library, as yours would.
type receiver struct {
	env    *output.Printer
	json   bool
	verify *standardwebhooks.Webhook
	socket net.Listener

	mu                               sync.Mutex
	seen                             map[string]bool
	last                             map[string]int64 // the newest seq of each transaction
	verified, again, refused, orders int
}

func newReceiver(env *output.Printer, asJSON bool) (*receiver, error) {
	verify, err := standardwebhooks.NewWebhook(demoSecret)
	if err != nil {
		return nil, err
	}
	socket, err := net.Listen("tcp", "127.0.0.1:0")
	return &receiver{env: env, json: asJSON, verify: verify, socket: socket, seen: map[string]bool{},
		last: map[string]int64{}}, err
}

// config is the receiver as a hook.
func (r *receiver) config() string {
	return fmt.Sprintf(`hooks:
  - { id: demo, type: http, url: "http://%s/", secrets: ["%s"], allow_private: true, include_test: true,
      kinds: [status, confirmed, document, gap, incident], retry_first: 100ms, retry_most: 2s }
`, r.socket.Addr(), demoSecret)
}

// announcement is what the receiver reads of an event.
type announcement struct {
	ID, Type string
	Data     struct {
		Seq                                  int64
		Account, Ref, Kind, From, To, Status string
		Confirmed                            bool
	}
}

// ServeHTTP takes an announcement, or refuses what is none of ours.
func (r *receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, req.Body, 1<<20))
	if err == nil {
		err = r.verify.Verify(body, req.Header)
	}
	var a announcement
	if err == nil {
		err = json.Unmarshal(body, &a)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if err != nil {
		r.refused++
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	w.WriteHeader(http.StatusNoContent)
	if r.seen[a.ID] {
		r.again++
		return
	}
	r.seen[a.ID] = true
	r.verified++
	of := a.Data.Account + "/" + a.Data.Ref
	if a.Data.Seq < r.last[of] {
		r.orders++
	}
	r.last[of] = a.Data.Seq
	if r.json {
		fmt.Fprintf(r.env.Stdout, "%s\n", body) //nolint:errcheck // it is only shown
		return
	}
	confirmed := ""
	if a.Data.Confirmed {
		confirmed = ", confirmed"
	}
	fmt.Fprintf(r.env.Stdout, "%s %s  %s  %s: %s%s\n", r.env.Paint(output.Good, "verified"), a.ID, output.Plain(of), //nolint:errcheck // it is only shown
		a.Data.Kind, output.Plain(a.Data.From+" > "+a.Data.To), confirmed)
}

// serve takes announcements until ctx ends.
func (r *receiver) serve(ctx context.Context) error {
	srv := &http.Server{Handler: r, ReadHeaderTimeout: 10 * time.Second}
	defer context.AfterFunc(ctx, func() { srv.Close() })() //nolint:errcheck // the demo ends
	if err := srv.Serve(r.socket); ctx.Err() == nil {
		return err
	}
	return nil
}

// summary is what came, in a line.
func (r *receiver) summary() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return fmt.Sprintf("%s verified by the receiver, %d sent again under the same id, %d refused, %d out of order",
		output.Count(r.verified, "announcement"), r.again, r.refused, r.orders)
}

// told waits until everything is announced.
func (s *Session) told(ctx context.Context) error {
	return s.waitFor(ctx, func(ctx context.Context) (bool, error) {
		b, err := s.Engine.Store.Backlog(ctx, "demo")
		return b.Waiting == 0 && b.Untold == 0, err
	})
}
