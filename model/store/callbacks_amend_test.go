package store

import (
	"testing"
	"time"

	"countersign/model"
)

func TestAStoredCallbackIsAmendedInPlace(t *testing.T) {
	both(t, func(t *testing.T, d *db) {
		d.put(t, row1("a"))
		var first, second string
		d.do(t, func(b *Batch) error {
			add := model.Callback{Account: "acc", Verdict: model.Refused, Note: "another key", At: noon,
				RemoteAddr: "192.0.2.1", Headers: map[string]string{"X-Sig": "1"}, Body: []byte("whole"), BodyHash: "h"}
			first, second = b.AddCallback(Packed{Callback: add}), b.AddCallback(Packed{Callback: add})
			return nil
		})
		amended := model.Callback{
			ID: first, Account: "acc", Ref: "a", DedupeKey: "k", Type: "signed", EventID: "e", Verdict: model.Accepted,
			Outcome: model.Applied,
			Note:    "replayed", Body: []byte("cut"), At: noon.Add(time.Hour), RemoteAddr: "x", BodyHash: "other",
		}
		amend := func(c model.Callback) {
			d.do(t, func(b *Batch) error { b.Amend(Packed{Callback: c}); return nil }, key("a"))
		}
		amend(amended)
		got, err := d.Callback(t.Context(), first)
		check(t, err)
		same(t, "amended", got, model.Callback{
			ID: first, Account: "acc", Ref: "a", DedupeKey: "k", Type: "signed", EventID: "e", Verdict: model.Accepted,
			Outcome: model.Applied, Note: "replayed",
			Body: []byte("cut"), At: noon, RemoteAddr: "192.0.2.1", Headers: map[string]string{"X-Sig": "1"}, BodyHash: "h",
		})
		of, _, err := d.Callbacks(t.Context(), CallbackFilter{Account: "acc", Ref: "a"})
		check(t, err)
		same(t, "callbacks of the row", len(of), 1)
		amend(amended) // its own key is no other's
		amended.ID, amended.Body = second, nil
		amend(amended)
		got, err = d.Callback(t.Context(), second)
		check(t, err)
		same(t, "a key that is taken, and no body", []any{got.DedupeKey, got.Body == nil, got.Verdict},
			[]any{"", true, model.Accepted})
		d.do(t, func(b *Batch) error {
			id, v, ok := b.Seen(DedupeKey{"acc", "a", "k"})
			same(t, "who holds the key", []any{id, v, ok}, []any{first, model.Accepted, true})
			return nil
		})
	})
}

func TestWhatFailsAmendsNothing(t *testing.T) {
	both(t, func(t *testing.T, d *db) {
		var id string
		d.do(t, func(b *Batch) error {
			id = b.AddCallback(Packed{Callback: model.Callback{Account: "acc", Ref: "loose", Verdict: model.NotUnderstood,
				At: noon, Body: []byte("x")}})
			return nil
		})
		err := d.Do(t.Context(), Unit{Keys: []model.Key{key("loose")}, Apply: func(b *Batch) error {
			b.Amend(Packed{Callback: model.Callback{ID: id, Account: "acc", Ref: "loose", DedupeKey: "k",
				Verdict: model.Accepted}})
			v, ok, err := b.StoredVerdict(id)
			check(t, err)
			same(t, "within the group", []any{v, ok}, []any{model.Accepted, true})
			return ErrBusy
		}})
		same(t, "error", err, ErrBusy)
		d.do(t, func(b *Batch) error {
			v, ok, err := b.StoredVerdict(id)
			check(t, err)
			same(t, "stored", []any{v, ok}, []any{model.NotUnderstood, true})
			_, ok, err = b.StoredVerdict("c999999999999")
			check(t, err)
			_, odd, err := b.StoredVerdict("odd")
			check(t, err)
			_, _, seen := b.Seen(DedupeKey{"acc", "loose", "k"})
			same(t, "those that are not there", []bool{ok, odd, seen}, []bool{false, false, false})
			return nil
		})
	})
}
