package tables

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"countersign/cmd/countersign/bench/stage"
)

const (
	watching = 200  // browsers
	told     = 1000 // changes a second
	watches  = 3    // rounds with them, and as many without
)

// watched measures what browsers cost that watch, beside the same load without them.
func watched(ctx context.Context, s *stage.Stage, v *visitor, long time.Duration) (out []Figure, err error) {
	if a, err := v.peek(ctx, "/live"); err != nil || a != http.StatusOK {
		return []Figure{missing(fmt.Sprintf("%d that watch /live", watching), a)}, err
	}
	var cpu, rate, changes [2][]float64
	for range watches {
		for with := range 2 {
			streams, err := v.watch(ctx, with*watching)
			if err != nil {
				return out, err
			}
			one, err := loaded(ctx, s, long)
			heard := streams.stop()
			if err != nil {
				return out, err
			}
			if with == 1 && heard < watching {
				return out, fmt.Errorf("%d browsers heard %d times of changes", watching, heard)
			}
			cpu[with], rate[with] = append(cpu[with], one.cpu), append(rate[with], one.full)
			changes[with] = append(changes[with], one.changes)
		}
	}
	with, without := middle(cpu[1]), middle(cpu[0])
	return []Figure{
		{What: "changes a second that are watched", Unit: "a second", Value: middle(changes[1]), Times: watches},
		{What: "processor of the daemon at them, nobody watching", Unit: "% of core", Value: without, Times: watches},
		atMost(fmt.Sprintf("more of it with %d browsers watching", watching), "% of core", with-without, 2),
		{What: "callbacks a second at 64 connections, nobody watching", Unit: "a second", Value: middle(rate[0]), Times: watches},
		atLeast(fmt.Sprintf("of those, with %d browsers watching", watching), "part", middle(rate[1])/middle(rate[0]), 0.97),
	}, nil
}

func middle(values []float64) float64 {
	slices.Sort(values)
	return values[len(values)/2]
}

// load is one round.
type load struct{ cpu, changes, full float64 }

// loaded has so many changes told a second, then as many callbacks as are taken.
func loaded(ctx context.Context, s *stage.Stage, long time.Duration) (l load, err error) {
	stock := s.Stocks["onespan"]
	stock.Fill(int(long.Seconds()) * told)
	before, err := s.Daemon.CPU()
	if err != nil {
		return l, err
	}
	began := time.Now()
	r, err := stock.Paced(ctx, s.Target("onespan"), 32, told, long)
	if err != nil {
		return l, err
	}
	after, err := s.Daemon.CPU()
	if err != nil {
		return l, err
	}
	l.cpu, l.changes = 100*(after-before).Seconds()/time.Since(began).Seconds(), r.PerSecond()
	stock.Fill(10_000)
	r, err = stock.Send(ctx, s.Target("onespan"), connections, long/2)
	l.full = r.PerSecond()
	return l, err
}

// peek is the status of an answer that may never end.
func (v *visitor) peek(ctx context.Context, path string) (status int, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	r, err := v.request(ctx, path)
	if err != nil {
		return 0, err
	}
	resp, err := v.client.Do(r)
	if err != nil {
		return 0, err
	}
	cancel()
	return resp.StatusCode, ignoreCanceled(resp.Body.Close())
}

func ignoreCanceled(err error) error {
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// streams are browsers that watch.
type streams struct {
	heard atomic.Int64
	end   context.CancelFunc
	ends  sync.WaitGroup
}

// watch opens n streams, each by the next token.
func (v *visitor) watch(ctx context.Context, n int) (*streams, error) {
	s := &streams{}
	ctx, s.end = context.WithCancel(ctx)
	for range n {
		r, err := v.request(ctx, "/live")
		if err != nil {
			return s, err
		}
		r.Header.Set("Accept", "text/event-stream")
		r.Header.Del("Accept-Encoding")
		resp, err := v.client.Do(r)
		if err == nil && resp.StatusCode != http.StatusOK {
			err = fmt.Errorf("/live: status %d", resp.StatusCode)
		}
		if err != nil {
			s.end()
			return s, err
		}
		s.ends.Go(func() {
			defer resp.Body.Close() //nolint:errcheck // it was cut
			for lines := bufio.NewScanner(resp.Body); lines.Scan(); {
				if strings.HasPrefix(lines.Text(), "data:") {
					s.heard.Add(1)
				}
			}
		})
	}
	return s, nil
}

// stop ends them, and says how often they heard something.
func (s *streams) stop() int64 {
	s.end()
	s.ends.Wait()
	return s.heard.Load()
}
