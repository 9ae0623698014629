package feed

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/tmaxmax/go-sse"

	"countersign/model/store"
	"countersign/worker/console/objects"
)

// atOnce is how many changes a stream reads at a time.
const atOnce = 200

// sendTime is how long a reader may take for what is sent at once. A slower one is dropped and comes again with the id
// that it had last.
const sendTime = 30 * time.Second

// Stream sends what a filter chooses after its seq, and what comes, until the reader goes or the feed stops. An event
// "seq" says that the filter has left out what was up to there, so that a reader that comes again does not read it
// again.
func (f *Feed) Stream(w http.ResponseWriter, r *http.Request, c store.ChangeFilter) error {
	for name, value := range map[string]string{"Cache-Control": "no-store, no-transform", "X-Accel-Buffering": "no"} {
		w.Header().Set(name, value)
	}
	session, err := sse.Upgrade(w, r)
	if err != nil {
		return err
	}
	control := http.NewResponseController(w)
	s := &stream{session: session, extend: func() error {
		err := control.SetWriteDeadline(f.Now().Add(sendTime))
		if errors.Is(err, http.ErrNotSupported) {
			return nil
		}
		return err
	}}
	first := &sse.Message{Retry: 3 * time.Second}
	if err := s.send(first); err != nil {
		return err
	}
	for {
		more, err := f.sendChanges(r.Context(), s, &c)
		if err != nil || r.Context().Err() != nil {
			return err
		}
		if more {
			continue
		}
		if over, err := f.beat(r.Context(), s, c.After); over || err != nil {
			return err
		}
	}
}

// beat waits for more than after, and says meanwhile that the stream is alive.
func (f *Feed) beat(ctx context.Context, s *stream, after int64) (over bool, err error) {
	wait, cancel := context.WithTimeout(ctx, f.Beat)
	defer cancel()
	f.Wait(wait, after)
	select {
	case <-f.over:
		return true, nil
	case <-ctx.Done():
		return true, nil
	case <-wait.Done():
	default:
		return false, nil
	}
	beat := &sse.Message{}
	beat.AppendComment("beat")
	return false, s.send(beat)
}

// sendChanges sends what there is, and moves the filter behind it. more says that there may be more.
func (f *Feed) sendChanges(ctx context.Context, s *stream, c *store.ChangeFilter) (more bool, err error) {
	c.Limit = atOnce
	list, upto, err := f.Store.ChangesOfKind(ctx, *c)
	if err != nil {
		return false, err
	}
	for _, change := range list {
		if err := s.event("change", change.Seq, objects.OfChange(change)); err != nil {
			return false, err
		}
		c.After = change.Seq
	}
	if upto > c.After {
		c.After = upto
		type seq struct {
			Seq int64 `json:"seq"`
		}
		return true, s.event("seq", upto, seq{upto})
	}
	return len(list) > 0, nil
}

// stream is one reader.
type stream struct {
	session *sse.Session
	extend  func() error
}

func (s *stream) event(kind string, id int64, data any) error {
	text, err := json.Marshal(data)
	if err != nil {
		return err
	}
	m := &sse.Message{ID: sse.ID(strconv.FormatInt(id, 10)), Type: sse.Type(kind)}
	m.AppendData(string(text))
	return s.send(m)
}

func (s *stream) send(m *sse.Message) error {
	if err := s.extend(); err != nil {
		return err
	}
	if err := s.session.Send(m); err != nil {
		return err
	}
	return s.session.Flush()
}
