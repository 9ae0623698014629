// Package bench measures this machine: the real daemon, a process of its own with its loops running, beside what the
// database can do at all and beside handlers as people write them.
package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/sirupsen/logrus"

	"countersign/cmd/countersign/bench/child"
	"countersign/cmd/countersign/bench/limits"
	"countersign/cmd/countersign/bench/load"
	"countersign/cmd/countersign/bench/stage"
	"countersign/cmd/countersign/config"
	"countersign/cmd/countersign/engine"
)

// Options is what the flags of bench ingest say.
type Options struct {
	stage.Options
	Connections []int
	Rounds      int
	Seconds     float64
	Defaults    bool // also the handler on the driver's defaults
	Only        bool // nothing but the daemon
	JSON        bool
	Profile     string // a folder for profiles of the daemon
	Base        string // a file of an earlier --json
	Keep        string // the folder that everything lies in, left as it is
}

// subject is one of what is compared.
type subject struct {
	name   string
	fixed  int // connections; 0: as many as are asked for
	round  func(ctx context.Context, service string, connections int, long time.Duration) (load.Result, error)
	count  func(ctx context.Context) (int64, error) // nil: it stores nothing
	daemon bool
}

// stand is all that is measured.
type stand struct {
	*stage.Stage
	o      Options
	list   []subject
	rate   map[string]float64 // the best so far of subject and service, for how much is made ahead
	closes []func() error
	bares  []*limits.Bare
	filled int64 // bytes that the daemon's table used before the load
	before int64 // callbacks that it held then
	counts *counter
}

// Ingest measures callbacks a second and prints what it finds.
func Ingest(ctx context.Context, env *engine.Env, o Options) error {
	base, err := readBase(o.Base)
	if err != nil {
		return err
	}
	show := printer{env: env, json: o.JSON}
	report, err := Measure(ctx, env, o, show.lines)
	if err != nil {
		return err
	}
	report.Against = Compare(base, report)
	return show.report(report)
}

// Measure measures callbacks a second. Each load's lines are shown as they are there.
func Measure(ctx context.Context, env *engine.Env, o Options, show func([]Line) error) (report Report, err error) {
	dir := o.Keep
	if dir == "" {
		if dir, err = os.MkdirTemp("", "countersign-bench-*"); err != nil {
			return report, err
		}
		defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	}
	if dir, err = filepath.Abs(dir); err != nil {
		return report, err
	}
	report = Report{Kind: "ingest", Machine: stage.MachineHere(), At: env.Now().UTC(), Settings: settingsOf(o)}
	a, err := stage.New(ctx, env, dir, o.Options)
	if err != nil {
		return report, err
	}
	s := &stand{Stage: a, o: o, rate: map[string]float64{}}
	defer func() { err = errors.Join(err, s.close()) }()
	if err := s.run(ctx, &report, show); err != nil {
		return report, err
	}
	report.Goals = Verdict(report)
	return report, nil
}

// run measures all that was asked for.
func (s *stand) run(ctx context.Context, report *Report, show func([]Line) error) (err error) {
	if s.o.Postgres == "" {
		if s.filled, err = limits.Used(ctx, s.File()); err != nil {
			return err
		}
	}
	if report.Start, err = s.Serve(ctx); err != nil {
		return err
	}
	if report.Sync, err = measureSync(s.Dir); err != nil {
		return err
	}
	if err := s.subjects(ctx); err != nil {
		return err
	}
	for _, service := range s.o.Services {
		for _, n := range s.o.Connections {
			lines, err := s.measure(ctx, service, n)
			if err != nil {
				return err
			}
			report.Lines = append(report.Lines, lines...)
			if s.o.Profile != "" {
				if err := s.profile(ctx, service, n); err != nil {
					return err
				}
			}
			if err := show(lines); err != nil {
				return err
			}
		}
	}
	if s.o.Postgres == "" {
		report.Disk, err = s.disk(ctx, report.Lines)
	}
	return err
}

// close ends what was started.
func (s *stand) close() error {
	var errs []error
	for _, f := range slices.Backward(s.closes) {
		errs = append(errs, f())
	}
	return errors.Join(append(errs, s.Stop())...)
}

// subjects opens what the daemon is compared with; the daemon is the first.
func (s *stand) subjects(ctx context.Context) error {
	counts, err := newCounter(s.File(), s.Tables)
	if err != nil {
		return err
	}
	s.counts = counts
	if s.before, err = counts.count(ctx); err != nil {
		return err
	}
	s.closes = append(s.closes, counts.close)
	ours := subject{name: Daemon, daemon: true, count: counts.count, round: func(ctx context.Context, service string, n int,
		long time.Duration) (load.Result, error) {
		return s.post(ctx, Daemon, s.Stocks[service], s.Target(service), service, n, long)
	}}
	s.list = []subject{ours}
	if s.o.Only {
		return nil
	}
	if s.o.Postgres != "" {
		return s.postgres(ctx)
	}
	kinds := []string{Answer, Careful}
	if s.o.Defaults {
		kinds = append(kinds, Careless)
	}
	for _, kind := range kinds {
		if err := s.handler(ctx, kind); err != nil {
			return err
		}
	}
	for _, service := range s.o.Services {
		if err := s.Pattern(ctx, service); err != nil {
			return err
		}
		if err := s.limits(ctx, service); err != nil {
			return err
		}
	}
	return nil
}

// postgres adds one writer with many rows to a statement, beside the daemon's on the same server.
func (s *stand) postgres(ctx context.Context) error {
	for _, service := range s.o.Services {
		if err := s.Pattern(ctx, service); err != nil {
			return err
		}
		schema := s.Schema + "_" + service
		b, err := limits.OpenPostgres(ctx, s.o.Postgres, s.Tables, schema, stage.Loaded(service))
		if err != nil {
			return err
		}
		s.closes = append(s.closes, func() error {
			return errors.Join(b.Close(), limits.DropSchema(context.WithoutCancel(ctx), s.o.Postgres, schema))
		})
		s.inProcess(Bare, service, b, b.Do, nil)
	}
	return nil
}

// handler adds one that people write, in a process of its own as ours is.
func (s *stand) handler(ctx context.Context, kind string) error {
	to, stocks, files := map[string]load.Target{}, map[string]*load.Stock{}, []string{}
	for i, service := range s.o.Services {
		file := filepath.Join(s.Dir, kind+"-"+service+".db")
		address := make(chan string, 1)
		p, err := child.Start(ctx, s.o.Binary, s.Dir, func(line string) {
			if len(address) == 0 {
				address <- line
			}
		}, "bench", "handle", kind, "--service", service, "--file", file, "--sync-delay", s.o.SyncDelay.String())
		if err != nil {
			return err
		}
		s.closes = append(s.closes, p.Stop)
		if err := p.Until(ctx, "address", func() bool { return len(address) > 0 }); err != nil {
			return err
		}
		to[service] = load.Target{Address: <-address, Path: "/"}
		maker, err := load.For(service, 10+uint32(i), s.Accounts[service].Settings) //nolint:gosec // five
		if err != nil {
			return err
		}
		stocks[service] = &load.Stock{Make: maker, At: s.Env.UTC}
		files = append(files, file)
	}
	sub := subject{name: kind, round: func(ctx context.Context, service string, n int, long time.Duration) (load.Result,
		error) {
		return s.post(ctx, kind, stocks[service], to[service], service, n, long)
	}}
	if kind != Answer {
		sub.count = func(ctx context.Context) (sum int64, err error) {
			for _, f := range files {
				n, err := limits.CountNaive(ctx, f)
				if err != nil {
					return 0, err
				}
				sum += n
			}
			return sum, nil
		}
	}
	s.list = append(s.list, sub)
	return nil
}

// limits adds what the database can do with rows like those of a service, each in its own file.
func (s *stand) limits(ctx context.Context, service string) error {
	for _, name := range []string{Work, Bare} {
		dir := filepath.Join(s.Dir, name+"-"+service)
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return err
		}
		b, err := limits.OpenBare(ctx, dir, s.File(), stage.Loaded(service), s.o.SyncDelay)
		if err != nil {
			return err
		}
		s.closes = append(s.closes, b.Close)
		if name == Bare {
			s.bares = append(s.bares, b)
		}
		do := b.Do
		var stock *load.Stock
		if name == Work {
			if do, stock, err = s.worker(service, b); err != nil {
				return err
			}
		}
		s.inProcess(name, service, b, do, stock)
	}
	return nil
}

// inProcess adds a limit.
func (s *stand) inProcess(name, service string, b *limits.Bare, do func(context.Context) error, stock *load.Stock) {
	s.list = append(s.list, subject{name: name, fixed: limits.Producers, count: b.Count, round: func(ctx context.Context,
		of string, n int, long time.Duration) (load.Result, error) {
		if of != service {
			return load.Result{}, errOther
		}
		if stock != nil {
			stock.Fill(s.ahead(name+service, long))
		}
		r, err := load.Callers(ctx, n, long, func() (func(context.Context) error, func() error, error) {
			return do, func() error { return nil }, nil
		})
		s.note(name+service, r)
		return r, err
	}})
}

// errOther says that a subject is for another service.
var errOther = errors.New("of another service")

// worker is the limit's work: the service's own adapter verifies and parses.
func (s *stand) worker(service string, b *limits.Bare) (func(context.Context) error, *load.Stock, error) {
	maker, err := load.For(service, 100, s.Accounts[service].Settings)
	if err != nil {
		return nil, nil, err
	}
	stock := &load.Stock{Make: maker, At: s.Env.UTC}
	do, err := b.Worker(stock, s.Adapters[service])
	return do, stock, err
}

// post has connections call, with what they send made ahead.
func (s *stand) post(ctx context.Context, name string, stock *load.Stock, to load.Target, service string, n int,
	long time.Duration) (load.Result, error) {
	stock.Fill(s.ahead(name+service, long))
	r, err := stock.Send(ctx, to, n, long)
	s.note(name+service, r)
	return r, err
}

// ahead is how much is made before a round: somewhat more than the best round used.
func (s *stand) ahead(key string, long time.Duration) int {
	return min(int(max(s.rate[key]*1.2, 2000)*long.Seconds()), 200_000)
}

func (s *stand) note(key string, r load.Result) { s.rate[key] = max(s.rate[key], r.PerSecond()) }

func readBase(file string) (*Report, error) {
	if file == "" {
		return nil, nil //nolint:nilnil // none was named
	}
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	r := &Report{}
	if err := json.Unmarshal(b, r); err != nil {
		return nil, fmt.Errorf("--base %s: want what `bench ingest --json` printed: %w", file, err)
	}
	return r, nil
}

// Quiet is a log that nobody reads.
func Quiet() *logrus.Entry { return logrus.NewEntry(config.Silent()) }
