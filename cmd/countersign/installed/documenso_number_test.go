package installed

import (
	"testing"

	"countersign/cmd/countersign/installtest"
	"countersign/model"
	"countersign/provider/simulator"
)

// Shows that callbacks which name a document by its number only lead to its envelope: a known one is asked about within
// seconds and its file fetched, an unknown one becomes a row, a number that leads to none becomes no row.
func TestDocumensoNumbersOnly(t *testing.T) {
	t.Parallel()
	d := documensoing(t, simulator.Options{})
	d.in.Polling(t, simulator.AccountDocumenso)
	const known, fresh = "envelope_known", "envelope_fresh"
	number := func(ref, status string, n int) installtest.Said {
		p := d.payload(ref, status, installtest.Said{"id": n})
		delete(p, "envelopeId")
		for _, people := range []string{"recipients", "Recipient"} {
			for _, person := range p[people].([]installtest.Said) {
				delete(person, "envelopeId")
			}
		}
		return p
	}
	d.is(known, "PENDING", installtest.Said{"secondaryId": "document_41"})
	d.On("GET "+documensoPath+"envelope/item/envelope_item_"+known[9:]+"/download", installtest.AnswerFile(installtest.SealedPDF("known")))
	d.tells(t, "DOCUMENT_SENT", d.payload(known, "PENDING", nil), model.Accepted, model.Applied)
	d.in.Becomes(t, known, installtest.Said{"status": "in_progress", "confirmed": true})

	opened := number(known, "PENDING", 41)
	d.tells(t, "DOCUMENT_OPENED", opened, model.Accepted, model.Checking)
	d.tells(t, "DOCUMENT_OPENED", opened, model.Duplicate, "")
	d.is(known, "COMPLETED", installtest.Said{"secondaryId": "document_41", "completedAt": "2026-11-20T10:00:00.000Z"})
	d.tells(t, "DOCUMENT_COMPLETED", number(known, "COMPLETED", 41), model.Accepted, model.Checking)
	d.in.Becomes(t, known, installtest.Said{"status": "completed", "confirmed": true, "documents_stored": 1, "documents_total": 1})

	d.is(fresh, "PENDING", installtest.Said{"secondaryId": "document_42"})
	d.tells(t, "DOCUMENT_SENT", number(fresh, "PENDING", 42), model.Accepted, model.Checking)
	d.in.Becomes(t, fresh, installtest.Said{"status": "in_progress", "confirmed": true})

	d.tells(t, "DOCUMENT_SENT", number("envelope_nobody", "PENDING", 43), model.Accepted, model.Checking)
	d.in.Came(t, simulator.AccountDocumenso, nil,
		installtest.JSONOf(t, installtest.Said{"event": "DOCUMENT_SENT", "payload": number("envelope_nobody", "PENDING", 44)}), model.Refused, "")
	d.in.Shows(t, "the unknown number was asked about", func() bool {
		list := installtest.ObjectsIn(t, d.in.Said(t, "callbacks", "list", "--json", "--ref", "document_43"))
		return len(list) == 1 && list[0]["outcome"] == string(model.ClaimUnresolved)
	})
	if n := d.in.Rows(t); n != 2 {
		t.Errorf("%d rows, want those of known and fresh and none of a number", n)
	}
	if gaps := installtest.ObjectsIn(t, d.in.Said(t, "gaps", "--json")); len(gaps) > 0 {
		t.Errorf("each change was told by a callback: %v", gaps)
	}
}
