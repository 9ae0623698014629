package main

import (
	"fmt"
	"io"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"

	"countersign/model/store"
)

// progress shows how runs stand while a verb waits for them.
type progress interface {
	show(runs []store.Run)
	end()
	logTo(w io.Writer) io.Writer // where log lines go meanwhile, so that they do not tear a bar
}

// progress returns bars on a terminal and a line every ten seconds elsewhere.
func (a *app) progress() progress {
	if isTerminal(a.stderr) {
		return &bars{pool: mpb.New(mpb.WithOutput(a.stderr), mpb.WithWidth(48)), byRun: map[string]*mpb.Bar{}}
	}
	return &lines{app: a, last: a.now()}
}

// bars is one bar a run.
type bars struct {
	pool  *mpb.Progress
	byRun map[string]*mpb.Bar
}

func (b *bars) show(runs []store.Run) {
	for _, r := range runs {
		bar := b.byRun[r.ID]
		if bar == nil {
			bar = b.pool.AddBar(0,
				mpb.PrependDecorators(decor.Name(r.Account+" "+r.Kind+" ", decor.WCSyncSpaceR), decor.CountersNoUnit("%d of %d", decor.WCSyncSpace)),
				mpb.AppendDecorators(decor.Elapsed(decor.ET_STYLE_GO, decor.WCSyncSpace)))
			b.byRun[r.ID] = bar
		}
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

func (b *bars) end() {
	for _, bar := range b.byRun {
		if !bar.Completed() {
			bar.Abort(false) // or Wait would hang
		}
	}
	b.pool.Wait()
}

func (b *bars) logTo(io.Writer) io.Writer { return b.pool }

// lines is a line every ten seconds for what is still in work.
type lines struct {
	app  *app
	last time.Time
}

func (l *lines) show(runs []store.Run) {
	if l.app.now().Sub(l.last) < 10*time.Second {
		return
	}
	l.last = l.app.now()
	for _, r := range runs {
		if r.FinishedAt == nil {
			fmt.Fprintf(l.app.stderr, "%s %s: %d listed, %d asked, %d changed\n", r.Account, r.Kind, r.Listed, r.Asked, r.Changed)
		}
	}
}

func (l *lines) end() {}

func (l *lines) logTo(w io.Writer) io.Writer { return w }
