package logs

import (
	"bytes"
	"io"
	"sync"
	"time"
)

// logBacklog is how many bytes of lines wait for a log that takes none at the moment.
const logBacklog = 1 << 20

// FlushTime bounds the wait for the last lines of a program that ends. Its end has to come within ten seconds of a
// signal, of which requests in hand may take eight.
const FlushTime = 300 * time.Millisecond

// Writer writes lines in the background, so that a reader that stands still or has ended delays nobody. Lines
// that find the backlog full, and lines that cannot be written, are dropped and counted; the count is written once a
// line can be written again. It is safe for concurrent use.
type Writer struct {
	out     io.Writer
	backlog int

	mu      sync.Mutex
	notice  func(dropped uint64) []byte // the line that tells how many were dropped; nil: none is written
	lines   [][]byte
	waiting int // bytes of lines, of the one in the writer's hand too
	running bool
	dropped uint64
	noticed uint64          // of those dropped, how many a notice has told
	idle    []chan struct{} // closed when no line waits
	torn    bool            // the last line was cut off; only write uses it
}

// NewWriter is a Writer in front of out.
func NewWriter(out io.Writer) *Writer {
	return &Writer{out: out, backlog: logBacklog}
}

// Write takes p as one line and returns at once. It never fails.
func (q *Writer) Write(p []byte) (int, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.waiting+len(p) > q.backlog {
		q.dropped++
		return len(p), nil
	}
	q.lines, q.waiting = append(q.lines, bytes.Clone(p)), q.waiting+len(p)
	if !q.running {
		q.running = true
		go q.run()
	}
	return len(p), nil
}

// Dropped returns how many lines were dropped so far.
func (q *Writer) Dropped() uint64 {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.dropped
}

// Lacks returns how many lines were dropped that no notice has told of yet.
func (q *Writer) Lacks() uint64 {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.dropped - q.noticed
}

// SetNotice says how the line looks that tells how many were dropped.
func (q *Writer) SetNotice(line func(dropped uint64) []byte) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.notice = line
}

// Flush waits until no line is left to be written, for at most the time given.
func (q *Writer) Flush(most time.Duration) {
	done := make(chan struct{})
	q.mu.Lock()
	if !q.running {
		q.mu.Unlock()
		return
	}
	q.idle = append(q.idle, done)
	q.mu.Unlock()
	enough := time.NewTimer(most)
	defer enough.Stop()
	select {
	case <-done:
	case <-enough.C:
	}
}

// run writes until no line is left.
func (q *Writer) run() {
	for {
		line, ok := q.next()
		if !ok {
			return
		}
		err := q.write(line)
		q.mu.Lock()
		q.waiting -= len(line)
		if err != nil {
			q.dropped++
		}
		q.mu.Unlock()
		if err == nil {
			q.tell()
		}
	}
}

// next takes the oldest line out of the queue. Without one the writer is idle.
func (q *Writer) next() (line []byte, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.lines) == 0 {
		for _, done := range q.idle {
			close(done)
		}
		q.running, q.lines, q.idle = false, nil, nil
		return nil, false
	}
	line = q.lines[0]
	q.lines[0], q.lines = nil, q.lines[1:]
	return line, true
}

// write writes one line, on a line of its own where the one before was cut off.
func (q *Writer) write(line []byte) error {
	if q.torn {
		if _, err := q.out.Write([]byte("\n")); err != nil {
			return err
		}
		q.torn = false
	}
	n, err := q.out.Write(line)
	if err == nil && n < len(line) {
		err = io.ErrShortWrite
	}
	q.torn = err != nil && n > 0
	return err
}

// tell writes how many lines were dropped since the last notice. It waits until the backlog is half empty, so that a
// slow reader is not given one notice after another.
func (q *Writer) tell() {
	q.mu.Lock()
	all, lost, notice := q.dropped, q.dropped-q.noticed, q.notice
	due := lost > 0 && notice != nil && q.waiting <= q.backlog/2
	q.mu.Unlock()
	if !due || q.write(notice(lost)) != nil {
		return
	}
	q.mu.Lock()
	q.noticed = all
	q.mu.Unlock()
}

// Unwrap is the writer that the lines go to in the end.
func (q *Writer) Unwrap() io.Writer { return q.out }
