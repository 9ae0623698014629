package main

import (
	"testing"

	"countersign/model"
	"countersign/provider/simulator"
)

// Shows that callbacks which name a document by its number only lead to its envelope: a known one is asked about within
// seconds and its file fetched, an unknown one becomes a row, a number that leads to none becomes no row.
func TestWholeDocumensoNumbersOnly(t *testing.T) {
	t.Parallel()
	d := documensoing(t, simulator.Options{})
	d.in.polling(t, simulator.AccountDocumenso)
	const known, fresh = "envelope_known", "envelope_fresh"
	number := func(ref, status string, n int) said {
		p := d.payload(ref, status, said{"id": n})
		delete(p, "envelopeId")
		for _, people := range []string{"recipients", "Recipient"} {
			for _, person := range p[people].([]said) {
				delete(person, "envelopeId")
			}
		}
		return p
	}
	d.is(known, "PENDING", said{"secondaryId": "document_41"})
	d.on("GET "+documensoPath+"envelope/item/envelope_item_"+known[9:]+"/download", answerFile(sealedPDF("known")))
	d.tells(t, "DOCUMENT_SENT", d.payload(known, "PENDING", nil), model.Accepted, model.Applied)
	d.in.becomes(t, known, said{"status": "in_progress", "confirmed": true})

	opened := number(known, "PENDING", 41)
	d.tells(t, "DOCUMENT_OPENED", opened, model.Accepted, model.Checking)
	d.tells(t, "DOCUMENT_OPENED", opened, model.Duplicate, "")
	d.is(known, "COMPLETED", said{"secondaryId": "document_41", "completedAt": "2026-11-20T10:00:00.000Z"})
	d.tells(t, "DOCUMENT_COMPLETED", number(known, "COMPLETED", 41), model.Accepted, model.Checking)
	d.in.becomes(t, known, said{"status": "completed", "confirmed": true, "documents_stored": 1, "documents_total": 1})

	d.is(fresh, "PENDING", said{"secondaryId": "document_42"})
	d.tells(t, "DOCUMENT_SENT", number(fresh, "PENDING", 42), model.Accepted, model.Checking)
	d.in.becomes(t, fresh, said{"status": "in_progress", "confirmed": true})

	d.tells(t, "DOCUMENT_SENT", number("envelope_nobody", "PENDING", 43), model.Accepted, model.Checking)
	d.in.came(t, simulator.AccountDocumenso, nil,
		jsonOf(t, said{"event": "DOCUMENT_SENT", "payload": number("envelope_nobody", "PENDING", 44)}), model.Refused, "")
	eventually(t, "the unknown number was asked about", func() bool {
		list := objectsIn(t, d.in.said(t, "callbacks", "list", "--json", "--ref", "document_43"))
		return len(list) == 1 && list[0]["outcome"] == string(model.ClaimUnresolved)
	})
	if n := d.in.rows(t); n != 2 {
		t.Errorf("%d rows, want those of known and fresh and none of a number", n)
	}
	if gaps := objectsIn(t, d.in.said(t, "gaps", "--json")); len(gaps) > 0 {
		t.Errorf("each change was told by a callback: %v", gaps)
	}
}
