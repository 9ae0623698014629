package main

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

	"countersign/cmd/countersign/output"

	"github.com/sirupsen/logrus"
	"github.com/spf13/cobra"
)

type benchOptions struct {
	connections []int
	rounds      int
	seconds     float64
	json        bool
	profile     string
}

// newBenchCommand measures this machine. It is not on the help's first page.
func newBenchCommand(env *Env) *cobra.Command {
	cmd := group("bench", "Measure this machine beside its limits", newBenchIngestCommand(env))
	cmd.Hidden = true
	return cmd
}

func newBenchIngestCommand(env *Env) *cobra.Command {
	var o benchOptions
	cmd := &cobra.Command{
		Use:   "ingest",
		Short: "Callbacks a second, stored and applied, beside what the database can do at all",
		Long: `ingest works in a temporary folder, on SQLite with synchronous FULL, in alternating rounds, and tells medians:
ours (the listener over loopback HTTP), naive (a careful gorm handler, one transaction a request, same HTTP, bodies not
compressed), work (in process: verify, parse, hash, keep headers, compress, apply) and bare (the same rows, plain SQL group commit). Every accepted
request is counted in the table after each round; a wrong count is exit 1. Speeds are told, not judged.`,
		Example: "  countersign bench ingest\n  countersign bench ingest --connections 64 --rounds 3 --json",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if o.rounds < 1 || o.seconds <= 0 || len(o.connections) == 0 || slices.Min(o.connections) < 1 {
				return output.Usagef("--rounds, --seconds and --connections take numbers above 0")
			}
			return runIngest(cmd.Context(), env, o)
		},
	}
	cmd.Flags().IntSliceVar(&o.connections, "connections", []int{1, 16, 64, 256}, "how `MANY` callers")
	cmd.Flags().IntVar(&o.rounds, "rounds", 5, "rounds of each, in turns")
	cmd.Flags().Float64Var(&o.seconds, "seconds", 2, "how long a round takes")
	cmd.Flags().StringVar(&o.profile, "cpu-profile", "", "write what the processor did to `FILE`, for go tool pprof")
	cmd.Flags().BoolVar(&o.json, "json", false, "one object a line")
	return cmd
}

// benchLine is one line of the answer.
type benchLine struct {
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

const benchConfig = `database: sqlite:./ours.db
accounts:
  - { id: bench, provider: onespan, settings: { api_key: none, callback_key: "bench-key" } }
`

func runIngest(ctx context.Context, env *Env, o benchOptions) (err error) {
	dir, err := os.MkdirTemp("", "countersign-bench-*")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	mine := *env
	mine.configFlag = filepath.Join(dir, "config.yaml")
	if err := os.WriteFile(mine.configFlag, []byte(benchConfig), 0o600); err != nil {
		return err
	}
	c, err := mine.config()
	if err != nil {
		return err
	}
	quiet := logrus.New()
	quiet.SetOutput(io.Discard)
	e, err := mine.startEngine(ctx, c, logrus.NewEntry(quiet))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, e.close()) }()
	subjects, err := newSubjects(ctx, e, dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, subjects.close()) }()
	if o.profile != "" {
		f, err := os.Create(o.profile)
		if err != nil {
			return err
		}
		defer f.Close() //nolint:errcheck // the profile is a help, not an answer
		if err := pprof.StartCPUProfile(f); err != nil {
			return err
		}
		defer pprof.StopCPUProfile()
	}
	for _, n := range o.connections {
		lines, err := subjects.measure(ctx, n, o)
		if err != nil {
			return err
		}
		if err := printBench(env, lines, o.json); err != nil {
			return err
		}
	}
	return nil
}

// measure runs every subject in turns and takes medians.
func (s *subjects) measure(ctx context.Context, connections int, o benchOptions) ([]benchLine, error) {
	lines := make([]benchLine, len(s.list))
	rates, p50s, p99s, ratios := make([][]float64, len(lines)), make([][]float64, len(lines)), make([][]float64, len(lines)), make([][]float64, len(lines))
	for range o.rounds {
		for i, sub := range s.list {
			callers := connections
			if sub.inProcess {
				callers = producers
			}
			before, err := sub.count(ctx)
			if err != nil {
				return nil, err
			}
			r, err := s.round(ctx, sub, callers, time.Duration(o.seconds*float64(time.Second)))
			if err != nil {
				return nil, fmt.Errorf("%s: %w", sub.name, err)
			}
			after, err := sub.count(ctx)
			if err != nil {
				return nil, err
			}
			if after-before != r.accepted {
				return nil, fmt.Errorf("%s: %d requests were accepted and %d stand in the table", sub.name, r.accepted, after-before)
			}
			rates[i] = append(rates[i], r.perSecond())
			p50s[i], p99s[i] = append(p50s[i], r.quantile(0.50)), append(p99s[i], r.quantile(0.99))
			ratios[i] = append(ratios[i], rates[0][len(rates[i])-1]/r.perSecond())
			lines[i].What, lines[i].Connections, lines[i].Accepted = sub.name, callers, lines[i].Accepted+r.accepted
		}
	}
	for i := range lines {
		lines[i].PerSecond, lines[i].P50, lines[i].P99, lines[i].OursToThis = median(rates[i]), median(p50s[i]), median(p99s[i]), median(ratios[i])
	}
	return lines, nil
}

func median(list []float64) float64 {
	slices.Sort(list)
	return list[len(list)/2]
}

func printBench(env *Env, lines []benchLine, asJSON bool) error {
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
		fmt.Fprintf(env.Stdout, "%-6s %8d %10.0f %9.2f %9.2f %8.2f\n", l.What, l.Connections, l.PerSecond, l.P50, l.P99, l.OursToThis)
	}
	return nil
}
