// Package signed measures what looking into signed files takes, each in a child process as the daemon has it.
package signed

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"time"

	"countersign/cmd/countersign/sandbox"
	"countersign/model"
	"countersign/worker/pdf"
	"countersign/worker/pdf/pdftest/paper"
)

// Options is what the flags of bench files say.
type Options struct {
	Queue   int
	Rounds  int
	Largest int // MB
	JSON    bool
	Now     func() time.Time
	Out     io.Writer
}

// line is one line of the answer.
type line struct {
	What      string  `json:"what"`
	Bytes     int64   `json:"bytes"` // of one file, on average
	Files     int     `json:"files"`
	PerMinute float64 `json:"files_a_minute"`
	Processor float64 `json:"processor_ms"` // of one child, its start included
	Clock     float64 `json:"clock_ms"`
	Peak      float64 `json:"peak_mib"`
}

// subject is a kind of file that is looked into.
type subject struct {
	what string
	doc  func() *paper.Doc
	mb   int
}

// lease is a file of two signatures with so many bytes that do not compress.
func lease(noise int) func() *paper.Doc {
	return func() *paper.Doc {
		d := paper.Draw(paper.Lease{Packed: true, Two: true, Form: true, Noise: noise})
		d.Sign(paper.Signing{})
		d.Sign(paper.Signing{By: "Bruno Diaz"})
		return d
	}
}

// signatures is a file that many have signed.
func signatures(n int) *paper.Doc {
	d := paper.Draw(paper.Lease{Packed: true, Two: true})
	for i := range n {
		d.Sign(paper.Signing{By: fmt.Sprintf("Signer %d", i)})
	}
	return d
}

// objects is a file of two signatures whose catalog reaches very many objects.
func objects(n int) *paper.Doc {
	d := paper.Draw(paper.Lease{Packed: true, Two: true, Before: func(d *paper.Doc) {
		all := make([]int, n)
		for i := range all {
			all[i] = d.Add(paper.D("Type", "/StructElem", "S", "/P", "K", fmt.Sprint(i)))
		}
		d.Alter(paper.Catalog, "StructTreeRoot", paper.R(d.Add(paper.D("Type", "/StructTreeRoot", "K", paper.Rs(all...)))))
	}})
	d.Sign(paper.Signing{})
	d.Sign(paper.Signing{By: "Bruno Diaz"})
	return d
}

func subjects() []subject {
	return []subject{
		{"35 kB", lease(17_000), 0}, {"1 MB", lease(1_000_000), 1}, {"20 MB", lease(20_000_000), 20},
		{"100 MB", lease(100_000_000), 100},
		{"100 signatures", func() *paper.Doc { return signatures(100) }, 1},
		{"100,000 objects", func() *paper.Doc { return objects(100_000) }, 1},
	}
}

// Run measures, and prints medians.
func Run(ctx context.Context, o Options) (err error) {
	dir, err := os.MkdirTemp("", "countersign-bench-*")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	b := bench{Options: o, dir: dir, reader: sandbox.New()}
	b.reader.Watch(b.tell)
	if !o.JSON {
		fmt.Fprintf(o.Out, "%-16s %12s %7s %10s %13s %9s %9s\n", "WHAT", "BYTES", "FILES", "A MINUTE", "PROCESSOR ms",
			"CLOCK ms", "PEAK MiB")
	}
	if o.Queue > 0 {
		if err := b.queue(ctx); err != nil {
			return err
		}
	}
	for _, s := range subjects() {
		if s.mb <= o.Largest {
			if err := b.single(ctx, s); err != nil {
				return err
			}
		}
	}
	return nil
}

// bench is the state of measuring.
type bench struct {
	Options
	dir    string
	reader *sandbox.Reader
	lock   sync.Mutex
	used   []sandbox.Usage
}

func (b *bench) tell(u sandbox.Usage) {
	b.lock.Lock()
	defer b.lock.Unlock()
	b.used = append(b.used, u)
}

// write puts a document into the folder.
func (b *bench) write(name string, d *paper.Doc) (string, int64, error) {
	raw, err := d.Bytes()
	if err != nil {
		return "", 0, err
	}
	name = filepath.Join(b.dir, name)
	return name, int64(len(raw)), os.WriteFile(name, raw, 0o600)
}

// inspect looks into one file, which has to be intact.
func (b *bench) inspect(ctx context.Context, name string) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close() //nolint:errcheck // only read
	v, err := b.reader.Inspect(ctx, f, pdf.Trusted{})
	if err == nil && v.Facts.Signature != model.SignatureIntact {
		err = fmt.Errorf("%s is %q, want intact: %s%s", filepath.Base(name), v.Facts.Signature, v.Fault, v.Facts.Note)
	}
	return err
}

// queue looks into files of several sizes, one after another as a backfill brings them.
func (b *bench) queue(ctx context.Context) error {
	var names []string
	var size int64
	for i, noise := range []int{17_000, 17_000, 17_000, 17_000, 100_000, 100_000, 300_000, 1_000_000} {
		name, n, err := b.write(fmt.Sprintf("queue-%d.pdf", i), lease(noise+i)())
		if err != nil {
			return err
		}
		names, size = append(names, name), size+n
	}
	b.used = nil
	work, faults := make(chan string), make(chan error, 1)
	began := b.Now()
	var all sync.WaitGroup
	for range runtime.NumCPU() { // the reader lets as many of them work as the daemon does
		all.Go(func() {
			for name := range work {
				if err := b.inspect(ctx, name); err != nil {
					select {
					case faults <- err:
					default:
					}
				}
			}
		})
	}
	for i := range b.Queue {
		work <- names[i%len(names)]
	}
	close(work)
	all.Wait()
	select {
	case err := <-faults:
		return err
	default:
	}
	clock := b.Now().Sub(began)
	return b.print(line{What: "a queue", Bytes: size / int64(len(names)), Files: b.Queue,
		PerMinute: float64(b.Queue) / clock.Minutes(), Clock: ms(clock) / float64(b.Queue)})
}

// single looks into one file some times.
func (b *bench) single(ctx context.Context, s subject) error {
	name, size, err := b.write(s.what+".pdf", s.doc())
	if err != nil {
		return err
	}
	runtime.GC() // what was written is not to press on the child
	b.used = nil
	var clocks []float64
	for range b.Rounds {
		began := b.Now()
		if err := b.inspect(ctx, name); err != nil {
			return err
		}
		clocks = append(clocks, ms(b.Now().Sub(began)))
	}
	slices.Sort(clocks)
	clock := clocks[len(clocks)/2]
	if err := os.Remove(name); err != nil {
		return err
	}
	return b.print(line{What: s.what, Bytes: size, Files: b.Rounds, PerMinute: 60_000 / clock, Clock: clock})
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// print completes a line with what the children told, medians and the greatest peak.
func (b *bench) print(l line) error {
	slices.SortFunc(b.used, func(x, y sandbox.Usage) int { return int(x.Processor - y.Processor) })
	l.Processor = ms(b.used[len(b.used)/2].Processor)
	for _, u := range b.used {
		l.Peak = max(l.Peak, float64(u.Peak)/(1<<20))
	}
	if b.JSON {
		return json.NewEncoder(b.Out).Encode(l)
	}
	_, err := fmt.Fprintf(b.Out, "%-16s %12d %7d %10.0f %13.1f %9.1f %9.0f\n", l.What, l.Bytes, l.Files, l.PerMinute,
		l.Processor, l.Clock, l.Peak)
	return err
}
