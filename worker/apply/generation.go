package apply

import (
	"context"
	"fmt"
	"sync"

	"countersign/provider"
)

// Generation is an account for as long as nothing changes that its calls depend on. A reload that brings another key,
// address or budget gives the account a new one, and ends the one before: its calls are broken off, and what they still
// bring is not taken. A nil Generation never ends. It is safe for concurrent use.
type Generation struct {
	// Server says which service is asked, by provider and address: a place in a list holds only there.
	Server string

	mu       sync.Mutex
	over     bool
	calls    map[*call]struct{}
	learning int           // calls of Learn under way
	learned  chan struct{} // closed once the generation has ended and none is
}

// call is what is bound to a generation.
type call struct{ cancel context.CancelCauseFunc }

// ErrSuperseded is of work for an account that a reload has changed or taken out meanwhile. It says nothing about the
// account as it is now.
var ErrSuperseded = fmt.Errorf("a reload has changed the account: %w", provider.ErrUnavailable)

// NewGeneration returns a generation that asks a server.
func NewGeneration(server string) *Generation { return &Generation{Server: server} }

// Bind returns a context that ends with ctx, and with the generation: then its cause is ErrSuperseded. done must be
// called once the context is of no more use.
func (g *Generation) Bind(ctx context.Context) (bound context.Context, done context.CancelFunc) {
	bound, cancel := context.WithCancelCause(ctx)
	if g == nil {
		return bound, func() { cancel(nil) }
	}
	c := &call{cancel}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.over {
		cancel(ErrSuperseded)
		return bound, func() {}
	}
	if g.calls == nil {
		g.calls = map[*call]struct{}{}
	}
	g.calls[c] = struct{}{}
	return bound, func() {
		g.mu.Lock()
		delete(g.calls, c)
		g.mu.Unlock()
		cancel(nil)
	}
}

// Over says whether a reload has ended the generation.
func (g *Generation) Over() bool {
	if g == nil {
		return false
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.over
}

// Learn calls write, which takes over what a call of the generation has brought. Once the generation has ended it
// returns ErrSuperseded instead; End waits for what is being written.
func (g *Generation) Learn(write func() error) error {
	if g == nil {
		return write()
	}
	g.mu.Lock()
	if g.over {
		g.mu.Unlock()
		return ErrSuperseded
	}
	g.learning++
	g.mu.Unlock()
	defer func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		if g.learning--; g.learning == 0 && g.learned != nil {
			close(g.learned)
			g.learned = nil
		}
	}()
	return write()
}

// End breaks off the calls of the generation and waits until what they have brought so far is written, or ctx ends.
// After it nothing is learned from them.
func (g *Generation) End(ctx context.Context) error {
	if g == nil {
		return nil
	}
	g.mu.Lock()
	g.over = true
	for c := range g.calls {
		c.cancel(ErrSuperseded)
	}
	clear(g.calls)
	if g.learning > 0 && g.learned == nil {
		g.learned = make(chan struct{})
	}
	learned := g.learned
	g.mu.Unlock()
	if learned == nil {
		return nil
	}
	select {
	case <-learned:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
