package store

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"countersign/model"
)

func TestAFailingChangeLeavesNothing(t *testing.T) {
	both(t, func(t *testing.T, d *db) {
		d.put(t, full("a"))
		d.do(t, func(b *Batch) error {
			b.PutDocument(model.Document{Account: "acc", Ref: "a", DocID: "1", Kind: model.SignedDocument,
				State: model.DocumentWaiting})
			b.AddGap(model.Gap{Account: "acc", Ref: "a", Kind: model.GapPending, Change: model.ChangeStatus, Before: noon,
				FoundAt: noon, SettleAt: noon})
			b.AddCallback(Packed{Callback: model.Callback{Account: "acc", Ref: "a", DedupeKey: "old",
				Verdict: model.NotUnderstood, At: noon}})
			return nil
		}, key("a"))
		before := d.dump(t)
		sorry, panics := errors.New("sorry"), 0
		everything := func(b *Batch) error {
			if err := move(key("a"), model.Completed)(b); err != nil {
				return err
			}
			b.AddCallback(Packed{Callback: model.Callback{Account: "acc", Ref: "a", DedupeKey: "k", Verdict: model.Accepted,
				At: noon}})
			b.ReleaseDedupe(DedupeKey{"acc", "a", "old"})
			b.SetOutcomes(key("a"), model.Applied)
			gaps, err := b.OpenGaps(key("a"))
			check(t, err)
			b.RemoveGap(gaps[0].ID)
			b.AddGap(gaps[0])
			docs, err := b.Documents(key("a"))
			check(t, err)
			docs[0].State = model.DocumentStored
			b.PutDocument(docs[0])
			b.PutDocument(model.Document{Account: "acc", Ref: "a", DocID: "2", Kind: model.SignedDocument,
				State: model.DocumentStored})
			b.PutAccount(model.Account{ID: "acc", Provider: "p", FirstStartAt: noon})
			if _, err := b.OpenIncident("acc", model.CallbacksSilent, "m"); err != nil {
				return err
			}
			if _, err := b.CloseIncident("acc", model.CallbacksSilent); err != nil {
				return err
			}
			b.PutRun(model.Run{Account: "acc", Kind: "active", State: model.RunQueued})
			b.AddReported("acc", model.ChangeStatus, noon)
			b.Remove(key("a"))
			return sorry
		}
		errs := d.together(
			Unit{Keys: []model.Key{key("a")}, Apply: everything},
			Unit{Keys: []model.Key{key("a")}, Apply: func(b *Batch) error { panics++; panic("oh") }},
		)
		if !errors.Is(errs[0], sorry) || errs[1] == nil || panics != 1 {
			t.Fatalf("got %v", errs)
		}
		same(t, "database", d.dump(t), before)
		errs = d.together(
			Unit{Keys: []model.Key{key("b")}, Apply: move(key("b"), model.Draft)},
			Unit{Keys: []model.Key{key("a")}, Apply: everything},
			Unit{Keys: []model.Key{key("c")}, Apply: move(key("c"), model.Draft)},
		)
		if errs[0] != nil || !errors.Is(errs[1], sorry) || errs[2] != nil {
			t.Fatalf("got %v", errs)
		}
		same(t, "seq of the last", d.get(t, key("c")).Seq, int64(2))
		same(t, "the untouched row", d.get(t, key("a")).Status, model.InProgress)
	})
}

// However many changes of a group fail or panic, and wherever they stand in it, the others are written, once and in
// order.
func TestOthersOfAGroupStandWhateverFails(t *testing.T) {
	both(t, func(t *testing.T, d *db) {
		sorry := errors.New("sorry")
		for name, faults := range map[string]map[int]bool{ // by place; true: it panics
			"the first":     {0: false},
			"in the middle": {4: false},
			"a panic":       {5: true},
			"the last":      {9: true},
			"several":       {1: false, 2: true, 7: false},
			"most":          {0: false, 1: true, 2: false, 3: false, 4: true, 5: false, 6: true, 8: false},
			"all": {0: false, 1: false, 2: false, 3: false, 4: false, 5: false, 6: false, 7: false, 8: false,
				9: false},
		} {
			_, was, err := d.Feed(t.Context())
			check(t, err)
			var units []Unit
			shared := key(name + " shared") // each looks at what those before it did
			for i := range 10 {
				k := key(fmt.Sprint(name, i))
				panics, fails := faults[i]
				units = append(units, Unit{Keys: []model.Key{k, shared}, Apply: func(b *Batch) error {
					for _, k := range []model.Key{k, shared} {
						if err := move(k, model.Draft)(b); err != nil {
							return err
						}
					}
					b.AddReported("acc", model.ChangeStatus, noon)
					b.AddCallback(Packed{Callback: model.Callback{Account: "acc", Ref: k.Ref, DedupeKey: "k",
						Verdict: model.Accepted, At: noon}})
					switch {
					case panics:
						panic("oh")
					case fails:
						return sorry
					}
					return nil
				}})
			}
			for i, err := range d.together(units...) {
				panics, fails := faults[i]
				if (err != nil) != fails || fails && !panics && !errors.Is(err, sorry) || panics &&
					!strings.Contains(err.Error(), "panicked: oh") {
					t.Errorf("%s: unit %d: got %v", name, i, err)
				}
				if n := d.count(t, fmt.Sprintf("callbacks WHERE ref = '%s%d'", name, i)); (n == 1) == fails {
					t.Errorf("%s: unit %d left %d callbacks", name, i, n)
				}
			}
			feed, err := d.Changes(t.Context(), was, 0)
			check(t, err)
			for i, c := range feed {
				same(t, name+": seq", c.Seq, was+int64(i)+1)
			}
			same(t, name+": changes", len(feed), 2*(10-len(faults)))
		}
		share, err := d.Share(t.Context(), "acc", nil)
		check(t, err)
		same(t, "reported", share.Reported, 9+9+9+9+7+2)
	})
}

// dump counts what is in every table, with the sum of what must not move.
func (d *db) dump(t *testing.T) map[string]int64 {
	t.Helper()
	out := map[string]int64{}
	for _, table := range []string{"transactions", "signers", "callbacks", "documents", "gaps", "history", "outbox",
		"incidents", "runs", "reported", "accounts"} {
		out[table] = d.count(t, table)
	}
	r := d.get(t, key("a"))
	out["version"], out["seq"], out["documents stored"] = r.Version, r.Seq, int64(r.DocsStored)
	raw := d.raw(t)
	var ordinal, keys int64
	check(t, raw.QueryRow("SELECT ordinal FROM counters").Scan(&ordinal))
	check(t, raw.QueryRow("SELECT COUNT(dedupe_key) FROM callbacks").Scan(&keys))
	out["ordinal"], out["dedupe keys"] = ordinal, keys
	return out
}

func TestDataThatTheDatabaseRefusesFailsAlone(t *testing.T) {
	both(t, func(t *testing.T, d *db) {
		taken := d.id(t)
		bad := func(b *Batch) error {
			b.documents = map[model.Key][]*documentEntry{key("x"): {{Document: model.Document{ID: taken + "x", Account: "acc",
				Ref: "a", DocID: "1", Version: 1, CreatedAt: noon}, put: true}}}
			return nil
		}
		errs := d.together(
			Unit{Keys: []model.Key{key("b")}, Apply: move(key("b"), model.Draft)},
			Unit{Apply: bad},
			Unit{Keys: []model.Key{key("c")}, Apply: move(key("c"), model.Draft)},
		)
		if errs[0] != nil || errs[1] == nil || errs[2] != nil {
			t.Fatalf("got %v", errs)
		}
		same(t, "rows", d.count(t, "transactions"), int64(2))
	})
}
