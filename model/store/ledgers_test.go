package store

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"countersign/model"
)

func TestWhatNamedARowIsCalled(t *testing.T) {
	both(t, func(t *testing.T, d *db) {
		add := func(v model.Verdict, minute int) model.Callback {
			return model.Callback{Account: "acc", Ref: "a", Type: string(v), Verdict: v,
				At: noon.Add(time.Duration(minute) * time.Minute)}
		}
		d.do(t, func(b *Batch) error { // before there is a row
			b.AddCallback(Packed{Callback: add(model.Refused, 1)})
			b.AddCallback(Packed{Callback: add(model.NotUnderstood, 1)})
			return nil
		})
		d.do(t, func(b *Batch) error {
			b.Put(row1("a"), model.Decision{Grew: true})
			b.AddCallback(Packed{Callback: add(model.Accepted, 2)})
			idle := add(model.Accepted, 2)
			idle.Type, idle.Outcome = "idle", model.Ignored
			b.AddCallback(Packed{Callback: idle})
			return nil
		}, key("a"))
		for since, want := range map[int]string{0: "accepted refused newer ", 1: "accepted newer ", 2: "newer "} {
			err := d.Do(t.Context(), Unit{Keys: []model.Key{key("a")}, Apply: func(b *Batch) error {
				b.AddCallback(Packed{Callback: add(model.Duplicate, 3)}) // a copy tells nothing new
				newer, ignored := add(model.Accepted, 3), add(model.Accepted, 3)
				newer.Type, ignored.Type, ignored.Outcome = "newer", "ignored", model.Ignored
				b.AddCallback(Packed{Callback: newer})
				b.AddCallback(Packed{Callback: ignored})
				calls, err := b.Called(key("a"), at(noon.Add(time.Duration(since)*time.Minute)))
				got := ""
				for _, c := range calls {
					got += c.Type + " "
					same(t, c.Type, c.Refused, c.Type == "refused")
				}
				same(t, fmt.Sprint("since ", since), got, want)
				if err == nil {
					err = errRollback
				}
				return err
			}})
			if !errors.Is(err, errRollback) {
				t.Fatal(err)
			}
		}
		calls, next, err := d.Callbacks(t.Context(), CallbackFilter{Account: "acc", Ref: "a", Limit: 3})
		check(t, err)
		same(t, "the newest", []string{calls[0].Type, calls[1].Type, calls[2].Type},
			[]string{"idle", "accepted", "not_understood"})
		calls, next, err = d.Callbacks(t.Context(), CallbackFilter{Account: "acc", Ref: "a", Limit: 3, Cursor: next})
		check(t, err)
		same(t, "the rest", fmt.Sprint(calls[0].Type, next), "refused")
		calls, _, err = d.Callbacks(t.Context(), CallbackFilter{Verdict: model.Refused, Since: &noon})
		check(t, err)
		same(t, "the refused", len(calls), 1)
	})
}

var errRollback = errors.New("roll back")

func TestIncidentsOpenAndCloseOnce(t *testing.T) {
	both(t, func(t *testing.T, d *db) {
		step := func(want bool, f func(b *Batch) (bool, error)) {
			t.Helper()
			d.do(t, func(b *Batch) error {
				got, err := f(b)
				same(t, "done", got, want)
				return err
			})
		}
		open := func(b *Batch) (bool, error) { return b.OpenIncident("acc", model.PollOverdue, "why") }
		closed := func(b *Batch) (bool, error) { return b.CloseIncident("acc", model.PollOverdue) }
		step(false, closed)
		step(true, open)
		step(false, open)
		list, err := d.Incidents(t.Context(), true)
		check(t, err)
		same(t, "open", len(list), 1)
		step(true, closed)
		step(true, func(b *Batch) (bool, error) {
			ok, err := open(b)
			if err == nil {
				_, err = closed(b)
			}
			if err == nil {
				_, err = open(b)
			}
			return ok, err
		})
		list, err = d.Incidents(t.Context(), false)
		check(t, err)
		same(t, "all", len(list), 3)
		feed, err := d.Changes(t.Context(), 0, 0)
		check(t, err)
		same(t, "changes", len(feed), 5)
		same(t, "the first", feed[0].Kind, model.KindIncident)
		same(t, "announced", d.count(t, "outbox"), 5)
	})
}

func TestRunsAreStoredAndListed(t *testing.T) {
	both(t, func(t *testing.T, d *db) {
		var id string
		d.do(t, func(b *Batch) error {
			id = b.PutRun(model.Run{Account: "acc", Kind: "active", State: model.RunQueued, Slot: &noon, Params: "{}"})
			b.PutRun(model.Run{ID: "zz", Account: "acc", Kind: "idle", State: model.RunDone, CreatedAt: noon.Add(time.Minute)})
			return nil
		})
		got, err := d.RunByID(t.Context(), id)
		check(t, err)
		got.State, got.Cursor, got.Left = model.RunActive, "page 2", 3
		d.do(t, func(b *Batch) error { b.PutRun(got); b.PutRun(got); return nil })
		back, err := d.RunByID(t.Context(), id)
		check(t, err)
		same(t, "run", back, got)
		for f, want := range map[*RunFilter]string{{}: "zz", {Oldest: true}: id, {Kind: "active"}: id,
			{States: []model.RunState{model.RunDone}}: "zz"} {
			runs, err := d.Runs(t.Context(), *f)
			check(t, err)
			same(t, "first", runs[0].ID, want)
		}
		if _, err := d.RunByID(t.Context(), "none"); !errors.Is(err, ErrNoRow) {
			t.Errorf("a run that is none: %v", err)
		}
	})
}

func TestRetentionTakesWhatIsOld(t *testing.T) {
	both(t, func(t *testing.T, d *db) {
		hidden := row1("h")
		hidden.Hidden = true
		d.put(t, hidden)
		var old, refused, fresh string
		d.do(t, func(b *Batch) error {
			old = b.AddCallback(Packed{Callback: model.Callback{Account: "acc", Ref: "h", Verdict: model.Accepted,
				Outcome: model.Applied, At: noon, Body: []byte("x"), BodyHash: "hash"}})
			refused = b.AddCallback(Packed{Callback: model.Callback{Account: "acc", Verdict: model.Refused, At: noon,
				Body: []byte("x")}})
			fresh = b.AddCallback(Packed{Callback: model.Callback{Account: "acc", Verdict: model.Accepted,
				At: noon.Add(time.Hour), Body: []byte("x")}})
			return nil
		})
		d.do(t, move(key("a"), model.Draft), key("a"))
		prune := func(p PruneBefore, want string) {
			t.Helper()
			took, err := d.Prune(t.Context(), p)
			check(t, err)
			same(t, "taken", took.String(), want)
		}
		prune(PruneBefore{}, "")
		before := at(noon.Add(time.Minute))
		prune(PruneBefore{Bodies: before}, "1 bodies")
		for id, want := range map[string]int{old: 0, refused: 1, fresh: 1} {
			c, err := d.Callback(t.Context(), id)
			check(t, err)
			same(t, id, len(c.Body), want)
		}
		c, err := d.Callback(t.Context(), old)
		check(t, err)
		same(t, "what stays", c.BodyHash+string(c.Outcome), "hashapplied")
		prune(PruneBefore{Bodies: before, Refused: before, Outbox: before, History: before, HiddenRows: before},
			"1 refused bodies, 1 outbox rows, 1 changes, 1 hidden rows")
		prune(PruneBefore{Bodies: before, Refused: before, Outbox: before, History: before, HiddenRows: before}, "")
		for table, want := range map[string]int64{"callbacks": 3, "history": 0, "outbox": 0, "transactions": 1} {
			same(t, table, d.count(t, table), want)
		}
		first, last, err := d.Feed(t.Context())
		check(t, err)
		same(t, "feed", [2]int64{first, last}, [2]int64{2, 1})
	})
}

func TestRefusedBodiesAreBoundedInAll(t *testing.T) {
	both(t, func(t *testing.T, d *db) {
		var ids []string
		d.do(t, func(b *Batch) error {
			for i := range 10 {
				body := make([]byte, 1000)
				for j := range body {
					body[j] = byte(rand.IntN(256))
				}
				ids = append(ids, b.AddCallback(Packed{Callback: model.Callback{Account: "acc", Verdict: model.Refused,
					At: noon.Add(time.Duration(i) * time.Second), Body: body}}))
			}
			ids = append(ids, b.AddCallback(Packed{Callback: model.Callback{Account: "acc", Verdict: model.Accepted,
				Outcome: model.Applied, At: noon, Body: make([]byte, 1000)}}))
			return nil
		})
		for _, most := range []int64{1 << 20, 3500} {
			_, err := d.Prune(t.Context(), PruneBefore{RefusedBytes: most})
			check(t, err)
		}
		var kept []int
		for i, id := range ids {
			c, err := d.Callback(t.Context(), id)
			check(t, err)
			if len(c.Body) > 0 {
				kept = append(kept, i)
			}
		}
		same(t, "the newest three and what was accepted", kept, []int{7, 8, 9, 10})
	})
}

func TestFirstsAndTimesToRepair(t *testing.T) {
	both(t, func(t *testing.T, d *db) {
		d.do(t, func(b *Batch) error {
			for range 3 {
				b.AddFirst("acc", model.ChangeStatus, model.ByCallback, noon)
			}
			b.AddFirst("acc", model.ChangeCreated, model.ByActive, noon.Add(-48*time.Hour))
			b.AddFirst("other", model.ChangeCreated, model.ByIdle, noon)
			for i := range 100 { // found 1 to 100 minutes after the last answer, half of that after the provider's time
				after, happened := noon.Add(-time.Duration(i+1)*time.Minute), noon.Add(-time.Duration(i+1)*30*time.Second)
				g := model.Gap{Account: "acc", Ref: "a", Kind: model.GapMissed, Change: model.ChangeStatus, After: &after,
					HappenedAt: &happened, Before: noon, FoundAt: noon, SettleAt: noon}
				if i < 2 {
					late := time.Duration(i+1) * time.Hour
					g.Kind, g.Latency = model.GapLate, &late
				}
				b.AddGap(g)
			}
			b.AddGap(model.Gap{Account: "acc", Ref: "a", Kind: model.GapRefused, Change: model.ChangeCreated, Before: noon,
				FoundAt: noon, SettleAt: noon})
			far := noon.Add(-1000 * time.Hour)
			for _, kind := range []model.GapKind{model.GapNoEvent, model.GapUnsubscribed, model.GapPending} {
				b.AddGap(model.Gap{Account: "acc", Ref: "a", Kind: kind, Change: model.ChangeStatus, After: &far,
					HappenedAt: &far, Before: noon, FoundAt: noon, SettleAt: noon})
			}
			return nil
		})
		d.do(t, func(b *Batch) error { b.AddFirst("acc", model.ChangeStatus, model.ByCallback, noon); return nil })
		got, err := d.Firsts(t.Context(), "acc", at(noon))
		check(t, err)
		same(t, "since today", got, map[model.Channel]int{model.ByCallback: 4})
		got, err = d.Firsts(t.Context(), "", nil)
		check(t, err)
		same(t, "of all", got, map[model.Channel]int{model.ByCallback: 4, model.ByActive: 1, model.ByIdle: 1})
		times, err := d.Repairs(t.Context(), "acc", at(noon))
		check(t, err)
		same(t, "times", times, model.Repairs{
			Bound: model.Percentiles{Of: 100, P50: 50 * time.Minute, P90: 90 * time.Minute, P99: 99 * time.Minute},
			Dated: model.Percentiles{Of: 100, P50: 25 * time.Minute, P90: 45 * time.Minute, P99: 99 * 30 * time.Second},
			Late:  model.Percentiles{Of: 2, P50: time.Hour, P90: 2 * time.Hour, P99: 2 * time.Hour},
		})
		times, err = d.Repairs(t.Context(), "other", nil)
		check(t, err)
		same(t, "of none", times, model.Repairs{})
	})
}
