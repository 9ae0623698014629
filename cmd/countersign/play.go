package main

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
	"countersign/cmd/countersign/output"
	"countersign/model/store/database"
	"countersign/provider/simulator"
	"countersign/worker/apply"
)

type demoOptions struct {
	length       time.Duration
	json         bool
	seed         uint64
	transactions int
	keep         string
}

// demoFaults is a bad day.
func demoFaults() simulator.Faults {
	return simulator.Faults{
		Drop: 0.25, Duplicate: 0.15, Reorder: 0.15, Delay: 0.1, Forge: 0.08,
		ErrorRate: 0.04, RateLimit: 0.02, Wait: time.Second, Stale: 0.08, Shift: 0.1, BadFiles: 0.2, SameSecond: true,
	}
}

// session is a running demo.
type session struct {
	env    *engine.Env // of the daemon: its config and its log are in the folder
	o      demoOptions
	dir    string
	world  *simulator.World
	engine *engine.Engine
	events counter
}

func runDemo(ctx context.Context, env *engine.Env, o demoOptions) (err error) {
	dir := o.keep
	if dir == "" {
		if dir, err = os.MkdirTemp("", "countersign-demo-"); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	} else if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	log, err := os.OpenFile(filepath.Join(dir, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close() //nolint:errcheck // a demo's log
	inner := *env
	inner.Stderr, inner.ConfigFlag, inner.Terminal = log, filepath.Join(dir, "config.yaml"), false
	ctx, stop := env.Signals(ctx, logrus.NewEntry(env.Logger(config.Log{Level: "warn", Format: "text"})))
	defer stop()
	s := &session{env: &inner, o: o, dir: dir}
	report, err := s.play(ctx, env)
	if err != nil {
		return err
	}
	if o.json {
		err = errors.Join(printDifferences(env.Stderr, report.differences), json.NewEncoder(env.Stdout).Encode(report))
	} else {
		err = printReport(ctx, env, s, report)
	}
	if err == nil && !report.Converged {
		err = &output.ExitError{Code: output.ExitDrift}
	}
	return errors.Join(err, s.engine.Close())
}

// play runs the simulator and the daemon side by side and returns the report.
func (s *session) play(ctx context.Context, a *engine.Env) (report demoReport, err error) {
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
	if s.o.json {
		say = io.Discard
	}
	fmt.Fprintf(say, "A day in %s: %d transactions at simulated services, callbacks lost, doubled, reordered, forged.\n", s.o.length, s.o.transactions)
	fmt.Fprintf(say, "Everything lies in %s\n\n", s.dir)

	run, stop := context.WithCancel(ctx)
	defer stop()
	var g errgroup.Group
	srv := &http.Server{Handler: s.world.Handler(), ReadHeaderTimeout: 10 * time.Second}
	g.Go(func() error { return engine.ServeHTTP(run, srv, socket, 0) })
	end := func(err error) error { stop(); return errors.Join(err, g.Wait()) }
	c, err := s.env.Config()
	if err != nil {
		return report, end(err)
	}
	if s.engine, err = s.env.Start(run, c, logrus.NewEntry(s.env.Logger(c.Log))); err != nil {
		return report, end(err)
	}
	since := config.Span{Now: s.env.Now}
	if err := since.Set("24h"); err != nil {
		return report, end(err)
	}
	g.Go(func() error {
		return s.engine.Store.WithLock(run, database.LockServe, s.env.Owner(), func(ctx context.Context) error {
			return s.engine.Serve(ctx, engine.ServeOptions{Backfill: since})
		})
	})
	g.Go(func() error { return s.world.Run(run) })

	err = s.runLives(run, say)
	if err == nil {
		report, err = s.settle(run, say)
	}
	return report, end(err)
}

// prepare makes the world and writes the config that fits it.
func (s *session) prepare(services, public string) error {
	speed := (24 * time.Hour).Seconds() / s.o.length.Seconds()
	s.world = simulator.New(simulator.Options{
		Services: simulator.Services(), Seed: s.o.seed, Transactions: s.o.transactions, BornBefore: s.o.transactions / 5, Speed: speed,
		Base: "http://" + services, Callbacks: "http://" + public, Faults: demoFaults(), Observe: s.events.note,
	})
	conf := simulatedConfig(simulatedOptions{Providers: s.env.Providers,
		Accounts: s.world.Accounts(), Base: "http://" + services, PublicAddress: public, ConsoleAddress: "127.0.0.1:0",
		Database: "sqlite:./countersign.db", Documents: "file:./documents", Speed: speed,
	})
	return os.WriteFile(s.env.ConfigFlag, []byte(conf), 0o600)
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
func (s *session) runLives(ctx context.Context, say io.Writer) error {
	fmt.Fprintln(say, "  time  born  changes  callbacks  lost  doubled  forged  rows  completed  files  gaps pending")
	for at := time.Duration(0); at < s.o.length; at += time.Second {
		if !s.env.Wait(ctx, time.Second) {
			return ctx.Err()
		}
		line, err := s.progress(ctx)
		if err != nil {
			return err
		}
		fmt.Fprintf(say, "%5ds  %s\n", int(at/time.Second)+1, line)
	}
	return nil
}

// longestSettling is the longest that a demo tries to come to an end, on a machine that has much else to do.
const longestSettling = 5 * time.Minute

// settle stops the faults, lets what is on its way arrive, runs one full poll, waits until nothing is
// asked again, and compares.
func (s *session) settle(ctx context.Context, say io.Writer) (demoReport, error) {
	fmt.Fprint(say, "\nThe faults stop. What was delayed arrives, one full poll asks about every row …\n")
	s.world.Stop()
	s.world.SetFaults(simulator.Faults{})
	s.world.FlushDelayed()
	ctx, cancel := context.WithTimeout(ctx, longestSettling)
	defer cancel()
	quiet := func(ctx context.Context) (bool, error) {
		if !s.world.Idle() {
			return false, nil
		}
		return s.settled(ctx)
	}
	if err := s.waitFor(ctx, quiet); err != nil {
		return demoReport{}, err
	}
	runs, err := s.engine.QueuePolls(ctx, nil, apply.Tiers())
	if err != nil {
		return demoReport{}, err
	}
	done := func(ctx context.Context) (bool, error) {
		over, err := s.engine.Done(ctx, runs, output.NoProgress{})
		if err != nil || !over {
			return false, err
		}
		return s.settled(ctx)
	}
	if err := s.waitFor(ctx, done); err != nil {
		return demoReport{}, err
	}
	return s.report(ctx)
}

// waitFor asks again and again until it is so. Time that runs out is no error: the report tells.
func (s *session) waitFor(ctx context.Context, so func(context.Context) (bool, error)) error {
	for {
		ok, err := so(ctx)
		if ok || errors.Is(ctx.Err(), context.DeadlineExceeded) {
			return nil
		}
		if err != nil {
			return err
		}
		if !s.env.Wait(ctx, 200*time.Millisecond) && !errors.Is(ctx.Err(), context.DeadlineExceeded) {
			return ctx.Err()
		}
	}
}
