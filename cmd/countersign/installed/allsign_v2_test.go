package installed

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"countersign/cmd/countersign/installtest"
	"countersign/model"
	"countersign/provider/simulator"
)

const (
	v2Secret = "a secret typed into the dashboard"
	v2Path   = "/allsign/v2/documents"
)

// scriptV2 is an account of AllSign's older generation; settings stand beside the key.
func scriptV2(t *testing.T, settings string) (*installtest.Scripted, *installtest.Services, installtest.Installation) {
	t.Helper()
	s, svc, in := installtest.Script(t, simulator.Options{Services: []string{"allsign"}})
	in.Edit(t, `(?m)^      webhook_secrets: .*\n`, "")
	in.Edit(t, `(?m)^      profile: .*$`, "      profile: v2"+settings)
	s.Says("GET "+v2Path,
		installtest.Said{"data": []any{}, "meta": installtest.Said{"limit": 10, "hasNext": false, "nextCursor": nil, "prevCursor": nil}})
	return s, svc, in
}

func signedV2(body []byte) map[string]string {
	mac := hmac.New(sha256.New, []byte(v2Secret))
	mac.Write(body)
	return map[string]string{"X-AllSign-Signature": hex.EncodeToString(mac.Sum(nil))}
}

func v2Completed(t *testing.T, ref, link string) []byte {
	t.Helper()
	return installtest.JSONOf(t, installtest.Said{"event": "document.completed", "document": installtest.Said{"id": ref},
		"pdf": installtest.Said{"s3_presigned_url": link}, "data": installtest.Said{"signer": installtest.Said{"name": "Ana Lima"}}})
}

func v2Is(s *installtest.Scripted, ref, word string) {
	s.Says("GET "+v2Path+"/"+ref, installtest.Said{
		"id": ref, "name": "Lease", "envelopeStatus": word, "createdAt": "2026-11-20T09:00:00.000Z",
		"signersData": []installtest.Said{{"id": "s-1", "name": "Ana Lima", "email": "ana@example.org", "status": "SIGNED"}},
	})
}

// A link that stands only in the event is followed at once; the file waits for what a fetch says.
func TestAllSignV2HoldsTheFile(t *testing.T) {
	t.Parallel()
	const account = simulator.AccountAllSign
	const good, bad = "0f8fad5b-d9cb-469f-a165-70867728950e", "7c9e6679-7425-40de-944b-e07fc1f90ae7"
	s, svc, in := scriptV2(t, "\n      webhook_secrets: ['"+v2Secret+"']")
	in.Polling(t, simulator.AccountAllSign)
	for _, ref := range []string{good, bad} {
		s.On("GET /files/"+ref, installtest.AnswerFile(installtest.PdfOf(ref)))
	}
	v2Is(s, good, "TODOS_FIRMARON")
	v2Is(s, bad, "voided")
	slow, letGo := installtest.Held(t, s.Answers["GET "+v2Path+"/"+good])
	s.On("GET "+v2Path+"/"+good, slow)
	slow, letBad := installtest.Held(t, s.Answers["GET "+v2Path+"/"+bad])
	s.On("GET "+v2Path+"/"+bad, slow)

	for _, ref := range []string{good, bad} {
		body := v2Completed(t, ref, svc.URL+"/files/"+ref+"?X-Amz-Signature=hush")
		got := in.Came(t, account, signedV2(body), body, model.Accepted, model.Applied)
		require.Equal(t, ref, got["ref"])
		in.Came(t, account, signedV2(body), body, model.Duplicate, model.NothingNew)
		in.Is(t, ref, installtest.Said{"status": "completed", "confirmed": false, "documents_stored": 0})
		installtest.Eventually(t, "the link followed before the service has answered",
			func() bool { return s.Count("GET /files/"+ref) > 0 })
		in.Shows(t, "the file held", func() bool {
			all := in.Files(t, ref)
			return len(all) == 1 && all[0]["state"] == "waiting" && all[0]["sha256"] != ""
		})
		s.On("GET /files/"+ref, installtest.AnswerJSON(http.StatusForbidden, installtest.Said{})) // the link has died
	}
	letGo()
	in.Becomes(t, good, installtest.Said{"status": "completed", "confirmed": true, "documents_stored": 1, "documents_total": 1})
	require.EqualValues(t, len(installtest.PdfOf(good)), in.FileBecomes(t, good, "stored")["size"])
	letBad()
	in.Becomes(t, bad, installtest.Said{"status": "cancelled", "confirmed": true, "documents_stored": 0})
	require.Contains(t, in.FileBecomes(t, bad, "quarantined")["reason"], "cancelled")
	require.Equal(t, 1, s.Count("GET /files/"+good))
	require.Zero(t, s.Count("GET "+v2Path+"/"+good+"/download"), "no other way was needed")

	// A link that is dead at once has another way: the service itself.
	const late = "16fd2706-8baf-433b-82eb-8c7fada847da"
	s.On("GET /files/"+late, installtest.AnswerJSON(http.StatusForbidden, installtest.Said{}))
	s.On("GET "+v2Path+"/"+late+"/download", installtest.AnswerFile(installtest.PdfOf(late)))
	v2Is(s, late, "TODOS_FIRMARON")
	body := v2Completed(t, late, svc.URL+"/files/"+late+"?X-Amz-Signature=hush")
	in.Came(t, account, signedV2(body), body, model.Accepted, model.Applied)
	in.Becomes(t, late, installtest.Said{"status": "completed", "confirmed": true, "documents_stored": 1})

	for _, id := range ids(t, in, model.Accepted) {
		require.NotContains(t, in.Said(t, "callbacks", "show", "--json", id), "hush")
	}
	in.Nowhere(t, "X-Amz-Signature=hush")
}

// The service's own 404 for what its list shows closes nothing, and a body of v3 is not read.
func TestAllSignV2Proofs(t *testing.T) {
	t.Parallel()
	const account, ref = simulator.AccountAllSign, "0f8fad5b-d9cb-469f-a165-70867728950e"
	s, _, in := scriptV2(t, "\n      webhook_secrets: ['"+v2Secret+"']")
	in.Polling(t, simulator.AccountAllSign)
	body := installtest.JSONOf(t, installtest.Said{"event": "signer.signed",
		"data": installtest.Said{"document_id": ref, "progress": installtest.Said{"completed": 2, "total": 2}}})
	in.Came(t, account, nil, body, model.Refused, "")
	in.Came(t, account, map[string]string{"X-AllSign-Signature": "00"}, body, model.Refused, "")
	require.Nil(t, in.Listed(t, ref), "nothing came of a forgery")
	v2Is(s, ref, "GENERANDO_PDF")
	in.Came(t, account, signedV2(body), body, model.Accepted, model.Checking)
	in.Becomes(t, ref, installtest.Said{"status": "in_progress", "provider_status": "GENERANDO_PDF", "confirmed": true})
	s.Says("GET "+v2Path+"/"+ref, nil)
	s.On("GET "+v2Path+"/"+ref, installtest.AnswerJSON(http.StatusNotFound, installtest.Said{"detail": "no such document"}))
	in.Polls(t, account, ref)
	in.Becomes(t, ref, installtest.Said{"status": "in_progress", "not_found": true, "deleted": false})
	other := allSignBody(t, "evt_1", "document.completed", ref, true)
	in.Came(t, account, signedV2(other), other, model.NotUnderstood, "")
	in.Is(t, ref, installtest.Said{"status": "in_progress"})
}

// Unsigned callbacks that the operator allowed are hints: each has its document asked about, and no more.
func TestAllSignV2Unsigned(t *testing.T) {
	t.Parallel()
	const account, ref, open = simulator.AccountAllSign, "0f8fad5b-d9cb-469f-a165-70867728950e",
		"7c9e6679-7425-40de-944b-e07fc1f90ae7"
	s, svc, in := scriptV2(t, "\n      allow_unsigned: true")
	in.Polling(t, simulator.AccountAllSign)
	v2Is(s, ref, "TODOS_FIRMARON")
	v2Is(s, open, "ESPERANDO_FIRMAS")
	s.On("GET "+v2Path+"/"+ref+"/download", installtest.AnswerFile(installtest.PdfOf(ref)))
	slow, letGo := installtest.Held(t, s.Answers["GET "+v2Path+"/"+ref])
	s.On("GET "+v2Path+"/"+ref, slow)
	for _, id := range []string{ref, open} {
		body := v2Completed(t, id, svc.URL+"/files/"+id)
		in.Came(t, account, nil, body, model.Accepted, model.Checking)
		row := in.Listed(t, id)
		require.True(t, row == nil || row["status"] != "completed", "a hint shows nothing: %v", row)
	}
	letGo()
	in.Becomes(t, open, installtest.Said{"status": "in_progress", "confirmed": true, "documents_total": 0})
	in.Becomes(t, ref, installtest.Said{"status": "completed", "confirmed": true, "documents_stored": 1})
	require.Zero(t, s.Count("GET /files/"+open), "nobody follows a stranger's link")
	require.Empty(t, in.Files(t, open))
}
