package installed

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/cmd/countersign/installtest"
	"countersign/cmd/countersign/output"
	"countersign/model"
	"countersign/provider/simulator"
)

const (
	autosignPath   = "/autosign/v1/transaction/"
	sealedDocument = "cdocument0000000000000001"
)

// autosignEvent is a callback's body; more stands in data.
func autosignEvent(t *testing.T, id, typ, ref, status string, more installtest.Said) []byte {
	t.Helper()
	data := installtest.Said{"id": ref, "status": status}
	for k, v := range more {
		data[k] = v
	}
	return installtest.JSONOf(t, installtest.Said{"created": "2026-11-20T10:00:00.000Z", "id": id, "type": typ, "data": data})
}

func autosigned(key string, body []byte) map[string]string {
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write(body)
	return map[string]string{"autosign-signature": hex.EncodeToString(mac.Sum(nil))}
}

// autosignIs lets the service say where a transaction stands. It ended hours ago where it has ended.
func autosignIs(s *installtest.Scripted, ref, status string) {
	ended := isoStamp(time.Now().Add(-3 * time.Hour))
	d := installtest.Said{
		"id": ref, "status": status, "created_at": "2026-11-20T09:00:00.000Z", "updated_at": "2026-11-20T09:00:00.000Z",
		"sent_at": nil, "completed_at": nil,
		"expires_at": nil, "expired_at": nil, "rejected_at": nil, "rejected_reason": nil, "rejected_by_id": nil,
		"is_sealed": false, "is_archived": false,
		"provider_type": "onespan", "provider_id": nil, "template": installtest.Said{
			"id": "ctemplate", "name": "Power of attorney",
			"recipients": []installtest.Said{{"id": "crecipient1", "name": "Ana Lima", "email": "ana@example.org", "role": "signer",
				"index": 0, "token": "hush-recipient", "submitted_at": nil}},
			"documents": []installtest.Said{{"id": sealedDocument, "index": 0, "status": "processed",
				"file": installtest.Said{"id": "cfile", "original_name": "power.pdf"}}},
		},
	}
	switch status {
	case "completed":
		d["completed_at"], d["is_sealed"] = ended, true
	case "expired":
		d["expired_at"] = ended
	case "rejected":
		d["rejected_at"], d["rejected_reason"], d["rejected_by_id"] = ended, "wrong name", "crecipient1"
	}
	s.Says("GET "+autosignPath+ref, d)
}

func isoStamp(at time.Time) string { return at.UTC().Format("2006-01-02T15:04:05.000Z") }

// autosigning is a running daemon with an account of Autosign, and a way to send it callbacks that prove themselves.
func autosigning(
	t *testing.T,
) (s *installtest.Scripted, svc *installtest.Services, in installtest.Installation, send func(body []byte, v model.Verdict, o model.Outcome)) {
	t.Helper()
	s, svc, in = installtest.Script(t, simulator.Options{Services: []string{"autosign"}})
	key := svc.Setting(t, simulator.AccountAutosign, "webhook_secrets")
	in.Polling(t, simulator.AccountAutosign)
	return s, svc, in, func(body []byte, v model.Verdict, o model.Outcome) {
		t.Helper()
		in.Came(t, simulator.AccountAutosign, autosigned(key, body), body, v, o)
	}
}

// An event's type says cancelled where its status and every answer say expired.
func TestAutosignCancelled(t *testing.T) {
	t.Parallel()
	const account = simulator.AccountAutosign
	s, _, in, send := autosigning(t)
	autosignIs(s, "c1", "expired")
	answer, letGo := installtest.Held(t, s.Answers["GET "+autosignPath+"c1"])
	s.On("GET "+autosignPath+"c1", answer)
	more := installtest.Said{"cancelled_reason": "a typo in the name", "cancelled_at": "2026-11-20T10:00:00.000Z"}
	send(autosignEvent(t, "e1", "transaction_started", "c1", "started", nil), model.Accepted, model.Applied)
	send(autosignEvent(t, "e2", "transaction_cancelled", "c1", "expired", more), model.Accepted, model.Applied)
	in.Is(t, "c1", installtest.Said{"status": "cancelled", "confirmed": false})
	letGo()
	want := installtest.Said{"status": "cancelled", "confirmed": true, "reported_status": "", "provider_status": "expired",
		"reason": "a typo in the name"}
	in.Becomes(t, "c1", want)
	in.Polls(t, account, "c1")
	in.Is(t, "c1", want)
	require.Contains(t, in.Said(t, "verify", "--account", account, "--json"), `"drift":0`)

	// Known as expired by a poll, and then a late event says what it was.
	autosignIs(s, "c2", "expired")
	in.Said(t, "track", account, "c2")
	in.Becomes(t, "c2", installtest.Said{"status": "expired", "confirmed": true})
	send(autosignEvent(t, "e3", "transaction_cancelled", "c2", "expired", more), model.Accepted, model.Applied)
	in.Is(t, "c2", installtest.Said{"status": "cancelled"})
	in.Polls(t, account, "c2")
	in.Becomes(t, "c2", installtest.Said{"status": "cancelled", "confirmed": true, "reported_status": ""})

	// One event id with two types is two events; the same twice is one.
	autosignIs(s, "c3", "expired")
	expired := autosignEvent(t, "e4", "transaction_expired", "c3", "expired",
		installtest.Said{"expiration_days": nil, "expired_at": "2026-11-20T10:00:00.000Z"})
	cancelled := autosignEvent(t, "e4", "transaction_cancelled", "c3", "expired", more)
	send(expired, model.Accepted, model.Applied)
	in.Is(t, "c3", installtest.Said{"status": "expired"})
	send(cancelled, model.Accepted, model.Applied)
	in.Is(t, "c3", installtest.Said{"status": "cancelled"})
	send(cancelled, model.Duplicate, model.NothingNew)
	send(expired, model.Duplicate, model.NothingNew)
	in.Polls(t, account, "c3")
	in.Becomes(t, "c3", installtest.Said{"status": "cancelled", "confirmed": true})
	// A true expiry stays one.
	autosignIs(s, "c4", "expired")
	send(autosignEvent(t, "e5", "transaction_expired", "c4", "expired", nil), model.Accepted, model.Applied)
	in.Polls(t, account, "c4")
	in.Becomes(t, "c4", installtest.Said{"status": "expired", "confirmed": true})
}

// The link to a sealed document is told once, so that it is followed at once.
func TestAutosignSealed(t *testing.T) {
	t.Parallel()
	s, svc, in, send := autosigning(t)
	autosignIs(s, "c1", "completed")
	slow, letGo := installtest.Held(t, s.Answers["GET "+autosignPath+"c1"])
	s.On("GET "+autosignPath+"c1", slow)
	s.On("GET /files/sealed.pdf", installtest.AnswerFile(installtest.PdfOf("sealed")))
	person := installtest.Said{"id": "crecipient1", "email": "ana@example.org", "name": "Ana Lima", "role": "signer",
		"submitted_at": "2026-11-20T09:59:57.000Z"}
	send(autosignEvent(t, "e1", "recipient_submitted", "c1", "started", installtest.Said{"recipient": person}), model.Accepted,
		model.Checking)
	require.NotEqual(t, "completed", in.Listed(t, "c1")["status"], "the last recipient's submission ends nothing")
	send(autosignEvent(t, "e2", "transaction_completed", "c1", "completed",
		installtest.Said{"recipients": []installtest.Said{person}, "sealed_documents": []installtest.Said{{
			"id": "csealed", "name": "sealed-power.pdf", "created_at": "2026-11-20T09:59:59.000Z", "url": svc.URL +
				"/files/sealed.pdf?signature=hush",
			"document": installtest.Said{"id": sealedDocument, "name": "power.pdf"},
		}}}), model.Accepted, model.Applied)
	in.Is(t, "c1", installtest.Said{"status": "completed", "confirmed": false, "documents_stored": 0})
	installtest.Eventually(t, "the link followed", func() bool { return s.Count("GET /files/sealed.pdf") > 0 })
	letGo()
	in.Becomes(t, "c1", installtest.Said{"status": "completed", "confirmed": true, "documents_stored": 1, "documents_total": 1,
		"name": "Power of attorney"})
	require.EqualValues(t, len(installtest.PdfOf("sealed")), in.FileBecomes(t, "c1", "stored")["size"])
	require.Equal(t, 1, s.Count("GET /files/sealed.pdf"))
	in.Nowhere(t, "signature=hush")
	in.Nowhere(t, "hush-recipient")

	// Two ends of one transaction: the first stays, the other is named, and the service is asked.
	send(autosignEvent(t, "e3", "transaction_rejected", "c1", "rejected",
		installtest.Said{"rejected_by": installtest.Said{"id": "crecipient1"}}), model.Accepted, model.Checking)
	in.Becomes(t, "c1", installtest.Said{"status": "completed", "confirmed": true, "reported_status": ""})

	autosignIs(s, "c2", "rejected")
	slow, letGo = installtest.Held(t, s.Answers["GET "+autosignPath+"c2"])
	s.On("GET "+autosignPath+"c2", slow)
	send(autosignEvent(t, "e4", "transaction_expired", "c2", "expired", nil), model.Accepted, model.Applied)
	send(autosignEvent(t, "e5", "transaction_rejected", "c2", "rejected", nil), model.Accepted, model.Checking)
	in.Is(t, "c2", installtest.Said{"status": "expired", "confirmed": false, "reported_status": "declined"})
	require.NotNil(t, in.Listed(t, "c2")["next_check_at"], "due")
	letGo()
	in.Becomes(t, "c2", installtest.Said{"status": "declined", "confirmed": true, "reported_status": "", "reason": "wrong name"})
}

// Whoever misses the one event that tells the link is told so, and what to do.
func TestAutosignLostCompletion(t *testing.T) {
	t.Parallel()
	const account = simulator.AccountAutosign
	s, _, in, send := autosigning(t)
	autosignIs(s, "c1", "started")
	send(autosignEvent(t, "e1", "transaction_started", "c1", "started", nil), model.Accepted, model.Applied)
	in.Polls(t, account, "c1")
	in.Becomes(t, "c1", installtest.Said{"status": "in_progress", "confirmed": true})
	autosignIs(s, "c1", "completed")
	in.Polls(t, account, "c1")
	in.Becomes(t, "c1", installtest.Said{"status": "completed", "confirmed": true, "documents_total": 1, "documents_stored": 0})
	reason, _ := in.FileBecomes(t, "c1", "unobtainable")["reason"].(string)
	require.Contains(t, reason, "save the file from the dashboard")
	in.Shows(t, "the gap", func() bool {
		for _, g := range installtest.ObjectsIn(t, in.Said(t, "gaps", "--json")) {
			if g["ref"] == "c1" && g["change"] == "status" {
				return installtest.Agree(g, installtest.Said{"kind": "missed", "from": "in_progress", "to": "completed", "account": account})
			}
		}
		return false
	})
}

// No list shows what was never heard of: backfill says so, and track fills in.
func TestAutosignTracks(t *testing.T) {
	t.Parallel()
	const account = simulator.AccountAutosign
	s, _, in, _ := autosigning(t)
	for _, args := range [][]string{{"--account", account}, {"--account", account, "--plan"}, nil} {
		_, stderr, code := in.Verb(t, append([]string{"backfill", "--since", "30d"}, args...)...)
		require.Equal(t, output.ExitUsage, code, "%v: %s", args, stderr)
		require.Contains(t, stderr, "track")
		require.Contains(t, stderr, "--file")
	}
	require.Contains(t, in.Said(t, "status"), "track")
	autosignIs(s, "c1", "rejected")
	autosignIs(s, "c2", "draft")
	autosignIs(s, "c3", "something_new")
	file := filepath.Join(in.Dir, "refs")
	require.NoError(t, os.WriteFile(file, []byte("c1\nc2\n\nc3\nc-nobody\n"), 0o600))
	in.Said(t, "track", account, "--file", file)
	in.Becomes(t, "c1", installtest.Said{"status": "declined", "confirmed": true, "reason": "wrong name"})
	in.Becomes(t, "c2", installtest.Said{"status": "draft", "confirmed": true})
	in.Becomes(t, "c3", installtest.Said{"provider_status": "something_new", "status": "unknown"})
	in.Becomes(t, "c-nobody", installtest.Said{"status": "unknown", "not_found": true})
	require.Empty(t, gapsOf(t, in), "a first sight after track is history")
}

// gapsOf are the gaps that `gaps` lists.
func gapsOf(t *testing.T, in installtest.Installation) (out []installtest.Said) {
	t.Helper()
	for _, g := range installtest.ObjectsIn(t, in.Said(t, "gaps", "--json")) {
		if g["kind"] != nil {
			out = append(out, g)
		}
	}
	return out
}

// Only the configured hash, encoding and secret prove an event.
func TestAutosignProofs(t *testing.T) {
	t.Parallel()
	const account = simulator.AccountAutosign
	s, svc, in, send := autosigning(t)
	key := svc.Setting(t, account, "webhook_secrets")
	body := autosignEvent(t, "e1", "transaction_completed", "c1", "completed", nil)
	good := autosigned(key, body)["autosign-signature"]
	raw, err := hex.DecodeString(good)
	require.NoError(t, err)
	for _, proof := range []string{"", "sha256=" + good, base64.StdEncoding.EncodeToString(raw), good[2:],
		autosigned(key+"x", body)["autosign-signature"]} {
		in.Came(t, account, map[string]string{"autosign-signature": proof}, body, model.Refused, "")
	}
	in.Came(t, account, nil, body, model.Refused, "")
	require.Zero(t, in.Rows(t))
	require.Zero(t, s.Count("GET "+autosignPath+"c1"))
	send([]byte(strings.Replace(string(body), `"data":`, `"other":`, 1)), model.NotUnderstood, "")
	send(body[:40], model.NotUnderstood, "")
	autosignIs(s, "c2", "started")
	send(autosignEvent(t, "e2", "transaction_paused", "c2", "paused", nil), model.Accepted, model.Checking)
	in.Becomes(t, "c2", installtest.Said{"status": "in_progress", "confirmed": true})
	// A signature over the body says nothing of the white space around it: the same event from another sender.
	again := append(body, '\n')
	in.Came(t, account, map[string]string{"autosign-signature": good}, again, model.Refused, "")
}
