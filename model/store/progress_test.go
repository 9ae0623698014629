package store

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"countersign/model"
	"countersign/model/store/database"
)

func TestAStepOfProgressIsKeptOnceAndAHundredAtMost(t *testing.T) {
	both(t, func(t *testing.T, d *db) {
		d.put(t, row1("a"), row1("b"))
		first, second := model.Step{Name: "otp", At: noon.Add(time.Minute)}, model.Step{Name: "signature",
			At: noon.Add(2 * time.Minute)}
		for range 2 {
			d.do(t, func(b *Batch) error { b.AddProgress(key("a"), []model.Step{second, first, first}); return nil })
		}
		got, err := d.Progress(t.Context(), key("a"))
		check(t, err)
		same(t, "trail", got, []model.Step{first, second})
		for i := range 3 {
			d.do(t, func(b *Batch) error {
				var flood []model.Step
				for j := range 90 {
					flood = append(flood, model.Step{Name: fmt.Sprint(i, j), At: noon.Add(time.Hour)})
				}
				b.AddProgress(key("a"), flood)
				return nil
			})
		}
		got, err = d.Progress(t.Context(), key("a"))
		check(t, err)
		same(t, "steps after a flood", len(got), mostSteps)
		same(t, "the first step", got[0], first)
		got, err = d.Progress(t.Context(), key("b"))
		check(t, err)
		same(t, "steps of another row", len(got), 0)
	})
}

func TestARowThatGoesKeepsOnlyTheDocumentsWhoseFileIsHeld(t *testing.T) {
	both(t, func(t *testing.T, d *db) {
		d.put(t, row1("a"))
		d.do(t, func(b *Batch) error {
			b.AddProgress(key("a"), []model.Step{{Name: "otp", At: noon}})
			b.PutDocument(model.Document{Account: "acc", Ref: "a", DocID: "1", Kind: model.SignedDocument,
				State: model.DocumentWaiting, LinkFile: "5f"})
			b.PutDocument(model.Document{Account: "acc", Ref: "a", DocID: "2", Kind: model.SignedDocument,
				State: model.DocumentWaiting})
			return nil
		}, key("a"))
		d.do(t, func(b *Batch) error { b.Remove(key("a")); return nil }, key("a"))
		list, err := d.Documents(t.Context(), DocumentFilter{Account: "acc"})
		check(t, err)
		same(t, "documents left", len(list), 1)
		same(t, "the one that is held", list[0].DocID, "1")
		steps, err := d.Progress(t.Context(), key("a"))
		check(t, err)
		same(t, "steps left", len(steps), 0)
	})
}

func TestADocumentThatIsRemovedCountsNoMore(t *testing.T) {
	both(t, func(t *testing.T, d *db) {
		d.put(t, row1("a"))
		put := func(version int, state model.DocumentState) (out model.Document) {
			d.do(t, func(b *Batch) error {
				out = model.Document{Account: "acc", Ref: "a", DocID: "1", Kind: model.SignedDocument, State: state,
					Version: version}
				out.ID = b.PutDocument(out)
				return nil
			}, key("a"))
			return out
		}
		put(1, model.DocumentStored)
		second := put(2, model.DocumentWaiting)
		r := d.get(t, key("a"))
		same(t, "stored of total, with a newer one on its way", []int{r.DocsStored, r.DocsTotal}, []int{0, 1})
		d.do(t, func(b *Batch) error {
			b.RemoveDocument(second)
			left, err := b.Documents(key("a"))
			same(t, "left", len(left), 1)
			return err
		}, key("a"))
		r = d.get(t, key("a"))
		same(t, "stored of total", []int{r.DocsStored, r.DocsTotal}, []int{1, 1})
		list, err := d.Documents(t.Context(), DocumentFilter{Account: "acc", Ref: "a"})
		check(t, err)
		same(t, "rows", len(list), 1)
	})
}

func TestQueriesOfTheLoopsUseTheirIndexes(t *testing.T) {
	d := openSQLiteTest(t)
	check(t, d.View(t.Context(), func(q *database.Tx) error {
		for query, index := range map[string]string{
			overdueDocuments: "documents_state",
			inHoldFolder:     "documents_state",
			documentSums:     "COVERING INDEX documents_state",
			pendingGaps:      "gaps_pending",
			`SELECT * FROM documents WHERE account = 'a' AND state = 'waiting' AND ` + notStored +
				` ORDER BY id DESC`: "documents_state",
			`SELECT COUNT(*) FROM transactions WHERE account = 'a' AND created_at >= '2026'`:    "transactions_created",
			`SELECT name, at FROM progress WHERE account = 'a' AND ref = 'r' ORDER BY at, name`: "PRIMARY KEY",
		} {
			var args []any
			for range strings.Count(query, "?") {
				args = append(args, "2026")
			}
			plan, err := explainPlan(q, query, args)
			if err != nil {
				return err
			}
			if !strings.Contains(plan, index) {
				t.Errorf("%s does not use %s:\n%s", query, index, plan)
			}
		}
		return nil
	}))
}
