package ask_test

import (
	"context"
	"strings"
	"testing"

	"countersign/model"
	"countersign/provider"
	"countersign/worker/apply"
	"countersign/worker/ask"
	"countersign/worker/workertest"
)

func TestRecordsThatCannotBeReadAreAnIncidentUntilTheyCan(t *testing.T) {
	workertest.Both(t, func(t *testing.T, b *workertest.Bench) {
		odd := []model.Skipped{{Kind: model.SkippedTransaction, Count: 2, Sample: `{"id":null}`}}
		l := &workertest.Listing{Batching: b.Batches(1)}
		pages := map[string]provider.Page{}
		l.Page = func(q provider.ListQuery) (provider.Page, error) { return pages[q.Cursor], nil }
		walk := func(from string) {
			t.Helper()
			w := ask.Walk{Account: b.Account, Lister: l, Work: provider.WorkActive,
				Ready: func(context.Context) error { return nil }}
			w.Query.Cursor = from
			for _, err := range b.Asker.Pages(t.Context(), w) {
				workertest.Check(t, err)
			}
		}
		open := func(what string, want bool) {
			t.Helper()
			list, err := b.Store.Incidents(t.Context(), true)
			workertest.Check(t, err)
			workertest.Same(t, what, len(list) == 1 && list[0].Kind == model.RecordsSkipped, want)
			if want && !strings.Contains(list[0].Message, "cannot be read") {
				t.Errorf("%s: %+v", what, list[0])
			}
		}
		pages[""], pages["2"] = provider.Page{Next: "2", Skipped: odd}, provider.Page{}
		walk("")
		open("a page with odd records", true)
		walk("2")
		open("half a walk without", true)
		pages[""] = provider.Page{Next: "2"}
		walk("")
		open("a whole walk without", false)

		answer := func(ref string, skipped ...model.Skipped) {
			t.Helper()
			o := workertest.InProgress()
			o.Skipped = skipped
			v, err := b.Store.Version(t.Context())
			workertest.Check(t, err)
			o = ask.Question{Version: v, AskedAt: b.Now()}.Answer(ref, o, b.Now())
			_, err = b.Asker.Apply(t.Context(), b.Account, apply.Source{Asked: model.AskedPoll, Run: "r"},
				[]model.Observation{o})
			workertest.Check(t, err)
		}
		signer := model.Skipped{Kind: model.SkippedSigner, Count: 1, Sample: "null"}
		answer("a", signer)
		answer("b", signer)
		open("answers with odd signers", true)
		answer("a")
		open("one of them mended", true)
		answer("b")
		open("both mended", false)
	})
}
