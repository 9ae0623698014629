package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/model"
	"countersign/provider/simulator"
)

const documensoPath = "/documenso/api/v2/"

// documensoScript is a team of Documenso whose envelopes a test sets.
type documensoScript struct {
	*scripted
	in       installation
	key      string
	team     int
	mu       sync.Mutex
	envelope map[string]said // by id
	listed   map[string][]string
}

// documensoing is a daemon with an account of Documenso, which keeps no certificates.
func documensoing(t *testing.T, o simulator.Options) *documensoScript {
	t.Helper()
	o.Services = []string{"documenso"}
	s, svc, in := script(t, o)
	team, err := strconv.Atoi(svc.account(simulator.AccountDocumenso).AccountID)
	require.NoError(t, err)
	d := &documensoScript{
		scripted: s, in: in, key: svc.setting(t, simulator.AccountDocumenso, "webhook_secret"), team: team,
		envelope: map[string]said{}, listed: map[string][]string{},
	}
	s.on("POST "+documensoPath+"envelope/get-many", d.getMany)
	in.edit(t, `(?m)^    allow_private_links: true$`, "$0\n    download: [signed]")
	return d
}

func (d *documensoScript) getMany(w http.ResponseWriter, r *http.Request) {
	var q struct {
		IDs struct {
			Type string `json:"type"`
			IDs  []any  `json:"ids"`
		} `json:"ids"`
	}
	json.NewDecoder(r.Body).Decode(&q) //nolint:errcheck // a test
	found := []said{}
	d.mu.Lock()
	for _, id := range q.IDs.IDs {
		for ref, e := range d.envelope {
			if q.IDs.Type == "envelopeId" && id == ref || q.IDs.Type == "documentId" &&
				fmt.Sprint("document_", id) == e["secondaryId"] {
				found = append(found, e)
			}
		}
	}
	d.mu.Unlock()
	answerJSON(http.StatusOK, said{"data": found})(w, r)
}

// list answers by folder; a folder's own folders are those that children names.
func (d *documensoScript) lists(children map[string][]string) {
	d.on("GET "+documensoPath+"folder", func(w http.ResponseWriter, r *http.Request) {
		all := []said{}
		for _, id := range children[r.URL.Query().Get("parentId")] {
			all = append(all, said{"id": id, "name": id, "parentId": r.URL.Query().Get("parentId"), "type": "DOCUMENT",
				"teamId": d.team})
		}
		answerJSON(http.StatusOK,
			said{"data": all, "count": len(all), "currentPage": 1, "perPage": 100, "totalPages": 1})(w, r)
	})
	d.on("GET "+documensoPath+"envelope", func(w http.ResponseWriter, r *http.Request) {
		all := []said{}
		d.mu.Lock()
		for _, id := range d.listed[r.URL.Query().Get("folderId")] {
			all = append(all, d.envelope[id])
		}
		d.mu.Unlock()
		answerJSON(http.StatusOK,
			said{"data": all, "count": len(all), "currentPage": 1, "perPage": 100, "totalPages": 1})(w, r)
	})
}

// is lets the service say where an envelope stands; "" deletes it.
func (d *documensoScript) is(ref, status string, more said) {
	d.mu.Lock()
	defer d.mu.Unlock()
	path := "GET " + documensoPath + "envelope/" + ref
	if status == "" {
		delete(d.envelope, ref)
		d.on(path, answerJSON(http.StatusNotFound, said{
			"message": "Envelope could not be found", "code": "INTERNAL_SERVER_ERROR",
			"data": said{"code": "NOT_FOUND", "httpStatus": 404, "path": "envelope.get", "appError": said{"code": "NOT_FOUND"}},
		}))
		return
	}
	e := d.payload(ref, status, more)
	e["id"], e["type"], e["folderId"], e["team"] = ref, "DOCUMENT", nil, said{"id": d.team, "url": "people"}
	delete(e, "envelopeId")
	delete(e, "Recipient")
	if e["envelopeItems"] == nil {
		e["envelopeItems"] = []said{{"id": "envelope_item_" + ref[9:], "envelopeId": ref, "title": "contract.pdf",
			"order": 1, "documentDataId": "data-1"}}
	}
	d.envelope[ref] = e
	d.says(path, e)
}

// payload is what a callback says of an envelope: one signer, one viewer and one who gets a copy.
func (d *documensoScript) payload(ref, status string, more said) said {
	word := func(yes bool, is, not string) string {
		if yes {
			return is
		}
		return not
	}
	person := func(id int, name, role, signing string) said {
		return said{
			"id": id, "envelopeId": ref, "documentId": 17, "templateId": nil, "email": name +
				"@example.org", "name": name, "token": "hush-" + name, "role": role,
			"signingOrder": nil, "sendStatus": word(status == "DRAFT", "NOT_SENT",
				"SENT"), "readStatus": "NOT_OPENED", "signingStatus": signing, "signedAt": nil,
			"rejectionReason": word(signing == "REJECTED", "not my name",
				""), "expiresAt": nil, "expirationNotifiedAt": nil, "documentDeletedAt": nil,
		}
	}
	state := map[string]string{"COMPLETED": "SIGNED", "REJECTED": "REJECTED"}[status]
	if state == "" {
		state = "NOT_SIGNED"
	}
	people := []said{
		person(1, "ana", "SIGNER", state), person(2, "ben", "VIEWER", word(status == "COMPLETED", "SIGNED", "NOT_SIGNED")),
		person(3, "cleo", "CC", word(status == "DRAFT", "NOT_SIGNED", "SIGNED")),
	}
	p := said{
		"id": 17, "envelopeId": ref, "externalId": "C-17", "userId": 5, "teamId": d.team, "templateId": nil,
		"title": "Contract", "status": status, "source": "DOCUMENT",
		"visibility": "EVERYONE", "createdAt": isoStamp(time.Now().Add(-time.Minute)),
		"updatedAt": "2026-11-20T10:00:00.000Z", "completedAt": nil, "deletedAt": nil,
		"recipients": people, "Recipient": people,
	}
	for k, v := range more {
		p[k] = v
	}
	return p
}

// tells sends a callback that carries the secret.
func (d *documensoScript) tells(t *testing.T, event string, payload said, v model.Verdict, o model.Outcome) said {
	t.Helper()
	body := jsonOf(t, said{
		"event": event, "payload": payload, "createdAt": isoStamp(time.Now()),
		"webhookEndpoint": "http://user:hush-endpoint@" + d.in.public + "/callbacks/x",
	})
	return d.in.came(t, simulator.AccountDocumenso, map[string]string{"X-Documenso-Secret": d.key}, body, v, o)
}

// All fourteen events, and what each may do.
func TestWholeDocumensoEvents(t *testing.T) {
	t.Parallel()
	d := documensoing(t, simulator.Options{})
	d.in.polling(t, simulator.AccountDocumenso)
	const life, no, off = "envelope_life", "envelope_rejected", "envelope_cancelled"
	d.is(life, "PENDING", nil)
	d.on("GET "+documensoPath+"envelope/item/envelope_item_"+life[9:]+"/download", answerFile(sealedPDF("life")))
	d.tells(t, "DOCUMENT_CREATED", d.payload(life, "DRAFT", nil), model.Accepted, model.Applied)
	d.in.is(t, life, said{"status": "draft"})
	d.tells(t, "DOCUMENT_SENT", d.payload(life, "PENDING", nil), model.Accepted, model.Applied)
	d.in.is(t, life, said{"status": "in_progress"})
	d.in.becomes(t, life,
		said{"status": "in_progress", "confirmed": true, "external_id": "C-17", "name": "Contract", "signers_done": 0,
			"signers_total": 2})
	for _, event := range []string{"DOCUMENT_OPENED", "DOCUMENT_RECIPIENT_COMPLETED", "DOCUMENT_SIGNED",
		"DOCUMENT_REMINDER_SENT", "RECIPIENT_EXPIRED"} {
		d.tells(t, event, d.payload(life, "PENDING", said{"updatedAt": isoStamp(time.Now())}), model.Accepted, "")
		d.in.is(t, life, said{"status": "in_progress"})
	}
	d.is(life, "COMPLETED", said{"completedAt": "2026-11-20T10:00:00.000Z"})
	d.tells(t, "DOCUMENT_COMPLETED", d.payload(life, "COMPLETED", said{"completedAt": "2026-11-20T10:00:00.000Z"}),
		model.Accepted, model.Applied)
	d.in.becomes(t, life,
		said{"status": "completed", "confirmed": true, "signers_done": 2, "signers_total": 2, "documents_stored": 1,
			"documents_total": 1})

	d.is(no, "REJECTED", said{"completedAt": "2026-11-20T10:00:00.000Z"})
	d.tells(t, "DOCUMENT_SENT", d.payload(no, "PENDING", nil), model.Accepted, model.Applied)
	d.tells(t, "DOCUMENT_REJECTED", d.payload(no, "REJECTED", nil), model.Accepted, model.Applied)
	d.in.is(t, no, said{"status": "declined", "reason": "not my name"})
	d.in.polls(t, simulator.AccountDocumenso, no)
	d.in.becomes(t, no, said{"status": "declined", "confirmed": true, "reason": "not my name", "documents_total": 0,
		"signers_done": 0})
	d.is(off, "CANCELLED", said{"completedAt": "2026-11-20T10:00:00.000Z"})
	d.tells(t, "DOCUMENT_CANCELLED", d.payload(off, "CANCELLED", nil), model.Accepted, model.Checking)
	d.in.polls(t, simulator.AccountDocumenso, off)
	d.in.becomes(t, off, said{"status": "cancelled", "confirmed": true, "deleted": false})

	rows := d.in.rows(t)
	for _, event := range []string{"TEMPLATE_CREATED", "TEMPLATE_UPDATED", "TEMPLATE_DELETED", "TEMPLATE_USED"} {
		d.tells(t, event, d.payload("envelope_"+event, "DRAFT", nil), model.Accepted, model.Ignored)
	}
	d.tells(t, "DOCUMENT_SENT", d.payload("env_123", "PENDING", said{"id": 10, "teamId": nil}), model.Accepted,
		model.TestEvent)
	require.Equal(t, rows, d.in.rows(t), "templates and tests are no transactions")
	require.Zero(t, d.count("GET "+documensoPath+"envelope/env_123"))

	// A payload that does not say what its event says is asked about, and so is an event that nobody knows.
	d.is("envelope_odd", "PENDING", nil)
	d.tells(t, "DOCUMENT_COMPLETED", d.payload("envelope_odd", "PENDING", nil), model.Accepted, model.Checking)
	d.is("envelope_new", "DRAFT", nil)
	d.tells(t, "DOCUMENT_STAMPED", d.payload("envelope_new", "DRAFT", nil), model.Accepted, model.Checking)
	d.in.polls(t, simulator.AccountDocumenso, "envelope_odd", "envelope_new")
	d.in.becomes(t, "envelope_odd", said{"status": "in_progress", "confirmed": true})
	d.in.becomes(t, "envelope_new", said{"status": "draft", "confirmed": true})
}

// One event has seven causes: only an answer tells whether the envelope was cancelled or deleted.
func TestWholeDocumensoDeleted(t *testing.T) {
	t.Parallel()
	d := documensoing(t, simulator.Options{})
	d.in.polling(t, simulator.AccountDocumenso)
	for _, c := range []struct{ ref, event, word string }{
		{"envelope_draft", "DOCUMENT_CREATED", "DRAFT"}, {"envelope_open", "DOCUMENT_SENT", "PENDING"},
	} {
		d.is(c.ref, c.word, nil)
		d.tells(t, c.event, d.payload(c.ref, c.word, nil), model.Accepted, model.Applied)
		d.in.polls(t, simulator.AccountDocumenso, c.ref)
		d.in.becomes(t, c.ref, said{"confirmed": true})
		d.is(c.ref, "", nil)
		d.tells(t, "DOCUMENT_CANCELLED", d.payload(c.ref, c.word, nil), model.Accepted, "")
		d.in.polls(t, simulator.AccountDocumenso, c.ref)
		d.in.becomes(t, c.ref, said{"status": "cancelled", "deleted": true, "confirmed": true, "provider_status": c.word})
	}
	// The other way round: a poll is told 404 before the event comes.
	const late = "envelope_late"
	d.is(late, "PENDING", nil)
	d.tells(t, "DOCUMENT_SENT", d.payload(late, "PENDING", nil), model.Accepted, model.Applied)
	d.in.polls(t, simulator.AccountDocumenso, late)
	d.is(late, "", nil)
	d.in.polls(t, simulator.AccountDocumenso, late)
	d.in.becomes(t, late, said{"status": "in_progress", "not_found": true, "deleted": false})
	d.tells(t, "DOCUMENT_CANCELLED", d.payload(late, "PENDING", nil), model.Accepted, "")
	d.in.becomes(t, late, said{"status": "cancelled", "deleted": true})

	// A completed one that was deleted stays completed, and keeps its file.
	const done = "envelope_done"
	completed := said{"completedAt": "2026-11-20T10:00:00.000Z"}
	d.is(done, "COMPLETED", completed)
	d.on("GET "+documensoPath+"envelope/item/envelope_item_done/download", answerFile(sealedPDF("done")))
	// from PENDING only it is taken at its word
	d.tells(t, "DOCUMENT_COMPLETED", d.payload(done, "COMPLETED", completed), model.Accepted, model.Checking)
	d.in.becomes(t, done, said{"status": "completed", "confirmed": true, "documents_stored": 1})
	gone := said{"completedAt": "2026-11-20T10:00:00.000Z", "deletedAt": "2026-11-21T10:00:00.000Z"}
	d.is(done, "COMPLETED", gone)
	d.tells(t, "DOCUMENT_CANCELLED", d.payload(done, "COMPLETED", gone), model.Accepted, model.Checking)
	d.in.becomes(t, done, said{"status": "completed", "confirmed": true, "deleted": true, "documents_stored": 1})
}

// A re-seal replaces the file under the same name: both are kept.
func TestWholeDocumensoResealed(t *testing.T) {
	t.Parallel()
	const ref = "envelope_seal"
	d := documensoing(t, simulator.Options{})
	d.in.polling(t, simulator.AccountDocumenso)
	for i, at := range []string{"2026-11-20T10:00:00.000Z", "2026-11-21T10:00:00.000Z"} {
		n := strconv.Itoa(i + 1)
		more := said{"completedAt": at, "updatedAt": at}
		d.on("GET "+documensoPath+"envelope/item/envelope_item_seal/download", answerFile(sealedPDF("seal "+n)))
		more["envelopeItems"] = []said{{"id": "envelope_item_seal", "envelopeId": ref, "title": "contract.pdf", "order": 1,
			"documentDataId": "data-" + n}}
		d.is(ref, "COMPLETED", more)
		delete(more, "envelopeItems")
		d.tells(t, "DOCUMENT_COMPLETED", d.payload(ref, "COMPLETED", more), model.Accepted, "")
		eventually(t, "file "+n, func() bool {
			stored := 0
			for _, f := range d.in.files(t, ref) {
				if f["state"] == "stored" {
					stored++
				}
			}
			return stored == i+1
		})
		d.in.becomes(t, ref, said{"status": "completed", "confirmed": true})
	}
	both := d.in.files(t, ref)
	require.Len(t, both, 2)
	require.NotEqual(t, both[0]["sha256"], both[1]["sha256"])
	require.NotEqual(t, both[0]["path"], both[1]["path"])
	require.Contains(t, both[1]["path"], ".v2.pdf")
	row := d.in.listed(t, ref)
	require.Equal(t, row["documents_total"], row["documents_stored"])
	require.Contains(t, d.in.said(t, "verify", "--json"), `"drift":0`)
}

// shuffled is a payload with its recipients in another order.
func shuffled(p said) said {
	people := slices.Clone(p["recipients"].([]said))
	slices.Reverse(people)
	out := said{}
	for k, v := range p {
		out[k] = v
	}
	out["recipients"], out["Recipient"] = people, people
	return out
}
