// Package demo plays a day in seconds: simulated services with faults, the daemon beside them, and a report on how the
// table compares with the services at the end.
package demo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/sirupsen/logrus"
	"golang.org/x/sync/errgroup"

	"countersign/cmd/countersign/config"
	"countersign/cmd/countersign/engine"
	"countersign/cmd/countersign/engine/web"
	"countersign/cmd/countersign/output"
	"countersign/cmd/countersign/output/progress"
	"countersign/model/store/database"
	"countersign/provider/simulator"
	"countersign/worker/apply"
)

// Options is what the flags of demo say.
type Options struct {
	Length       time.Duration
	JSON         bool
	Seed         uint64
	Transactions int
	Keep         string // an empty folder; none: a temporary one
}

// demoFaults is a bad day.
func demoFaults() simulator.Faults {
	return simulator.Faults{
		Drop: 0.25, Duplicate: 0.15, Reorder: 0.15, Delay: 0.1, Forge: 0.08,
		ErrorRate: 0.04, RateLimit: 0.02, Wait: time.Second, Stale: 0.08, Shift: 0.1, BadFiles: 0.2, SameSecond: true,
	}
}

// Session is a running demo.
type Session struct {
	Env    *engine.Env // of the daemon: its config and its log are in the folder
	o      Options
	dir    string
	World  *simulator.World
	Engine *engine.Engine
	before int // how many transactions there are when the day begins
	events counter
}

// Run plays a day in seconds and prints its report. A table that is not right at its end is exit 3.
func Run(ctx context.Context, env *engine.Env, o Options) (err error) {
	dir := o.Keep
	if dir == "" {
		if dir, err = os.MkdirTemp("", "countersign-demo-"); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	}
	log, err := os.OpenFile(filepath.Join(dir, "log"), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close() //nolint:errcheck // a demo's log
	inner := *env
	inner.Stderr, inner.ConfigFlag, inner.Terminal = log, filepath.Join(dir, "config.yaml"), false
	ctx, stop := env.Signals(ctx, logrus.NewEntry(env.Logger(config.Log{Level: "warn", Format: "text"})))
	defer stop()
	s := &Session{Env: &inner, o: o, dir: dir}
	report, err := s.play(ctx, env)
	if err != nil {
		return err
	}
	if o.JSON {
		err = errors.Join(printDifferences(env.Stderr, report.Differences), json.NewEncoder(env.Stdout).Encode(report))
	} else {
		err = printReport(ctx, env, s, report)
	}
	if err == nil && !report.Converged {
		err = &output.ExitError{Code: output.ExitDrift}
	}
	return errors.Join(err, s.Engine.Close())
}

// play runs the simulator and the daemon side by side and returns the report.
func (s *Session) play(ctx context.Context, a *engine.Env) (report Report, err error) {
	socket, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return report, err
	}
	public, err := freeAddress()
	if err != nil {
		return report, errors.Join(err, socket.Close())
	}
	if err := s.prepare(socket.Addr().String(), public); err != nil {
		return report, errors.Join(err, socket.Close())
	}
	say := io.Writer(a.Stdout)
	if s.o.JSON {
		say = io.Discard
	}
	fmt.Fprintf(say, "A day in %s: %d transactions at simulated services.\n", s.o.Length, s.o.Transactions)
	fmt.Fprintln(say, "Callbacks are lost, doubled, reordered, delayed and forged.")
	if s.o.Keep != "" {
		fmt.Fprintf(say, "Everything lies in %s\n", s.dir)
	}
	fmt.Fprintln(say)

	run, stop := context.WithCancel(ctx)
	defer stop()
	var g errgroup.Group
	srv := &http.Server{Handler: s.World.Handler(), ReadHeaderTimeout: 10 * time.Second}
	g.Go(func() error { return web.Serve(run, srv, socket, 0) })
	end := func(err error) error { stop(); return errors.Join(err, g.Wait()) }
	c, err := s.Env.Config()
	if err != nil {
		return report, end(err)
	}
	if s.Engine, err = s.Env.Start(run, c, logrus.NewEntry(s.Env.Logger(c.Log))); err != nil {
		return report, end(err)
	}
	since := config.Span{Now: s.Env.Now}
	if err := since.Set("24h"); err != nil {
		return report, end(err)
	}
	g.Go(func() error {
		return s.Engine.Store.WithLock(run, database.LockServe, s.Env.Owner(), func(ctx context.Context) error {
			return s.Engine.Serve(ctx, engine.ServeOptions{Backfill: since})
		})
	})
	g.Go(func() error { return s.World.Run(run) })

	err = s.runLives(run, say)
	if err == nil {
		report, err = s.settle(run, say)
	}
	return report, end(err)
}

// prepare makes the world and writes the config that fits it.
func (s *Session) prepare(services, public string) error {
	speed := (24 * time.Hour).Seconds() / s.o.Length.Seconds()
	s.World = simulator.New(simulator.Options{
		Services: simulator.Services(), Seed: s.o.Seed, Transactions: s.o.Transactions, BornBefore: s.o.Transactions / 5,
		Speed: speed, End: 24 * time.Hour,
		Base: "http://" + services, Callbacks: "http://" + public, Faults: demoFaults(), Observe: s.events.note,
	})
	s.before = len(s.World.Truth().Transactions)
	conf := Config(ConfigOptions{Providers: s.Env.Providers,
		Accounts: s.World.Accounts(), Base: "http://" + services, PublicAddress: public, ConsoleAddress: "127.0.0.1:0",
		Database: "sqlite:./countersign.db", Documents: "file:./documents", Speed: speed,
	})
	return os.WriteFile(s.Env.ConfigFlag, []byte(conf), 0o600)
}

// freeAddress returns a loopback address that nobody listens on.
func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

// runLives lets lives and faults run their time, and tells each second what happened.
func (s *Session) runLives(ctx context.Context, say io.Writer) error {
	fmt.Fprintln(say, " time  born  changes  callbacks  lost  twice forged  rows  done  files untold")
	for at := time.Duration(0); at < s.o.Length; at += time.Second {
		if !s.Env.Wait(ctx, time.Second) {
			return ctx.Err()
		}
		line, err := s.progress(ctx)
		if err != nil {
			return err
		}
		fmt.Fprintf(say, "%4ds  %s\n", int(at/time.Second)+1, line)
	}
	return nil
}

// longestSettling is the longest that a demo tries to come to an end, on a machine that has much else to do.
const longestSettling = 5 * time.Minute

// settle stops the faults, lets what is on its way arrive, runs one full poll, waits until nothing is
// asked again, and compares.
func (s *Session) settle(ctx context.Context, say io.Writer) (Report, error) {
	fmt.Fprint(say, "\nThe faults stop. What was delayed arrives, one full poll asks about every row.\n")
	ctx, cancel := context.WithTimeout(ctx, longestSettling)
	defer cancel()
	// what the day still had in store is played however late, so that a seed has the same transactions each time
	if err := s.waitFor(ctx, func(context.Context) (bool, error) { return s.World.Ended(), nil }); err != nil {
		return Report{}, err
	}
	s.World.Stop()
	s.World.SetFaults(simulator.Faults{})
	s.World.FlushDelayed()
	quiet := func(ctx context.Context) (bool, error) {
		if !s.World.Idle() {
			return false, nil
		}
		return s.Settled(ctx)
	}
	if err := s.waitFor(ctx, quiet); err != nil {
		return Report{}, err
	}
	runs, err := s.Engine.Queue().Polls(ctx, nil, apply.Tiers())
	if err != nil {
		return Report{}, err
	}
	done := func(ctx context.Context) (bool, error) {
		over, err := s.Engine.Done(ctx, runs, progress.Hidden{})
		if err != nil || !over {
			return false, err
		}
		return s.Settled(ctx)
	}
	if err := s.waitFor(ctx, done); err != nil {
		return Report{}, err
	}
	return s.Report(ctx)
}

// waitFor asks again and again until it is so. Time that runs out is no error: the report tells.
func (s *Session) waitFor(ctx context.Context, so func(context.Context) (bool, error)) error {
	for {
		ok, err := so(ctx)
		if ok || errors.Is(ctx.Err(), context.DeadlineExceeded) {
			return nil
		}
		if err != nil {
			return err
		}
		if !s.Env.Wait(ctx, 200*time.Millisecond) && !errors.Is(ctx.Err(), context.DeadlineExceeded) {
			return ctx.Err()
		}
	}
}
