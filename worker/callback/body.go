package callback

import (
	"errors"
	"io"
	"net"
	"net/http"
	"sync/atomic"
)

// What requests in hand may hold in memory together. Ordinary callbacks are a few KiB and live in
// the first bound, whoever fills the second one with large bodies that never end.
const (
	firstBytes  = 4 << 10
	headOfBody  = 64 << 10
	smallInHand = 32 << 20
	largeInHand = 32 << 20
)

// bytesInHand counts bytes that are held, up to a bound.
type bytesInHand struct {
	most int64
	held atomic.Int64
}

func (b *bytesInHand) take(n int64) bool {
	if b.held.Add(n) > b.most {
		b.held.Add(-n)
		return false
	}
	return true
}

func (b *bytesInHand) give(n int64) { b.held.Add(-n) }

// hold is what one request has taken of both bounds.
type hold struct {
	l            *Listener
	most         int64 // bytes of the body
	small, large int64
}

// grow takes what a buffer of size bytes needs beyond what is held already.
func (h *hold) grow(size int64) bool {
	small := min(size, headOfBody) - h.small
	large := max(size-headOfBody, 0) - h.large
	if !h.l.small.take(small) {
		return false
	}
	h.small += small
	if !h.l.large.take(large) {
		return false
	}
	h.large += large
	return true
}

func (h *hold) release() {
	h.l.small.give(h.small)
	h.l.large.give(h.large)
}

// read reads a body, taking memory as bytes come and not as they are announced. The code is 200,
// or what the request deserves.
func (h *hold) read(w http.ResponseWriter, r *http.Request) (body []byte, code int) {
	if r.ContentLength > h.most {
		return nil, http.StatusRequestEntityTooLarge
	}
	most := h.most + 1 // one more, to see the end
	if r.ContentLength >= 0 {
		most = r.ContentLength + 1
	}
	size := min(firstBytes, most)
	in := http.MaxBytesReader(w, r.Body, h.most)
	for {
		if !h.grow(size) {
			return nil, http.StatusServiceUnavailable
		}
		bigger := make([]byte, len(body), size)
		copy(bigger, body)
		body = bigger
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

// readCode says what a body that ended with err deserves.
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
