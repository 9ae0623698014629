// Package environ is what the program finds around it when it starts: standard input, and proxies named by the
// environment.
package environ

import (
	"context"
	"errors"
	"io"
)

// ErrInterrupted says that whoever was asked wants the verb to end.
var ErrInterrupted = errors.New("interrupted: nothing was changed")

// Input reads from, until ctx ends: a read then ends with ErrInterrupted, since nobody can be made to answer.
func Input(ctx context.Context, from io.Reader) io.Reader { return &input{ctx: ctx, from: from} }

type input struct {
	ctx  context.Context //nolint:containedctx // a reader has no other way to be told
	from io.Reader
	came chan chunk
	left []byte
	err  error
}

type chunk struct {
	text []byte
	err  error
}

// Read waits for what comes or for the end of the context. What is read in vain then stays with the process, which
// ends.
func (in *input) Read(p []byte) (int, error) {
	if len(in.left) == 0 && in.err == nil {
		in.wait()
	}
	if len(in.left) == 0 {
		return 0, in.err
	}
	n := copy(p, in.left)
	in.left = in.left[n:]
	return n, nil
}

func (in *input) wait() {
	if in.ctx.Err() != nil {
		in.err = ErrInterrupted
		return
	}
	if in.came == nil {
		in.came = make(chan chunk, 1)
	}
	go func() {
		b := make([]byte, 32<<10)
		n, err := in.from.Read(b)
		in.came <- chunk{b[:n], err}
	}()
	select {
	case c := <-in.came:
		in.left, in.err = c.text, c.err
	case <-in.ctx.Done():
		in.err = ErrInterrupted
	}
}
