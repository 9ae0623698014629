package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"countersign/model"
	"countersign/provider/simulator"
)

const (
	v2Secret = "a secret typed into the dashboard"
	v2Path   = "/allsign/v2/documents"
)

// scriptV2 is an account of AllSign's older generation; settings stand beside the key.
func scriptV2(t *testing.T, settings string) (*scripted, *services, installation) {
	t.Helper()
	s, svc, in := script(t, simulator.Options{Services: []string{"allsign"}})
	in.edit(t, `(?m)^      webhook_secrets: .*\n`, "")
	in.edit(t, `(?m)^      profile: .*$`, "      profile: v2"+settings)
	s.says("GET "+v2Path,
		said{"data": []any{}, "meta": said{"limit": 10, "hasNext": false, "nextCursor": nil, "prevCursor": nil}})
	return s, svc, in
}

func signedV2(body []byte) map[string]string {
	mac := hmac.New(sha256.New, []byte(v2Secret))
	mac.Write(body)
	return map[string]string{"X-AllSign-Signature": hex.EncodeToString(mac.Sum(nil))}
}

func v2Completed(t *testing.T, ref, link string) []byte {
	t.Helper()
	return jsonOf(t, said{"event": "document.completed", "document": said{"id": ref},
		"pdf": said{"s3_presigned_url": link}, "data": said{"signer": said{"name": "Ana Lima"}}})
}

func (s *scripted) v2Is(ref, word string) {
	s.says("GET "+v2Path+"/"+ref, said{
		"id": ref, "name": "Lease", "envelopeStatus": word, "createdAt": "2026-11-20T09:00:00.000Z",
		"signersData": []said{{"id": "s-1", "name": "Ana Lima", "email": "ana@example.org", "status": "SIGNED"}},
	})
}

// A link that stands only in the event is followed at once; the file waits for what a fetch says.
func TestWholeAllSignV2HoldsTheFile(t *testing.T) {
	t.Parallel()
	const account = simulator.AccountAllSign
	const good, bad = "0f8fad5b-d9cb-469f-a165-70867728950e", "7c9e6679-7425-40de-944b-e07fc1f90ae7"
	s, svc, in := scriptV2(t, "\n      webhook_secrets: ['"+v2Secret+"']")
	in.polling(t, simulator.AccountAllSign)
	for _, ref := range []string{good, bad} {
		s.on("GET /files/"+ref, answerFile(pdfOf(ref)))
	}
	s.v2Is(good, "TODOS_FIRMARON")
	s.v2Is(bad, "voided")
	slow, letGo := held(t, s.answers["GET "+v2Path+"/"+good])
	s.on("GET "+v2Path+"/"+good, slow)
	slow, letBad := held(t, s.answers["GET "+v2Path+"/"+bad])
	s.on("GET "+v2Path+"/"+bad, slow)

	for _, ref := range []string{good, bad} {
		body := v2Completed(t, ref, svc.url+"/files/"+ref+"?X-Amz-Signature=hush")
		got := in.came(t, account, signedV2(body), body, model.Accepted, model.Applied)
		require.Equal(t, ref, got["ref"])
		in.came(t, account, signedV2(body), body, model.Duplicate, model.NothingNew)
		in.is(t, ref, said{"status": "completed", "confirmed": false, "documents_stored": 0})
		eventually(t, "the link followed before the service has answered",
			func() bool { return s.count("GET /files/"+ref) > 0 })
		eventually(t, "the file held", func() bool {
			all := in.files(t, ref)
			return len(all) == 1 && all[0]["state"] == "waiting" && all[0]["sha256"] != ""
		})
		s.on("GET /files/"+ref, answerJSON(http.StatusForbidden, said{})) // the link has died
	}
	letGo()
	in.becomes(t, good, said{"status": "completed", "confirmed": true, "documents_stored": 1, "documents_total": 1})
	require.EqualValues(t, len(pdfOf(good)), in.fileBecomes(t, good, "stored")["size"])
	letBad()
	in.becomes(t, bad, said{"status": "cancelled", "confirmed": true, "documents_stored": 0})
	require.Contains(t, in.fileBecomes(t, bad, "quarantined")["reason"], "cancelled")
	require.Equal(t, 1, s.count("GET /files/"+good))
	require.Zero(t, s.count("GET "+v2Path+"/"+good+"/download"), "no other way was needed")

	// A link that is dead at once has another way: the service itself.
	const late = "16fd2706-8baf-433b-82eb-8c7fada847da"
	s.on("GET /files/"+late, answerJSON(http.StatusForbidden, said{}))
	s.on("GET "+v2Path+"/"+late+"/download", answerFile(pdfOf(late)))
	s.v2Is(late, "TODOS_FIRMARON")
	body := v2Completed(t, late, svc.url+"/files/"+late+"?X-Amz-Signature=hush")
	in.came(t, account, signedV2(body), body, model.Accepted, model.Applied)
	in.becomes(t, late, said{"status": "completed", "confirmed": true, "documents_stored": 1})

	for _, id := range in.ids(t, model.Accepted) {
		require.NotContains(t, in.said(t, "callbacks", "show", "--json", id), "hush")
	}
	in.nowhere(t, "X-Amz-Signature=hush")
}

// The service's own 404 for what its list shows closes nothing, and a body of v3 is not read.
func TestWholeAllSignV2Proofs(t *testing.T) {
	t.Parallel()
	const account, ref = simulator.AccountAllSign, "0f8fad5b-d9cb-469f-a165-70867728950e"
	s, _, in := scriptV2(t, "\n      webhook_secrets: ['"+v2Secret+"']")
	in.polling(t, simulator.AccountAllSign)
	body := jsonOf(t, said{"event": "signer.signed",
		"data": said{"document_id": ref, "progress": said{"completed": 2, "total": 2}}})
	in.came(t, account, nil, body, model.Refused, "")
	in.came(t, account, map[string]string{"X-AllSign-Signature": "00"}, body, model.Refused, "")
	require.Nil(t, in.listed(t, ref), "nothing came of a forgery")
	s.v2Is(ref, "GENERANDO_PDF")
	in.came(t, account, signedV2(body), body, model.Accepted, model.Checking)
	in.becomes(t, ref, said{"status": "in_progress", "provider_status": "GENERANDO_PDF", "confirmed": true})
	s.says("GET "+v2Path+"/"+ref, nil)
	s.on("GET "+v2Path+"/"+ref, answerJSON(http.StatusNotFound, said{"detail": "no such document"}))
	in.polls(t, account, ref)
	in.becomes(t, ref, said{"status": "in_progress", "not_found": true, "deleted": false})
	other := allSignBody(t, "evt_1", "document.completed", ref, true)
	in.came(t, account, signedV2(other), other, model.NotUnderstood, "")
	in.is(t, ref, said{"status": "in_progress"})
}

// Unsigned callbacks that the operator allowed are hints: each has its document asked about, and no more.
func TestWholeAllSignV2Unsigned(t *testing.T) {
	t.Parallel()
	const account, ref, open = simulator.AccountAllSign, "0f8fad5b-d9cb-469f-a165-70867728950e",
		"7c9e6679-7425-40de-944b-e07fc1f90ae7"
	s, svc, in := scriptV2(t, "\n      allow_unsigned: true")
	in.polling(t, simulator.AccountAllSign)
	s.v2Is(ref, "TODOS_FIRMARON")
	s.v2Is(open, "ESPERANDO_FIRMAS")
	s.on("GET "+v2Path+"/"+ref+"/download", answerFile(pdfOf(ref)))
	slow, letGo := held(t, s.answers["GET "+v2Path+"/"+ref])
	s.on("GET "+v2Path+"/"+ref, slow)
	for _, id := range []string{ref, open} {
		body := v2Completed(t, id, svc.url+"/files/"+id)
		in.came(t, account, nil, body, model.Accepted, model.Checking)
		row := in.listed(t, id)
		require.True(t, row == nil || row["status"] != "completed", "a hint shows nothing: %v", row)
	}
	letGo()
	in.becomes(t, open, said{"status": "in_progress", "confirmed": true, "documents_total": 0})
	in.becomes(t, ref, said{"status": "completed", "confirmed": true, "documents_stored": 1})
	require.Zero(t, s.count("GET /files/"+open), "nobody follows a stranger's link")
	require.Empty(t, in.files(t, open))
}
