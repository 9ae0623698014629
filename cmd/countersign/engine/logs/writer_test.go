package logs

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sirupsen/logrus"

	"countersign/cmd/countersign/config"
)

// flushWait is how long a test waits for what must be written; it is no measure of how fast it should.
const flushWait = 90 * time.Second

// outlet is what a log is written to: it stands still, or fails, as a test wants it.
type outlet struct {
	mu    sync.Mutex
	text  bytes.Buffer
	fault error         // each write ends so, after its first bytes
	still chan struct{} // each write waits for it; nil: none does
}

func (o *outlet) Write(p []byte) (int, error) {
	o.mu.Lock()
	still := o.still
	o.mu.Unlock()
	if still != nil {
		<-still
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.fault != nil {
		n, _ := o.text.Write(p[:min(2, len(p))])
		return n, o.fault
	}
	return o.text.Write(p)
}

func (o *outlet) set(fault error, still chan struct{}) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.fault, o.still = fault, still
}

func (o *outlet) lines() []string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return strings.Split(strings.TrimSuffix(o.text.String(), "\n"), "\n")
}

func noticed(n uint64) []byte { return fmt.Appendf(nil, "dropped %d\n", n) }

// Whose reader stands still loses the lines beyond the backlog, waits for nothing, and is told the number afterwards.
func TestLogWhoseReaderStandsStill(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		still := make(chan struct{})
		out := &outlet{still: still}
		q := NewWriter(out)
		q.backlog = 60
		q.SetNotice(noticed)
		for i := range 15 { // six bytes each
			fmt.Fprintf(q, "line%x\n", i)
		}
		synctest.Wait()
		if n := q.Dropped(); n != 5 {
			t.Errorf("%d lines dropped, want 5", n)
		}
		began := time.Now()
		if q.Flush(FlushTime); time.Since(began) != FlushTime {
			t.Errorf("the end waited %s for a reader that stands still", time.Since(began))
		}
		out.set(nil, nil)
		close(still)
		if q.Flush(FlushTime); time.Since(began) != FlushTime {
			t.Errorf("the lines took until %s", time.Since(began))
		}
		got := out.lines()
		if len(got) != 11 || got[0] != "line0" || got[len(got)-1] != "line9" ||
			strings.Count(strings.Join(got, " "), "dropped 5") != 1 {
			t.Errorf("written: %q", got)
		}
		fmt.Fprint(q, "after\n")
		q.Flush(FlushTime)
		if got := out.lines(); len(got) != 12 || got[11] != "after" {
			t.Errorf("told twice, or not written: %q", got)
		}
	})
}

// Whose reader has ended, or whose disk is full, loses lines; what a fault cut off does not spoil the next line.
func TestLogThatCannotBeWritten(t *testing.T) {
	t.Parallel()
	for _, fault := range []error{syscall.EPIPE, syscall.ENOSPC, errors.New("other")} {
		out := &outlet{fault: fault}
		q := NewWriter(out)
		q.SetNotice(noticed)
		for range 3 {
			if n, err := fmt.Fprint(q, "lost\n"); n != 5 || err != nil {
				t.Fatalf("%v: %d, %v", fault, n, err)
			}
		}
		q.Flush(flushWait)
		out.set(nil, nil)
		fmt.Fprint(q, "back\n")
		q.Flush(flushWait)
		got := out.lines()
		if q.Dropped() != 3 || len(got) < 3 || got[len(got)-2] != "back" || got[len(got)-1] != "dropped 3" {
			t.Errorf("%v: %d dropped, %q", fault, q.Dropped(), got)
		}
	}
}

// The notice is a log line like others.
func TestNoticeOfDroppedLines(t *testing.T) {
	t.Parallel()
	out := &outlet{fault: syscall.EPIPE}
	q := NewWriter(out)
	log := New(config.Log{Level: "info", Format: "json"}, q, noVariable, time.Now)
	log.Info("lost")
	q.Flush(flushWait)
	out.set(nil, nil)
	log.WithFields(logrus.Fields{"account": "sales"}).Info("back")
	q.Flush(flushWait)
	got := out.lines()
	if last := got[len(got)-1]; !strings.Contains(last, `"level":"warning","lines":1,"msg":"log lines were dropped`) {
		t.Errorf("written: %q", got)
	}
	if q.Dropped() != 1 {
		t.Errorf("%d dropped", q.Dropped())
	}
}
