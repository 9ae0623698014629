// Package progress shows how runs stand while a verb waits for them, and foretells how long they take.
package progress

import (
	"fmt"
	"io"
	"strings"
	"sync/atomic"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"

	"countersign/cmd/countersign/output"
	"countersign/model"
)

// Display shows how runs stand while a verb waits for them.
type Display interface {
	Show(runs []model.Run)
	End()
	LogTo(w io.Writer) io.Writer // where log lines go meanwhile, so that they do not tear a bar
}

// ShowOn returns bars on p's stderr where it is a terminal, and a line every ten seconds elsewhere. budgets are calls a minute by account;
// drift is how many differences a run has found, where it looks for some.
func ShowOn(p *output.Printer, budgets map[string]int, drift func(model.Run) (int, bool)) Display {
	to := p.Stderr
	ahead := pace{Printer: p, budgets: budgets, drift: drift, began: map[string]standing{}}
	if output.IsTerminal(to) {
		return &bars{pool: mpb.New(mpb.WithOutput(to), mpb.WithWidth(48)), byRun: map[string]*mpb.Bar{}, pace: ahead,
			left: map[string]*atomic.Value{}}
	}
	return &lines{to: to, last: p.Now(), pace: ahead}
}

// Hidden shows nothing.
type Hidden struct{}

// Show shows nothing.
func (Hidden) Show([]model.Run) {}

// End ends nothing.
func (Hidden) End() {}

// LogTo leaves the log where it is.
func (Hidden) LogTo(w io.Writer) io.Writer { return w }

// standing is how far a run was at a time.
type standing struct {
	at   time.Time
	done int
}

// pace foretells how long runs take: at the speed that was seen, and before any was, at that of the budget.
type pace struct {
	*output.Printer
	budgets map[string]int // calls a minute, by account; 0: not bounded
	drift   func(model.Run) (int, bool)
	began   map[string]standing
}

// left says how long a run still takes; false where that cannot be said.
func (p pace) left(r model.Run) (time.Duration, bool) {
	rest := r.Total - r.Asked
	if r.FinishedAt != nil || r.Total == 0 || rest < 0 {
		return 0, false
	}
	now := p.Now()
	from, known := p.began[r.ID]
	if !known || r.Asked < from.done {
		from = standing{now, r.Asked}
		p.began[r.ID] = from
	}
	if done, took := r.Asked-from.done, now.Sub(from.at); done > 0 && took > 5*time.Second {
		return time.Duration(float64(took) / float64(done) * float64(rest)), true
	}
	if b := p.budgets[r.Account]; b > 0 {
		return time.Duration(float64(rest) / float64(b) * float64(time.Minute)), true
	}
	return 0, false
}

// words says how a verify stands.
func (p pace) words(r model.Run) string {
	said := []string{p.Say("cli.run.rows", "n", r.Asked, "of", r.Total)}
	if b := p.budgets[r.Account]; b > 0 {
		said = append(said, p.Say("cli.run.budget", "n", b))
	}
	if left, ok := p.left(r); ok {
		said = append(said, p.Say("cli.run.left", "span", p.Lasting(left)))
	}
	if n, _ := p.drift(r); n > 0 {
		said = append(said, p.Say("cli.run.drift", "n", n))
	}
	return strings.Join(said, ", ")
}

// bars is one bar a run.
type bars struct {
	pool  *mpb.Progress
	byRun map[string]*mpb.Bar
	pace  pace
	left  map[string]*atomic.Value // the words behind each bar, which the pool's own goroutine reads
}

func (b *bars) Show(runs []model.Run) {
	for _, r := range runs {
		bar := b.byRun[r.ID]
		if bar == nil {
			words := &atomic.Value{}
			words.Store("")
			b.left[r.ID] = words
			bar = b.pool.AddBar(0,
				mpb.PrependDecorators(decor.Name(r.Account+" "+b.pace.Word("cli.kind", r.Kind)+" ", decor.WCSyncSpaceR),
					decor.CountersNoUnit(b.pace.Say("cli.of", "n", "%d", "of", "%d"), decor.WCSyncSpace)),
				mpb.AppendDecorators(decor.Elapsed(decor.ET_STYLE_GO, decor.WCSyncSpace),
					decor.Any(func(decor.Statistics) string { return words.Load().(string) }, decor.WCSyncSpaceR)))
			b.byRun[r.ID] = bar
		}
		words := ""
		if left, ok := b.pace.left(r); ok {
			words = b.pace.Say("cli.run.left", "span", b.pace.Lasting(left))
		}
		b.left[r.ID].Store(words)
		n := int64(max(r.Listed, r.Asked))
		if total := max(int64(r.Total), n); total > 0 {
			bar.SetTotal(total, false)
		}
		bar.SetCurrent(n)
		if r.FinishedAt != nil && !bar.Completed() {
			bar.SetTotal(n, true)
		}
	}
}

func (b *bars) End() {
	for _, bar := range b.byRun {
		if !bar.Completed() {
			bar.Abort(false) // or Wait would hang
		}
	}
	b.pool.Wait()
}

func (b *bars) LogTo(io.Writer) io.Writer { return b.pool }

// lines is a line every ten seconds for what is still in work.
type lines struct {
	to   io.Writer
	last time.Time
	pace pace
}

func (l *lines) Show(runs []model.Run) {
	for _, r := range runs {
		l.pace.left(r) // the speed is counted from the first look on
	}
	now := l.pace.Now()
	if now.Sub(l.last) < 10*time.Second {
		return
	}
	l.last = now
	for _, r := range runs {
		if r.FinishedAt != nil {
			continue
		}
		kind := l.pace.Word("cli.kind", r.Kind)
		if _, compares := l.pace.drift(r); compares {
			fmt.Fprintf(l.to, "%s %s: %s\n", r.Account, kind, l.pace.words(r))
			continue
		}
		fmt.Fprintf(l.to, "%s %s: %s\n", r.Account, kind,
			l.pace.Say("cli.run.counts", "listed", r.Listed, "asked", r.Asked, "changed", r.Changed))
	}
}

func (l *lines) End() {}

func (l *lines) LogTo(w io.Writer) io.Writer { return w }
