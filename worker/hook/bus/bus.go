// Package bus publishes events to a NATS server with JetStream.
package bus

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"countersign/worker/hook"
)

// NATS is where events are published.
type NATS struct {
	URL         string // nats://host:4222 or tls://
	Subject     string // a stream of the server must take it
	Credentials string // a file of credentials; "": none
	Timeout     time.Duration

	mu   sync.Mutex
	conn *nats.Conn
	js   jetstream.JetStream
}

// Send publishes an event and waits until the stream has stored it. The event's id is the message's: the server drops
// what it has stored within its duplicate window. It connects with the first event.
func (n *NATS) Send(ctx context.Context, e hook.Event) hook.Answer {
	ctx, cancel := context.WithTimeout(ctx, n.Timeout)
	defer cancel()
	js, err := n.stream()
	if err != nil {
		return hook.Answer{Note: hook.Plain("not connected: " + err.Error())}
	}
	m := &nats.Msg{Subject: n.Subject, Data: e.Body, Header: nats.Header{"Content-Type": {hook.ContentType}}}
	ack, err := js.PublishMsg(ctx, m, jetstream.WithMsgID(e.ID), jetstream.WithRetryAttempts(0))
	switch {
	case errors.Is(err, jetstream.ErrNoStreamResponse):
		return hook.Answer{Note: fmt.Sprintf("no stream takes the subject %q", n.Subject)}
	case errors.Is(err, context.DeadlineExceeded):
		return hook.Answer{Note: fmt.Sprintf("no answer within %s", n.Timeout)}
	case err != nil:
		return hook.Answer{Note: hook.Plain(err.Error())}
	}
	return hook.Answer{Taken: true, Note: fmt.Sprintf("stored as %d in stream %s", ack.Sequence, ack.Stream)}
}

// stream returns the connection, which comes back by itself once it was made.
func (n *NATS) stream() (jetstream.JetStream, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.js != nil && !n.conn.IsClosed() {
		return n.js, nil
	}
	o := []nats.Option{nats.Name("countersign"), nats.MaxReconnects(-1), nats.Timeout(n.Timeout), nats.ReconnectBufSize(-1)}
	if n.Credentials != "" {
		o = append(o, nats.UserCredentials(n.Credentials))
	}
	conn, err := nats.Connect(n.URL, o...)
	if err != nil {
		return nil, err
	}
	js, err := jetstream.New(conn)
	if err != nil {
		conn.Close()
		return nil, err
	}
	n.conn, n.js = conn, js
	return js, nil
}

// Close ends the connection, if there is one.
func (n *NATS) Close() {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.conn != nil {
		n.conn.Close()
	}
	n.conn, n.js = nil, nil
}
