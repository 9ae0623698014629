package load

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Maker makes the n-th callback of a service. Four follow each other about one transaction: it was created, sent,
// signed and completed. Others lie between them, so that the four seldom share a commit.
type Maker func(n int64, at time.Time) Callback

// together is how many transactions are told of side by side, a step each in turns.
const together = 1024

// Of is the transaction that the n-th callback is about, and which of its four steps it tells.
func Of(n int64) (transaction int64, step int) {
	return n/(4*together)*together + n%together, int(n / together % 4)
}

// For is the maker of a service's callbacks, signed with the secrets of an account's settings. Transactions of different
// series never meet.
func For(service string, series uint32, settings map[string]any) (Maker, error) {
	text := func(key string) string {
		switch v := settings[key].(type) {
		case string:
			return v
		case []string:
			return v[0]
		case []any:
			s, _ := v[0].(string)
			return s
		}
		return ""
	}
	m := map[string]func(*thing) Callback{
		"onespan":     oneSpan(text("callback_key")),
		"dropboxsign": dropboxSign(text("api_key")),
		"allsign":     allSign(text("webhook_secrets")),
		"autosign":    autosign(text("webhook_secrets")),
		"documenso":   documenso(text("webhook_secret")),
	}[service]
	if m == nil {
		return nil, fmt.Errorf("no callbacks of %q are known here", service)
	}
	return func(n int64, at time.Time) Callback {
		t, step := Of(n)
		return m(&thing{n: n, t: t, step: step, at: at.UTC(), chance: uint64(n+1)*0x9E3779B97F4A7C15 ^ uint64(series)<<32,
			id: mix(uint64(t+1)*0x9E3779B97F4A7C15 ^ uint64(series)<<40)})
	}, nil
}

// thing is what one callback tells.
type thing struct {
	n, t   int64
	step   int
	at     time.Time
	chance uint64
	id     uint64 // of the transaction
}

func mix(x uint64) uint64 {
	x ^= x >> 30
	x *= 0xBF58476D1CE4E5B9
	x ^= x >> 27
	x *= 0x94D049BB133111EB
	return x ^ x>>31
}

// random is a number that only this place of this callback has.
func (t *thing) random() uint64 {
	t.chance += 0x9E3779B97F4A7C15
	return mix(t.chance)
}

// size is how long bodies are.
const size = 2048

// prose appends words until a body of so many bytes has room for its rest.
func (t *thing) prose(b []byte, rest int) []byte {
	for len(b) < size-rest {
		b = append(append(b, words[t.random()%uint64(len(words))]...), ' ')
	}
	return b
}

func (t *thing) hex(n int) string {
	return fmt.Sprintf("%016x%016x%016x", mix(t.id), mix(t.id+1), mix(t.id+2))[:n]
}

func (t *thing) who() string { return names[t.id%uint64(len(names))] }

func oneSpan(key string) func(*thing) Callback {
	h := http.Header{"Authorization": {"Basic " + key}, "Content-Type": {"application/json; charset=utf-8"},
		"User-Agent": {""}}
	return func(t *thing) Callback {
		name := [...]string{"PACKAGE_CREATE", "PACKAGE_ACTIVATE", "SIGNER_COMPLETE", "PACKAGE_COMPLETE"}[t.step]
		b := fmt.Appendf(make([]byte, 0, size), `{"@class":"com.silanis.esl.packages.event.ESLProcessEvent","name":%q,`+
			`"sessionUser":%q,"packageId":"%s=","message":"`, name, t.hex(20), t.hex(27))
		b = t.prose(b, 70)
		return Callback{h, fmt.Appendf(b, `","documentId":null,"createdDate":%q}`, stamp(t.at))}
	}
}

func dropboxSign(key string) func(*thing) Callback {
	const boundary = "------------------------5e1f0c9ab37d2468"
	h := http.Header{"Content-Type": {"multipart/form-data; boundary=" + boundary}, "User-Agent": {"HelloSign API"},
		"Accept": {"*/*"}}
	return func(t *thing) Callback {
		kind := "signature_request_" + [...]string{"prepared", "sent", "viewed", "all_signed"}[t.step]
		at := strconv.FormatInt(t.at.Unix(), 10)
		ref, signer := t.hex(40), fmt.Sprintf("%032x", mix(t.id+7))
		b := fmt.Appendf(make([]byte, 0, size), "--%s\r\nContent-Disposition: form-data; name=\"json\"\r\n\r\n", boundary)
		b = fmt.Appendf(b, `{"event":{"event_type":%q,"event_time":%q,"event_hash":%q,"event_metadata":{`+
			`"related_signature_id":%q,"reported_for_account_id":null,"reported_for_app_id":null,"event_message":null}},`,
			kind, at, hex.EncodeToString(sum([]byte(key), at+kind)), signer)
		b = fmt.Appendf(b, `"signature_request":{"signature_request_id":%q,"title":"Lease of %s","original_title":"Lease",`+
			`"subject":"Lease","test_mode":false,"metadata":{"contract_id":"C-%d"},"created_at":%s,"expires_at":null,`+
			`"is_complete":%t,"is_declined":false,"has_error":false,"custom_fields":[],"attachments":[],`+
			`"cc_email_addresses":[],"template_ids":null,"signing_url":null,`+
			`"files_url":"https://api.hellosign.com/v3/signature_request/files/%s",`+
			`"details_url":"https://app.hellosign.com/home/manage?guid=%s","signatures":[{"signature_id":%q,`+
			`"signer_email_address":"%s@clients.example","signer_name":%q,"signer_role":null,"order":0,`+
			`"status_code":%q,"decline_reason":null,"signed_at":null,"last_viewed_at":%s,"has_pin":false,`+
			`"has_sms_auth":false,"error":null}],"message":"`, ref, t.who(), t.t, at, t.step == 3, ref, ref, signer,
			strings.ToLower(t.who()), t.who(), [...]string{"awaiting_signature", "signed"}[t.step/3], at)
		b = t.prose(b, 60)
		return Callback{h, fmt.Appendf(b, "\"}}\r\n--%s--\r\n", boundary)}
	}
}

func allSign(secret string) func(*thing) Callback {
	key, _ := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_")) // what is no secret proves nothing
	return func(t *thing) Callback {
		name := [...]string{"document.sent", "signer.signed", "signer.signed", "document.completed"}[t.step]
		id := fmt.Sprintf("evt_%016x%016x", t.random(), t.random())
		b := fmt.Appendf(make([]byte, 0, size), `{"eventId":%q,"eventType":%q,"apiVersion":"2026-07-11","occurredAt":%q,`+
			`"tenantId":"ten_4f1b","livemode":true,"data":{"documentId":"doc_%s","note":"`, id, name, stamp(t.at), t.hex(32))
		b = append(t.prose(b, 4), `"}}`...)
		at := strconv.FormatInt(t.at.Unix(), 10)
		proof := base64.StdEncoding.EncodeToString(sum(key, id, ".", at, ".", string(b)))
		return Callback{http.Header{"Content-Type": {"application/json"}, "User-Agent": {"AllSign-Webhooks/3"},
			"Webhook-Id": {id}, "Webhook-Timestamp": {at}, "Webhook-Signature": {"v1," + proof}}, b}
	}
}

func autosign(secret string) func(*thing) Callback {
	return func(t *thing) Callback {
		kind := [...]string{"transaction_created", "transaction_started", "recipient_submitted",
			"transaction_completed"}[t.step]
		one := fmt.Sprintf(`{"id":"cl%s","email":"%s@clients.example","name":%q,"role":"signer","submitted_at":%q}`,
			t.hex(22), strings.ToLower(t.who()), t.who(), stamp(t.at))
		b := fmt.Appendf(make([]byte, 0, size), `{"created":%q,"id":"cm%016x%06x","type":%q,"data":{"id":"ck%s",`+
			`"status":%q,`, stamp(t.at), t.random(), t.random()&0xffffff, kind, t.hex(23),
			[...]string{"draft", "started", "started", "completed"}[t.step])
		switch t.step {
		case 0, 1:
			b = fmt.Appendf(b, `%q:{"id":"cu1","email":"owner@office.example"},`, [...]string{"created_by", "started_by"}[t.step])
		case 2:
			b = fmt.Appendf(b, `"recipient":%s,`, one)
		default:
			b = fmt.Appendf(b, `"recipients":[%s],`, one)
		}
		b = append(t.prose(append(b, `"note":"`...), 4), `"}}`...)
		return Callback{http.Header{"Content-Type": {"application/json"}, "User-Agent": {"axios/1.6.7"},
			"Accept":             {"application/json, text/plain, */*"},
			"Autosign-Signature": {hex.EncodeToString(sum([]byte(secret), string(b)))}}, b}
	}
}

func documenso(secret string) func(*thing) Callback {
	h := http.Header{"Content-Type": {"application/json"}, "Accept": {"*/*"}, "Accept-Language": {"*"},
		"Sec-Fetch-Mode": {"cors"}, "User-Agent": {"node"}, "X-Documenso-Secret": {secret}}
	return func(t *thing) Callback {
		kind := [...]string{"DOCUMENT_CREATED", "DOCUMENT_SENT", "DOCUMENT_SIGNED", "DOCUMENT_COMPLETED"}[t.step]
		is := func(word, otherwise string, yes bool) string {
			if yes {
				return word
			}
			return otherwise
		}
		at, ref := stamp(t.at), "envelope_"+t.hex(16)
		one := fmt.Sprintf(`[{"id":%d,"envelopeId":%q,"email":"%s@clients.example","name":%q,"token":"%s","role":"SIGNER",`+
			`"readStatus":%q,"signingStatus":%q,"sendStatus":%q,"documentDeletedAt":null,"expiresAt":null,"signedAt":%s,`+
			`"authOptions":{"accessAuth":[],"actionAuth":[]},"signingOrder":1,"rejectionReason":null,"documentId":%d,`+
			`"templateId":null}]`, t.t+1, ref, strings.ToLower(t.who()), t.who(), t.hex(21),
			is("OPENED", "NOT_OPENED", t.step > 1), is("SIGNED", "NOT_SIGNED", t.step > 1), is("SENT", "NOT_SENT", t.step > 0),
			is(strconv.Quote(at), "null", t.step > 1), t.t+1)
		b := fmt.Appendf(make([]byte, 0, size), `{"event":%q,"payload":{"id":%d,"envelopeId":%q,"externalId":null,"userId":1,`+
			`"templateId":null,"title":"Lease of %s","status":%q,"source":"DOCUMENT","visibility":"EVERYONE",`+
			`"createdAt":%q,"updatedAt":%q,"completedAt":%s,"deletedAt":null,"formValues":null,"authOptions":`+
			`{"globalAccessAuth":[],"globalActionAuth":[]},"documentMeta":{"id":"m%s","subject":null,"timezone":"Etc/UTC",`+
			`"signingOrder":"PARALLEL","distributionMethod":"EMAIL","message":"`, kind, t.t+1, ref, t.who(),
			[...]string{"DRAFT", "PENDING", "PENDING", "COMPLETED"}[t.step], at, at,
			is(strconv.Quote(at), "null", t.step == 3), t.hex(20))
		b = t.prose(b, 2*len(one)+100)
		return Callback{h, fmt.Appendf(b, `"},"recipients":%s,"Recipient":%s},"createdAt":%q,"webhookEndpoint":`+
			`"https://sign.example.com"}`, one, one, at)}
	}
}

func stamp(at time.Time) string { return at.Format("2006-01-02T15:04:05.000Z") }

func sum(key []byte, parts ...string) []byte {
	mac := hmac.New(sha256.New, key)
	for _, p := range parts {
		mac.Write([]byte(p))
	}
	return mac.Sum(nil)
}

var names = [...]string{"Amara", "Bruno", "Chiara", "Dmitri", "Elena", "Farid", "Greta", "Hiro", "Ines", "Jonas", "Keiko",
	"Luca", "Mira", "Nadia", "Omar", "Petra"}

var words = bytes.Fields([]byte(`the of a lease contract agreement party tenant landlord signature date term clause
payment month year amount notice address property rent deposit account bank service provider client supplier order
delivery invoice price tax total quantity annex schedule please review sign document before return copy original
witness notary office company limited registered number street city country postal code phone mail contact person
manager director board approval purchase sale transfer title deed insurance policy premium cover claim loss damage
liability warranty period renewal end begin effective force majeure confidential information data protection consent
withdraw right law court dispute arbitration language translation version amendment addendum reference project work
hours rate salary employee employer position department training leave holiday health safety equipment keys access
building floor room parking garden heating water electricity internet repairs maintenance cleaning inspection report`))
