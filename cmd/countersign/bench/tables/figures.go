// Package tables measures what is not ingest: the start and the rest of the daemon, reading a large table, comparing
// answers, and what is spent of a budget.
package tables

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
	"time"

	"countersign/cmd/countersign/bench/stage"
	"countersign/cmd/countersign/engine"
)

// Options is what the flags say.
type Options struct {
	stage.Options
	Rounds int
	For    time.Duration // how long budgets are watched
}

// Figures is what one run found.
type Figures struct {
	Kind    string        `json:"kind"`
	At      time.Time     `json:"at"`
	Machine stage.Machine `json:"machine"`
	Rows    int           `json:"rows"`
	Figures []Figure      `json:"figures"`
}

// Figure is one number, or how many of one kind spread.
type Figure struct {
	What  string  `json:"what"`
	Unit  string  `json:"unit"`
	Value float64 `json:"value"` // the median, where there are several
	P99   float64 `json:"p99,omitempty"`
	Times int     `json:"times"`
	Want  string  `json:"want,omitempty"` // the design's number
	Met   bool    `json:"met"`
}

// spread is a figure of several values, less of which is better; most is what the design asks of its p99, 0: nothing.
func spread(what, unit string, values []float64, most float64) Figure {
	slices.Sort(values)
	f := Figure{What: what, Unit: unit, Times: len(values), Met: true}
	if len(values) == 0 {
		return f
	}
	f.Value, f.P99 = values[len(values)/2], values[int(math.Ceil(0.99*float64(len(values))))-1]
	if most > 0 {
		f.Want, f.Met = fmt.Sprintf("p99 at most %g", most), f.P99 <= most
	}
	return f
}

// atMost is one number of which less is better.
func atMost(what, unit string, value, most float64) Figure {
	return Figure{What: what, Unit: unit, Value: value, Times: 1, Want: fmt.Sprintf("at most %g", most), Met: value <= most}
}

// atLeast is one number of which more is better.
func atLeast(what, unit string, value, least float64) Figure {
	return Figure{What: what, Unit: unit, Value: value, Times: 1, Want: fmt.Sprintf("at least %g", least),
		Met: value >= least}
}

// Print tells figures, as one object or as lines.
func Print(env *engine.Env, found Figures, asJSON bool) error {
	if asJSON {
		return json.NewEncoder(env.Stdout).Encode(found)
	}
	var b strings.Builder
	for _, f := range found.Figures {
		line := fmt.Sprintf("%-58s %12.3f %-9s", f.What, f.Value, f.Unit)
		if f.P99 > 0 {
			line += fmt.Sprintf(" p99 %10.3f", f.P99)
		}
		if f.Want != "" {
			line += fmt.Sprintf("  %s: %s", f.Want, map[bool]string{true: "reached", false: "NOT reached"}[f.Met])
		}
		b.WriteString(strings.TrimSpace(line) + "\n")
	}
	return env.Printf("%s", b.String())
}

// measured runs f on a stage in a temporary folder.
func measured(ctx context.Context, env *engine.Env, kind string, o Options, f func(context.Context, *stage.Stage) (
	[]Figure, error)) (out Figures, err error) {
	dir, err := os.MkdirTemp("", "countersign-bench-*")
	if err != nil {
		return out, err
	}
	defer os.RemoveAll(dir) //nolint:errcheck // a temporary folder
	s, err := stage.New(ctx, env, dir, o.Options)
	if err != nil {
		return out, err
	}
	out = Figures{Kind: kind, At: env.Now().UTC(), Machine: stage.MachineHere(), Rows: max(o.Rows, o.Open)}
	out.Figures, err = f(ctx, s)
	if stopped := s.Stop(); err == nil {
		err = stopped
	}
	return out, err
}

// since is in milliseconds.
func since(at time.Time) float64 { return float64(time.Since(at).Nanoseconds()) / 1e6 }
