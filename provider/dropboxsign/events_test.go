package dropboxsign

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"countersign/model"
	"countersign/provider"
	"countersign/provider/providertest/recorded"
)

// posted is a callback in the service's form.
func posted(json string) provider.Callback {
	body := "--b0\r\nContent-Disposition: form-data; name=\"json\"\r\n\r\n" + json + "\r\n--b0--\r\n"
	return form("multipart/form-data; boundary=b0", body)
}

func form(contentType, body string) provider.Callback {
	h := http.Header{}
	if contentType != "" {
		h.Set("Content-Type", contentType)
	}
	return provider.Callback{Account: "hr", Header: h, Body: []byte(body), ReceivedAt: noon}
}

func hash(key, time, typ string) string {
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write([]byte(time + typ))
	return hex.EncodeToString(mac.Sum(nil))
}

const (
	second = "1772442900"
	about  = `"signature_request":{"signature_request_id":"` + testRef + `"}`
)

// signed is an event's JSON with the right hash; more are further members.
func signed(typ, meta string, more ...string) string {
	e := fmt.Sprintf(`{"event":{"event_time":"%s","event_type":"%s","event_hash":"%s"%s}`, second, typ,
		hash(testKey, second, typ), meta)
	return e + strings.Join(append([]string{""}, more...), ",") + "}"
}

func signer(id string) string {
	return `,"event_metadata":{"related_signature_id":"` + id +
		`","reported_for_account_id":"x","reported_for_app_id":null,"event_message":null}`
}

func received(t *testing.T, s *service, json string) provider.Received {
	t.Helper()
	r, err := s.Receive(posted(json))
	if err != nil {
		t.Fatalf("%s: %v", json, err)
	}
	return r
}

// The vectors of the service's own SDK tests.
func TestThePublishedVectorsVerify(t *testing.T) {
	t.Parallel()
	const key = "324e3b0840f065eb51f3fd63231d0d33daa35d4ed10d27718839e81737065782"
	backwards := []byte(key)
	for i, j := 0, len(backwards)-1; i < j; i, j = i+1, j-1 {
		backwards[i], backwards[j] = backwards[j], backwards[i]
	}
	ours := account(t, "", "{api_key: "+key+"}")
	other := account(t, "", "{api_key: "+string(backwards)+"}")
	for _, v := range []struct{ time, typ, hash string }{
		{"1348177752", "unknown_error", "c574f5d3090c2936360b4e36cf6835cf3e2206b84fdc6347e6b28ca721ae1371"},
		{"1348177752", "account_confirmed", "6dc5b7aad93cf54915e0089d6c31d61b3833f66f51459171c69f8fa211308848"},
		{"1348177752", "signature_request_sent", "08d45a6b7677492b78be030cef18cfeaece8fe67e163cc8e526ee638ad483756"},
		{"1348177752", "template_created", "4a9b22fa68d5addb8b6313eea9d42ecb393903a4240b71503ef78e9dac6c100d"},
	} {
		body := posted(fmt.Sprintf(`{"event":{"event_time":"%s","event_type":"%s","event_hash":"%s"}}`, v.time, v.typ,
			v.hash))
		if r, err := ours.Receive(body); err != nil || r.Type != v.typ || len(r.Observations) != 0 || r.Ignored == "" {
			t.Errorf("%s: %+v, %v", v.typ, r, err)
		}
		if _, err := other.Receive(body); !errors.Is(err, provider.ErrUnverified) {
			t.Errorf("%s under the reversed key: %v", v.typ, err)
		}
	}
}

func TestTheReplyIsExact(t *testing.T) {
	t.Parallel()
	if got := open(t, "",
		keyed).Traits.Acknowledgement(); got != (provider.Reply{ContentType: "text/plain",
		Body: "Hello API Event Received"}) {
		t.Errorf("%q", got)
	}
}

func TestAnyOfTheKeysMayHaveSigned(t *testing.T) {
	t.Parallel()
	s := account(t, "", keyed)
	for key, want := range map[string]error{testKey: nil, oldKey: nil, "another": provider.ErrUnverified} {
		body := fmt.Sprintf(`{"event":{"event_time":"%s","event_type":"%s","event_hash":"%s"},%s}`, second, evSent,
			hash(key, second, evSent), about)
		if _, err := s.Receive(posted(body)); !errors.Is(err, want) {
			t.Errorf("%s: %v", key, err)
		}
	}
}

func TestAChangeOfHashTimeOrTypeIsRefused(t *testing.T) {
	t.Parallel()
	s := account(t, "", keyed)
	right := hash(testKey, second, evSent)
	for name, c := range map[string]struct{ time, typ, hash string }{
		"another hash":         {`"` + second + `"`, evSent, strings.Repeat("0", 64)},
		"no hash":              {`"` + second + `"`, evSent, ""},
		"a shorter hash":       {`"` + second + `"`, evSent, right[:63]},
		"capitals":             {`"` + second + `"`, evSent, strings.ToUpper(right)},
		"another time":         {`"1772442901"`, evSent, right},
		"another type":         {`"` + second + `"`, evViewed, right},
		"no type":              {`"` + second + `"`, "", hash(testKey, second, "")},
		"a moved border":       {`"177244290"`, "0" + evSent, right},
		"all in the type":      {`""`, second + evSent, right},
		"all in the time":      {`"` + second + evSent + `"`, "", right},
		"letters in the time":  {`"` + second + "signature" + `"`, "_request_sent", right},
		"a time with a sign":   {`"-5"`, evSent, hash(testKey, "-5", evSent)},
		"a time that is a map": {`{}`, evSent, right},
	} {
		body := fmt.Sprintf(`{"event":{"event_time":%s,"event_type":"%s","event_hash":"%s"},%s}`, c.time, c.typ, c.hash,
			about)
		if r, err := s.Receive(posted(body)); !errors.Is(err, provider.ErrUnverified) || r.Ref != "" ||
			len(r.Observations) != 0 {
			t.Errorf("%s: %+v, %v", name, r, err)
		}
	}
}

// The hash does not cover the request: whatever it names is a weak claim, to be asked about.
func TestEverythingIsAWeakClaim(t *testing.T) {
	t.Parallel()
	s := account(t, "", keyed)
	for typ := range meanings {
		for _, o := range received(t, s, signed(typ, signer(ada), about)).Observations {
			if o.Evidence != model.WeakClaim {
				t.Errorf("%s: %s", typ, o.Evidence)
			}
		}
	}
}

func TestATimeAsANumberIsTaken(t *testing.T) {
	t.Parallel()
	body := strings.Replace(signed(evSent, "", about), `"`+second+`"`, second, 1)
	if r := received(t, account(t, "", keyed), body); r.Observations[0].SentAt == nil ||
		r.Observations[0].SentAt.Unix() != 1772442900 {
		t.Errorf("%+v", r)
	}
}

func TestAReadableBodyWithoutAHashIsUnverified(t *testing.T) {
	t.Parallel()
	s := account(t, "", keyed)
	for _, json := range []string{`{}`, `[]`, `null`, `"x"`, `{"event":null}`, `{"event":[]}`,
		`{"event":{"event_hash":[]}}`, `{` + about + `}`} {
		if _, err := s.Receive(posted(json)); !errors.Is(err, provider.ErrUnverified) {
			t.Errorf("%s: %v", json, err)
		}
	}
}

func TestAVerifiedBodyOfAnotherShapeIsNotUnderstood(t *testing.T) {
	t.Parallel()
	s := account(t, "", keyed)
	for _, request := range []string{`"x"`, `[]`, `{}`, `{"signature_request_id":""}`,
		`{"signature_request_id":"` + strings.Repeat("a", longest+1) + `"}`, `{"signature_request_id":"a\u0000"}`} {
		r, err := s.Receive(posted(signed(evSent, "", `"signature_request":`+request)))
		if !errors.Is(err, provider.ErrNotUnderstood) || len(r.Observations) != 0 || r.Type != evSent || r.Ref != "" ||
			r.DedupeKey != "" {
			t.Errorf("%s: %+v, %v", request, r, err)
		}
	}
}

func TestWithoutARequestNothingIsNamed(t *testing.T) {
	t.Parallel()
	s := account(t, "", keyed)
	for _, more := range [][]string{nil, {`"signature_request":null`}} {
		for typ, m := range meanings {
			r := received(t, s, signed(typ, "", more...))
			if len(r.Observations) != 0 || r.Test != m.test || (r.Ignored == "") != m.test || r.DedupeKey != "" || r.Ref != "" {
				t.Errorf("%s: %+v", typ, r)
			}
		}
	}
}

func TestAnUnknownTypeThatNamesARequestIsAskedAbout(t *testing.T) {
	t.Parallel()
	r := received(t, account(t, "", keyed), signed("signature_request_notarised", "", about))
	if len(r.Observations) != 1 || !r.Observations[0].Refetch || r.Observations[0].Status != "" || r.Ref != testRef {
		t.Errorf("%+v", r)
	}
}

// Downloadable says that an updated file is there, not that everyone has signed.
func TestDownloadableIsNotCompleted(t *testing.T) {
	t.Parallel()
	o := received(t, account(t, "", keyed), signed(evDownloadable, signer(""), about)).Observations[0]
	if o.Status != "" || !o.Refetch {
		t.Errorf("%+v", o)
	}
}

func TestMetadataMayBeAbsent(t *testing.T) {
	t.Parallel()
	s := account(t, "", keyed)
	for typ := range meanings {
		for _, meta := range []string{"", `,"event_metadata":null`, `,"event_metadata":[]`, `,"event_metadata":{}`} {
			received(t, s, signed(typ, meta, about))
		}
	}
}

func TestAccountAndAppScopeAreOneEvent(t *testing.T) {
	t.Parallel()
	s := account(t, "", keyed)
	scope := func(account, app string) string {
		return `,"event_metadata":{"related_signature_id":"` + ada + `","reported_for_account_id":` + account +
			`,"reported_for_app_id":` + app + `,"event_message":null}`
	}
	a := received(t, s, signed(evSigned, scope(`"acc"`, "null"), about)).DedupeKey
	b := received(t, s, signed(evSigned, scope(`"acc2"`, `"app"`), `"client_id":"app"`, about)).DedupeKey
	if a == "" || a != b {
		t.Errorf("%q, %q", a, b)
	}
}

// Two requests that reach the same event in the same second have the same hash.
func TestTheHashAloneIsNoDuplicate(t *testing.T) {
	t.Parallel()
	s := account(t, "", keyed)
	key := received(t, s, signed(evSigned, signer(ada), about)).DedupeKey
	for name, json := range map[string]string{
		"another request": signed(evSigned, signer(ada), `"signature_request":{"signature_request_id":"other"}`),
		"another signer":  signed(evSigned, signer(ben), about),
		"another type":    signed(evViewed, signer(ada), about),
		"another second": fmt.Sprintf(`{"event":{"event_time":"1772442901","event_type":"%s","event_hash":"%s"%s},%s}`,
			evSigned, hash(testKey, "1772442901", evSigned), signer(ada), about),
	} {
		if r := received(t, s, json); r.DedupeKey == "" || r.DedupeKey == key {
			t.Errorf("%s: %q", name, r.DedupeKey)
		}
	}
}

func TestWhatProvesNothingHasNoKey(t *testing.T) {
	t.Parallel()
	s := account(t, "", keyed)
	timeless := fmt.Sprintf(`{"event":{"event_type":"%s","event_hash":"%s"},%s}`, evSent, hash(testKey, "", evSent), about)
	for name, json := range map[string]string{
		"no time":                        timeless,
		"no request":                     signed(evSent, ""),
		"one signer's event, no signer":  signed(evSigned, "", about),
		"one signer's event, empty meta": signed(evViewed, signer(""), about),
	} {
		if r := received(t, s, json); r.DedupeKey != "" {
			t.Errorf("%s: %q", name, r.DedupeKey)
		}
	}
}

func TestAResendOfTheLastRetryIsTaken(t *testing.T) {
	t.Parallel()
	c := posted(signed(evSent, "", about))
	c.ReceivedAt = noon.AddDate(1, 0, 0) // the last retry comes after 30 h: there is no replay window
	if _, err := account(t, "", keyed).Receive(c); err != nil {
		t.Error(err)
	}
}

func TestTestObjectsCanBeLeftOut(t *testing.T) {
	t.Parallel()
	json := signed(evSent, "", `"signature_request":{"signature_request_id":"`+testRef+`","test_mode":true}`)
	if r := received(t, account(t, "", keyed), json); len(r.Observations) != 1 || r.Observations[0].Test != model.Yes {
		t.Errorf("%+v", r)
	}
	if r := received(t, account(t, "", keyed, noTest), json); len(r.Observations) != 0 ||
		!strings.Contains(r.Ignored, "test object") {
		t.Errorf("%+v", r)
	}
}

func TestReceivedRequestsAreLeftOutOnceWeKnowWhoWeAre(t *testing.T) {
	t.Parallel()
	json := func(meta, requester string) string {
		return signed(evSent, meta, `"signature_request":{"signature_request_id":"`+testRef+`","requester_email_address":`+
			requester+`}`)
	}
	app := `,"event_metadata":{"reported_for_app_id":"app"}`
	ours := "requester: [Sales@Example.org, hr@example.org]}"
	for name, c := range map[string]struct {
		block, json string
		kept        bool
	}{
		"nobody told us":       {"{api_key: " + testKey + "}", json("", `"other@example.net"`), true},
		"ours":                 {"{api_key: " + testKey + ", " + ours, json("", `"sales@example.org"`), true},
		"others'":              {"{api_key: " + testKey + ", " + ours, json("", `"other@example.net"`), false},
		"no requester":         {"{api_key: " + testKey + ", " + ours, json("", `null`), true},
		"others', for our app": {"{api_key: " + testKey + ", " + ours, json(app, `"other@example.net"`), true},
		"others', but included": {"{api_key: " + testKey + ", include_received: true, " + ours,
			json("", `"other@example.net"`), true},
	} {
		r := received(t, account(t, "", c.block), c.json)
		if (len(r.Observations) == 1) != c.kept || !c.kept && r.DedupeKey != "" {
			t.Errorf("%s: %+v", name, r)
		}
	}
	f := answering(t, http.StatusOK, "application/json", recorded.Text(t, "account/alone"))
	s := account(t, f.URL, "{api_key: "+testKey+"}")
	if _, err := s.Check(t.Context()); err != nil {
		t.Fatal(err)
	}
	if r := received(t, s, json("", `"other@example.net"`)); r.Ignored == "" {
		t.Errorf("after the check: %+v", r)
	}
}
