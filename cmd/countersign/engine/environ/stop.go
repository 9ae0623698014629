package environ

import (
	"context"
	"os"
	"time"

	"github.com/sirupsen/logrus"

	"countersign/cmd/countersign/engine/logs"
	"countersign/cmd/countersign/output"
)

// stopMost is how long a stop may take after the first signal: ten seconds, less the last lines of the log.
const stopMost = 10*time.Second - 2*logs.FlushTime

// StopInTime ends the process where a stop takes too long, because something that it waits for stands still: a database
// that another program has locked, a file system that does not answer. Nothing is lost by it that a kill would not
// lose: what was answered is on disk. The function that it returns says that the stop is over.
func StopInTime(ctx context.Context, log *logrus.Entry, flush func()) (over func()) {
	done := make(chan struct{})
	go func() {
		select {
		case <-ctx.Done():
		case <-done:
			return
		}
		late := time.NewTimer(stopMost)
		defer late.Stop()
		select {
		case <-late.C:
			log.Error("the stop takes too long: ending at once; what was answered is kept, what was in hand is taken up at the next start")
			flush()
			os.Exit(output.ExitFailed)
		case <-done:
		}
	}()
	return func() { close(done) }
}
