package move

import (
	"fmt"
	"sync"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"

	"countersign/cmd/countersign/engine"
	"countersign/cmd/countersign/output"
)

// bar shows how far a move is: a bar on a terminal, a line a pass elsewhere.
type bar struct {
	env  *engine.Env
	pool *mpb.Progress // nil: no terminal
}

func newBar(env *engine.Env, quiet bool) bar {
	b := bar{env: env}
	if !quiet && output.IsTerminal(env.Stderr) {
		b.pool = mpb.New(mpb.WithOutput(env.Stderr), mpb.WithWidth(48))
	}
	return b
}

// barLooks is how often a bar looks how far it is.
const barLooks = 200 * time.Millisecond

// watch shows one pass until stop is called.
func (b bar) watch(word string, total int64, done func() int64) (stop func()) {
	if b.pool == nil {
		return func() {}
	}
	shown := b.pool.AddBar(max(total, 1), mpb.BarRemoveOnComplete(), mpb.PrependDecorators(
		decor.Name(b.env.Say(word)+" "), decor.CountersNoUnit("%d / %d", decor.WCSyncSpace)),
		mpb.AppendDecorators(decor.Elapsed(decor.ET_STYLE_GO, decor.WCSyncSpace)))
	over := make(chan struct{})
	var looks sync.WaitGroup
	looks.Go(func() {
		tick := time.NewTicker(barLooks)
		defer tick.Stop()
		for {
			select {
			case <-over:
				return
			case <-tick.C:
				shown.SetCurrent(min(done(), max(total, 1)-1))
			}
		}
	})
	return sync.OnceFunc(func() {
		close(over)
		looks.Wait()
		shown.Abort(true)
	})
}

// line says how a pass went.
func (b bar) line(text string) {
	if b.pool == nil {
		fmt.Fprintln(b.env.Stderr, text)
		return
	}
	fmt.Fprintln(b.pool, text) //nolint:errcheck // it only shows
}

func (b bar) end() {
	if b.pool != nil {
		b.pool.Wait()
	}
}
