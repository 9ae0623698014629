package poll

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
	"countersign/worker/ask"
)

const (
	// StreamsEvery is how often Round is to be called.
	StreamsEvery = 10 * time.Second
	streamsNudge = time.Minute // a row's events make it due at most this often
	streamsTurn  = 3 * StreamsEvery
)

// StreamsOptions is what Streams needs. All of it is required.
type StreamsOptions struct {
	Store    *store.Store
	Table    *apply.Table
	Gate     *ask.Gate
	Accounts func() []*apply.Account // the current ones; a reload swaps them
	Nudge    func()                  // wakes the loops: a stream has closed that another one is to replace
	Log      *logrus.Entry
	Owner    string // names this process
	// Guard calls a round and turns a panic into an error.
	Guard func(ctx context.Context, loop string, round func(context.Context) error) error
}

// Streams holds the streams open that accounts have room for. They are a nudge and nothing more: what is lost with one
// is found by callbacks and polls.
type Streams struct {
	o    StreamsOptions
	mu   sync.Mutex
	open map[model.Key]context.CancelFunc
	done sync.WaitGroup
}

// NewStreams returns streams, none of them open.
func NewStreams(o StreamsOptions) *Streams {
	return &Streams{o: o, open: map[model.Key]context.CancelFunc{}}
}

// turnOf names the turn of the process that has an account's streams open.
func turnOf(account string) string { return "streams of " + account }

// Close closes every stream, waits until all are closed, and lets another process open them.
func (s *Streams) Close() {
	s.mu.Lock()
	for _, stop := range s.open {
		stop()
	}
	s.mu.Unlock()
	s.done.Wait()
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	for _, a := range s.o.Accounts() {
		if p := a.Provider.Streamer; p == nil || p.Streams() <= 0 {
			continue
		}
		if err := s.o.Store.LeaveTurn(ctx, turnOf(a.ID), s.o.Owner); err != nil {
			s.o.Log.WithField("err", err).Debug("the turn of streams was not left")
		}
	}
}

// Round opens and closes streams as the rows and the accounts want it.
func (s *Streams) Round(ctx context.Context) error {
	wanted := map[model.Key]bool{} // every row that may have one
	var errs []error
	for _, a := range s.o.Accounts() {
		p := a.Provider.Streamer
		if p == nil || p.Streams() <= 0 {
			continue
		}
		mine, err := s.o.Store.TakeTurn(ctx, turnOf(a.ID), s.o.Owner, streamsTurn)
		if err == nil && !mine {
			continue // another process has them, and those of ours close
		}
		var rows []model.Transaction
		if err == nil {
			rows, err = s.openRows(ctx, a)
		}
		if err != nil {
			errs = append(errs, err)
			s.leave(a.ID, wanted)
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
func (s *Streams) openRows(ctx context.Context, a *apply.Account) ([]model.Transaction, error) {
	rows, _, err := s.o.Store.Transactions(ctx, store.Filter{
		Account: a.ID, Statuses: []model.Status{model.Draft, model.InProgress}, Limit: rowsAtOnce,
	})
	return rows, err
}

// leave leaves an account's streams as they are.
func (s *Streams) leave(account string, wanted map[model.Key]bool) {
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
func (s *Streams) arrange(
	ctx context.Context, a *apply.Account, p provider.Streamer, rows []model.Transaction, wanted map[model.Key]bool,
) {
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
		sctx, stop := a.Generation.Bind(ctx)
		s.open[k] = stop
		s.done.Add(1)
		go s.follow(sctx, a, k)
	}
}

// follow keeps one row's stream open until ctx ends: it reconnects after pauses that grow as long as
// no event comes.
func (s *Streams) follow(ctx context.Context, a *apply.Account, k model.Key) {
	defer s.done.Done()
	defer func() {
		s.mu.Lock()
		s.open[k]()
		delete(s.open, k)
		s.mu.Unlock()
		if a.Generation.Over() {
			s.o.Nudge()
		}
	}()
	e := &streamEvents{name: "stream:" + k.Ref, came: make(chan struct{}, 1)}
	if known, err := s.o.Store.Token(ctx, k.Account, e.name); err == nil {
		e.last = string(known)
	}
	var nudges sync.WaitGroup
	defer nudges.Wait()
	saved := e.last
	nudges.Go(func() { s.nudgeFor(ctx, a, k, e, saved) })
	for fails := 0; ctx.Err() == nil; fails++ {
		err := s.o.Guard(ctx, "stream", func(ctx context.Context) error {
			return a.Provider.Streamer.Stream(ctx, k.Ref, e.place(), func(id string) {
				fails = -1
				e.note(id)
			})
		})
		if ctx.Err() == nil {
			s.log(k, provider.Redact(err)).Debug("stream ended, opening it again")
		}
		if ask.Sleep(ctx, s.o.Gate.Pause(max(fails, 0))) != nil {
			break
		}
	}
	nudges.Wait()
	if a.Generation.Over() {
		s.dropPlace(context.WithoutCancel(ctx), k, e.name)
		return
	}
	s.forgetPlace(context.WithoutCancel(ctx), k, e.name)
}

// dropPlace removes the place of a stream that a reload has closed: it may be another server's. The row is asked about
// instead, which finds what a stream would have told between.
func (s *Streams) dropPlace(ctx context.Context, k model.Key, name string) {
	err := s.o.Store.SetToken(ctx, k.Account, name, nil)
	if err == nil {
		_, err = s.o.Table.HintFor(ctx, k.Account, provider.Hinted{Ref: k.Ref}, model.DueStream)
	}
	if err != nil {
		s.log(k, err).Debug("the stream's place was not removed")
	}
}

func (s *Streams) log(k model.Key, err error) *logrus.Entry {
	return s.o.Log.WithFields(logrus.Fields{"account": k.Account, "txn": k.Ref, "err": err})
}

// streamEvents is what a stream has told.
type streamEvents struct {
	name string        // under which the place is stored, encrypted
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

// forgetPlace removes the place of a stream whose row has ended.
func (s *Streams) forgetPlace(ctx context.Context, k model.Key, name string) {
	t, err := s.o.Store.Transaction(ctx, k)
	if err == nil && t.Open() || err != nil && !errors.Is(err, store.ErrNoRow) {
		return
	}
	if err := s.o.Store.SetToken(ctx, k.Account, name, nil); err != nil {
		s.log(k, err).Debug("the stream's place was not removed")
	}
}

// nudgeFor makes the row due for each event, those within a minute together at its end, and then
// saves the stream's place: what a kill loses is told again.
func (s *Streams) nudgeFor(ctx context.Context, a *apply.Account, k model.Key, e *streamEvents, saved string) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-e.came:
		}
		place := e.place()
		err := a.Generation.Learn(func() error {
			_, err := s.o.Table.HintFor(ctx, k.Account, provider.Hinted{Ref: k.Ref}, model.DueStream)
			if err == nil && place != saved {
				saved = place
				err = s.o.Store.SetToken(ctx, k.Account, e.name, []byte(place))
			}
			return err
		})
		if err != nil && ctx.Err() == nil {
			s.log(k, err).Debug("a stream's event was lost, polls will find it")
		}
		if ask.Sleep(ctx, streamsNudge) != nil {
			return
		}
	}
}
