package store

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"countersign/model"
)

// about is a person in everything that is kept of a transaction.
func (d *db) about(t *testing.T, ref, person string) {
	t.Helper()
	r := full(ref)
	r.Name, r.Metadata, r.Reason = "Lease of "+person, `{"who":"`+person+`"}`, person+" said no"
	r.Attention[0].Message = person + " has no mailbox"
	r.Signers[0].Name, r.Signers[1].Name = person, person+" the elder"
	d.put(t, r)
	d.do(t, func(b *Batch) error {
		b.AddCallback(Packed{Callback: model.Callback{Account: "acc", Ref: ref, DedupeKey: "k", Verdict: model.Accepted,
			Outcome: model.Applied, At: noon, RemoteAddr: "192.0.2.1", Note: "n", Headers: map[string]string{"X": person},
			Body: []byte(strings.Repeat(person+" signed; ", 400)), BodyHash: "hash"}})
		b.AddCallback(Packed{Callback: model.Callback{Account: "acc", Ref: ref, Verdict: model.Refused, At: noon,
			Body: []byte(person)}})
		b.AddChange(model.Change{Account: "acc", Ref: ref, Kind: model.KindAttention, To: "email_bounced",
			Status: model.InProgress, Source: "callback " + person, Announce: true})
		b.PutDocument(model.Document{Account: "acc", Ref: ref, DocID: "1", Kind: model.SignedDocument,
			Name: person + ".pdf", Version: 1, State: model.DocumentWaiting, CreatedAt: noon,
			Facts: model.SignatureFacts{Note: "signed by " + person, File: model.FileFacts{Changed: []string{person}},
				Signatures: []model.EmbeddedSignature{{Signer: person, Chain: []model.Certificate{{Subject: "CN=" + person}}}}}})
		b.AddGap(model.Gap{Account: "acc", Ref: ref, Kind: model.GapMissed, Change: model.ChangeSigner, Signer: person,
			Before: noon, FoundAt: noon, SettleAt: noon})
		b.AddGap(model.Gap{Account: "acc", Ref: ref, Kind: model.GapPending, Change: model.ChangeSigner, Signer: person,
			Before: noon, FoundAt: noon, SettleAt: noon})
		b.AddProgress(key(ref), []model.Step{{Name: person, At: noon}})
		b.PutDrift(model.DriftLine{Run: "r1", Account: "acc", Ref: ref, Field: "name", Ours: person, Theirs: "of " + person,
			FoundAt: noon})
		return nil
	}, key(ref))
	check(t, d.SetToken(t.Context(), "acc", "stream:"+ref, []byte(person)))
}

// grows makes pages split, so that some keep what they have given away.
func (d *db) grows(t *testing.T, from, to int) {
	t.Helper()
	for i := from; i < to; i++ {
		r := full(fmt.Sprintf("r%03d", i))
		d.put(t, r)
	}
	for i := from; i < to; i += 3 {
		r := d.get(t, key(fmt.Sprintf("r%03d", i)))
		r.Name, r.Metadata = strings.Repeat("long ", 60), `{"a":"`+strings.Repeat("b", 500)+`"}`
		d.put(t, r)
	}
}

func TestForgettingLeavesNothingOfAPerson(t *testing.T) {
	const person = "Ottilie Beispiel"
	both(t, func(t *testing.T, d *db) {
		d.grows(t, 0, 60)
		d.about(t, "a", person)
		d.grows(t, 60, 120)
		d.about(t, "b", "Somebody Else")
		r := d.get(t, key("a"))
		r.Name += strings.Repeat(" and "+person, 40)
		d.put(t, r)

		planned, err := d.PersonalOf(t.Context(), key("a"))
		check(t, err)
		same(t, "planned", planned,
			Personal{Rows: 1, Signers: 2, Callbacks: 2, Bodies: 2, Changes: 1, Gaps: 2, Progress: 1, Documents: 1})
		took, err := d.Forget(t.Context(), key("a"), "operator")
		check(t, err)
		same(t, "taken", took, planned)
		clean, err := d.Scrub(t.Context(), true)
		check(t, err)
		same(t, "the log is empty", clean, true)
		d.nowhere(t, person)

		for table, want := range map[string]int64{ // what is counted stays, and all of others
			"callbacks": 4, "gaps": 3, "history": 2, "outbox": 2, "documents": 1, "progress": 1, "signers": 242,
			"transactions": 121, "tokens": 1,
			"forgotten": 1, "callbacks WHERE body IS NULL AND verdict = 'accepted' AND outcome = 'applied' AND body_hash = 'hash'": 1,
			"drift": 1,
		} {
			same(t, table, d.count(t, table), want)
		}
		feed, err := d.Changes(t.Context(), 0, 0)
		check(t, err)
		last := feed[len(feed)-1]
		same(t, "what the feed says", last,
			model.Change{Seq: 3, Account: "acc", Ref: "a", Kind: model.KindForgotten, To: "forgotten", Status: model.Unknown,
				Confirmed: true, Source: "operator", At: noon})
		first, newest, err := d.Feed(t.Context())
		check(t, err)
		same(t, "a hole is not where the feed begins", [2]int64{first, newest}, [2]int64{1, 3})

		_, err = d.Forget(t.Context(), key("a"), "operator")
		check(t, err)
		same(t, "said once", d.count(t, "history WHERE kind = 'forgotten'"), int64(1))
		_, err = d.Forget(t.Context(), key("never"), "operator")
		same(t, "what nobody knows", errors.Is(err, ErrNoRow), true)
		same(t, "no stone for it", d.count(t, "forgotten"), int64(1))
	})
}

// nowhere says that a text is in no file of a SQLite database, and in no row of a PostgreSQL one.
func (d *db) nowhere(t *testing.T, text string) {
	t.Helper()
	if !d.Postgres() {
		names, err := filepath.Glob(d.Path() + "*")
		check(t, err)
		for _, name := range names {
			b, err := os.ReadFile(name)
			check(t, err)
			if bytes.Contains(b, []byte(text)) {
				t.Errorf("%s holds %q", filepath.Base(name), text)
			}
		}
		return
	}
	for _, table := range []string{"transactions", "signers", "callbacks", "documents", "history", "gaps", "drift",
		"runs", "progress", "seals", "tokens", "forgotten", "deliveries"} {
		same(t, table, d.count(t, table+" x WHERE x::text LIKE '%"+text+"%'"), int64(0))
	}
}

func TestOnlyRecallingBringsBackWhatWasForgotten(t *testing.T) {
	both(t, func(t *testing.T, d *db) {
		ask := func(want bool) {
			t.Helper()
			got := false
			d.do(t, func(b *Batch) error { got = b.Forgotten(key("a")); return nil }, key("a"))
			same(t, "forgotten", got, want)
		}
		ask(false)
		d.put(t, full("a"))
		_, err := d.Forget(t.Context(), key("a"), "operator")
		check(t, err)
		ask(true)
		among, err := d.ForgottenAmong(t.Context(), []model.Key{key("a"), key("b")})
		check(t, err)
		same(t, "among", among, map[model.Key]bool{key("a"): true})
		due, err := d.Store.Forgotten(t.Context(), at(noon.Add(time.Hour)))
		check(t, err)
		same(t, "files to be swept", len(due), 1)
		check(t, d.Swept(t.Context(), key("a")))
		due, err = d.Store.Forgotten(t.Context(), at(noon.Add(time.Hour)))
		check(t, err)
		same(t, "swept", len(due), 0)
		due, err = d.Store.Forgotten(t.Context(), at(noon.Add(-time.Hour)))
		check(t, err)
		same(t, "forgotten a moment ago", len(due), 1)

		failed := d.Do(t.Context(),
			Unit{Keys: []model.Key{key("a")}, Apply: func(b *Batch) error { b.Recall(key("a")); return errors.New("no") }})
		same(t, "it failed", failed != nil, true)
		ask(true)
		d.do(t, func(b *Batch) error {
			b.Recall(key("a"))
			same(t, "within the group", b.Forgotten(key("a")), false)
			b.Put(row1("a"), model.Decision{Grew: true})
			return nil
		}, key("a"))
		ask(false)
		same(t, "stones", d.count(t, "forgotten"), int64(0))
	})
}

// The share of the feed that is gone must be known even where nothing is left of it, and what waits to be
// delivered is needed.
func TestRetentionTakesTheFeedFromItsOldEnd(t *testing.T) {
	both(t, func(t *testing.T, d *db) {
		for i := range 4 {
			d.clock.ms.Store(noon.Add(time.Duration(i) * time.Hour).UnixMilli())
			d.do(t, move(key(fmt.Sprint(i)), model.Draft), key(fmt.Sprint(i)))
		}
		raw := d.raw(t)
		_, err := raw.Exec(`INSERT INTO deliveries (hook, seq, account, ref, state, created_at) SELECT 'h', 2, 'acc', '1', 'waiting', at FROM history WHERE seq = 2`)
		check(t, err)
		before := at(noon.Add(150 * time.Minute))
		took, err := d.Prune(t.Context(), PruneBefore{History: before, Outbox: before})
		check(t, err)
		same(t, "up to what waits", took, Pruned{Outbox: 2, Changes: 1})
		first, _, err := d.Feed(t.Context())
		check(t, err)
		same(t, "the oldest kept", first, int64(2))
		_, err = raw.Exec(`UPDATE deliveries SET state = 'dead', done_at = (SELECT at FROM history WHERE seq = 2)`)
		check(t, err)
		took, err = d.Prune(t.Context(), PruneBefore{History: before, Outbox: before})
		check(t, err)
		same(t, "the rest", took, Pruned{Outbox: 1, Deliveries: 1, Changes: 2})
		first, last, err := d.Feed(t.Context())
		check(t, err)
		same(t, "feed", [2]int64{first, last}, [2]int64{4, 4})
	})
}

func TestRetentionTakesBodiesInParts(t *testing.T) {
	both(t, func(t *testing.T, d *db) {
		const n = pruneAtOnce + 300
		d.do(t, func(b *Batch) error {
			for i := range n {
				v := model.Accepted
				if i%4 == 0 {
					v = model.Refused
				}
				b.AddCallback(Packed{Callback: model.Callback{Account: "acc", Ref: "r", Verdict: v,
					At: noon.Add(time.Duration(i) * time.Second), Body: []byte("x")}})
			}
			return nil
		})
		left := func() [2]int64 {
			return [2]int64{d.count(t, "callbacks WHERE body IS NOT NULL AND verdict = 'accepted'"),
				d.count(t, "callbacks WHERE body IS NOT NULL AND verdict = 'refused'")}
		}
		took, err := d.Prune(t.Context(), PruneBefore{Bodies: at(noon.Add((n - 100) * time.Second))})
		check(t, err)
		same(t, "taken", took.Bodies, int64((n-100)*3/4))
		same(t, "left", left(), [2]int64{75, n / 4})
		took, err = d.Prune(t.Context(), PruneBefore{Bodies: at(noon.Add(n * time.Hour)), Refused: at(noon.Add(time.Minute))})
		check(t, err)
		same(t, "taken then", took, Pruned{Bodies: 75, Refused: 15})
		same(t, "left then", left(), [2]int64{0, n/4 - 15})
		same(t, "rows stay", d.count(t, "callbacks"), int64(n))
	})
}
