package model_test

import (
	"slices"
	"testing"
	"time"

	"countersign/model"
)

// BenchmarkDecide decides what callbacks and answers of all kinds do to rows of all kinds.
func BenchmarkDecide(b *testing.B) {
	r, rows := strong(b), starts()
	for name, evidence := range map[string]model.Evidence{"callback": model.Claim, "answer": model.Verified} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				t := rows[i%len(rows)].row
				model.Decide(r, t, model.Observation{
					Ref: t.Ref, Evidence: evidence, Type: "moved", Status: model.InProgress, ProviderStatus: "SENT",
					Signers: []model.Signer{{Ref: "1", Name: "Ada", Email: "ada@example.org", Status: model.SignerWaiting}},
					Version: t.Version, AskedAt: noon, At: noon.Add(time.Second),
				})
			}
		})
	}
}

// BenchmarkSettle decides what each event does to documents of all kinds.
func BenchmarkSettle(b *testing.B) {
	documents, events := documentStarts(), slices.Concat(documentEvents()...)
	t := row(model.Completed)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		d, e := documents[i%len(documents)], events[i/len(documents)%len(events)].event
		e.Began = d.began
		model.Settle(d.row, e, t, noon)
	}
}
