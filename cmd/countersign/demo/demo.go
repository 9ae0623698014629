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
	"strconv"
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
	Hooks        bool   // print each announcement as a receiver verified it
	Stay         bool   // the console stays open after the report, until ctx ends
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
	say    io.Writer // what happens, for people
	Engine *engine.Engine
	before int // how many transactions there are when the day begins
	events counter

	receiver *receiver // of announcements; nil: nobody is told
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
	say := env.Stdout
	if o.JSON {
		say = io.Discard
	}
	ctx, stop := env.Signals(ctx, logrus.NewEntry(env.Logger(config.Log{Level: "warn", Format: "text"})))
	defer stop()
	s := &Session{Env: &inner, o: o, dir: dir, say: say}
	if o.Hooks {
		if s.receiver, err = newReceiver(&env.Printer, o.JSON); err != nil {
			return err
		}
	}
	converged := true
	err = s.play(ctx, func(ctx context.Context, console string) error {
		report, err := s.day(ctx)
		if err != nil {
			return err
		}
		converged = report.Converged
		if s.receiver != nil {
			if err := s.told(ctx); err != nil {
				return err
			}
			defer fmt.Fprintln(say, "\n"+s.receiver.summary())
		}
		if o.JSON {
			return errors.Join(printDifferences(env, env.Stderr, report.Differences),
				json.NewEncoder(env.Stdout).Encode(report))
		}
		if err := printReport(ctx, env, s, report); err != nil || !o.Stay {
			return err
		}
		fmt.Fprintf(say, "\n%s\n", env.Say("cli.demo.stays", "console", console))
		<-ctx.Done()
		return nil
	})
	if err == nil && !converged {
		err = &output.ExitError{Code: output.ExitDrift}
	}
	if s.Engine == nil {
		return err
	}
	return errors.Join(err, s.Engine.Close())
}

// play runs the simulator and the daemon side by side, until do has done what is to be done with them. do is told where
// the console is; its context ends when either of the two fails.
func (s *Session) play(ctx context.Context, do func(ctx context.Context, console string) error) error {
	socket, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	public, err := freeAddress()
	if err != nil {
		return errors.Join(err, socket.Close())
	}
	if err := s.prepare(socket.Addr().String(), public); err != nil {
		return errors.Join(err, socket.Close())
	}
	s.begin()
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	g, run := errgroup.WithContext(ctx)
	srv := &http.Server{Handler: s.World.Handler(), ReadHeaderTimeout: 10 * time.Second}
	g.Go(func() error { return web.Serve(run, srv, socket, 0) })
	end := func(err error) error {
		stop()
		if failed := g.Wait(); failed != nil && errors.Is(err, context.Canceled) {
			return failed
		} else if failed != nil {
			return errors.Join(err, failed)
		}
		return err
	}
	c, err := s.Env.Config()
	if err != nil {
		return end(err)
	}
	if s.Engine, err = s.Env.Start(run, c, logrus.NewEntry(s.Env.Logger(c.Log))); err != nil {
		return end(err)
	}
	if s.receiver != nil {
		g.Go(func() error { return s.receiver.serve(run) })
	}
	since := config.Span{Now: s.Env.Now}
	if err := since.Set("24h"); err != nil {
		return end(err)
	}
	console := make(chan string, 1)
	serve := engine.ServeOptions{Backfill: since, Opened: func(at net.Addr) { console <- "http://" + at.String() + "/" }}
	g.Go(func() error {
		return s.Engine.Store.WithLock(run, database.LockServe, s.Env.Owner(),
			func(ctx context.Context) error { return s.Engine.Serve(ctx, serve) })
	})
	g.Go(func() error { return s.World.Run(run) })
	select {
	case <-run.Done():
		return end(run.Err())
	case at := <-console:
		fmt.Fprintf(s.say, "%s\n\n", s.Env.Say("cli.demo.console", "console", at))
		return end(do(run, at))
	}
}

// begin says what will be played.
func (s *Session) begin() {
	fmt.Fprintln(s.say, s.Env.Say("cli.demo.begin", "span", s.o.Length.String(), "n", s.o.Transactions))
	fmt.Fprintln(s.say, s.Env.Say("cli.demo.faults"))
	if s.o.Keep != "" {
		fmt.Fprintln(s.say, s.Env.Say("cli.demo.kept", "folder", s.dir))
	}
}

// day lets the day pass, and reports on it.
func (s *Session) day(ctx context.Context) (Report, error) {
	if err := s.runLives(ctx); err != nil {
		return Report{}, err
	}
	return s.settle(ctx)
}

// prepare makes the world and writes the config that fits it.
func (s *Session) prepare(services, public string) error {
	speed := (24 * time.Hour).Seconds() / s.o.Length.Seconds()
	s.World = simulator.New(simulator.Options{
		Services: simulator.Services(), Seed: s.o.Seed, Transactions: s.o.Transactions, BornBefore: s.o.Transactions / 5,
		Speed: speed, End: 24 * time.Hour,
		Base: "http://" + services, Callbacks: "http://" + public, Faults: demoFaults(), Altered: 0.1,
		Observe: s.events.note,
	})
	s.before = len(s.World.Truth().Transactions)
	conf := Config(ConfigOptions{Providers: s.Env.Providers,
		Accounts: s.World.Accounts(), Base: "http://" + services, PublicAddress: public, ConsoleAddress: "127.0.0.1:0",
		Database: "sqlite:./countersign.db", Documents: "file:./documents", Speed: speed,
	})
	if s.receiver != nil {
		conf += s.receiver.config()
	}
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
func (s *Session) runLives(ctx context.Context) error {
	columns := s.columns()
	fmt.Fprintln(s.say, columns.head())
	for at := time.Duration(0); at < s.o.Length; at += time.Second {
		if !s.Env.Wait(ctx, time.Second) {
			return ctx.Err()
		}
		counts, err := s.progress(ctx)
		if err != nil {
			return err
		}
		fmt.Fprintln(s.say, columns.line(strconv.Itoa(int(at/time.Second)+1)+"s", counts))
	}
	return nil
}

// longestSettling is the longest that a demo tries to come to an end, on a machine that has much else to do.
const longestSettling = 5 * time.Minute

// settle stops the faults, lets what is on its way arrive, runs one full poll, waits until nothing is
// asked again, and compares.
func (s *Session) settle(ctx context.Context) (Report, error) {
	fmt.Fprintf(s.say, "\n%s\n", s.Env.Say("cli.demo.settles"))
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
