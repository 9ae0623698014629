package apply_test

import (
	"database/sql"
	"slices"
	"testing"
	"time"

	"countersign/model"
	"countersign/model/store"
	"countersign/model/store/database"
	"countersign/worker/apply"
	"countersign/worker/ask"
	"countersign/worker/workertest"
)

// page applies what a list says of rows, asked for now and answered a second later.
func page(t *testing.T, b *workertest.Bench, says map[string]model.Observation, refs ...string) []apply.Applied {
	t.Helper()
	v, err := b.Store.Version(t.Context())
	workertest.Check(t, err)
	asked := ask.Question{Version: v, AskedAt: b.Now()}
	b.Move(time.Second)
	return answered(t, b, asked, says, refs...)
}

func answered(
	t *testing.T, b *workertest.Bench, asked ask.Question, says map[string]model.Observation, refs ...string,
) []apply.Applied {
	t.Helper()
	var obs []model.Observation
	for _, ref := range refs {
		o, ok := says[ref]
		if !ok {
			o = workertest.InProgress()
		}
		obs = append(obs, asked.Answer(ref, o, b.Now()))
	}
	dids, err := b.Table.Answers(t.Context(), b.Account, apply.Source{Asked: model.AskedPoll, Run: "r"}, obs)
	workertest.Check(t, err)
	return dids
}

// own are the times of confirmation that stand in the rows themselves.
func own(t *testing.T, b *workertest.Bench) (out []string) {
	t.Helper()
	workertest.Check(t, b.Store.View(t.Context(), func(q *database.Tx) error {
		return q.Each(func(r *sql.Rows) error {
			var at *time.Time
			err := r.Scan(database.When(&at))
			out = append(out, at.Format(time.TimeOnly))
			return err
		}, `SELECT confirmed_at FROM transactions ORDER BY n`)
	}))
	return out
}

// confirmed is when a row was confirmed, as each way to read it says.
func confirmed(t *testing.T, b *workertest.Bench, ref string) string {
	t.Helper()
	row, err := b.Store.Transaction(t.Context(), workertest.Key(ref))
	workertest.Check(t, err)
	at := row.ConfirmedAt.Format(time.TimeOnly)
	list, _, err := b.Store.Transactions(t.Context(), store.Filter{Account: "acc"})
	workertest.Check(t, err)
	for _, r := range list {
		if r.Ref == ref {
			workertest.Same(t, "in the list", r.ConfirmedAt.Format(time.TimeOnly), at)
		}
	}
	column := -1
	workertest.Check(t, b.Store.Export(t.Context(), "transactions", store.ExportFilter{},
		func(columns []string, values []any) error {
			for i, c := range columns {
				if c == "confirmed_at" {
					column = i
				}
			}
			if values[2] == ref {
				workertest.Same(t, "in the export", values[column].(time.Time).Format(time.TimeOnly), at)
			}
			return nil
		}))
	var shown string
	view := `SELECT confirmed_at FROM v1_transactions WHERE ref = ?`
	if b.Store.Postgres() {
		view = `SELECT to_char(confirmed_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') FROM v1_transactions WHERE ref = ?`
	}
	workertest.Check(t, b.Store.View(t.Context(), func(q *database.Tx) error { return q.QueryRow(view, ref).Scan(&shown) }))
	workertest.Same(t, "in the view", shown, "2026-01-31T"+at+".000Z")
	return at
}

// moves are the gaps of a status, settled or not.
func moves(t *testing.T, b *workertest.Bench) []model.Gap {
	t.Helper()
	gaps, err := b.Store.Gaps(t.Context(), store.GapFilter{Account: "acc", IncludePending: true})
	workertest.Check(t, err)
	return slices.DeleteFunc(gaps, func(g model.Gap) bool { return g.Change != model.ChangeStatus })
}

func TestAPageThatChangesNothingWritesNoRow(t *testing.T) {
	workertest.Both(t, func(t *testing.T, b *workertest.Bench) {
		page(t, b, nil, "a", "b", "c")
		b.Move(time.Hour)
		dids := page(t, b, nil, "a", "b", "c")
		for _, did := range dids {
			if did.Reason != model.Same || !did.Touch || did.Key.Ref == "" {
				t.Errorf("an unchanged row: %+v", did)
			}
		}
		workertest.Same(t, "the rows' own times", own(t, b), []string{"12:00:01", "12:00:01", "12:00:01"})
		workertest.Same(t, "a is confirmed at", confirmed(t, b, "a"), "13:00:02")
		row, err := b.Store.Transaction(t.Context(), workertest.Key("a"))
		workertest.Check(t, err)
		workertest.Same(t, "a was asked about at", row.AskedAt.Format(time.TimeOnly), "13:00:01")
		before := b.Now().Add(-time.Minute)
		rows, _, err := b.Store.OpenRows(t.Context(), store.OpenFilter{Account: "acc", Tier: "open", AnsweredBefore: &before})
		workertest.Check(t, err)
		workertest.Same(t, "rows that a tier still asks about", len(rows), 0)

		// one of them changes: it alone is written, and what was noted of it goes into its gap and into the row
		b.Move(time.Hour)
		dids = page(t, b, map[string]model.Observation{"b": workertest.Completed()}, "a", "b", "c")
		workertest.Same(t, "what became of the changed row", dids[1].Reason, model.Moved)
		workertest.Same(t, "the rows' own times", own(t, b), []string{"12:00:01", "14:00:03", "12:00:01"})
		gaps := moves(t, b)
		workertest.Same(t, "gaps", len(gaps), 1)
		workertest.Same(t, "the gap's lower bound", gaps[0].After.Format(time.TimeOnly), "13:00:02")
		workertest.Same(t, "c is confirmed at", confirmed(t, b, "c"), "14:00:03")
	})
}

func TestWhatACallbackSaidAfterAnUnchangedPageHasToldAChange(t *testing.T) {
	workertest.Both(t, func(t *testing.T, b *workertest.Bench) {
		page(t, b, nil, "a", "b")
		b.Move(time.Minute)
		page(t, b, nil, "a", "b")
		b.Move(time.Minute)
		b.Called(t, workertest.Claim("a", model.Completed))
		workertest.Same(t, "a claim takes the times into the row", own(t, b), []string{"12:01:02", "12:00:01"})
		b.Service.Says["a"] = workertest.Completed()
		b.Confirmed(t)
		row, err := b.Store.Transaction(t.Context(), workertest.Key("a"))
		workertest.Check(t, err)
		workertest.Same(t, "the row", row.Status, model.Completed)
		workertest.Same(t, "gaps", len(moves(t, b)), 0)
	})
}

func TestAnUnchangedPageOutOfDateConfirmsNothing(t *testing.T) {
	workertest.Both(t, func(t *testing.T, b *workertest.Bench) {
		page(t, b, nil, "a", "b")
		v, err := b.Store.Version(t.Context())
		workertest.Check(t, err)
		asked := ask.Question{Version: v, AskedAt: b.Now()}
		b.Move(time.Minute)
		b.Called(t, workertest.Claim("a", model.Completed)) // while the page is on its way
		dids := answered(t, b, asked, nil, "a", "b")
		workertest.Same(t, "an answer older than the row", dids[0].Reason, model.OutOfDate)
		workertest.Same(t, "an answer as new as the row", dids[1].Reason, model.Same)
		workertest.Same(t, "a is confirmed at", confirmed(t, b, "a"), "12:00:01")
		workertest.Same(t, "b is confirmed at", confirmed(t, b, "b"), "12:01:01")
	})
}

func TestARowThatMovesBeforeItsConfirmationIsNotedKeepsItsTimes(t *testing.T) {
	workertest.Both(t, func(t *testing.T, b *workertest.Bench) {
		page(t, b, nil, "a", "b")
		b.Move(time.Minute)
		o := ask.Question{Version: 100, AskedAt: b.Now()}.Answer("a", workertest.InProgress(), b.Now())
		print, least, most, ok := o.Unchanged(false)
		found, err := b.Store.Resting(t.Context(), "acc", []store.Said{{Ref: "a", Print: print, Least: least, Most: most,
			Version: 100, At: o.At, AskedAt: o.AskedAt}})
		workertest.Check(t, err)
		if !ok || !found[0].Found() {
			t.Fatalf("the row does not rest: %v %+v", ok, found)
		}
		b.Called(t, workertest.Claim("a", model.Completed))
		b.Move(time.Minute)
		workertest.Check(t, b.Store.Do(t.Context(), store.Unit{Apply: func(g *store.Batch) error {
			g.Confirm(found)
			return nil
		}}))
		workertest.Same(t, "a is confirmed at", confirmed(t, b, "a"), "12:00:01")
	})
}

func TestAClockSetBackIsTheOneToGoBy(t *testing.T) {
	workertest.Both(t, func(t *testing.T, b *workertest.Bench) {
		page(t, b, nil, "a", "b")
		b.Move(time.Hour)
		page(t, b, nil, "a", "b")
		b.Move(-30 * time.Minute)
		page(t, b, nil, "a", "b")
		workertest.Same(t, "noted after notes", confirmed(t, b, "a"), "12:30:03")
		b.Answered(t, "a", workertest.InProgress())
		b.Move(-20 * time.Minute)
		b.Answered(t, "a", workertest.InProgress())
		workertest.Same(t, "written after notes", confirmed(t, b, "a"), "12:12:03")
		page(t, b, nil, "a", "b")
		workertest.Same(t, "noted after it was written", confirmed(t, b, "a"), "12:12:04")
		b.Move(-10 * time.Minute)
		page(t, b, nil, "a", "b")
		workertest.Same(t, "set back below the row's own time", confirmed(t, b, "a"), "12:02:05")
	})
}

func TestAPageThatSaysTwoThingsOfARowHasItAskedAgain(t *testing.T) {
	workertest.Both(t, func(t *testing.T, b *workertest.Bench) {
		page(t, b, nil, "a", "b")
		b.Move(time.Minute)
		v, err := b.Store.Version(t.Context())
		workertest.Check(t, err)
		asked := ask.Question{Version: v, AskedAt: b.Now()}
		b.Move(time.Second)
		dids, err := b.Table.Answers(t.Context(), b.Account, apply.Source{Asked: model.AskedPoll, Run: "r"}, []model.Observation{
			asked.Answer("a", workertest.Completed(), b.Now()),
			asked.Answer("b", workertest.InProgress(), b.Now()),
			asked.Answer("a", workertest.InProgress(), b.Now()), // it moved while the list was walked
		})
		workertest.Check(t, err)
		workertest.Same(t, "the first answer", dids[0].Reason, model.Moved)
		workertest.Same(t, "of another row", dids[1].Next.Ref, "") // it is not read
		workertest.Same(t, "the second answer", dids[2].Reason, model.OutOfDate)
		if row := b.Row(t, "a"); row.NextCheckAt == nil {
			t.Errorf("nobody asks which of the two holds: %+v", row)
		}
	})
}
