package access

import (
	"bytes"
	"context"
	"errors"
	"sync"
	"time"

	"countersign/model/store"
)

// sessionRows are the sessions in the table, for scs. A session that goes on is written at most once a minute, and never
// anew once somebody has ended it. It is safe for concurrent use.
type sessionRows struct {
	store *store.Store
	now   func() time.Time

	mu    sync.Mutex
	seen  map[string]written // by hash
	swept time.Time
}

// written is how a session was read or written last.
type written struct {
	data []byte
	ends time.Time // when it is written out of seen
	at   time.Time // when it was written; zero: before we came
}

// writtenEach is how often a session that goes on is written.
const writtenEach = time.Minute

// errLately is of a session that goes on, and was written within the minute.
var errLately = errors.New("the session was written lately")

// errNoStore is of a console without a table: nobody logs in there.
var errNoStore = errors.New("there is no table for sessions")

// FindCtx is for scs.
func (s *sessionRows) FindCtx(ctx context.Context, hash string) (data []byte, found bool, err error) {
	if s.store == nil {
		return nil, false, nil
	}
	data, found, err = s.store.Session(context.WithoutCancel(ctx), hash)
	if found {
		s.mu.Lock()
		defer s.mu.Unlock()
		if _, known := s.seen[hash]; !known {
			s.note(hash, written{data: data})
		}
	}
	return data, found, err
}

// CommitCtx is for scs.
func (s *sessionRows) CommitCtx(ctx context.Context, hash string, data []byte, expires time.Time) error {
	if s.store == nil {
		return errNoStore
	}
	ctx = context.WithoutCancel(ctx)
	s.mu.Lock()
	before, known := s.seen[hash]
	if known && bytes.Equal(before.data, data) && s.now().Sub(before.at) < writtenEach {
		s.mu.Unlock()
		return errLately
	}
	s.note(hash, written{data: data, at: s.now()})
	s.mu.Unlock()
	if known {
		return s.store.ProlongSession(ctx, hash, data, expires)
	}
	return s.store.PutSession(ctx, hash, data, expires)
}

// DeleteCtx is for scs. What is noted of the session stays: a request that is under way must not bring it back.
func (s *sessionRows) DeleteCtx(ctx context.Context, hash string) error {
	if s.store == nil {
		return nil
	}
	return s.store.RemoveSession(context.WithoutCancel(ctx), hash)
}

// note keeps what is known of a session for as long as one may last, and forgets those of which that is over.
func (s *sessionRows) note(hash string, w written) {
	now := s.now()
	w.ends = now.Add(LastsFor + IdleFor)
	s.seen[hash] = w
	if now.Sub(s.swept) < time.Hour {
		return
	}
	s.swept = now
	for hash, w := range s.seen {
		if w.ends.Before(now) {
			delete(s.seen, hash)
		}
	}
}

// Find is for scs.Store.
func (s *sessionRows) Find(hash string) ([]byte, bool, error) {
	return s.FindCtx(context.Background(), hash)
}

// Commit is for scs.Store.
func (s *sessionRows) Commit(hash string, data []byte, expires time.Time) error {
	return s.CommitCtx(context.Background(), hash, data, expires)
}

// Delete is for scs.Store.
func (s *sessionRows) Delete(hash string) error { return s.DeleteCtx(context.Background(), hash) }
