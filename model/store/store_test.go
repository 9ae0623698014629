package store

import (
	"errors"
	"strings"
	"testing"
	"time"

	"countersign/model"
)

// full is a row that sets every field.
func full(ref string) model.Transaction {
	m := func(n int) *time.Time { return at(noon.Add(time.Duration(n) * time.Minute)) }
	return model.Transaction{
		Account: "acc", Ref: ref, Provider: "simulated", ExternalID: "c-1", Name: "Ann's lease", Status: model.InProgress,
		ProviderStatus: "SENT",
		Confirmed:      true, ReportedStatus: model.Completed, Reason: "why", Archived: true, Trashed: true, Deleted: true,
		NotFound: true, Test: true,
		Attention: []model.Attention{{Kind: model.EmailBounced, Signer: "s1", Message: "no such box", Since: noon}},
		Signers: []model.Signer{
			{Ref: "s2", Name: "Bo", Email: "bo@example.org", Role: "tenant", Order: 2, Status: model.SignerWaiting},
			{Ref: "s1", Name: "Ann", Email: "ann@example.org", Role: "owner", Order: 1, Status: model.SignerSigned,
				ViewedAt: m(1), SignedAt: m(2), Reason: "none"},
		},
		SignersSet: true, Metadata: `{"a":1}`, SignersDone: 1, SignersAll: 2, SentAt: m(3), ProviderTime: m(4),
		CreatedAt: m(5), ExpiresAt: m(6),
		FirstSeenAt: *m(7), ChangedAt: *m(8), ConfirmedAt: m(9), AskedAt: m(10), Origin: model.OriginPoll,
		NextCheckAt: m(11), DueReason: model.DueRecheck,
		DueSince: m(12), HintedAt: m(13), LostAnswers: 1, NotFoundCount: 2, NotFoundAt: m(14), DeleteAt: m(15), Recheck: 3,
		RefutedAs: model.Expired,
		RefutedAt: m(16), Fingerprint: "f", OpenGaps: 4, ProviderMark: "mark", TrackedBy: "operator ana", TrackedAt: m(17),
	}
}

func TestARowComesBackAsItWasPut(t *testing.T) {
	both(t, func(t *testing.T, d *db) {
		want := full("a")
		d.put(t, want)
		want.Version = 1
		same(t, "row", d.get(t, key("a")), want)
		for name, change := range map[string]func(*model.Transaction){
			"touched": func(r *model.Transaction) { r.ConfirmedAt, r.NextCheckAt = at(noon.Add(time.Hour)), nil },
			"moved":   func(r *model.Transaction) { r.Status, r.Attention = model.Completed, nil },
			"fact":    func(r *model.Transaction) { r.Name, r.ExpiresAt = "other", nil },
			"signer": func(r *model.Transaction) {
				r.Signers = append([]model.Signer(nil), r.Signers...)
				r.Signers[0].Status = model.SignerViewed
			},
		} {
			change(&want)
			d.do(t, func(b *Batch) error {
				b.Put(want, model.Decision{Next: want})
				return nil
			}, key("a"))
			same(t, name, d.get(t, key("a")), want)
		}
	})
}

func TestARowThatIsRemovedTakesWhatBelongsToIt(t *testing.T) {
	both(t, func(t *testing.T, d *db) {
		d.put(t, full("a"))
		d.do(t, func(b *Batch) error {
			b.PutDocument(model.Document{Account: "acc", Ref: "a", DocID: "1", Kind: model.SignedDocument,
				State: model.DocumentWaiting})
			b.AddGap(model.Gap{Account: "acc", Ref: "a", Kind: model.GapPending, Change: model.ChangeStatus, Before: noon,
				FoundAt: noon, SettleAt: noon})
			b.AddCallback(Packed{Callback: model.Callback{Account: "acc", Ref: "a", Verdict: model.Accepted,
				Outcome: model.Checking, At: noon}})
			return nil
		}, key("a"))
		d.do(t, func(b *Batch) error {
			b.Remove(key("a"))
			b.SetOutcomes(key("a"), model.ClaimUnresolved)
			if _, ok := b.Transaction(key("a")); ok {
				t.Error("the row is still there for its own group")
			}
			return nil
		}, key("a"))
		if _, err := d.Transaction(t.Context(), key("a")); !errors.Is(err, ErrNoRow) {
			t.Fatalf("got %v, want ErrNoRow", err)
		}
		docs, err := d.Documents(t.Context(), DocumentFilter{})
		check(t, err)
		gaps, err := d.Gaps(t.Context(), GapFilter{IncludePending: true})
		check(t, err)
		same(t, "documents and gaps", len(docs)+len(gaps), 0)
		calls, _, err := d.Callbacks(t.Context(), CallbackFilter{Account: "acc", Ref: "a"})
		check(t, err)
		same(t, "outcome", calls[0].Outcome, model.ClaimUnresolved)
		d.put(t, row1("a")) // and it may come again
		same(t, "signers of the new one", len(d.get(t, key("a")).Signers), 0)
	})
}

func TestCallbacksKeepWhatTheyMust(t *testing.T) {
	both(t, func(t *testing.T, d *db) {
		body := strings.Repeat(`{"event":"signed","who":"Ann"}`, 100)
		var ids []string
		d.do(t, func(b *Batch) error {
			ids = nil
			for _, v := range []model.Verdict{model.Accepted, model.Refused} {
				ids = append(ids, b.AddCallback(Packed{Callback: model.Callback{
					Account: "acc", Ref: "a", Type: "signed", EventID: "e1", DedupeKey: "k" +
						string(v), Verdict: v, Outcome: model.Applied, Note: "n", At: noon,
					RemoteAddr: "192.0.2.1", Headers: map[string]string{"X-Sig": "1"}, Body: []byte(body), BodyHash: "h",
				}}))
			}
			ids = append(ids, b.AddCallback(Packed{Callback: model.Callback{Account: "acc", Ref: "a", Verdict: model.Accepted,
				At: noon, Body: []byte("{}")}}))
			return nil
		})
		for i, want := range []string{body, body, "{}"} {
			c, err := d.Callback(t.Context(), ids[i])
			check(t, err)
			same(t, "body", string(c.Body), want)
			same(t, "sealed", c.Sealed, c.Verdict == model.Refused)
		}
		c, err := d.Callback(t.Context(), ids[0])
		check(t, err)
		same(t, "callback", c, model.Callback{
			ID: ids[0], Account: "acc", Ref: "a", Type: "signed", EventID: "e1", DedupeKey: "kaccepted",
			Verdict: model.Accepted, Outcome: model.Applied, Note: "n", At: noon,
			RemoteAddr: "192.0.2.1", Headers: map[string]string{"X-Sig": "1"}, Body: []byte(body), BodyHash: "h",
		})
		var sizes []int
		db := d.raw(t)
		rows, err := db.Query(`SELECT length(body) FROM callbacks ORDER BY n`)
		check(t, err)
		for rows.Next() {
			var n int
			check(t, rows.Scan(&n))
			sizes = append(sizes, n)
		}
		check(t, rows.Err())
		if sizes[0] > len(body)/10 || sizes[1] > len(body)/10+40 || sizes[2] != 4 {
			t.Fatalf("bodies take %v bytes of %d", sizes, len(body))
		}
		other := d.again(t, func(o *Options) { o.Key = []byte(strings.Repeat("x", 32)) })
		if _, err := other.Callback(t.Context(), ids[1]); !errors.Is(err, ErrKey) {
			t.Fatalf("with another key: got %v, want ErrKey", err)
		}
		if _, err := d.Callback(t.Context(), "c1x"); !errors.Is(err, ErrNoRow) {
			t.Fatalf("an id that is none: %v", err)
		}
	})
}

func TestTokensRestEncrypted(t *testing.T) {
	both(t, func(t *testing.T, d *db) {
		if _, err := d.Token(t.Context(), "acc", "refresh"); !errors.Is(err, ErrNoRow) {
			t.Fatalf("got %v, want ErrNoRow", err)
		}
		for _, secret := range []string{"first", "second"} {
			check(t, d.SetToken(t.Context(), "acc", "refresh", []byte(secret)))
			got, err := d.Token(t.Context(), "acc", "refresh")
			check(t, err)
			same(t, "token", string(got), secret)
		}
		other := d.again(t, func(o *Options) { o.Key = []byte(strings.Repeat("x", 32)) })
		if _, err := other.Token(t.Context(), "acc", "refresh"); !errors.Is(err, ErrKey) {
			t.Fatalf("with another key: got %v, want ErrKey", err)
		}
		check(t, d.SetToken(t.Context(), "acc", "refresh", nil))
		if _, err := d.Token(t.Context(), "acc", "refresh"); !errors.Is(err, ErrNoRow) {
			t.Fatalf("got %v, want ErrNoRow", err)
		}
	})
}

func TestAReadOnlyStoreReads(t *testing.T) {
	both(t, func(t *testing.T, d *db) {
		d.put(t, row1("a"))
		ro := d.again(t, func(o *Options) { o.ReadOnly = true })
		_, err := ro.Transaction(t.Context(), key("a"))
		check(t, err)
		check(t, ro.Healthy(t.Context()))
		if err := ro.Do(t.Context(), Unit{Apply: func(*Batch) error { return nil }}); !errors.Is(err, ErrUnavailable) {
			t.Errorf("a change: %v", err)
		}
		check(t, d.Healthy(t.Context()))
	})
}
