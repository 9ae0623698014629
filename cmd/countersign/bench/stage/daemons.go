package stage

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"countersign/cmd/countersign/bench/child"
	"countersign/cmd/countersign/bench/load"
)

// replica is a daemon beside the first, on the same tables.
type replica struct {
	public, console, config string
	process                 *child.Process
}

// multiply writes the configs of the daemons beside the first, which differ from its in their listeners.
func (a *Stage) multiply(text string) error {
	for i := 2; i <= a.Options.Processes; i++ {
		r := &replica{config: filepath.Join(a.Dir, fmt.Sprintf("config-%d.yaml", i))}
		var err error
		if r.public, err = child.FreeAddress(); err != nil {
			return err
		}
		if r.console, err = child.FreeAddress(); err != nil {
			return err
		}
		mine := strings.NewReplacer(a.public, r.public, a.console, r.console).Replace(text)
		if err := os.WriteFile(r.config, []byte(mine), 0o600); err != nil {
			return err
		}
		a.more = append(a.more, r)
	}
	return nil
}

// Target is where the load of a service goes.
func (a *Stage) Target(service string) load.Target {
	t := load.Target{Address: a.public, Path: "/callbacks/" + Loaded(service)}
	for _, r := range a.more {
		t.Others = append(t.Others, r.public)
	}
	return t
}

// Serve starts the daemon and says how long it took to listen; then those beside it.
func (a *Stage) Serve(ctx context.Context) (took time.Duration, err error) {
	if a.Daemon, took, err = a.serve(ctx, a.Env.ConfigFlag, a.public); err != nil {
		return 0, err
	}
	for _, r := range a.more {
		if r.process, _, err = a.serve(ctx, r.config, r.public); err != nil {
			return 0, err
		}
	}
	watch, stop := context.WithCancel(context.WithoutCancel(ctx))
	var watching sync.WaitGroup
	watching.Go(func() { a.Daemon.Watch(watch) })
	a.stopping = func() { stop(); watching.Wait() }
	return took, nil
}

func (a *Stage) serve(ctx context.Context, config, public string) (p *child.Process, took time.Duration, err error) {
	began := time.Now()
	p, err = child.Start(ctx, a.Options.Binary, a.Dir, nil, "serve", "--config", config, "--bench-sync-delay",
		a.Options.SyncDelay.String())
	if err != nil {
		return nil, 0, err
	}
	err = p.Until(ctx, "listener", func() bool {
		conn, err := net.DialTimeout("tcp", public, time.Second)
		if err != nil {
			return false
		}
		took = time.Since(began)
		return conn.Close() == nil
	})
	return p, took, err
}

// CPU is the processor time that the daemons took, all together.
func (a *Stage) CPU() (sum time.Duration, err error) {
	all := []*child.Process{a.Daemon}
	for _, r := range a.more {
		all = append(all, r.process)
	}
	for _, p := range all {
		spent, err := p.CPU()
		if err != nil {
			return 0, err
		}
		sum += spent
	}
	return sum, nil
}

// StopDaemon ends the daemons. They may be started again.
func (a *Stage) StopDaemon() (err error) {
	a.stopping()
	daemon := a.Daemon
	a.Daemon, a.stopping = nil, func() {}
	for _, r := range a.more {
		if r.process != nil {
			err = errors.Join(err, r.process.Stop())
			r.process = nil
		}
	}
	if daemon == nil {
		return err
	}
	return errors.Join(err, daemon.Stop())
}
