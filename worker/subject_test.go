package worker

import (
	"encoding/json"
	"slices"
	"testing"
	"time"

	"countersign/model"
	"countersign/model/store"
	"countersign/worker/pdf/pdftest"
	"countersign/worker/workertest"
)

// Two signers, two documents: each change of the feed says which of them it is about.
func TestAChangeOfTheFeedNamesItsSubject(t *testing.T) {
	both(t, func(t *testing.T, b *bench) {
		signed := func(is model.SignerStatus) model.Observation {
			o := workertest.InProgress()
			o.Signers = []model.Signer{{Ref: "s-1", Status: is}, {Ref: "s-2", Status: is}}
			o.Attention = []model.Attention{{Kind: model.EmailBounced, Signer: "s-2",
				Since: workertest.Noon().Add(time.Microsecond)}}
			return o
		}
		b.account.Rules.Tells[model.ChangeSigner] = map[model.Status][]string{"": {"signed"}}
		b.answered(t, "a", signed(model.SignerWaiting))
		b.answered(t, "a", signed(model.SignerSigned))
		b.move(time.Hour)
		check(t, b.Table.SettleGaps(t.Context()))
		b.service.Files["1"], b.service.Files["2"] = pdftest.Plain("one"), pdftest.Plain("two")
		done := workertest.Completed(model.DocumentRef{ID: "1", Kind: model.SignedDocument, Name: "lease.pdf", Mark: "m"})
		done.Documents = append(done.Documents, model.DocumentRef{ID: "2", Kind: model.SignedDocument, Name: "two"})
		b.answered(t, "a", done)
		check(t, b.downloadOnce(t.Context()))

		subjects := map[model.ChangeKind][]string{}
		changes, err := b.test.Store.ChangesOf(t.Context(), workertest.Key("a"))
		check(t, err)
		for _, c := range changes {
			if s := c.Signer + c.Document; s != "" {
				subjects[c.Kind] = append(subjects[c.Kind], s)
			}
		}
		slices.Sort(subjects[model.KindGap])
		same(t, "gaps", subjects[model.KindGap], []string{"s-1", "s-2"})
		same(t, "attention", slices.Compact(subjects[model.KindAttention]), []string{"s-2"})
		var ids []string
		for _, d := range b.documents(t, "a") {
			ids = append(ids, d.ID)
		}
		slices.Sort(ids)
		slices.Sort(subjects[model.KindDocument])
		same(t, "documents", slices.Compact(subjects[model.KindDocument]), ids)
		same(t, "number of documents", len(ids), 2)

		exported := map[string][]string{}
		check(t, b.test.Store.Export(t.Context(), "changes", store.ExportFilter{},
			func(columns []string, values []any) error {
				at := func(name string) string { s, _ := values[slices.Index(columns, name)].(string); return s }
				exported[at("kind")] = append(exported[at("kind")], at("signer")+at("document"))
				return nil
			}))
		slices.Sort(exported["document"])
		same(t, "documents in the export", slices.Compact(exported["document"]), ids)
	})
}

// What the views and exports show of attention and signatures is what `--json` prints of them.
func TestAttentionAndSignaturesAreStoredAsTheyArePrinted(t *testing.T) {
	both(t, func(t *testing.T, b *bench) {
		o := workertest.InProgress()
		o.Attention = []model.Attention{{Kind: model.EmailBounced, Since: workertest.Noon().Add(123456789)}}
		b.answered(t, "a", o)
		at := workertest.Noon()
		check(t, b.test.Store.Do(t.Context(),
			store.Unit{Keys: []model.Key{workertest.Key("a")}, Apply: func(g *store.Batch) error {
				g.PutDocument(model.Document{Account: "acc", Ref: "a", DocID: "1",
					Facts: model.SignatureFacts{Signatures: []model.EmbeddedSignature{{Kind: "signature", Time: &at}}}})
				return nil
			}}))
		shown := func(what, column string) (out string) {
			check(t, b.test.Store.Export(t.Context(), what, store.ExportFilter{}, func(columns []string, values []any) error {
				raw, ok := values[slices.Index(columns, column)].(json.RawMessage)
				if !ok {
					t.Errorf("%s is %T, no JSON", column, values[slices.Index(columns, column)])
				}
				out = string(raw)
				return nil
			}))
			return out
		}
		same(t, "attention", shown("transactions", "attention"),
			`[{"kind":"email_bounced","signer":"","message":"","since":"2026-01-31T12:00:00.123Z"}]`)
		same(t, "signatures", shown("documents", "signatures"),
			`[{"kind":"signature","signer":"","reason":"","integrity":"","coverage":"","trust":"","note":"","proved_by":"",`+
				`"algorithm":"","weaknesses":[],"added":[],"changed":[],"trust_note":"","chain":[],`+
				`"time":"2026-01-31T12:00:00.000Z","proved_time":null,"status":"unknown","issuer":"","serial":"","certificate":""}]`)
		same(t, "facts", shown("documents", "facts"), `{"judge":0,"added":[],"changed":[],"certification":"",`+
			`"certification_level":0,"seal":"","unlisted":0}`)
		same(t, "attention as it is read", b.row(t, "a").Attention[0].Since, workertest.Noon().Add(123*time.Millisecond))
	})
}
