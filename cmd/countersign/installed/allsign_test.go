package installed

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/cmd/countersign/installtest"
	"countersign/model"
	"countersign/provider/simulator"
)

const allSignPath = "/allsign/v3/documents/"

// allSigned are the headers of a v3 callback that was sent at a time and signed with secrets.
func allSigned(t *testing.T, id string, at time.Time, body []byte, secrets ...string) map[string]string {
	t.Helper()
	stamp := strconv.FormatInt(at.Unix(), 10)
	var tokens []string
	for _, s := range secrets {
		key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(s, "whsec_"))
		require.NoError(t, err)
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte(id + "." + stamp + "."))
		mac.Write(body)
		tokens = append(tokens, "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)))
	}
	return map[string]string{"webhook-id": id, "webhook-timestamp": stamp, "webhook-signature": strings.Join(tokens, " ")}
}

func allSignBody(t *testing.T, id, typ, ref string, live bool) []byte {
	t.Helper()
	return installtest.JSONOf(t, installtest.Said{
		"eventId": id, "eventType": typ, "apiVersion": "2026-07-11", "occurredAt": "2026-11-20T10:00:00.000Z",
		"tenantId": "7b0c8a52-5d0a-4a57-9a3f-0d6e1a9a2f11", "livemode": live, "data": installtest.Said{"documentId": ref},
	})
}

// allSignIs lets the service say where a document stands.
func allSignIs(s *installtest.Scripted, ref, status string) {
	signed := "pending"
	n := 0
	if status == "completed" {
		signed, n = "signed", 1
	}
	s.Says("GET "+allSignPath+ref, installtest.Said{
		"id": ref, "object": "document", "name": "Lease", "status": status, "documentType": "editable", "signerCount": 1,
		"signedCount": n,
		"createdAt":   "2026-11-20T09:00:00.000Z", "updatedAt": "2026-11-20T10:00:00.000Z", "expiresAt": nil,
	})
	s.Says("GET "+allSignPath+ref+"/signers",
		installtest.Said{"object": "list", "hasMore": false, "nextCursor": nil,
			"data": []installtest.Said{{"id": "sgr_1", "documentId": ref, "status": signed}}})
}

// A completion is shown at once, confirmed by a fetch, and its file is asked for until the evidence has it.
func TestAllSignCompletes(t *testing.T) {
	t.Parallel()
	const account, ref = simulator.AccountAllSign, "doc_0000000000000000000000000000a001"
	s, svc, in := installtest.Script(t, simulator.Options{Services: []string{"allsign"}})
	key := svc.Setting(t, account, "webhook_secrets")
	allSignIs(s, ref, "completed")
	detail := s.Answers["GET "+allSignPath+ref]
	slow, letGo := installtest.Held(t, detail)
	s.On("GET "+allSignPath+ref, slow)
	var early atomic.Int32
	s.On("GET "+allSignPath+ref+"/evidence", func(w http.ResponseWriter, r *http.Request) {
		if early.Add(1) <= 3 {
			installtest.AnswerJSON(http.StatusOK,
				installtest.Said{"documentId": ref, "available": false, "reason": "not yet", "evidencePdf": nil, "nom151": nil})(w, r)
			return
		}
		installtest.AnswerJSON(http.StatusOK,
			installtest.Said{"documentId": ref, "available": true, "evidencePdf": installtest.Said{"url": svc.URL + "/files/lease.pdf?X-Sig=hush"},
				"nom151": nil})(w, r)
	})
	var leaked atomic.Bool
	s.On("GET /files/lease.pdf", func(w http.ResponseWriter, r *http.Request) {
		leaked.Store(leaked.Load() || r.Header.Get("Authorization") != "")
		installtest.AnswerFile(installtest.PdfOf("lease"))(w, r)
	})
	in.Polling(t, simulator.AccountAllSign)

	body := allSignBody(t, "evt_1", "signer.signed", ref, true)
	in.Came(t, account, allSigned(t, "evt_1", time.Now(), body, key), body, model.Accepted, model.Checking)
	require.NotEqual(t, "completed", in.Listed(t, ref)["status"], "one signer is no completion")
	body = allSignBody(t, "evt_2", "document.completed", ref, true)
	got := in.Came(t, account, allSigned(t, "evt_2", time.Now().Add(-250*time.Second), body, key), body, model.Accepted,
		model.Applied)
	require.True(t, installtest.Agree(got, installtest.Said{"account": account, "ref": ref, "type": "document.completed", "event_id": "evt_2"}),
		"%v", got)
	in.Is(t, ref, installtest.Said{"status": "completed", "confirmed": false, "test": false, "documents_total": 0})
	in.Came(t, account, allSigned(t, "evt_2", time.Now(), body, key), body, model.Duplicate, model.NothingNew)
	letGo()
	in.Becomes(t, ref, installtest.Said{"status": "completed", "confirmed": true, "provider_status": "completed", "name": "Lease",
		"signers_done": 1, "documents_stored": 1, "documents_total": 1})
	require.EqualValues(t, len(installtest.PdfOf("lease")), in.FileBecomes(t, ref, "stored")["size"])
	require.GreaterOrEqual(t, early.Load(), int32(4), "it was asked for again")
	require.False(t, leaked.Load(), "the key goes to no storage")
	require.Empty(t, in.Shown(t, ref)["gaps"])
	in.Nowhere(t, "X-Sig=hush")

	// What is final stays so when the service cannot find it any more.
	s.On("GET "+allSignPath+ref, nil)
	in.Polls(t, account, ref)
	in.Becomes(t, ref, installtest.Said{"status": "completed", "not_found": true, "deleted": false, "documents_stored": 1})
}

// What does not prove itself is refused, however near it comes.
func TestAllSignProofs(t *testing.T) {
	t.Parallel()
	const account = simulator.AccountAllSign
	s, svc, in := installtest.Script(t, simulator.Options{Services: []string{"allsign"}})
	key, other := svc.Setting(t, account, "webhook_secrets"), "whsec_"+
		base64.StdEncoding.EncodeToString([]byte("another secret of 32 bytes length"))
	in.Polling(t, simulator.AccountAllSign)
	now := time.Now()
	for name, change := range map[string]func(h map[string]string){
		"none": func(h map[string]string) { clear(h) },
		"another secret": func(h map[string]string) {
			h["webhook-signature"] = allSigned(t, "evt_r", now, nil, other)["webhook-signature"]
		},
		"another id":   func(h map[string]string) { h["webhook-id"] = "evt_s" },
		"another time": func(h map[string]string) { h["webhook-timestamp"] = strconv.FormatInt(now.Unix()-1, 10) },
		"no time":      func(h map[string]string) { delete(h, "webhook-timestamp") },
		"another version": func(h map[string]string) {
			h["webhook-signature"] = strings.Replace(h["webhook-signature"], "v1,", "v2,", 1)
		},
		"hexadecimal": func(h map[string]string) {
			raw, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(h["webhook-signature"], "v1,"))
			require.NoError(t, err)
			h["webhook-signature"] = "v1," + hex.EncodeToString(raw)
		},
		"too old": func(h map[string]string) {
			copyTo(h, allSigned(t, "evt_r", now.Add(-310*time.Second), refusedBody(t), key))
		},
		"too new": func(h map[string]string) {
			copyTo(h, allSigned(t, "evt_r", now.Add(320*time.Second), refusedBody(t), key))
		},
		"v2 alone": func(h map[string]string) { clear(h); h["X-AllSign-Signature"] = "00" },
	} {
		h := allSigned(t, "evt_r", now, refusedBody(t), key)
		change(h)
		got := in.Came(t, account, h, refusedBody(t), model.Refused, "")
		require.Equal(t, "doc_refused", got["ref"], name)
	}
	require.Zero(t, in.Rows(t))
	require.Zero(t, s.Count("GET "+allSignPath+"doc_refused"), "nobody is asked for a forgery")

	// While a secret is changed, two sign.
	body := allSignBody(t, "evt_two", "document.sent", "doc_two", true)
	allSignIs(s, "doc_two", "awaiting_signatures")
	in.Came(t, account, allSigned(t, "evt_two", now, body, other, key), body, model.Accepted, model.Applied)
	// A genuine body of the other generation proves itself and is not read.
	body = installtest.JSONOf(t, installtest.Said{"event": "document.completed", "document": installtest.Said{"id": "doc_two"},
		"pdf": installtest.Said{"s3_presigned_url": svc.URL + "/x?sig=hush"}})
	for v, secret := range map[model.Verdict]string{model.NotUnderstood: key, model.Refused: other} {
		got := in.Came(t, account, allSigned(t, "evt_v2", now, body, secret), body, v, "")
		require.NotContains(t, in.Said(t, "callbacks", "show", "--json", got["id"].(string)), "hush",
			"whoever has the link has the file")
	}
	in.Nowhere(t, "sig=hush")
	in.Came(t, account, allSigned(t, "evt_cut", now, body[:9], key), body[:9], model.NotUnderstood, "")
	// What nobody knows yet has its document asked about.
	body = allSignBody(t, "evt_new", "document.notarised", "doc_new", true)
	allSignIs(s, "doc_new", "correcting")
	in.Came(t, account, allSigned(t, "evt_new", now, body, key), body, model.Accepted, model.Checking)
	in.Becomes(t, "doc_new", installtest.Said{"status": "in_progress", "provider_status": "correcting", "confirmed": true})
	// A test document is one, and is shown as such.
	body = allSignBody(t, "evt_test", "document.sent", "doc_test", false)
	allSignIs(s, "doc_test", "awaiting_signatures")
	in.Came(t, account, allSigned(t, "evt_test", now, body, key), body, model.Accepted, model.Applied)
	in.Is(t, "doc_test", installtest.Said{"status": "in_progress", "test": true})
	in.Polls(t, account, "doc_test")
	in.Becomes(t, "doc_test", installtest.Said{"test": true, "confirmed": true})
	require.Equal(t, 3, in.Rows(t))
}

func refusedBody(t *testing.T) []byte {
	return allSignBody(t, "evt_r", "document.completed", "doc_refused", true)
}

func copyTo(to, from map[string]string) {
	for k, v := range from {
		to[k] = v
	}
}

// Neither a claim nor a lagging answer wins by speed, and a correction goes both ways.
func TestAllSignDisagrees(t *testing.T) {
	t.Parallel()
	const account = simulator.AccountAllSign
	s, svc, in := installtest.Script(t, simulator.Options{Services: []string{"allsign"}})
	key := svc.Setting(t, account, "webhook_secrets")
	in.Polling(t, simulator.AccountAllSign)
	claim := func(id, typ, ref string) {
		body := allSignBody(t, id, typ, ref, true)
		in.Came(t, account, allSigned(t, id, time.Now(), body, key), body, model.Accepted, "")
	}
	allSignIs(s, "doc_void", "awaiting_signatures")
	claim("evt_v", "document.voided", "doc_void")
	in.Is(t, "doc_void", installtest.Said{"status": "cancelled", "confirmed": false})
	in.Becomes(t, "doc_void", installtest.Said{"status": "in_progress", "confirmed": true, "reported_status": ""})
	require.Equal(t, 2, s.Count("GET "+allSignPath+"doc_void"), "one answer that lags is not enough")

	allSignIs(s, "doc_exp", "expired")
	claim("evt_e", "document.expired", "doc_exp")
	in.Becomes(t, "doc_exp", installtest.Said{"status": "expired", "confirmed": true})
	claim("evt_s", "document.sent", "doc_exp")
	in.Is(t, "doc_exp", installtest.Said{"status": "expired"})

	for _, word := range []string{"awaiting_signatures", "correcting", "awaiting_signatures", "draft", "processing"} {
		allSignIs(s, "doc_corr", word)
		if in.Listed(t, "doc_corr") == nil {
			claim("evt_c", "document.sent", "doc_corr")
		}
		in.Polls(t, account, "doc_corr")
		in.Becomes(t, "doc_corr", installtest.Said{"provider_status": word, "confirmed": true})
	}
	in.Is(t, "doc_corr", installtest.Said{"status": "in_progress"})
}
