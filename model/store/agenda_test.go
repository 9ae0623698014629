package store

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"countersign/model"
	"countersign/model/store/database"
)

func TestAGroupTellsWhatItHasMadeDue(t *testing.T) {
	both(t, func(t *testing.T, d *db) {
		var told []Agenda
		d.OnWork(func(a Agenda) { told = append(told, a) })
		known, loose, late, idle := row1("known"), row1("loose"), row1("late"), row1("idle")
		loose.Status, loose.Origin = model.Unknown, model.OriginClaim
		known.NextCheckAt, loose.NextCheckAt, late.NextCheckAt = at(noon.Add(time.Minute)), at(noon), at(noon.Add(time.Hour))
		d.put(t, known, loose, late, idle)
		same(t, "of rows", told, []Agenda{{{"acc", WorkKnown}: noon.Add(time.Minute), {"acc", WorkUnverified}: noon}})
		d.do(t, func(b *Batch) error {
			b.PutDocument(model.Document{Account: "acc", Ref: "idle", DocID: "1", Kind: model.SignedDocument,
				State: model.DocumentWaiting, NextTryAt: at(noon)})
			return nil
		}, key("idle"))
		same(t, "of a document", told[1], Agenda{{"acc", WorkDocuments}: noon})
		d.put(t, idle)
		same(t, "of nothing due", len(told), 2)
		if err := d.Do(t.Context(), Unit{Apply: func(b *Batch) error {
			b.Put(known, model.Decision{Next: known})
			return fmt.Errorf("no")
		}}); err == nil {
			t.Error("it was written")
		}
		same(t, "of what was not written", len(told), 2)

		got, err := d.Next(t.Context(), []string{"acc", "other"}, noon)
		check(t, err)
		same(t, "read", got, Agenda{{"acc", WorkKnown}: noon.Add(time.Minute), {"acc", WorkUnverified}: noon,
			{"acc", WorkDocuments}: noon})
		rows, err := d.ClaimDue(t.Context(), DueFilter{Account: "acc", Now: noon, Unverified: true}, "me", time.Minute)
		check(t, err)
		same(t, "claimed", refs(rows), []string{"loose"})
		got, err = d.Next(t.Context(), nil, noon)
		check(t, err)
		same(t, "of an account that is not configured", got, Agenda{{"", WorkDocuments}: noon})
		got, err = d.Next(t.Context(), []string{"acc"}, noon)
		check(t, err)
		same(t, "without what is leased", got, Agenda{{"acc", WorkKnown}: noon.Add(time.Minute), {"acc", WorkDocuments}: noon})
		got, err = d.Next(t.Context(), []string{"acc"}, noon.Add(2*time.Minute))
		check(t, err)
		same(t, "when the lease is over", got[Work{"acc", WorkUnverified}], noon)
	})
}

// A look and a claim take the rows off the front of an index: they neither walk through what is due nor sort it.
func TestABacklogIsNotWalkedThrough(t *testing.T) {
	d := openSQLiteTest(t)
	f := DueFilter{Account: "acc", Now: noon, Known: true}
	w := f.free()
	check(t, d.View(t.Context(), func(q *database.Tx) error {
		for _, c := range []struct {
			query, index string
			args         []any
		}{
			{claimable(w), "transactions_due (account=? AND due_rank=? AND next_check_at<?)", append(w.Args, 16)},
			{nextRow, "transactions_due (account=? AND due_rank=?", []any{"acc", 0, noon}},
			{nextDocument, "documents_due (account=?", []any{"acc", noon}},
			{nextAccount, "documents_due (account>?)", []any{"acc"}},
		} {
			plan, err := explainPlan(q, c.query, c.args)
			if err != nil {
				return err
			}
			if !strings.Contains(plan, c.index) || strings.Contains(plan, "TEMP B-TREE") || strings.Contains(plan, "SCAN") {
				t.Errorf("%s\n%s", c.query, plan)
			}
		}
		return nil
	}))
}
