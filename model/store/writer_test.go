package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"countersign/model"
)

// move is a change that a claim makes: the row goes on, history and outbox with it.
func move(k model.Key, to model.Status) func(b *Batch) error {
	return func(b *Batch) error {
		r, ok := b.Transaction(k)
		if !ok {
			r = row1(k.Ref)
			r.Account = k.Account
		}
		from := r.Status
		r.Status, r.ChangedAt = to, b.Now()
		b.Put(r, model.Decision{Next: r, Grew: true})
		b.AddChange(model.Change{Account: k.Account, Ref: k.Ref, Kind: model.KindStatus, From: string(from), To: string(to),
			Status: to, Source: "test", Announce: true})
		return nil
	}
}

func TestEveryAcceptedChangeIsCounted(t *testing.T) {
	both(t, func(t *testing.T, d *db) {
		d.running(t)
		const producers, each = 64, 20
		var accepted atomic.Int64
		var wg sync.WaitGroup
		for p := range producers {
			wg.Go(func() {
				for i := range each {
					k := key(fmt.Sprintf("r%d-%d", p, i%5))
					err := d.Do(context.Background(), Unit{Keys: []model.Key{k}, Apply: func(b *Batch) error {
						b.AddCallback(Packed{Callback: model.Callback{Account: k.Account, Ref: k.Ref, Type: "x",
							DedupeKey: fmt.Sprint(i), Verdict: model.Accepted, At: b.Now(), Body: []byte("{}")}})
						return move(k, model.InProgress)(b)
					}})
					if err != nil {
						t.Error(err)
						return
					}
					accepted.Add(1)
				}
			})
		}
		wg.Wait()
		for table, want := range map[string]int64{"callbacks": accepted.Load(), "history": accepted.Load(),
			"outbox": accepted.Load(), "transactions": producers * 5} {
			same(t, table, d.count(t, table), want)
		}
		first, last, err := d.Feed(t.Context())
		check(t, err)
		same(t, "feed", [2]int64{first, last}, [2]int64{1, producers * each})
		version, err := d.Version(t.Context())
		check(t, err)
		same(t, "version", version, int64(producers*each))
	})
}

func (d *db) count(t testing.TB, table string) (n int64) {
	t.Helper()
	raw := d.raw(t)
	check(t, raw.QueryRow("SELECT COUNT(*) FROM "+table).Scan(&n))
	return n
}

// together makes changes one group.
func (d *db) together(units ...Unit) []error {
	group := make([]*unit, len(units))
	for i, u := range units {
		group[i] = &unit{Unit: u, ctx: context.Background(), done: make(chan error, 1)}
	}
	d.commit(slices.Clone(group))
	var out []error
	for _, u := range group {
		out = append(out, <-u.done)
	}
	return out
}

// id adds a document and returns its id.
func (d *db) id(t *testing.T) (id string) {
	d.do(t, func(b *Batch) error {
		id = b.PutDocument(model.Document{Account: "acc", Ref: "a", DocID: "1", State: model.DocumentWaiting})
		return nil
	})
	return id
}

func TestCopiesInOneGroupAreSeen(t *testing.T) {
	both(t, func(t *testing.T, d *db) {
		k := DedupeKey{"acc", "a", "k"}
		var first string
		var verdicts []model.Verdict
		receive := func(v model.Verdict) Unit {
			return Unit{Dedupe: []DedupeKey{k}, Apply: func(b *Batch) error {
				id, held, seen := b.Seen(k)
				switch {
				case seen && held == model.NotUnderstood && v == model.Accepted:
					b.ReleaseDedupe(k)
				case seen:
					v = model.Duplicate
				}
				verdicts = append(verdicts, v)
				got := b.AddCallback(Packed{Callback: model.Callback{Account: "acc", Ref: "a", DedupeKey: "k", Verdict: v,
					At: noon}})
				if seen && id != first {
					t.Errorf("the copy of %s is said to be of %s", first, id)
				}
				if v != model.Duplicate {
					first = got
				}
				return nil
			}}
		}
		for _, group := range [][]Unit{{receive(model.NotUnderstood), receive(model.NotUnderstood)},
			{receive(model.Accepted), receive(model.Accepted)}, {receive(model.Accepted)}} {
			for _, err := range d.together(group...) {
				check(t, err)
			}
		}
		same(t, "verdicts", verdicts,
			[]model.Verdict{model.NotUnderstood, model.Duplicate, model.Accepted, model.Duplicate, model.Duplicate})
		raw := d.raw(t)
		var held string
		check(t, raw.QueryRow(`SELECT verdict FROM callbacks WHERE dedupe_key = 'k'`).Scan(&held))
		same(t, "who holds the key", held, "accepted")
	})
}

func TestChangesRaceOnARow(t *testing.T) {
	both(t, func(t *testing.T, d *db) {
		d.running(t)
		other := &db{Store: d.again(t), clock: d.clock, dsn: d.dsn}
		other.running(t)
		d.put(t, row1("a"))
		var wg sync.WaitGroup
		const each = 50
		for _, s := range []*db{d, other} {
			for range 4 {
				wg.Go(func() {
					for range each {
						err := s.Do(context.Background(), Unit{Keys: []model.Key{key("a")}, Apply: func(b *Batch) error {
							r, _ := b.Transaction(key("a"))
							r.Recheck++
							r.LostAnswers++
							b.Put(r, model.Decision{Next: r, Grew: true})
							return nil
						}})
						if err != nil {
							t.Error(err)
						}
					}
				})
			}
		}
		wg.Wait()
		r := d.get(t, key("a"))
		same(t, "counted", []int{r.Recheck, r.LostAnswers, int(r.Version)}, []int{8 * each, 8 * each, 8*each + 1})
	})
}

func TestTheFeedHasNoHolesForReaders(t *testing.T) {
	both(t, func(t *testing.T, d *db) {
		d.running(t)
		other := &db{Store: d.again(t), clock: d.clock, dsn: d.dsn}
		other.running(t)
		var wg sync.WaitGroup
		for p, s := range []*db{d, other, d, other} {
			wg.Go(func() {
				for i := range 100 {
					k := key(fmt.Sprintf("%d-%d", p, i))
					if err := s.Do(context.Background(), Unit{Keys: []model.Key{k}, Apply: move(k, model.Draft)}); err != nil {
						t.Error(err)
					}
				}
			})
		}
		seen := int64(0)
		deadline := time.Now().Add(time.Minute)
		for seen < 400 && time.Now().Before(deadline) {
			list, err := d.Changes(t.Context(), seen, 37)
			check(t, err)
			for _, c := range list {
				if c.Seq != seen+1 {
					t.Fatalf("after %d came %d", seen, c.Seq)
				}
				seen = c.Seq
			}
		}
		wg.Wait()
		same(t, "seen", seen, int64(400))
	})
}

func TestAnImpatientCallerIsDroppedOrAnswered(t *testing.T) {
	d := openSQLiteTest(t).running(t)
	release, held := make(chan struct{}), make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		err := d.Do(context.Background(), Unit{Apply: func(*Batch) error { close(held); <-release; return nil }})
		if err != nil {
			t.Error(err)
		}
	})
	<-held
	ctx, cancel := context.WithCancel(context.Background())
	ran := false
	wg.Go(func() {
		err := d.Do(ctx, Unit{Apply: func(*Batch) error { ran = true; return nil }})
		if !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
	})
	for len(d.queue) == 0 {
		time.Sleep(time.Millisecond)
	}
	cancel()
	time.AfterFunc(50*time.Millisecond, func() { close(release) })
	wg.Wait()
	d.do(t, func(*Batch) error { return nil })
	if ran {
		t.Error("a change was made whose caller had gone")
	}
}

func TestAFullQueueIsBusy(t *testing.T) {
	d := openSQLiteTest(t)
	o := d.options()
	o.Queue = 1
	s, err := Open(t.Context(), o)
	check(t, err)
	defer s.Close()
	small := (&db{Store: s, clock: d.clock, dsn: d.dsn}).running(t)
	release, held := make(chan struct{}), make(chan struct{})
	errs := make(chan error, 8)
	do := func(f func(*Batch) error) { errs <- small.Do(context.Background(), Unit{Apply: f}) }
	go do(func(*Batch) error { close(held); <-release; return nil })
	<-held
	go do(func(*Batch) error { return nil })
	for len(s.queue) == 0 {
		time.Sleep(time.Millisecond)
	}
	if err := small.Do(context.Background(), Unit{Apply: func(*Batch) error { return nil }}); !errors.Is(err, ErrBusy) {
		t.Errorf("got %v, want ErrBusy", err)
	}
	close(release)
	check(t, <-errs)
	check(t, <-errs)
}

func TestRunWritesWhatIsQueuedWhenItEnds(t *testing.T) {
	d := openSQLiteTest(t)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- d.Run(ctx) }()
	release, held := make(chan struct{}), make(chan struct{})
	errs := make(chan error, 20)
	for i := range 20 {
		go func() {
			errs <- d.Do(context.Background(), Unit{Keys: []model.Key{key(fmt.Sprint(i))}, Apply: func(b *Batch) error {
				if i == 0 {
					close(held)
					<-release
				}
				return move(key(fmt.Sprint(i)), model.Draft)(b)
			}})
		}()
	}
	<-held
	cancel()
	close(release)
	check(t, <-done)
	for range 20 {
		check(t, <-errs)
	}
	same(t, "rows", d.count(t, "transactions"), int64(20))
	list, err := d.Changes(t.Context(), 0, 0)
	check(t, err)
	same(t, "in order", slices.IsSortedFunc(list, func(a, b model.Change) int { return int(a.Seq - b.Seq) }), true)
}
