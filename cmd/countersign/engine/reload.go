package engine

import (
	"context"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/coreos/go-systemd/v22/daemon"
	"github.com/sirupsen/logrus"

	"countersign/cmd/countersign/config"
	"countersign/cmd/countersign/config/changes"
)

// reloads reads the config again at each SIGHUP: the file that the daemon started with. A faulty or missing file
// changes nothing.
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
		err := e.reload(ctx, in)
		status := "STATUS=the config was read again"
		if err != nil {
			e.Log.WithField("err", err).Error("config not taken over, the one before stays")
			status = "STATUS=config not taken over, the one before stays: " + strings.ReplaceAll(err.Error(), "\n", "; ")
		}
		notify(e.Log, daemon.SdNotifyReady+"\n"+status)
	}
}

// reload takes a config over, and says which of its keys it does not take without a restart.
func (e *Engine) reload(ctx context.Context, in *listeners) error {
	c, err := e.Env.Config()
	var changed []string
	if err == nil {
		changed, err = e.Accounts.Set(ctx, c)
	}
	if err == nil {
		err = e.Hooks.Set(ctx, c)
	}
	err = config.SpelledOut(err)
	in.reload.Set(err)
	if err != nil {
		return err
	}
	e.current.Store(c)
	e.warnOfConfig(c)
	if err := e.Worker.Resume(ctx, changed...); err != nil {
		e.Log.WithField("err", err).Warn("what waits was not made due, it will be in its time")
	}
	e.identifyFirst(ctx) // the credentials may be new
	e.Log.WithFields(logrus.Fields{"accounts": len(c.Accounts), "changed": len(changed)}).Info("config read again")
	if keys := changes.NeedRestart(c, e.Config); len(keys) > 0 {
		e.Log.WithField("reason",
			strings.Join(keys, ", ")).Warn("the daemon goes on with what it started with, until a restart")
	}
	return nil
}
