package installed

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

	"countersign/cmd/countersign/installtest"
	"countersign/model"
	"countersign/provider/simulator"
)

const documensoPath = "/documenso/api/v2/"

// documensoScript is a team of Documenso whose envelopes a test sets.
type documensoScript struct {
	*installtest.Scripted
	in       installtest.Installation
	key      string
	team     int
	mu       sync.Mutex
	envelope map[string]installtest.Said // by id
	listed   map[string][]string
}

// documensoing is a daemon with an account of Documenso, which keeps no certificates.
func documensoing(t *testing.T, o simulator.Options) *documensoScript {
	t.Helper()
	o.Services = []string{"documenso"}
	s, svc, in := installtest.Script(t, o)
	team, err := strconv.Atoi(svc.Account(simulator.AccountDocumenso).AccountID)
	require.NoError(t, err)
	d := &documensoScript{
		Scripted: s, in: in, key: svc.Setting(t, simulator.AccountDocumenso, "webhook_secret"), team: team,
		envelope: map[string]installtest.Said{}, listed: map[string][]string{},
	}
	s.On("POST "+documensoPath+"envelope/get-many", d.getMany)
	in.Edit(t, `(?m)^    allow_private_links: true$`, "$0\n    download: [signed]")
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
	found := []installtest.Said{}
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
	installtest.AnswerJSON(http.StatusOK, installtest.Said{"data": found})(w, r)
}

// list answers by folder; a folder's own folders are those that children names.
func (d *documensoScript) lists(children map[string][]string) {
	d.On("GET "+documensoPath+"folder", func(w http.ResponseWriter, r *http.Request) {
		all := []installtest.Said{}
		for _, id := range children[r.URL.Query().Get("parentId")] {
			all = append(all, installtest.Said{"id": id, "name": id, "parentId": r.URL.Query().Get("parentId"), "type": "DOCUMENT",
				"teamId": d.team})
		}
		installtest.AnswerJSON(http.StatusOK,
			installtest.Said{"data": all, "count": len(all), "currentPage": 1, "perPage": 100, "totalPages": 1})(w, r)
	})
	d.On("GET "+documensoPath+"envelope", func(w http.ResponseWriter, r *http.Request) {
		all := []installtest.Said{}
		d.mu.Lock()
		for _, id := range d.listed[r.URL.Query().Get("folderId")] {
			all = append(all, d.envelope[id])
		}
		d.mu.Unlock()
		installtest.AnswerJSON(http.StatusOK,
			installtest.Said{"data": all, "count": len(all), "currentPage": 1, "perPage": 100, "totalPages": 1})(w, r)
	})
}

// is lets the service say where an envelope stands; "" deletes it.
func (d *documensoScript) is(ref, status string, more installtest.Said) {
	d.mu.Lock()
	defer d.mu.Unlock()
	path := "GET " + documensoPath + "envelope/" + ref
	if status == "" {
		delete(d.envelope, ref)
		d.On(path, installtest.AnswerJSON(http.StatusNotFound, installtest.Said{
			"message": "Envelope could not be found", "code": "INTERNAL_SERVER_ERROR",
			"data": installtest.Said{"code": "NOT_FOUND", "httpStatus": 404, "path": "envelope.get", "appError": installtest.Said{"code": "NOT_FOUND"}},
		}))
		return
	}
	e := d.payload(ref, status, more)
	e["id"], e["type"], e["folderId"], e["team"] = ref, "DOCUMENT", nil, installtest.Said{"id": d.team, "url": "people"}
	delete(e, "envelopeId")
	delete(e, "Recipient")
	if e["envelopeItems"] == nil {
		e["envelopeItems"] = []installtest.Said{{"id": "envelope_item_" + ref[9:], "envelopeId": ref, "title": "contract.pdf",
			"order": 1, "documentDataId": "data-1"}}
	}
	d.envelope[ref] = e
	d.Says(path, e)
}

// payload is what a callback says of an envelope: one signer, one viewer and one who gets a copy.
func (d *documensoScript) payload(ref, status string, more installtest.Said) installtest.Said {
	word := func(yes bool, is, not string) string {
		if yes {
			return is
		}
		return not
	}
	person := func(id int, name, role, signing string) installtest.Said {
		return installtest.Said{
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
	people := []installtest.Said{
		person(1, "ana", "SIGNER", state), person(2, "ben", "VIEWER", word(status == "COMPLETED", "SIGNED", "NOT_SIGNED")),
		person(3, "cleo", "CC", word(status == "DRAFT", "NOT_SIGNED", "SIGNED")),
	}
	p := installtest.Said{
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
func (d *documensoScript) tells(t *testing.T, event string, payload installtest.Said, v model.Verdict, o model.Outcome) installtest.Said {
	t.Helper()
	body := installtest.JSONOf(t, installtest.Said{
		"event": event, "payload": payload, "createdAt": isoStamp(time.Now()),
		"webhookEndpoint": "http://user:hush-endpoint@" + d.in.Public + "/callbacks/x",
	})
	return d.in.Came(t, simulator.AccountDocumenso, map[string]string{"X-Documenso-Secret": d.key}, body, v, o)
}

// All fourteen events, and what each may do.
func TestDocumensoEvents(t *testing.T) {
	t.Parallel()
	d := documensoing(t, simulator.Options{})
	d.in.Polling(t, simulator.AccountDocumenso)
	const life, no, off = "envelope_life", "envelope_rejected", "envelope_cancelled"
	d.is(life, "PENDING", nil)
	d.On("GET "+documensoPath+"envelope/item/envelope_item_"+life[9:]+"/download", installtest.AnswerFile(installtest.SealedPDF("life")))
	d.tells(t, "DOCUMENT_CREATED", d.payload(life, "DRAFT", nil), model.Accepted, model.Applied)
	d.in.Is(t, life, installtest.Said{"status": "draft"})
	d.tells(t, "DOCUMENT_SENT", d.payload(life, "PENDING", nil), model.Accepted, model.Applied)
	d.in.Is(t, life, installtest.Said{"status": "in_progress"})
	d.in.Becomes(t, life,
		installtest.Said{"status": "in_progress", "confirmed": true, "external_id": "C-17", "name": "Contract", "signers_done": 0,
			"signers_total": 2})
	for _, event := range []string{"DOCUMENT_OPENED", "DOCUMENT_RECIPIENT_COMPLETED", "DOCUMENT_SIGNED",
		"DOCUMENT_REMINDER_SENT", "RECIPIENT_EXPIRED"} {
		d.tells(t, event, d.payload(life, "PENDING", installtest.Said{"updatedAt": isoStamp(time.Now())}), model.Accepted, "")
		d.in.Is(t, life, installtest.Said{"status": "in_progress"})
	}
	d.is(life, "COMPLETED", installtest.Said{"completedAt": "2026-11-20T10:00:00.000Z"})
	d.tells(t, "DOCUMENT_COMPLETED", d.payload(life, "COMPLETED", installtest.Said{"completedAt": "2026-11-20T10:00:00.000Z"}),
		model.Accepted, model.Applied)
	d.in.Becomes(t, life,
		installtest.Said{"status": "completed", "confirmed": true, "signers_done": 2, "signers_total": 2, "documents_stored": 1,
			"documents_total": 1})

	d.is(no, "REJECTED", installtest.Said{"completedAt": "2026-11-20T10:00:00.000Z"})
	d.tells(t, "DOCUMENT_SENT", d.payload(no, "PENDING", nil), model.Accepted, model.Applied)
	d.tells(t, "DOCUMENT_REJECTED", d.payload(no, "REJECTED", nil), model.Accepted, model.Applied)
	d.in.Is(t, no, installtest.Said{"status": "declined", "reason": "not my name"})
	d.in.Polls(t, simulator.AccountDocumenso, no)
	d.in.Becomes(t, no, installtest.Said{"status": "declined", "confirmed": true, "reason": "not my name", "documents_total": 0,
		"signers_done": 0})
	d.is(off, "CANCELLED", installtest.Said{"completedAt": "2026-11-20T10:00:00.000Z"})
	d.tells(t, "DOCUMENT_CANCELLED", d.payload(off, "CANCELLED", nil), model.Accepted, model.Checking)
	d.in.Polls(t, simulator.AccountDocumenso, off)
	d.in.Becomes(t, off, installtest.Said{"status": "cancelled", "confirmed": true, "deleted": false})

	before := d.in.Rows(t)
	for _, event := range []string{"TEMPLATE_CREATED", "TEMPLATE_UPDATED", "TEMPLATE_DELETED", "TEMPLATE_USED"} {
		d.tells(t, event, d.payload("envelope_"+event, "DRAFT", nil), model.Accepted, model.Ignored)
	}
	d.tells(t, "DOCUMENT_SENT", d.payload("env_123", "PENDING", installtest.Said{"id": 10, "teamId": nil}), model.Accepted,
		model.TestEvent)
	require.Equal(t, before, d.in.Rows(t), "templates and tests are no transactions")
	require.Zero(t, d.Count("GET "+documensoPath+"envelope/env_123"))

	// A payload that does not say what its event says is asked about, and so is an event that nobody knows.
	d.is("envelope_odd", "PENDING", nil)
	d.tells(t, "DOCUMENT_COMPLETED", d.payload("envelope_odd", "PENDING", nil), model.Accepted, model.Checking)
	d.is("envelope_new", "DRAFT", nil)
	d.tells(t, "DOCUMENT_STAMPED", d.payload("envelope_new", "DRAFT", nil), model.Accepted, model.Checking)
	d.in.Polls(t, simulator.AccountDocumenso, "envelope_odd", "envelope_new")
	d.in.Becomes(t, "envelope_odd", installtest.Said{"status": "in_progress", "confirmed": true})
	d.in.Becomes(t, "envelope_new", installtest.Said{"status": "draft", "confirmed": true})
}

// One event has seven causes: only an answer tells whether the envelope was cancelled or deleted.
func TestDocumensoDeleted(t *testing.T) {
	t.Parallel()
	d := documensoing(t, simulator.Options{})
	d.in.Polling(t, simulator.AccountDocumenso)
	for _, c := range []struct{ ref, event, word string }{
		{"envelope_draft", "DOCUMENT_CREATED", "DRAFT"}, {"envelope_open", "DOCUMENT_SENT", "PENDING"},
	} {
		d.is(c.ref, c.word, nil)
		d.tells(t, c.event, d.payload(c.ref, c.word, nil), model.Accepted, model.Applied)
		d.in.Polls(t, simulator.AccountDocumenso, c.ref)
		d.in.Becomes(t, c.ref, installtest.Said{"confirmed": true})
		d.is(c.ref, "", nil)
		d.tells(t, "DOCUMENT_CANCELLED", d.payload(c.ref, c.word, nil), model.Accepted, "")
		d.in.Polls(t, simulator.AccountDocumenso, c.ref)
		d.in.Becomes(t, c.ref, installtest.Said{"status": "cancelled", "deleted": true, "confirmed": true, "provider_status": c.word})
	}
	// The other way round: a poll is told 404 before the event comes.
	const late = "envelope_late"
	d.is(late, "PENDING", nil)
	d.tells(t, "DOCUMENT_SENT", d.payload(late, "PENDING", nil), model.Accepted, model.Applied)
	d.in.Polls(t, simulator.AccountDocumenso, late)
	d.is(late, "", nil)
	d.in.Polls(t, simulator.AccountDocumenso, late)
	d.in.Becomes(t, late, installtest.Said{"status": "in_progress", "not_found": true, "deleted": false})
	d.tells(t, "DOCUMENT_CANCELLED", d.payload(late, "PENDING", nil), model.Accepted, "")
	d.in.Becomes(t, late, installtest.Said{"status": "cancelled", "deleted": true})

	// A completed one that was deleted stays completed, and keeps its file.
	const done = "envelope_done"
	completed := installtest.Said{"completedAt": "2026-11-20T10:00:00.000Z"}
	d.is(done, "COMPLETED", completed)
	d.On("GET "+documensoPath+"envelope/item/envelope_item_done/download", installtest.AnswerFile(installtest.SealedPDF("done")))
	// from PENDING only it is taken at its word
	d.tells(t, "DOCUMENT_COMPLETED", d.payload(done, "COMPLETED", completed), model.Accepted, model.Checking)
	d.in.Becomes(t, done, installtest.Said{"status": "completed", "confirmed": true, "documents_stored": 1})
	gone := installtest.Said{"completedAt": "2026-11-20T10:00:00.000Z", "deletedAt": "2026-11-21T10:00:00.000Z"}
	d.is(done, "COMPLETED", gone)
	d.tells(t, "DOCUMENT_CANCELLED", d.payload(done, "COMPLETED", gone), model.Accepted, model.Checking)
	d.in.Becomes(t, done, installtest.Said{"status": "completed", "confirmed": true, "deleted": true, "documents_stored": 1})
}

// A re-seal replaces the file under the same name: both are kept.
func TestDocumensoResealed(t *testing.T) {
	t.Parallel()
	const ref = "envelope_seal"
	d := documensoing(t, simulator.Options{})
	d.in.Polling(t, simulator.AccountDocumenso)
	for i, at := range []string{"2026-11-20T10:00:00.000Z", "2026-11-21T10:00:00.000Z"} {
		n := strconv.Itoa(i + 1)
		more := installtest.Said{"completedAt": at, "updatedAt": at}
		d.On("GET "+documensoPath+"envelope/item/envelope_item_seal/download", installtest.AnswerFile(installtest.SealedPDF("seal "+n)))
		more["envelopeItems"] = []installtest.Said{{"id": "envelope_item_seal", "envelopeId": ref, "title": "contract.pdf", "order": 1,
			"documentDataId": "data-" + n}}
		d.is(ref, "COMPLETED", more)
		delete(more, "envelopeItems")
		d.tells(t, "DOCUMENT_COMPLETED", d.payload(ref, "COMPLETED", more), model.Accepted, "")
		d.in.Shows(t, "file "+n, func() bool {
			stored := 0
			for _, f := range d.in.Files(t, ref) {
				if f["state"] == "stored" {
					stored++
				}
			}
			return stored == i+1
		})
		d.in.Becomes(t, ref, installtest.Said{"status": "completed", "confirmed": true})
	}
	both := d.in.Files(t, ref)
	require.Len(t, both, 2)
	require.NotEqual(t, both[0]["sha256"], both[1]["sha256"])
	require.NotEqual(t, both[0]["path"], both[1]["path"])
	require.Contains(t, both[1]["path"], ".v2.pdf")
	row := d.in.Listed(t, ref)
	require.Equal(t, row["documents_total"], row["documents_stored"])
	require.Contains(t, d.in.Said(t, "verify", "--json"), `"drift":0`)
}

// shuffled is a payload with its recipients in another order.
func shuffled(p installtest.Said) installtest.Said {
	people := slices.Clone(p["recipients"].([]installtest.Said))
	slices.Reverse(people)
	out := installtest.Said{}
	for k, v := range p {
		out[k] = v
	}
	out["recipients"], out["Recipient"] = people, people
	return out
}
