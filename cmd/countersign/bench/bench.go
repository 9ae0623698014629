// Package bench measures this machine: the daemon beside a careful handler and beside the database's own limits.
package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime/pprof"
	"slices"
	"time"

	"github.com/sirupsen/logrus"

	"countersign/cmd/countersign/engine"
)

// Options is what the flags of bench ingest say.
type Options struct {
	Connections []int
	Rounds      int
	Seconds     float64
	JSON        bool
	Profile     string
}

// line is one line of the answer.
type line struct {
	What        string  `json:"what"` // ours, naive, work, bare
	Connections int     `json:"connections"`
	PerSecond   float64 `json:"per_second"`
	P50         float64 `json:"p50_ms"`
	P99         float64 `json:"p99_ms"`
	OursToThis  float64 `json:"ours_to_this"` // median over rounds, each beside its own
	Accepted    int64   `json:"accepted"`
}

// producers is how many callers the limits in process have.
const producers = 256

const configText = `database: sqlite:./ours.db
accounts:
  - { id: bench, provider: onespan, settings: { api_key: none, callback_key: "bench-key" } }
`

// Ingest measures callbacks a second, ours beside what the database can do at all, and prints medians.
func Ingest(ctx context.Context, env *engine.Env, o Options) (err error) {
	dir, err := os.MkdirTemp("", "countersign-bench-*")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	mine := *env
	mine.ConfigFlag = filepath.Join(dir, "config.yaml")
	if err := os.WriteFile(mine.ConfigFlag, []byte(configText), 0o600); err != nil {
		return err
	}
	c, err := mine.Config()
	if err != nil {
		return err
	}
	quiet := logrus.New()
	quiet.SetOutput(io.Discard)
	e, err := mine.Start(ctx, c, logrus.NewEntry(quiet))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, e.Close()) }()
	subjects, err := newSubjects(ctx, e, dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, subjects.close()) }()
	if o.Profile != "" {
		f, err := os.Create(o.Profile)
		if err != nil {
			return err
		}
		defer f.Close() //nolint:errcheck // the profile is a help, not an answer
		if err := pprof.StartCPUProfile(f); err != nil {
			return err
		}
		defer pprof.StopCPUProfile()
	}
	for _, n := range o.Connections {
		lines, err := subjects.measure(ctx, n, o)
		if err != nil {
			return err
		}
		if err := printLines(env, lines, o.JSON); err != nil {
			return err
		}
	}
	return nil
}

// measure runs every subject in turns and takes medians.
func (s *subjects) measure(ctx context.Context, connections int, o Options) ([]line, error) {
	lines := make([]line, len(s.list))
	rates, p50s, p99s, ratios := make([][]float64, len(lines)), make([][]float64, len(lines)), make([][]float64,
		len(lines)), make([][]float64, len(lines))
	for range o.Rounds {
		for i, sub := range s.list {
			callers := connections
			if sub.inProcess {
				callers = producers
			}
			before, err := sub.count(ctx)
			if err != nil {
				return nil, err
			}
			r, err := s.round(ctx, sub, callers, time.Duration(o.Seconds*float64(time.Second)))
			if err != nil {
				return nil, fmt.Errorf("%s: %w", sub.name, err)
			}
			after, err := sub.count(ctx)
			if err != nil {
				return nil, err
			}
			if after-before != r.accepted {
				return nil, fmt.Errorf("%s: %d requests were accepted and %d stand in the table", sub.name, r.accepted,
					after-before)
			}
			rates[i] = append(rates[i], r.perSecond())
			p50s[i], p99s[i] = append(p50s[i], r.quantile(0.50)), append(p99s[i], r.quantile(0.99))
			ratios[i] = append(ratios[i], rates[0][len(rates[i])-1]/r.perSecond())
			lines[i].What, lines[i].Connections, lines[i].Accepted = sub.name, callers, lines[i].Accepted+r.accepted
		}
	}
	for i := range lines {
		lines[i].PerSecond, lines[i].P50, lines[i].P99, lines[i].OursToThis = median(rates[i]), median(p50s[i]),
			median(p99s[i]), median(ratios[i])
	}
	return lines, nil
}

func median(list []float64) float64 {
	slices.Sort(list)
	return list[len(list)/2]
}

func printLines(env *engine.Env, lines []line, asJSON bool) error {
	if asJSON {
		enc := json.NewEncoder(env.Stdout)
		for _, l := range lines {
			if err := enc.Encode(l); err != nil {
				return err
			}
		}
		return nil
	}
	fmt.Fprintf(env.Stdout, "%-6s %8s %10s %9s %9s %8s\n", "WHAT", "CALLERS", "A SECOND", "P50 ms", "P99 ms", "OURS TO")
	for _, l := range lines {
		fmt.Fprintf(env.Stdout, "%-6s %8d %10.0f %9.2f %9.2f %8.2f\n", l.What, l.Connections, l.PerSecond, l.P50, l.P99,
			l.OursToThis)
	}
	return nil
}
