package tables

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"countersign/cmd/countersign/bench/limits"
	"countersign/cmd/countersign/bench/stage"
	"countersign/cmd/countersign/engine"
)

// Growth is what an event costs in tables of several sizes.
type Growth struct {
	At      time.Time     `json:"at"`
	Machine stage.Machine `json:"machine"`
	Points  []Point       `json:"points"`
}

// Point is one size.
type Point struct {
	Callbacks int     `json:"callbacks"` // in the table when the load began
	PerSecond float64 `json:"per_second"`
	CPU       float64 `json:"cpu_us"` // of the daemon's process for an event, in microseconds
	P99       float64 `json:"p99_ms"`
	Disk      float64 `json:"disk_bytes"` // for an event so far, indexes included
	Anonymous int64   `json:"anonymous_bytes"`
}

// connections is how many callers the daemon has in each point.
const connections = 64

// Grow fills a table step by step and measures the daemon on it, rounds of two seconds each. The load tells of new
// transactions.
func Grow(ctx context.Context, env *engine.Env, o Options, sizes []int, show func(Point) error) (g Growth, err error) {
	dir, err := os.MkdirTemp("", "countersign-bench-*")
	if err != nil {
		return g, err
	}
	defer os.RemoveAll(dir) //nolint:errcheck // a temporary folder
	g = Growth{At: env.Now().UTC(), Machine: stage.MachineHere()}
	o.Services = []string{"onespan"}
	s, err := stage.New(ctx, env, dir, o.Options)
	if err != nil {
		return g, err
	}
	defer func() { err = errors.Join(err, s.Stop()) }()
	held := 2 * max(o.Open, o.Rows)
	for _, size := range sizes {
		if size > held {
			if err := s.Fill(ctx, "onespan", (size-held)/2); err != nil {
				return g, err
			}
			held += (size - held) / 2 * 2
		}
		p, accepted, err := point(ctx, s, o.Rounds)
		if err != nil {
			return g, fmt.Errorf("at %d callbacks: %w", held, err)
		}
		p.Callbacks = held
		held += int(accepted)
		bytes, err := limits.Used(ctx, s.File())
		if err != nil {
			return g, err
		}
		p.Disk = float64(bytes) / float64(held)
		g.Points = append(g.Points, p)
		if err := show(p); err != nil {
			return g, err
		}
	}
	return g, nil
}

// point measures the daemon on the table as it is.
func point(ctx context.Context, s *stage.Stage, rounds int) (p Point, accepted int64, err error) {
	if _, err := s.Serve(ctx); err != nil {
		return p, 0, err
	}
	var rates, p99s []float64
	var spent time.Duration
	for range rounds {
		stock := s.Stocks["onespan"]
		stock.Fill(10_000)
		before, err := s.Daemon.CPU()
		if err != nil {
			return p, 0, err
		}
		r, err := stock.Send(ctx, s.Target("onespan"), connections, 2*time.Second)
		if err != nil {
			return p, 0, err
		}
		after, err := s.Daemon.CPU()
		if err != nil {
			return p, 0, err
		}
		spent, accepted = spent+after-before, accepted+r.Accepted
		rates, p99s = append(rates, r.PerSecond()), append(p99s, r.Quantile(0.99))
	}
	p.Anonymous = s.Daemon.Most().Anonymous
	slices.Sort(rates)
	slices.Sort(p99s)
	p.PerSecond, p.P99 = rates[len(rates)/2], p99s[len(p99s)/2]
	p.CPU = float64(spent.Microseconds()) / float64(accepted)
	return p, accepted, s.StopDaemon()
}
