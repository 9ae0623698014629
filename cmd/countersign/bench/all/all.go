// Package all runs every bench at sizes that end within half an hour, and writes what they found as tables of a page.
package all

import (
	"context"
	"fmt"
	"time"

	"countersign/cmd/countersign/bench"
	"countersign/cmd/countersign/bench/stage"
	"countersign/cmd/countersign/bench/tables"
	"countersign/cmd/countersign/engine"
	"countersign/provider/simulator"
)

// Options is what the flags say.
type Options struct {
	Binary   string
	Rounds   int
	Seconds  float64
	Rows     int    // of the table that is read and started on
	Sizes    []int  // of growth, in callbacks
	Postgres string // "": left out
	For      time.Duration
}

// Found is what all benches found.
type Found struct {
	Ingest   []bench.Report   `json:"ingest"`
	Figures  []tables.Figures `json:"figures"`
	Growth   *tables.Growth   `json:"growth,omitempty"`
	Commands []string         `json:"commands"`
}

// Run runs them one after another, and says which.
func Run(ctx context.Context, env *engine.Env, o Options) (f Found, err error) {
	say := func(command string) error {
		f.Commands = append(f.Commands, command)
		_, err := fmt.Fprintf(env.Stderr, "%s  %s\n", env.Now().UTC().Format(time.TimeOnly), command)
		return err
	}
	for _, one := range ingests(o) {
		if err := say(one.command); err != nil {
			return f, err
		}
		r, err := bench.Measure(ctx, env, one.options, func([]bench.Line) error { return nil })
		if err != nil {
			return f, err
		}
		f.Ingest = append(f.Ingest, r)
	}
	for _, one := range []struct {
		command string
		rows    int
		run     func(context.Context, *engine.Env, tables.Options) (tables.Figures, error)
	}{
		{"bench start", o.Rows, tables.Start}, {"bench list", o.Rows, tables.List}, {"bench poll", 20_000, tables.Poll},
	} {
		if err := say(one.command); err != nil {
			return f, err
		}
		found, err := one.run(ctx, env, tables.Options{For: o.For, Rounds: 5,
			Options: stage.Options{Binary: o.Binary, Services: []string{"onespan"}, Rows: one.rows}})
		if err != nil {
			return f, err
		}
		f.Figures = append(f.Figures, found)
	}
	if err := say("bench growth"); err != nil {
		return f, err
	}
	g, err := tables.Grow(ctx, env, tables.Options{Rounds: 5,
		Options: stage.Options{Binary: o.Binary, Open: 5000}}, o.Sizes, func(tables.Point) error { return nil })
	f.Growth = &g
	return f, err
}

// ingest is one run of bench ingest.
type ingest struct {
	command string
	options bench.Options
}

// ingests are those that the goals need.
func ingests(o Options) []ingest {
	make := func(services []string, connections ...int) bench.Options {
		return bench.Options{Options: stage.Options{Binary: o.Binary, Services: services, Open: 5000},
			Connections: connections, Rounds: o.Rounds, Seconds: o.Seconds}
	}
	one := []string{"onespan"}
	list := []ingest{
		{"bench ingest --defaults", make(one, 1, 16, 64, 256)},
		{"bench ingest --connections 64 --provider dropboxsign,allsign,autosign,documenso",
			make(simulator.Services()[1:], 64)},
		{"bench ingest --connections 1,64 --sync-delay 1ms", make(one, 1, 64)},
		{"bench ingest --connections 64 --sync-delay 5ms", make(one, 64)},
		{"bench ingest --connections 64 --backlog 100000", make(one, 64)},
	}
	list[0].options.Defaults = true
	list[2].options.SyncDelay, list[3].options.SyncDelay = time.Millisecond, 5*time.Millisecond
	list[4].options.Backlog = 100_000
	if o.Postgres != "" {
		pg := make(one, 64)
		pg.Postgres = o.Postgres
		list = append(list, ingest{"bench ingest --connections 64 --postgres DSN", pg})
	}
	return list
}
