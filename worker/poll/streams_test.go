package poll

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"countersign/model"
	"countersign/model/store"
	"countersign/worker/workertest"
)

// streaming is a service whose streams a test writes to.
type streaming struct {
	*workertest.Service
	mu     sync.Mutex
	most   int
	open   map[string]chan string // by ref; closing it ends the stream
	opened []string               // ref, @ and the id that it went on after
}

func (s *streaming) Streams() int { return s.most }

func (s *streaming) Stream(ctx context.Context, ref, last string, on func(id string)) error {
	ch := make(chan string)
	s.mu.Lock()
	s.open[ref], s.opened = ch, append(s.opened, ref+"@"+last)
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.open, ref)
	}()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case id, ok := <-ch:
			if !ok {
				return errors.New("the service closed it")
			}
			on(id)
		}
	}
}

func (s *streaming) refs() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []string
	for ref := range s.open {
		out = append(out, ref)
	}
	slices.Sort(out)
	return out
}

func (s *streaming) stream(ref string) chan string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.open[ref]
}

func TestStreamsFollowTheOpenRowsWithTheNewestNews(t *testing.T) {
	path := filepath.Join(t.TempDir(), "test.db")
	synctest.Test(t, func(t *testing.T) {
		b := newBench(workertest.New(t, "sqlite:"+path))
		s := &streaming{Service: b.Service, most: 2, open: map[string]chan string{}}
		b.Plays(s)
		b.now = func() time.Time {
			return workertest.Noon().Add(time.Since(time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC))).UTC()
		}
		put := func(ref string, status model.Status, changed time.Duration) {
			r := model.Transaction{Account: "acc", Ref: ref, Provider: "played", Status: status,
				FirstSeenAt: workertest.Noon(), ChangedAt: workertest.Noon().Add(changed), SignersSet: true,
				Origin: model.OriginPoll}
			workertest.Check(t, b.Store.Do(context.Background(),
				store.Unit{Apply: func(g *store.Batch) error { g.Put(r, model.Decision{Next: r, Grew: true}); return nil }}))
		}
		put("old", model.InProgress, time.Minute)
		put("new", model.InProgress, time.Hour)
		put("newer", model.InProgress, 2*time.Hour)
		put("done", model.Completed, 3*time.Hour)
		ctx, stop := context.WithCancel(context.Background())
		ended := make(chan error, 1)
		go func() { ended <- b.follow(ctx) }()
		wait := func(d time.Duration) { time.Sleep(d); b.Move(d); synctest.Wait() }
		wait(time.Second)
		workertest.Same(t, "open", s.refs(), []string{"new", "newer"})

		s.stream("new") <- "e1"
		s.stream("new") <- "e2"
		synctest.Wait()
		r := b.Row(t, "new")
		workertest.Same(t, "due", []any{r.DueReason, r.NextCheckAt != nil}, []any{model.DueStream, true})
		wait(2 * time.Minute)

		close(s.stream("new"))
		wait(time.Minute)
		if !slices.Contains(s.opened, "new@e2") {
			t.Errorf("opened %v, none after the newest event", s.opened)
		}
		put("newer", model.Declined, 4*time.Hour)
		wait(time.Minute)
		workertest.Same(t, "open once one has ended", s.refs(), []string{"new", "old"})
		if _, err := b.Store.Token(ctx, "acc", "stream:newer"); !errors.Is(err, store.ErrNoRow) {
			t.Errorf("the place of a stream that ended: %v", err)
		}
		put("newest", model.InProgress, 5*time.Hour)
		wait(time.Minute)
		workertest.Same(t, "open once another has news", s.refs(), []string{"new", "newest"})
		stop()
		workertest.Check(t, <-ended)
		workertest.Same(t, "open at the end", len(s.refs()), 0)
	})
}

func TestAStreamThatKeepsEndingIsOpenedLessAndLess(t *testing.T) {
	path := filepath.Join(t.TempDir(), "test.db")
	synctest.Test(t, func(t *testing.T) {
		b := newBench(workertest.New(t, "sqlite:"+path))
		s := &streaming{Service: b.Service, most: 1, open: map[string]chan string{}}
		b.Plays(s)
		b.Answered(t, "a", workertest.InProgress())
		ctx, stop := context.WithCancel(context.Background())
		ended := make(chan error, 1)
		go func() { ended <- b.follow(ctx) }()
		for range 24 * 60 {
			time.Sleep(time.Minute)
			synctest.Wait()
			if ch := s.stream("a"); ch != nil {
				close(ch)
			}
		}
		stop()
		workertest.Check(t, <-ended)
		if n := len(s.opened); n < 40 || n > 70 { // every half hour in the end
			t.Errorf("opened %d times in a day", n)
		}
	})
}
