package store

import (
	"errors"
	"testing"

	"countersign/model"
)

// A group's rows stand in what the groups before have used: nothing of theirs may be seen in it, whether they were
// written, failed or removed rows.
func TestAGroupSeesNothingOfTheRowsBefore(t *testing.T) {
	both(t, func(t *testing.T, d *db) {
		fault := errors.New("fault")
		full := func(ref string) Unit {
			k := model.Key{Account: "acc", Ref: ref}
			return Unit{Keys: []model.Key{k}, Apply: func(b *Batch) error {
				b.Put(model.Transaction{Account: "acc", Ref: ref, Provider: "onespan", Name: "A name of " + ref,
					Status: model.Completed, Origin: model.OriginClaim, FirstSeenAt: noon, ChangedAt: noon, ProviderTime: &noon,
					Attention: []model.Attention{{Kind: "trial"}}, SignersSet: true,
					Signers: []model.Signer{{Ref: "s", Name: "One who signs"}}}, model.Decision{Grew: true})
				return nil
			}}
		}
		failing := full("failing")
		failing.Apply = func(put func(*Batch) error) func(*Batch) error {
			return func(b *Batch) error { return errors.Join(put(b), fault) }
		}(failing.Apply)
		removed := Unit{Keys: []model.Key{{Account: "acc", Ref: "b"}}, Apply: func(b *Batch) error {
			b.Remove(model.Key{Account: "acc", Ref: "b"})
			return nil
		}}
		for _, err := range d.together(full("a"), full("b"), full("c")) {
			check(t, err)
		}
		if got := d.together(failing, full("d")); !errors.Is(got[0], fault) || got[1] != nil {
			t.Fatal(got)
		}
		for _, err := range d.together(removed) {
			check(t, err)
		}
		if !d.Postgres() && len(d.entries.spare) == 0 {
			t.Error("no row is kept to be used again")
		}
		for _, e := range d.entries.spare {
			if e.exists || e.present || e.put || e.listed || e.gone || e.was.Ref != "" || e.now.Signers != nil {
				t.Errorf("%+v", *e)
			}
		}
		var was []string
		look := func(refs ...string) Unit {
			u := Unit{Apply: func(b *Batch) error {
				was = nil
				for _, ref := range refs {
					tx, ok := b.Transaction(model.Key{Account: "acc", Ref: ref})
					if ok {
						was = append(was, tx.Name)
					} else if tx.Name != "" || tx.Signers != nil {
						t.Errorf("%s: %+v", ref, tx)
					}
				}
				return nil
			}}
			for _, ref := range refs {
				u.Keys = append(u.Keys, model.Key{Account: "acc", Ref: ref})
			}
			return u
		}
		for _, err := range d.together(look("failing", "a", "b", "new", "c", "newer", "d")) {
			check(t, err)
		}
		same(t, "rows", was, []string{"A name of a", "A name of c", "A name of d"})
	})
}
