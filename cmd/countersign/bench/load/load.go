// Package load makes callbacks as services send them, of two kilobytes and signed, and sends them over loopback HTTP
// with keep-alive. What it sends is made before the clock runs, so that it takes little of the processor that it shares
// with what it measures.
package load

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// Target is where callbacks go. Others are further addresses: connections are made to all of them in turn.
type Target struct {
	Address, Path string
	Others        []string
}

// Result is what one round came to.
type Result struct {
	Accepted int64
	Took     time.Duration
	Times    []time.Duration // sorted
}

// PerSecond is how many were accepted a second.
func (r Result) PerSecond() float64 { return float64(r.Accepted) / r.Took.Seconds() }

// Quantile is in milliseconds.
func (r Result) Quantile(q float64) float64 {
	if len(r.Times) == 0 {
		return 0
	}
	return float64(r.Times[int(q*float64(len(r.Times)-1))].Nanoseconds()) / 1e6
}

// Stock is callbacks of one service, made ahead. Each is sent once. It is safe for concurrent use.
type Stock struct {
	Make Maker
	At   func() time.Time

	first int64 // number of ready[0]
	ready []Callback
	next  atomic.Int64
}

// Fill makes n callbacks ahead, in the place of those that were not used.
func (s *Stock) Fill(n int) {
	s.first, s.ready = s.next.Load(), make([]Callback, 0, n)
	for i := range int64(n) {
		s.ready = append(s.ready, s.Make(s.first+i, s.At()))
	}
}

// Next is the next callback.
func (s *Stock) Next() Callback {
	n := s.next.Add(1) - 1
	if i := n - s.first; i < int64(len(s.ready)) {
		return s.ready[i]
	}
	return s.Make(n, s.At())
}

// Send has connections callers call for a while. One failed request fails the round.
func (s *Stock) Send(ctx context.Context, to Target, connections int, long time.Duration) (Result, error) {
	heads := &heads{target: to}
	return Callers(ctx, connections, long, func() (func(context.Context) error, func() error, error) {
		c, err := dial(ctx, heads)
		if err != nil {
			return nil, nil, err
		}
		return func(context.Context) error { return c.post(s.Next()) }, c.conn.Close, nil
	})
}

// Paced sends perSecond callbacks a second for a while. One failed request fails the round. Times hold the waiting too.
func (s *Stock) Paced(ctx context.Context, to Target, connections, perSecond int, long time.Duration) (Result, error) {
	var due atomic.Int64
	began := time.Now()
	heads := &heads{target: to}
	return Callers(ctx, connections, long, func() (func(context.Context) error, func() error, error) {
		c, err := dial(ctx, heads)
		if err != nil {
			return nil, nil, err
		}
		return func(context.Context) error {
			at := began.Add(time.Duration(due.Add(1)) * time.Second / time.Duration(perSecond))
			time.Sleep(time.Until(at))
			return c.post(s.Next())
		}, c.conn.Close, nil
	})
}

// Callers has n callers call for a while, each with a function of its own. One failed call fails the round.
func Callers(ctx context.Context, n int, long time.Duration, open func() (
	do func(context.Context) error, done func() error, err error,
)) (r Result, err error) {
	var mu sync.Mutex
	var wg sync.WaitGroup
	dos := make([]func(context.Context) error, n)
	for i := range dos {
		do, done, err := open()
		if err != nil {
			return r, err
		}
		defer done() //nolint:errcheck // the round is over
		dos[i] = do
	}
	began := time.Now()
	for _, do := range dos {
		wg.Go(func() {
			times := make([]time.Duration, 0, 1<<12)
			var failed error
			for at := time.Now(); failed == nil && at.Sub(began) < long && ctx.Err() == nil; {
				failed = do(ctx)
				now := time.Now()
				if failed == nil {
					times = append(times, now.Sub(at))
				}
				at = now
			}
			mu.Lock()
			defer mu.Unlock()
			r.Times, err = append(r.Times, times...), errors.Join(err, failed)
		})
	}
	wg.Wait()
	r.Took, r.Accepted = time.Since(began), int64(len(r.Times))
	slices.Sort(r.Times)
	return r, errors.Join(err, ctx.Err())
}

// Post sends one callback, which must be answered 200.
func Post(ctx context.Context, to Target, c Callback) error {
	l, err := dial(ctx, &heads{target: to})
	if err != nil {
		return err
	}
	defer l.conn.Close() //nolint:errcheck // answered
	return l.post(c)
}

// heads writes requests to one target.
type heads struct {
	target Target
	turn   int // connections so far, which are made one after the other
}

// next is where the next connection is made to.
func (h *heads) next() string {
	all := append([]string{h.target.Address}, h.target.Others...)
	h.turn++
	return all[(h.turn-1)%len(all)]
}

// append writes a request.
func (h *heads) append(b []byte, c Callback) []byte {
	b = append(b, "POST "...)
	b = append(b, h.target.Path...)
	b = append(b, " HTTP/1.1\r\nHost: "...)
	b = append(b, h.target.Address...)
	for name, values := range c.Header {
		for _, v := range values {
			b = append(append(append(append(b, "\r\n"...), name...), ": "...), v...)
		}
	}
	b = append(b, "\r\nContent-Length: "...)
	b = strconv.AppendInt(b, int64(len(c.Body)), 10)
	return append(append(b, "\r\n\r\n"...), c.Body...)
}

// line is one connection. It speaks as much HTTP/1.1 as our answers need, which takes a third of the processor time
// that net/http's client takes.
type line struct {
	heads *heads
	conn  net.Conn
	in    *bufio.Reader
	out   []byte
}

func dial(ctx context.Context, h *heads) (*line, error) {
	conn, err := (&net.Dialer{Timeout: 10 * time.Second}).DialContext(ctx, "tcp", h.next())
	if err != nil {
		return nil, err
	}
	return &line{heads: h, conn: conn, in: bufio.NewReaderSize(conn, 4<<10), out: make([]byte, 0, 4<<10)}, nil
}

// patience is how long a call may take.
const patience = time.Minute

// post sends one callback and reads its answer, which must be 200.
func (l *line) post(c Callback) error {
	if err := l.conn.SetDeadline(time.Now().Add(patience)); err != nil {
		return err
	}
	l.out = l.heads.append(l.out[:0], c)
	if _, err := l.conn.Write(l.out); err != nil {
		return err
	}
	status, err := l.in.ReadSlice('\n')
	if err != nil {
		return fmt.Errorf("no answer: %w", err)
	}
	if code := string(bytes.TrimSpace(status)); code != "HTTP/1.1 200 OK" {
		return fmt.Errorf("answered %q, want 200", code)
	}
	length := -1
	for {
		h, err := l.in.ReadSlice('\n')
		if err != nil {
			return fmt.Errorf("no whole answer: %w", err)
		}
		if h = bytes.TrimSpace(h); len(h) == 0 {
			break
		}
		name, value, _ := bytes.Cut(h, []byte(":"))
		if bytes.EqualFold(name, []byte("Content-Length")) {
			if length, err = strconv.Atoi(string(bytes.TrimSpace(value))); err != nil {
				return err
			}
		}
	}
	if length < 0 {
		return errors.New("an answer without Content-Length")
	}
	_, err = io.CopyN(io.Discard, l.in, int64(length))
	return err
}

// Callback is one callback.
type Callback struct {
	Header http.Header
	Body   []byte
}
