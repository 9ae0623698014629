package worker

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/sirupsen/logrus"

	"countersign/model"
	"countersign/model/store"
	"countersign/provider"
	"countersign/worker/apply"
)

const (
	streamsEvery = 10 * time.Second // how often it is seen which rows deserve a stream
	streamsNudge = time.Minute      // a row's events make it due at most this often
)

// streams keeps the streams open that accounts have room for, until ctx ends. They are a nudge and
// nothing more: what is lost with one is found by callbacks and polls.
func (w *Worker) streams(ctx context.Context) error {
	s := &streamer{Worker: w, open: map[model.Key]context.CancelFunc{}}
	defer s.done.Wait()
	defer s.closeAll()
	return w.every(ctx, "streams", streamsEvery, s.once)
}

// streamer is the streams that are open.
type streamer struct {
	*Worker
	mu   sync.Mutex
	open map[model.Key]context.CancelFunc
	done sync.WaitGroup
}

// once opens and closes streams as the rows and the accounts want it.
func (s *streamer) once(ctx context.Context) error {
	wanted := map[model.Key]bool{} // every row that may have one
	var errs []error
	for _, a := range s.Accounts() {
		p := a.Provider.Streamer
		if p == nil || p.Streams() <= 0 {
			continue
		}
		rows, err := s.openRows(ctx, a)
		if err != nil {
			errs = append(errs, err)
			s.keepAll(a.ID, wanted)
			continue
		}
		s.arrange(ctx, a, p, rows, wanted)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for k, stop := range s.open {
		if !wanted[k] {
			stop()
		}
	}
	return errors.Join(errs...)
}

// openRows are an account's open rows, as many as may have a stream and some, newest news first.
func (s *streamer) openRows(ctx context.Context, a *apply.Account) ([]model.Transaction, error) {
	rows, _, err := s.Store.Transactions(ctx, store.Filter{Account: a.ID, Statuses: []model.Status{model.Draft, model.InProgress}, Limit: rowsAtOnce})
	return rows, err
}

// keepAll leaves an account's streams as they are.
func (s *streamer) keepAll(account string, wanted map[model.Key]bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for k := range s.open {
		if k.Account == account {
			wanted[k] = true
		}
	}
}

// arrange gives the rows with the newest news a stream. One that is open stays until its row ends, or
// until another row needs its place.
func (s *streamer) arrange(ctx context.Context, a *apply.Account, p provider.Streamer, rows []model.Transaction, wanted map[model.Key]bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	most := p.Streams()
	var first []model.Key
	rest := map[model.Key]bool{}
	for _, t := range rows {
		switch {
		case t.Deleted || t.NotFound:
		case len(first) < most:
			first = append(first, t.Key())
		default:
			rest[t.Key()] = true
		}
	}
	room := most - len(first)
	for _, k := range first {
		wanted[k] = true
	}
	for k := range s.open {
		if k.Account == a.ID && rest[k] && room > 0 {
			wanted[k] = true
			room--
		}
	}
	open := 0
	for k := range s.open {
		if k.Account == a.ID {
			open++
		}
	}
	for _, k := range first {
		if _, ok := s.open[k]; ok || open >= most { // one that has to close first gives way to the next round
			continue
		}
		open++
		sctx, stop := context.WithCancel(ctx)
		s.open[k] = stop
		s.done.Add(1)
		go s.follow(sctx, a, k)
	}
}

func (s *streamer) closeAll() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, stop := range s.open {
		stop()
	}
}

// follow keeps one row's stream open until ctx ends: it reconnects after pauses that grow as long as
// no event comes.
func (s *streamer) follow(ctx context.Context, a *apply.Account, k model.Key) {
	defer s.done.Done()
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.open[k]()
		delete(s.open, k)
	}()
	e := &streamEvents{name: "stream:" + k.Ref, came: make(chan struct{}, 1)}
	if known, err := s.Store.Token(ctx, k.Account, e.name); err == nil {
		e.last = string(known)
	}
	var nudges sync.WaitGroup
	defer nudges.Wait()
	nudges.Go(func() { s.nudgeFor(ctx, k, e) })
	for fails := 0; ctx.Err() == nil; fails++ {
		err := s.guard(ctx, "stream", func(ctx context.Context) error {
			return a.Provider.Streamer.Stream(ctx, k.Ref, e.place(), func(id string) {
				fails = -1
				e.note(id)
			})
		})
		if ctx.Err() == nil {
			s.Log.WithFields(logrus.Fields{"account": k.Account, "txn": k.Ref, "err": provider.Redact(err)}).Debug("stream ended, opening it again")
		}
		if sleep(ctx, s.pause(max(fails, 0))) != nil {
			break
		}
	}
	s.forgetPlace(context.WithoutCancel(ctx), k, e.name)
}

// streamEvents is what a stream has told.
type streamEvents struct {
	name string        // under which the place is kept, encrypted like all that providers give us to remember
	came chan struct{} // holds one: events that come together are one nudge
	mu   sync.Mutex
	last string // id of the newest
}

func (e *streamEvents) place() string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.last
}

func (e *streamEvents) note(id string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if id != "" {
		e.last = id
	}
	select {
	case e.came <- struct{}{}:
	default: // the row is on its way to be due
	}
}

// forgetPlace removes what is kept of a stream whose row has ended.
func (s *streamer) forgetPlace(ctx context.Context, k model.Key, name string) {
	t, err := s.Store.Transaction(ctx, k)
	if err == nil && t.Open() || err != nil && !errors.Is(err, store.ErrNoRow) {
		return
	}
	if err := s.Store.SetToken(ctx, k.Account, name, nil); err != nil {
		s.Log.WithFields(logrus.Fields{"account": k.Account, "txn": k.Ref, "err": err}).Debug("the stream's place was not removed")
	}
}

// nudgeFor makes the row due for each event, those within a minute together at its end, and then keeps
// the stream's place: what a kill loses is told again.
func (s *streamer) nudgeFor(ctx context.Context, k model.Key, e *streamEvents) {
	for kept := e.place(); ; {
		select {
		case <-ctx.Done():
			return
		case <-e.came:
		}
		place := e.place()
		_, err := s.hint(ctx, k.Account, provider.Hinted{Ref: k.Ref}, model.DueStream)
		if err == nil && place != kept {
			kept = place
			err = s.Store.SetToken(ctx, k.Account, e.name, []byte(place))
		}
		if err != nil && ctx.Err() == nil {
			s.Log.WithFields(logrus.Fields{"account": k.Account, "txn": k.Ref, "err": err}).Debug("a stream's event was lost, polls will find it")
		}
		if sleep(ctx, streamsNudge) != nil {
			return
		}
	}
}
