package engine

import (
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/sirupsen/logrus"

	"countersign/cmd/countersign/config"
	"countersign/cmd/countersign/engine/logs"
)

// Logger is what the daemon logs with, on stderr.
func (a *Env) Logger(c config.Log) *logrus.Logger { return logs.New(c, a.Stderr, a.Lookup, a.Now) }

// outputApart makes the daemon's stderr and stdout ones that it never waits for and never ends by: a log whose reader
// has ended or stands still costs lines and nothing else.
func (a *Env) outputApart() {
	a.Stderr, a.Stdout = logs.NewWriter(a.Stderr), logs.NewWriter(a.Stdout)
	// Whoever is notified of SIGPIPE is not ended by it. Ignoring the signal would do too, and programs that this one
	// starts would inherit that.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
}

// Flush gives the last lines of a daemon's log time to be written.
func (a *Env) Flush() {
	for _, w := range []io.Writer{a.Stderr, a.Stdout} {
		if q, ok := w.(*logs.Writer); ok {
			q.Flush(logs.FlushTime)
		}
	}
}

// logWritten is nil unless the log lacked lines since it was last written.
func (a *Env) logWritten() error {
	if q, ok := a.Stderr.(*logs.Writer); ok {
		if n := q.Lacks(); n > 0 {
			return fmt.Errorf("the log cannot be written: %d lines were dropped", n)
		}
	}
	return nil
}

// logDropped counts the lines of the log that were dropped.
func (a *Env) logDropped() float64 {
	if q, ok := a.Stderr.(*logs.Writer); ok {
		return float64(q.Dropped())
	}
	return 0
}
