package engine

import (
	"context"
	"os"
	"os/signal"
	"sync"
	"syscall"

	"github.com/coreos/go-systemd/v22/daemon"
	"github.com/sirupsen/logrus"

	"countersign/cmd/countersign/config"
)

// reloadState is how the last reload went; a fault is shown in /readyz until one goes well.
type reloadState struct {
	mu  sync.Mutex
	err error
}

func (r *reloadState) set(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.err = err
}

func (r *reloadState) get() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.err
}

// reloads reads the config again at each SIGHUP. A faulty file changes nothing.
func (e *Engine) reloads(ctx context.Context, in *listeners) error {
	ch := make(chan os.Signal, 1)
	signal.Notify(ch, syscall.SIGHUP)
	defer signal.Stop(ch)
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ch:
		}
		notify(e.Log, daemon.SdNotifyReloading)
		var changed []string
		c, err := e.Env.Config()
		if err == nil {
			changed, err = e.Accounts.Set(ctx, c)
		}
		err = config.SpelledOut(err)
		in.reload.set(err)
		notify(e.Log, daemon.SdNotifyReady)
		if err != nil {
			e.Log.WithField("err", err).Error("config not taken over, the one before stays")
			continue
		}
		if err := e.Worker.Resume(ctx, changed...); err != nil {
			e.Log.WithField("err", err).Warn("what waits was not made due, it will be in its time")
		}
		e.identifyFirst(ctx) // the credentials may be new
		e.Log.WithFields(logrus.Fields{"accounts": len(c.Accounts)}).Info("config read again: accounts, slots and waits are new; addresses, database and documents need a restart")
	}
}
