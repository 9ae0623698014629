package store

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"countersign/model"
)

func refs(rows []model.Transaction) (out []string) {
	for _, r := range rows {
		out = append(out, r.Ref)
	}
	return out
}

func TestDueRowsAreClaimedOnce(t *testing.T) {
	both(t, func(t *testing.T, d *db) {
		var rows []model.Transaction
		for i, c := range []struct {
			due      time.Duration
			reported model.Status
		}{{-3 * time.Minute, ""}, {-time.Minute, model.Completed}, {-2 * time.Minute, model.InProgress}, {time.Minute, ""}} {
			r := row1(fmt.Sprint("r", i))
			r.NextCheckAt, r.ReportedStatus, r.DueReason = at(noon.Add(c.due)), c.reported, model.DueConfirm
			rows = append(rows, r)
		}
		d.put(t, rows...)
		due, err := d.Due(t.Context(), DueFilter{Account: "acc", Now: noon})
		check(t, err)
		same(t, "due: ends first, then the oldest", refs(due), []string{"r1", "r0", "r2"})
		n, err := d.DueCount(t.Context(), noon)
		check(t, err)
		same(t, "due by account", n, map[string]int{"acc": 3})
		got, err := d.ClaimDue(t.Context(), DueFilter{Account: "acc", Now: noon, Limit: 2}, "me", time.Minute)
		check(t, err)
		same(t, "claimed", refs(got), []string{"r1", "r0"})
		got, err = d.ClaimDue(t.Context(), DueFilter{Account: "acc", Now: noon, Limit: 10}, "you", time.Minute)
		check(t, err)
		same(t, "claimed by the other", refs(got), []string{"r2"})
		d.do(t, func(b *Batch) error { // an unchanged row that is put is free again
			r, _ := b.Transaction(key("r1"))
			b.Put(r, model.Decision{Next: r})
			return nil
		}, key("r1"))
		check(t, d.Release(t.Context(), []model.Key{key("r2")}))
		got, err = d.ClaimDue(t.Context(), DueFilter{Account: "acc", Now: noon, Limit: 10}, "you", time.Minute)
		check(t, err)
		same(t, "claimed after put and release", refs(got), []string{"r1", "r2"})
		got, err = d.ClaimDue(t.Context(), DueFilter{Account: "acc", Now: noon.Add(2 * time.Minute), Limit: 10}, "you",
			time.Minute)
		check(t, err)
		same(t, "claimed when the leases are over", len(got), 4)
		got, err = d.ClaimDue(t.Context(),
			DueFilter{Account: "acc", Now: noon.Add(time.Hour), Exclude: []model.DueReason{model.DueConfirm}}, "me", time.Minute)
		check(t, err)
		same(t, "claimed of other reasons", len(got), 0)
	})
}

func TestTwoOwnersNeverClaimTheSame(t *testing.T) {
	both(t, func(t *testing.T, d *db) {
		var rows []model.Transaction
		for i := range 100 {
			r := row1(fmt.Sprintf("r%03d", i))
			r.NextCheckAt = at(noon)
			rows = append(rows, r)
		}
		d.put(t, rows...)
		other := d.again(t)
		var mu sync.Mutex
		got := map[string]int{}
		var wg sync.WaitGroup
		for i, s := range []*Store{d.Store, other, d.Store, other} {
			wg.Go(func() {
				for {
					rows, err := s.ClaimDue(t.Context(), DueFilter{Account: "acc", Now: noon, Limit: 7}, fmt.Sprint("owner", i),
						time.Hour)
					if err != nil || len(rows) == 0 {
						if err != nil {
							t.Error(err)
						}
						return
					}
					mu.Lock()
					for _, r := range rows {
						got[r.Ref]++
					}
					mu.Unlock()
				}
			})
		}
		wg.Wait()
		same(t, "claimed", len(got), 100)
		for ref, n := range got {
			same(t, ref, n, 1)
		}
	})
}

func TestTiersHaveTheirRows(t *testing.T) {
	both(t, func(t *testing.T, d *db) {
		day := 24 * time.Hour
		put := func(ref string, status model.Status, changed time.Duration, confirmed, expires *time.Time) {
			r := row1(ref)
			r.Status, r.ChangedAt, r.ConfirmedAt, r.ExpiresAt, r.CreatedAt = status, noon.Add(-changed), confirmed, expires,
				at(noon.Add(-changed-day))
			d.put(t, r)
		}
		put("news", model.InProgress, day, at(noon.Add(-2*time.Hour)), nil)
		put("never", model.Draft, 20*day, nil, at(noon.Add(day)))
		put("old", model.InProgress, 20*day, at(noon.Add(-3*time.Hour)), nil)
		put("older", model.Unknown, 20*day, at(noon.Add(-4*time.Hour)), at(noon.Add(90*day)))
		put("final", model.Completed, 3*day, at(noon.Add(-time.Hour)), nil)
		put("past", model.Expired, 60*day, nil, nil)
		gone := row1("deleted")
		gone.Deleted = true
		d.put(t, gone)
		for tier, want := range map[string][]string{"active": {"never", "news"}, "idle": {"older", "old"},
			"open": {"never", "older", "old", "news"}, "audit": {"final"}} {
			f := OpenFilter{Account: "acc", Tier: tier, NewsSince: at(noon.Add(-7 * day)),
				ExpiresBefore: at(noon.Add(2 * day)), FinalSince: at(noon.Add(-30 * day)), Limit: 1}
			n, err := d.CountOpenRows(t.Context(), f)
			check(t, err)
			same(t, tier+": count", n, len(want))
			var got []string
			for {
				rows, next, err := d.OpenRows(t.Context(), f)
				check(t, err)
				got = append(got, refs(rows)...)
				if next == "" {
					break
				}
				f.After = next
			}
			same(t, tier, got, want)
		}
		rows, _, err := d.OpenRows(t.Context(),
			OpenFilter{Account: "acc", Tier: "open", AnsweredBefore: at(noon.Add(-150 * time.Minute))})
		check(t, err)
		same(t, "answered long ago", refs(rows), []string{"never", "older", "old"})
		span, err := d.OpenSpan(t.Context(), OpenFilter{Account: "acc", Tier: "active", NewsSince: at(noon.Add(-7 * day))})
		check(t, err)
		same(t, "span", span, Span{Rows: 1, Oldest: at(noon.Add(-2 * day)), Created: 1})
	})
}

// Of a row's files the newest versions count; a row without any that is kept apart is not named.
func TestFilesKeptApartAreNamed(t *testing.T) {
	both(t, func(t *testing.T, d *db) {
		d.put(t, row1("a"))
		d.do(t, func(b *Batch) error {
			for i, state := range []model.DocumentState{model.DocumentFailed, model.DocumentQuarantined} {
				b.PutDocument(model.Document{Account: "acc", Ref: "a", DocID: "1", Kind: model.SignedDocument, Version: i + 1,
					State: state})
			}
			return nil
		}, key("a"))
		held, err := d.Held(t.Context(), []model.Key{key("a"), key("b")})
		check(t, err)
		same(t, "kept apart", held, map[model.Key][]model.DocumentState{key("a"): {model.DocumentQuarantined}})
		held, err = d.Held(t.Context(), nil)
		check(t, err)
		same(t, "of no row", len(held), 0)
	})
}

func TestDocumentsAreCountedAndClaimed(t *testing.T) {
	both(t, func(t *testing.T, d *db) {
		d.put(t, row1("a"))
		var first string
		doc := model.Document{Account: "acc", Ref: "a", DocID: "1", Kind: model.SignedDocument, Name: "lease.pdf",
			State: model.DocumentWaiting, NextTryAt: at(noon), Link: "https://files.example.org/x?token=t",
			Facts: model.SignatureFacts{Signature: "intact", Integrity: "intact", Coverage: "whole", Trust: "unknown", Note: "n",
				Signatures: []model.EmbeddedSignature{{Kind: "signature", Signer: "Ana", Time: at(noon), Reason: "agreed"}}}}
		d.do(t, func(b *Batch) error {
			first = b.PutDocument(doc)
			b.PutDocument(model.Document{Account: "acc", Ref: "a", DocID: "1", Kind: model.EvidenceDocument,
				State: model.DocumentWaiting, NextTryAt: at(noon.Add(time.Hour))})
			return nil
		}, key("a"))
		counts := func(want ...int) {
			t.Helper()
			r := d.get(t, key("a"))
			same(t, "stored of total", []int{r.DocsStored, r.DocsTotal}, want)
		}
		counts(0, 2)
		raw := d.raw(t)
		var link []byte
		check(t, raw.QueryRow(`SELECT link FROM documents WHERE link IS NOT NULL`).Scan(&link))
		if len(link) == 0 || string(link) == doc.Link {
			t.Error("the link does not rest encrypted")
		}
		got, err := d.ClaimDocuments(t.Context(), DocumentsDue{Account: "acc", Now: noon}, "me", time.Minute)
		check(t, err)
		doc.ID, doc.Version, doc.CreatedAt = first, 1, noon
		same(t, "claimed", got, []model.Document{doc})
		none, err := d.ClaimDocuments(t.Context(), DocumentsDue{Now: noon}, "you", time.Minute)
		check(t, err)
		same(t, "claimed twice", len(none), 0)
		late, err := d.OverdueDocuments(t.Context(), "acc", noon.Add(time.Minute))
		check(t, err)
		same(t, "overdue of one that is not completed", late, 0)
		done := d.get(t, key("a"))
		done.Status, done.Confirmed = model.Completed, true
		d.put(t, done)
		late, err = d.OverdueDocuments(t.Context(), "acc", noon.Add(time.Minute))
		check(t, err)
		same(t, "overdue", late, 2)
		doc.State, doc.StoredAt, doc.Link, doc.NextTryAt, doc.SHA256, doc.Size = model.DocumentStored, at(noon), "", nil,
			"ab", 7
		d.do(t, func(b *Batch) error { b.PutDocument(doc); return nil })
		counts(1, 2)
		d.do(t, func(b *Batch) error {
			b.PutDocument(model.Document{Account: "acc", Ref: "a", DocID: "1", Kind: model.SignedDocument, Version: 2,
				State: model.DocumentQuarantined})
			return nil
		})
		counts(0, 2)
		d.do(t, func(b *Batch) error { // what a worker put with an old copy of the row does not undo the counts
			r, _ := b.Transaction(key("a"))
			r.DocsStored, r.DocsTotal = 9, 9
			b.Put(r, model.Decision{Next: r, Grew: true})
			return nil
		}, key("a"))
		counts(0, 2)
		back, err := d.Document(t.Context(), first)
		check(t, err)
		same(t, "document", back, doc)
		list, err := d.Documents(t.Context(), DocumentFilter{State: model.DocumentQuarantined})
		check(t, err)
		same(t, "quarantined", len(list), 1)
		list, err = d.Documents(t.Context(), DocumentFilter{Account: "acc", Ref: "a"})
		check(t, err)
		same(t, "all", len(list), 3)
		counted, err := d.CountDocuments(t.Context())
		check(t, err)
		same(t, "counted", counted, []DocumentCount{{"acc", model.DocumentQuarantined, 1}, {"acc", model.DocumentWaiting, 1}})
		stored, err := d.StoredDocuments(t.Context())
		check(t, err)
		same(t, "stored", stored, 1)
	})
}

func TestTheLedgerCountsWhatWasReported(t *testing.T) {
	both(t, func(t *testing.T, d *db) {
		gap := func(kind model.GapKind, found time.Time, latency time.Duration) model.Gap {
			g := model.Gap{Account: "acc", Ref: "a", Kind: kind, Change: model.ChangeStatus, From: "draft", To: "completed",
				Before: noon, FoundBy: "poll 1", FoundAt: found, SettleAt: noon.Add(5 * time.Minute)}
			if latency > 0 {
				g.Latency = &latency
			}
			return g
		}
		d.do(t, func(b *Batch) error {
			for range 6 {
				b.AddReported("acc", model.ChangeStatus, noon)
			}
			b.AddReported("acc", model.ChangeCreated, noon.Add(-48*time.Hour))
			b.AddGap(gap(model.GapPending, noon, 0))
			b.AddGap(gap(model.GapMissed, noon, 0))
			b.AddGap(gap(model.GapMissed, noon.Add(-48*time.Hour), 0))
			b.AddGap(gap(model.GapRefused, noon, 0))
			b.AddGap(gap(model.GapLate, noon, time.Minute))
			b.AddGap(gap(model.GapLate, noon, time.Hour))
			b.AddGap(gap(model.GapNoEvent, noon, 0))
			return nil
		})
		d.do(t, func(b *Batch) error { b.AddReported("acc", model.ChangeStatus, noon); return nil })
		share, err := d.Share(t.Context(), "acc", at(noon.Add(-time.Hour)))
		check(t, err)
		same(t, "share", share, model.Share{Reported: 7, Missed: 1, Late: 2, Refused: 1, NoEvent: 1})
		share, err = d.Share(t.Context(), "", nil)
		check(t, err)
		same(t, "of all time", []int{share.Reported, share.Missed}, []int{8, 2})
		same(t, "as a number", (model.Share{Reported: 3, Late: 1}).Fraction(), 0.75)
		due, err := d.DueGaps(t.Context(), noon.Add(4*time.Minute), 10)
		check(t, err)
		same(t, "settled too early", len(due), 0)
		due, err = d.DueGaps(t.Context(), noon.Add(5*time.Minute), 10)
		check(t, err)
		same(t, "due to be settled", len(due), 1)
		pending, err := d.CountPendingGaps(t.Context())
		check(t, err)
		same(t, "pending", pending, map[string]int{"acc": 1})
		d.do(t, func(b *Batch) error {
			open, err := b.OpenGaps(key("a"))
			same(t, "open", len(open), 4)
			b.RemoveGap(due[0].ID)
			g := open[1]
			g.Kind = model.GapLate
			b.PutGap(g)
			open, _ = b.OpenGaps(key("a"))
			same(t, "open after", len(open), 2)
			return err
		})
		gaps, err := d.Gaps(t.Context(), GapFilter{Account: "acc", IncludePending: true, Since: &noon})
		check(t, err)
		same(t, "gaps", len(gaps), 5)
		same(t, "one comes back whole", gaps[len(gaps)-1].From+gaps[len(gaps)-1].To, "draftcompleted")
	})
}
