// Package live tells browsers, at most once a second, what of the table has moved. One reader of the change feed serves
// them all.
package live

import (
	"context"
	"encoding/json"
	"sync"
	"time"

	"github.com/sirupsen/logrus"

	"countersign/model"
	"countersign/model/store"
	"countersign/worker/console/feed"
)

// Options is what a Live needs.
type Options struct {
	Store   *store.Store
	Feed    *feed.Feed
	Now     func() time.Time
	Log     *logrus.Entry
	Version string        // of the assets: a page of another one is loaded anew
	Every   time.Duration // how often it is told at most; a second if zero
	Beat    time.Duration // how often a stream says that it is alive; 15 s if zero
}

// mostRows is how many rows one message names.
const mostRows = 50

// atOnce is how many changes are read at a time.
const atOnce = 1000

// Sum is what has moved, summed up.
type Sum struct {
	Seq      int64    `json:"seq"`
	Accounts []string `json:"accounts"`
	Kinds    []string `json:"kinds"`
	Rows     []string `json:"rows"` // account, slash, ref; at most 50
	More     bool     `json:"more"` // there are more rows
}

// message is a sum as it is sent.
type message struct {
	seq  int64
	text string
}

// Live is what has moved, for many browsers. It is safe for concurrent use.
type Live struct {
	Options

	mu       sync.Mutex
	browsers map[chan message]bool
	reading  bool
	readers  sync.WaitGroup
}

// New returns a Live that reads nothing until a browser watches.
func New(o Options) *Live {
	if o.Every <= 0 {
		o.Every = time.Second
	}
	if o.Beat <= 0 {
		o.Beat = 15 * time.Second
	}
	return &Live{Options: o, browsers: map[chan message]bool{}}
}

// waiting is how many messages a browser may be behind before it is dropped: it comes again, and is told what it missed.
const waiting = 4

// join has a browser told of what moves after a seq, at least. The channel is closed where the browser is dropped, or nothing more comes.
func (l *Live) join(after int64) chan message {
	c := make(chan message, waiting)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.browsers[c] = true
	if !l.reading {
		l.reading = true
		l.readers.Go(func() { l.read(after) })
	}
	return c
}

// leave ends what join began.
func (l *Live) leave(c chan message) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.browsers, c)
}

// Stop waits until nothing is read any more; the feed was stopped before.
func (l *Live) Stop() { l.readers.Wait() }

// Watching is how many browsers watch.
func (l *Live) Watching() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.browsers)
}

// read reads the feed after a seq, as long as a browser watches, and tells all of them.
func (l *Live) read(seq int64) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	rest := time.NewTimer(0)
	defer rest.Stop()
	for ; ; rest.Reset(l.Every) {
		select {
		case <-l.Feed.Over():
			l.end()
			return
		case <-rest.C:
		}
		if l.idle() {
			return
		}
		wait, done := context.WithTimeout(ctx, l.Beat)
		l.Feed.Wait(wait, seq)
		done()
		moved, err := l.After(ctx, seq)
		if err != nil || moved.Seq == seq {
			continue // what moves meanwhile is told when the database answers again
		}
		seq = moved.Seq
		l.tell(moved)
	}
}

// idle says whether nobody watches, and that reading ends then.
func (l *Live) idle() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.reading = len(l.browsers) > 0
	return !l.reading
}

// end closes every stream.
func (l *Live) end() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for c := range l.browsers {
		delete(l.browsers, c)
		close(c)
	}
	l.reading = false
}

// tell tells every browser; one that is too slow is dropped.
func (l *Live) tell(s Sum) {
	m := messageOf(s)
	l.mu.Lock()
	defer l.mu.Unlock()
	for c := range l.browsers {
		select {
		case c <- m:
		default:
			delete(l.browsers, c)
			close(c)
		}
	}
}

func messageOf(s Sum) message {
	text, err := json.Marshal(s)
	if err != nil {
		return message{s.Seq, "{}"} // strings and numbers always marshal
	}
	return message{s.Seq, string(text)}
}

// After sums up what has moved after a seq.
func (l *Live) After(ctx context.Context, after int64) (Sum, error) {
	s := summing{Sum: Sum{Seq: after, Accounts: []string{}, Kinds: []string{}, Rows: []string{}}, seen: map[string]bool{}}
	for range mostParts {
		list, upto, err := l.Store.ChangesOfKind(ctx, store.ChangeFilter{After: s.Seq, Limit: atOnce})
		if err != nil {
			return s.Sum, err
		}
		for _, c := range list {
			s.add(c)
		}
		s.Seq = max(s.Seq, upto)
		if len(list) < atOnce {
			return s.Sum, nil
		}
	}
	_, last, err := l.Store.Feed(ctx)
	s.Seq, s.More = max(s.Seq, last), true // so much has moved that all is to be read anew
	for _, k := range kinds() {
		s.once("kind "+string(k), &s.Kinds, string(k))
	}
	return s.Sum, err
}

// mostParts is how many parts of the feed are summed up; beyond it everything is said to have moved.
const mostParts = 10

func kinds() []model.ChangeKind {
	return []model.ChangeKind{model.KindStatus, model.KindConfirmed, model.KindFlag, model.KindAttention,
		model.KindDocument, model.KindGap, model.KindIncident, model.KindForgotten}
}

// summing is a sum that is being made.
type summing struct {
	Sum
	seen map[string]bool
}

func (s *summing) add(c model.Change) {
	s.once("account "+c.Account, &s.Accounts, c.Account)
	s.once("kind "+string(c.Kind), &s.Kinds, string(c.Kind))
	if c.Ref == "" {
		return
	}
	if len(s.Rows) == mostRows && !s.seen["row "+c.Account+"/"+c.Ref] {
		s.More = true
		return
	}
	s.once("row "+c.Account+"/"+c.Ref, &s.Rows, c.Account+"/"+c.Ref)
}

func (s *summing) once(key string, list *[]string, v string) {
	if !s.seen[key] {
		s.seen[key] = true
		*list = append(*list, v)
	}
}
