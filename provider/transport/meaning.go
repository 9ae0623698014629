package transport

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"

	"countersign/provider"
)

// Mean puts the status that provider.Call.Meaning tells into a refusal whose body can still be read. A Transport has
// done so already; Mean is for calls that may go through another client.
func Mean(ctx context.Context, resp *http.Response) {
	meaning := provider.CallOf(ctx).Meaning
	if meaning == nil || resp.StatusCode < http.StatusBadRequest {
		return
	}
	if code := meaning(resp.StatusCode, peek(resp, maxRefusal)); code != resp.StatusCode {
		resp.StatusCode, resp.Status = code, strings.TrimSpace(fmt.Sprintf("%d %s", code, http.StatusText(code)))
	}
}

// peek returns at most the first n bytes of an answer's body, which can still be read whole.
func peek(resp *http.Response, n int64) []byte {
	head, err := io.ReadAll(io.LimitReader(resp.Body, n)) // what cannot be read tells nothing
	var rest io.Reader = resp.Body
	if err != nil {
		rest = brokenOff{err}
	}
	resp.Body = begun{io.MultiReader(bytes.NewReader(head), rest), resp.Body}
	return head
}

// begun is a body whose beginning was read already.
type begun struct {
	io.Reader
	io.Closer
}

// brokenOff is the rest of a body that broke off.
type brokenOff struct{ err error }

// Read fails.
func (b brokenOff) Read([]byte) (int, error) { return 0, b.err }
