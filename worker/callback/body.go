package callback

import (
	"errors"
	"io"
	"net"
	"net/http"
	"sync/atomic"
)

// How much memory the bodies being read may take together. Ordinary callbacks have a few KiB and fit into the first
// bound, whoever fills the second with large bodies that never end.
const (
	firstBytes  = 4 << 10
	headOfBody  = 64 << 10
	smallBodies = 32 << 20
	largeBodies = 32 << 20
)

// memory counts bytes that are in use, up to a limit.
type memory struct {
	limit int64
	used  atomic.Int64
}

func (m *memory) take(n int64) bool {
	if m.used.Add(n) > m.limit {
		m.used.Add(-n)
		return false
	}
	return true
}

func (m *memory) free(n int64) { m.used.Add(-n) }

// reading is one body that is being read, and the memory that it has taken.
type reading struct {
	l            *Listener
	limit        int64 // bytes of the body
	small, large int64
	buffer       *[]byte // of the listener's, nil where the body did not fit into it
}

// grow takes the memory that a buffer of size bytes needs beyond what is taken already.
func (r *reading) grow(size int64) bool {
	small := min(size, headOfBody) - r.small
	large := max(size-headOfBody, 0) - r.large
	if !r.l.small.take(small) {
		return false
	}
	r.small += small
	if !r.l.large.take(large) {
		return false
	}
	r.large += large
	return true
}

// free gives the memory back. Nobody may hold the body any more.
func (r *reading) free() {
	if r.buffer != nil {
		r.l.buffers.Put(r.buffer)
	}
	r.l.small.free(r.small)
	r.l.large.free(r.large)
}

// body reads a request's body. It takes memory as bytes arrive, not as they are announced. The code is 200, or the one
// to answer with.
func (r *reading) body(w http.ResponseWriter, req *http.Request) (body []byte, code int) {
	if req.ContentLength > r.limit {
		return nil, http.StatusRequestEntityTooLarge
	}
	most := r.limit + 1 // one more, to see the end
	if req.ContentLength >= 0 {
		most = req.ContentLength + 1
	}
	size := min(firstBytes, most)
	in := http.MaxBytesReader(w, req.Body, r.limit)
	for {
		if !r.grow(size) {
			return nil, http.StatusServiceUnavailable
		}
		body = append(r.room(int(size)), body...)
		for len(body) < int(size) {
			n, err := in.Read(body[len(body):size])
			body = body[:len(body)+n]
			if err != nil {
				return body, readCode(err)
			}
		}
		size = min(2*size, most)
	}
}

// room is an empty buffer of size bytes: one that another body had, where that is large enough.
func (r *reading) room(size int) []byte {
	if size > firstBytes {
		return make([]byte, 0, size)
	}
	if r.buffer, _ = r.l.buffers.Get().(*[]byte); r.buffer == nil {
		few := make([]byte, 0, firstBytes)
		r.buffer = &few
	}
	return (*r.buffer)[:0:size]
}

// readCode chooses the answer to a body that ended with err.
func readCode(err error) int {
	var large *http.MaxBytesError
	var slow net.Error
	switch {
	case errors.Is(err, io.EOF):
		return http.StatusOK
	case errors.As(err, &large):
		return http.StatusRequestEntityTooLarge
	case errors.As(err, &slow) && slow.Timeout():
		return http.StatusRequestTimeout
	}
	return http.StatusBadRequest // cut off
}
