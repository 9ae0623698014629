package store

import (
	"bytes"
	"fmt"
	"testing"

	"countersign/model"
	"countersign/model/store/database"
	"countersign/model/store/seal"
)

// What rests under an old key is read with it, and rests under the new one after Reseal, in each kind; a pass that is
// broken off leaves all of it readable.
func TestReseal(t *testing.T) {
	both(t, func(t *testing.T, d *db) {
		link := "https://files.example.com/secret"
		bodies := map[string][]byte{}
		d.do(t, func(b *Batch) error {
			for i := range 450 {
				body := fmt.Appendf(nil, "body %d", i)
				bodies[b.AddCallback(Packed{Callback: model.Callback{Account: "acc", Verdict: model.Refused, At: noon, Body: body}})] = body
			}
			b.PutDocument(model.Document{Account: "acc", Ref: "a", DocID: "one", Kind: model.SignedDocument, Version: 1,
				State: model.DocumentWaiting, Link: link, CreatedAt: noon})
			return nil
		})
		check(t, d.SetToken(t.Context(), "acc", "refresh", []byte("token")))
		whole := func(what string) {
			t.Helper()
			for id, body := range bodies {
				c, err := d.Callback(t.Context(), id)
				check(t, err)
				same(t, what+" "+id, c.Body, body)
			}
			token, err := d.Token(t.Context(), "acc", "refresh")
			check(t, err)
			same(t, what, string(token), "token")
			docs, err := d.Documents(t.Context(), DocumentFilter{Account: "acc"})
			check(t, err)
			same(t, what, docs[0].Link, link)
		}
		rests := func(what string, want Sealed) {
			t.Helper()
			got, err := d.CountSealed(t.Context())
			check(t, err)
			same(t, what, got, want)
		}
		rests("before", Sealed{Current: 452})

		next := bytes.Repeat([]byte{9}, 32)
		var err error
		d.box, err = seal.New(next)
		check(t, err)
		rests("without the old key", Sealed{Unreadable: 452})
		d.box, err = seal.New(next, d.options().Key)
		check(t, err)
		whole("with both")
		rests("with both", Sealed{Old: 452})
		_, _, err = d.sealedPageOf(t, 2) // of callbacks, the first page only
		check(t, err)
		rests("broken off", Sealed{Current: 200, Old: 252})
		whole("broken off")
		did, err := d.Reseal(t.Context())
		check(t, err)
		same(t, "did", did, Sealed{Current: 200, Old: 252})
		d.box, err = seal.New(next)
		check(t, err)
		rests("without the old key", Sealed{Current: 452})
		whole("without the old key")
	})
}

// sealedPageOf seals the first page of one kind anew, as a pass does that ends after it.
func (d *db) sealedPageOf(t *testing.T, kind int) (last any, seen Sealed, err error) {
	t.Helper()
	err = d.Change(t.Context(), func(q *database.Tx) (err error) {
		last, seen, err = d.sealedPage(q, sealedKinds[kind], sealedKinds[kind].first, true)
		return err
	})
	return last, seen, err
}
