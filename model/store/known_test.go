package store

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"countersign/model"
	"countersign/model/store/database"
)

// received stores a callback of a row as the listener's do: the account is counted, incidents are looked at. It says how
// many statements the group ran.
func (d *db) received(t *testing.T, s *Store, key string) int {
	t.Helper()
	var q *database.Tx
	k := model.Key{Account: "acc", Ref: "a"}
	check(t, s.Do(t.Context(), Unit{Keys: []model.Key{k}, Dedupe: []DedupeKey{{"acc", "a", key}}, Apply: func(b *Batch) error {
		q = b.q
		if b.Forgotten(k) {
			t.Error("it is forgotten")
		}
		a, err := b.Account("acc")
		check(t, err)
		a.RefusedInARow, a.LastCallbackAt = a.RefusedInARow+1, at(noon)
		b.PutAccount(a)
		if _, err := b.CloseIncident("acc", model.CallbacksRefused); err != nil {
			return err
		}
		row, _ := b.Transaction(k)
		row.Account, row.Ref, row.Name = "acc", "a", key
		b.Put(row, model.Decision{Next: row})
		b.AddCallback(Packed{Callback: model.Callback{Account: "acc", Ref: "a", DedupeKey: key, At: noon,
			Verdict: model.Accepted}})
		return nil
	}}))
	return q.Ran
}

// A group's fixed price: what the one before has left is not read again.
func TestAGroupReadsNothingTwice(t *testing.T) {
	d := openSQLiteTest(t)
	d.received(t, d.Store, "1")
	// data_version; the row, its copies by row and without one; the row, the callback, its day, the account and the counters
	// written; the row queued for the search index, for its name is another
	const most = 10
	for _, key := range []string{"2", "3"} {
		if n := d.received(t, d.Store, key); n > most {
			t.Errorf("%d statements for a callback, want at most %d", n, most)
		}
	}
}

func TestWhatOthersWriteIsSeenByTheNextGroup(t *testing.T) {
	both(t, func(t *testing.T, d *db) {
		other := d.again(t)
		for i, s := range []*Store{d.Store, other, d.Store, d.Store, other, other, d.Store} {
			d.received(t, s, string(rune('a'+i)))
		}
		a, err := d.Account(t.Context(), "acc")
		check(t, err)
		same(t, "counted by both", a.RefusedInARow, 7)

		d.do(t, func(b *Batch) error { _, err := b.OpenIncident("acc", model.CallbacksRefused, "m"); return err })
		check(t, other.Do(t.Context(), Unit{Apply: func(b *Batch) error {
			closed, err := b.CloseIncident("acc", model.CallbacksRefused)
			same(t, "closed by the other", closed, true)
			return err
		}}))
		d.do(t, func(b *Batch) error {
			opened, err := b.OpenIncident("acc", model.CallbacksRefused, "m")
			same(t, "opened again", opened, true)
			return err
		})

		d.put(t, row1("gone"))
		_, err = d.Forget(t.Context(), key("gone"), "operator")
		check(t, err)
		d.do(t, func(b *Batch) error { same(t, "forgotten", b.Forgotten(key("gone")), true); return nil }, key("gone"))

		check(t, d.Change(t.Context(), func(q *database.Tx) error {
			return q.Exec(`UPDATE accounts SET reach = 'changed within this process'`)
		}))
		d.do(t, func(b *Batch) error {
			a, err := b.Account("acc")
			same(t, "reach", a.Reach, "changed within this process")
			return err
		})
	})
}

func TestAGroupThatFailedIsNotRemembered(t *testing.T) {
	d := openSQLiteTest(t)
	d.received(t, d.Store, "1")
	err := d.Do(t.Context(), Unit{Apply: func(b *Batch) error {
		a, _ := b.Account("acc")
		a.RefusedInARow = 70
		b.PutAccount(a)
		return context.Canceled
	}})
	if err == nil {
		t.Error("it was written")
	}
	d.received(t, d.Store, "2")
	a, err := d.Account(t.Context(), "acc")
	check(t, err)
	same(t, "counted", a.RefusedInARow, 2)
}

// The window in which a group waits for more, by what the groups before were like.
func TestAGroupWaitsForThoseWhoComeBack(t *testing.T) {
	for name, c := range map[string]struct {
		callers, come int
		sync, took    time.Duration // of a commit; how long the group waited
		group         int
	}{
		"a caller who is alone":      {1, 1, 5 * time.Millisecond, 0, 1},
		"nothing is known yet":       {64, 3, 0, 0, 1},
		"most of them come":          {64, 63, 8 * time.Millisecond, 5600 * time.Microsecond, 57},
		"few of them come":           {64, 3, 5 * time.Millisecond, 5 * time.Millisecond, 4},
		"a disk that takes its time": {64, 3, time.Second, mostGather, 4},
		"more than a group may hold": {600, 40, 5 * time.Millisecond, 3900 * time.Microsecond, 40},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &Store{queue: make(chan *unit, 100), groupMax: 40, pace: pace{c.callers, c.sync}}
				go func() {
					for range c.come {
						time.Sleep(100 * time.Microsecond)
						s.queue <- &unit{}
					}
				}()
				began := time.Now()
				if name == "most of them come" {
					s.groupMax = 100
				}
				group := s.gather(t.Context(), []*unit{{}})
				same(t, "waited", time.Since(began), c.took)
				same(t, "units", len(group), c.group)
				time.Sleep(time.Second)
			})
		})
	}
}
