package bench

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"countersign/cmd/countersign/engine"
	"countersign/model"
	"countersign/provider"
	"countersign/worker/apply"
	"countersign/worker/callback"
)

// subject is one of what is compared.
type subject struct {
	name      string
	inProcess bool
	do        func(ctx context.Context, body []byte) error
	count     func(ctx context.Context) (int64, error)
}

// subjects is all of them.
type subjects struct {
	list   []subject
	number atomic.Int64 // of the next event
	closes []func() error
}

func (s *subjects) close() error {
	var errs []error
	for _, f := range slices.Backward(s.closes) {
		errs = append(errs, f())
	}
	return errors.Join(errs...)
}

// newSubjects builds what is compared; ours is the first.
func newSubjects(ctx context.Context, e *engine.Engine, dir string) (*subjects, error) {
	s := &subjects{}
	fail := func(err error) (*subjects, error) { return nil, errors.Join(err, s.close()) }
	o := e.ListenerOptions()
	o.HMACKey = []byte("bench")
	l, err := callback.New(o)
	if err != nil {
		return fail(err)
	}
	counts, err := openPlain(e.Store.Path())
	if err != nil {
		return fail(err)
	}
	s.closes = append(s.closes, counts.Close)
	ours := func(ctx context.Context) (n int64, err error) {
		err = counts.QueryRowContext(ctx, "SELECT COUNT(*) FROM callbacks WHERE verdict = 'accepted'").Scan(&n)
		return n, err
	}
	post, err := s.serve(ctx, "/callbacks/bench",
		func(ctx context.Context, ln net.Listener) error { return l.Run(ctx, ln, nil) })
	if err != nil {
		return fail(err)
	}
	naive, err := newNaive(dir)
	if err != nil {
		return fail(err)
	}
	s.closes = append(s.closes, naive.close)
	naivePost, err := s.serve(ctx, "/", naive.run)
	if err != nil {
		return fail(err)
	}
	bare, err := newBare(ctx, dir, counts)
	if err != nil {
		return fail(err)
	}
	s.closes = append(s.closes, bare.close)
	s.list = []subject{
		{"ours", false, post, ours},
		{"naive", false, naivePost, naive.count},
		{"work", true, inProcess(e), ours},
		{"bare", true, bare.do, bare.count},
	}
	return s, nil
}

// serve has run answer on loopback until close, and returns what posts there, with keep-alive.
func (s *subjects) serve(ctx context.Context, path string, run func(
	context.Context, net.Listener,
) error) (func(context.Context, []byte) error, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancel(context.WithoutCancel(ctx))
	ended := make(chan error, 1)
	go func() { ended <- run(ctx, ln) }()
	tr := &http.Transport{MaxIdleConnsPerHost: 4096}
	s.closes = append(s.closes, func() error {
		tr.CloseIdleConnections()
		stop()
		return <-ended
	})
	url := "http://" + ln.Addr().String() + path
	return func(ctx context.Context, body []byte) error {
		r, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
		if err != nil {
			return err
		}
		r.Header.Set("Authorization", "Basic bench-key")
		r.Header.Set("Content-Type", "application/json")
		resp, err := tr.RoundTrip(r)
		if err != nil {
			return err
		}
		_, err = io.Copy(io.Discard, resp.Body)
		err = errors.Join(err, resp.Body.Close())
		if resp.StatusCode != http.StatusOK {
			err = errors.Join(err, fmt.Errorf("answered %s", resp.Status))
		}
		return err
	}, nil
}

// inProcess is all that ours does with a callback, but for HTTP: verify, parse, hash the body, keep the
// headers that the listener keeps, compress, apply.
func inProcess(e *engine.Engine) func(context.Context, []byte) error {
	acc := e.Accounts.Find("bench")
	header := http.Header{"Authorization": {"Basic bench-key"}, "Content-Type": {"application/json"},
		"User-Agent": {"Go-http-client/1.1"}}
	return func(ctx context.Context, body []byte) error {
		c := provider.Callback{Account: acc.ID, Header: header, Body: body, ReceivedAt: e.Env.UTC()}
		got, err := acc.Provider.Receive(c)
		if err != nil {
			return err
		}
		sum, mac := sha256.Sum256(body), hmac.New(sha256.New, []byte("bench"))
		mac.Write([]byte(header.Get("Authorization"))) //nolint:errcheck // a hash never fails
		kept := map[string]string{
			"Authorization": "hmac:" + hex.EncodeToString(mac.Sum(nil)), "Content-Type": header.Get("Content-Type"),
			"User-Agent": header.Get("User-Agent"), "Content-Length": strconv.Itoa(len(body)),
		}
		_, err = e.Worker.Table.Callback(ctx,
			apply.Incoming{Rules: acc.Rules, Observations: got.Observations, Callback: model.Callback{
				Account: acc.ID, Ref: got.Ref, Type: got.Type, DedupeKey: got.DedupeKey, Verdict: model.Accepted, At: c.ReceivedAt,
				RemoteAddr: "127.0.0.1", Headers: kept, Body: body, BodyHash: hex.EncodeToString(sum[:]),
			}})
		return err
	}
}

// event is the next OneSpan callback of 2 KiB; a package has four of them.
func (s *subjects) event() []byte {
	n := s.number.Add(1) - 1
	// Packages are taken in turns of 1024, so that the four do not stand in one group.
	pack, step := n/4096*1024+n%1024, n/1024%4
	name := [...]string{"PACKAGE_CREATE", "PACKAGE_ACTIVATE", "SIGNER_COMPLETE", "PACKAGE_COMPLETE"}[step]
	out := fmt.Appendf(make([]byte, 0, 2048),
		`{"@class":"com.silanis.esl.packages.event.ESLProcessEvent","name":%q,"sessionUser":"signer-%d","packageId":"%08x-bench-package=","message":"`,
		name, n, uint32(pack)*2654435761) //nolint:gosec // any bits will do
	for i := n; len(out) < 1900; i++ {
		out = fmt.Appendf(out, "%x ", uint64(i+1)*0x9E3779B97F4A7C15) //nolint:gosec // any bits will do
	}
	return fmt.Appendf(out, `","documentId":null,"createdDate":%q}`,
		time.UnixMilli(1780000000000+n).UTC().Format("2006-01-02T15:04:05.000Z"))
}

// roundResult is what one round came to.
type roundResult struct {
	accepted int64
	took     time.Duration
	times    []time.Duration
}

func (r roundResult) perSecond() float64 { return float64(r.accepted) / r.took.Seconds() }

// quantile is in milliseconds.
func (r roundResult) quantile(q float64) float64 {
	if len(r.times) == 0 {
		return 0
	}
	return float64(r.times[int(q*float64(len(r.times)-1))].Microseconds()) / 1000
}

// round has callers call for a while. One failed request fails the round.
func (s *subjects) round(ctx context.Context, sub subject, callers int, long time.Duration) (r roundResult, err error) {
	runtime.GC()
	var mu sync.Mutex
	var wg sync.WaitGroup
	began := time.Now()
	for range callers {
		wg.Go(func() {
			var times []time.Duration
			var failed error
			for failed == nil && time.Since(began) < long && ctx.Err() == nil {
				body, sent := s.event(), time.Now()
				if failed = sub.do(ctx, body); failed == nil {
					times = append(times, time.Since(sent))
				}
			}
			mu.Lock()
			defer mu.Unlock()
			r.times, err = append(r.times, times...), errors.Join(err, failed)
		})
	}
	wg.Wait()
	r.took, r.accepted = time.Since(began), int64(len(r.times))
	slices.Sort(r.times)
	return r, errors.Join(err, ctx.Err())
}
