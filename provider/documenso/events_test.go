package documenso

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"countersign/model"
	"countersign/provider"
	"countersign/provider/providertest"
)

// row is a confirmed row of a test.
func row(status model.Status) model.Transaction {
	then := noon.Add(-time.Hour)
	return model.Transaction{
		Account: "self", Ref: testRef, Provider: "documenso", Status: status, Confirmed: true, FirstSeenAt: then,
		ConfirmedAt: &then, AskedAt: &then, SignersSet: true, Origin: model.OriginClaim,
	}
}

// decided is what a recorded callback makes of a row.
func decided(t *testing.T, s *service, name string, from model.Transaction) model.Decision {
	t.Helper()
	o := said(t, s, name).Observations[0]
	o.At = noon
	return model.Decide(s.Rules(), from, o)
}

func TestTheSecretIsTheOnlyProof(t *testing.T) {
	t.Parallel()
	s := account(t, "", "{api_key: k, webhook_secret: "+testSecret+", webhook_secrets: [the-next-one]}")
	for name, c := range map[string]struct {
		values []string
		want   error
		text   string
	}{
		"ours": {[]string{testSecret}, nil, ""}, "the next one": {[]string{"the-next-one"}, nil, ""},
		"another": {[]string{"guess"}, provider.ErrUnverified, "another"}, "no header": {nil, provider.ErrUnverified, "no header"},
		"an empty header":  {[]string{""}, provider.ErrUnverified, "empty"},
		"a part":           {[]string{testSecret[:5]}, provider.ErrUnverified, "another"},
		"more than ours":   {[]string{testSecret + "x"}, provider.ErrUnverified, "another"},
		"two, one of them": {[]string{"guess", testSecret}, provider.ErrUnverified, "another"},
	} {
		call := called(t, "document_sent")
		call.Header[secretHeader] = c.values
		_, err := s.Receive(call)
		if !errors.Is(err, c.want) || err != nil && (!strings.Contains(err.Error(), c.text) || strings.Contains(err.Error(), "guess")) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAKeptSecretIsComparedAsItWasKept(t *testing.T) {
	t.Parallel()
	s := account(t, "", keyed)
	c := called(t, "document_sent")
	c.Sealed = func(v string) string { return fmt.Sprintf("hmac:%x", len(v)*7919) }
	c.Header.Set(secretHeader, c.Sealed(testSecret))
	if _, err := s.Receive(c); err != nil {
		t.Error(err)
	}
	c.Header.Set(secretHeader, c.Sealed(""))
	if _, err := s.Receive(c); !errors.Is(err, provider.ErrUnverified) || !strings.Contains(err.Error(), "empty") {
		t.Error(err)
	}
}

func TestWithoutASecretEveryCallbackIsAHint(t *testing.T) {
	t.Parallel()
	s := account(t, "", "{api_key: k}")
	for _, name := range []string{"document_completed", "with_an_empty_secret"} {
		r := said(t, s, name)
		if len(r.Observations) != 1 || r.Observations[0].Evidence != model.Hint || r.DedupeKey != "" {
			t.Errorf("%s: %+v", name, r)
		}
	}
	if d := decided(t, s, "document_completed", row(model.InProgress)); d.Next.Status != model.InProgress || d.Next.NextCheckAt == nil {
		t.Errorf("a hint moved the row: %+v", d)
	}
}

func TestAClaimGoesNoFurtherThanFromPendingToAnEnd(t *testing.T) {
	t.Parallel()
	s := account(t, "", keyed)
	for _, c := range []struct {
		name     string
		from, to model.Status
	}{
		{"document_created", model.Unknown, model.Draft}, {"document_sent", model.Unknown, model.InProgress}, {"document_sent", model.Draft, model.InProgress},
		{"document_opened", model.Draft, model.InProgress}, {"document_signed_by_the_last", model.InProgress, model.InProgress},
		{"document_completed", model.InProgress, model.Completed}, {"document_rejected", model.InProgress, model.Declined},
		{"document_completed", model.Unknown, model.Unknown}, {"document_completed", model.Draft, model.InProgress}, {"document_rejected", model.Completed, model.Completed},
		{"document_sent", model.Completed, model.Completed}, {"document_created", model.InProgress, model.InProgress}, {"event_and_status_disagree", model.InProgress, model.InProgress},
		{"document_cancelled_by_the_sender", model.InProgress, model.InProgress},
	} {
		from := row(c.from)
		if c.from == model.Unknown {
			from = model.Transaction{Account: "self", Ref: testRef, Status: model.Unknown}
		}
		d := decided(t, s, c.name, from)
		if d.Next.Status != c.to {
			t.Errorf("%s from %s: %s, want %s", c.name, c.from, d.Next.Status, c.to)
		}
		if c.from == c.to && d.Next.NextCheckAt == nil && c.name != "document_signed_by_the_last" {
			t.Errorf("%s from %s: nobody is asked", c.name, c.from)
		}
	}
}

func TestOneEventNameHasSevenCauses(t *testing.T) {
	t.Parallel()
	s := account(t, "", keyed)
	for name, deleted := range map[string]model.Flag{
		"by_the_sender": model.Unsaid, "draft_deleted": model.Yes, "pending_deleted": model.Yes, "completed_deleted": model.Unsaid,
		"rejected_deleted": model.Unsaid, "cancelled_deleted": model.Unsaid,
	} {
		o := said(t, s, "document_cancelled_"+name).Observations[0]
		if o.Status != "" || o.ProviderStatus != "" || !o.Refetch || o.Deleted != deleted {
			t.Errorf("%s: %+v", name, o)
		}
	}
	once := said(t, s, "document_cancelled_completed_deleted")
	more, err := s.Receive(with(t, called(t, "document_cancelled_completed_deleted"), func(body, _ map[string]any) { body["createdAt"] = "2026-03-09T00:00:00.000Z" }))
	if err != nil || more.DedupeKey != once.DedupeKey {
		t.Errorf("deleted once more is another event: %v", err)
	}
}

func TestAnOpenRowDeletedAtTheProviderBecomesCancelledOnceA404Agrees(t *testing.T) {
	t.Parallel()
	f := answering(t, http.StatusNotFound, `{"message":"Envelope could not be found","code":"INTERNAL_SERVER_ERROR","data":{"code":"NOT_FOUND","httpStatus":404,"path":"envelope.get"}}`)
	s := account(t, f.URL, keyed)
	for name, from := range map[string]model.Status{"document_cancelled_draft_deleted": model.Draft, "document_cancelled_pending_deleted": model.InProgress} {
		d := decided(t, s, name, row(from))
		if d.Next.Status != from || d.Next.Deleted {
			t.Fatalf("%s: an event alone deletes: %+v", name, d.Next)
		}
		o, err := s.Fetch(t.Context(), testRef)
		if err != nil {
			t.Fatal(err)
		}
		o.At, o.AskedAt, o.Version = noon.Add(time.Minute), noon.Add(time.Minute), d.Next.Version
		if d = model.Decide(s.Rules(), d.Next, o); d.Next.Status != model.Cancelled || !d.Next.Deleted {
			t.Errorf("%s: %s, deleted %v", name, d.Next.Status, d.Next.Deleted)
		}
	}
	// A 404 alone proves no deletion.
	o, err := s.Fetch(t.Context(), testRef)
	o.At, o.AskedAt = noon, noon
	if d := model.Decide(s.Rules(), row(model.InProgress), o); err != nil || d.Next.Status != model.InProgress || !d.Next.NotFound || d.Next.Deleted {
		t.Errorf("%+v, %v", d.Next, err)
	}
}

func TestACompletedEnvelopeDeletedKeepsItsStatus(t *testing.T) {
	t.Parallel()
	s := account(t, "", keyed)
	d := decided(t, s, "document_cancelled_completed_deleted", row(model.Completed))
	if d.Next.Status != model.Completed || d.Next.NextCheckAt == nil {
		t.Fatalf("%+v", d.Next)
	}
	o := fetched(t, "completed_deleted")
	o.At, o.AskedAt, o.Version = noon.Add(time.Minute), noon.Add(time.Minute), d.Next.Version
	if d = model.Decide(s.Rules(), d.Next, o); d.Next.Status != model.Completed || !d.Next.Deleted {
		t.Errorf("%s, deleted %v", d.Next.Status, d.Next.Deleted)
	}
}

func TestAResealIsAnotherEventAndIsAskedAbout(t *testing.T) {
	t.Parallel()
	s := account(t, "", keyed)
	if said(t, s, "document_completed").DedupeKey == said(t, s, "document_completed_after_a_reseal").DedupeKey {
		t.Error("a re-seal is taken for a retry")
	}
	if d := decided(t, s, "document_completed_after_a_reseal", row(model.Completed)); d.Next.NextCheckAt == nil {
		t.Error("nobody asks for the new file")
	}
}

func TestRetriesResendsAndCopiesAreOneEvent(t *testing.T) {
	t.Parallel()
	s := account(t, "", keyed)
	first := said(t, s, "document_signed")
	for name, change := range map[string]func(body, payload map[string]any){
		"a retry":              func(body, _ map[string]any) { body["createdAt"] = "2026-03-02T09:15:00.554Z" },
		"the other webhook":    func(body, _ map[string]any) { body["webhookEndpoint"] = "https://other.example.org/" },
		"no tokens":            func(_, p map[string]any) { p["recipients"].([]any)[0].(map[string]any)["token"] = "" },
		"no legacy copy":       func(_, p map[string]any) { delete(p, "Recipient") },
		"recipients reordered": func(_, p map[string]any) { slices.Reverse(p["recipients"].([]any)) },
	} {
		if r, err := s.Receive(with(t, called(t, "document_signed"), change)); err != nil || r.DedupeKey != first.DedupeKey {
			t.Errorf("%s: %q, %v", name, r.DedupeKey, err)
		}
	}
	kept := called(t, "document_signed")
	kept.Body = first.Clean
	if r, err := s.Receive(kept); err != nil || r.DedupeKey != first.DedupeKey || r.Clean != nil {
		t.Errorf("what was kept is another event: %v", err)
	}
	if said(t, s, "document_recipient_completed").DedupeKey == first.DedupeKey {
		t.Error("two events are one")
	}
}

func TestADeliveryIDIsUsedWhereThereIsOne(t *testing.T) {
	t.Parallel()
	s := account(t, "", keyed)
	r := said(t, s, "with_a_delivery_id")
	c := with(t, called(t, "with_a_delivery_id"), func(_, p map[string]any) { p["title"] = "renamed" })
	again, err := s.Receive(c)
	if err != nil || r.EventID != "delivery-0001" || again.DedupeKey != r.DedupeKey {
		t.Errorf("%+v, %v", again, err)
	}
	if s := account(t, "", "{api_key: k}"); said(t, s, "with_a_delivery_id").DedupeKey != "" {
		t.Error("a hint takes a dedupe key")
	}
}

func TestTheTestButtonMakesNoRow(t *testing.T) {
	t.Parallel()
	for _, block := range []string{keyed, teamless, "{api_key: k}"} {
		if r := said(t, account(t, "", block), "test_button"); !r.Test || r.Ref != "" || r.Observations != nil {
			t.Errorf("%s: %+v", block, r)
		}
	}
}

func TestAnotherTeamsEventIsIgnored(t *testing.T) {
	t.Parallel()
	if r := said(t, account(t, "", keyed), "of_another_team"); r.Observations != nil || !strings.Contains(r.Ignored, "team 9") {
		t.Errorf("%+v", r)
	}
	s := account(t, "", teamless)
	if r := said(t, s, "of_another_team"); len(r.Observations) != 1 {
		t.Errorf("while no team is known: %+v", r)
	}
	if err := s.learn([]string{"8"}); err != nil {
		t.Fatal(err)
	}
	if r := said(t, s, "of_another_team"); r.Observations != nil || r.Ignored == "" {
		t.Errorf("once the team is learned: %+v", r)
	}
}

func TestTemplatesAreIgnored(t *testing.T) {
	t.Parallel()
	s := account(t, "", keyed)
	for _, name := range []string{"created", "updated", "deleted", "used"} {
		if r := said(t, s, "template_"+name); r.Observations != nil || r.Ignored == "" {
			t.Errorf("%s: %+v", name, r)
		}
	}
}

func TestAnExpiredLinkEndsNothing(t *testing.T) {
	t.Parallel()
	s := account(t, "", keyed)
	o := said(t, s, "recipient_expired").Observations[0]
	if o.Status != model.InProgress || o.ExpiresAt == nil || !o.ExpiresAt.Before(noon) {
		t.Errorf("%+v", o)
	}
}

func TestRecipientsAreMatchedByIDWhateverTheirOrder(t *testing.T) {
	t.Parallel()
	s := account(t, "", keyed)
	from := row(model.InProgress)
	from.Signers = []model.Signer{{Ref: "101", Status: model.SignerWaiting}, {Ref: "102", Status: model.SignerWaiting}}
	want := map[string][2]model.SignerStatus{
		"document_opened":              {model.SignerViewed, model.SignerWaiting},
		"document_recipient_completed": {model.SignerSigned, model.SignerWaiting},
		"document_signed_by_the_last":  {model.SignerSigned, model.SignerSigned},
	}
	for name, want := range want {
		d := decided(t, s, name, from)
		if got := [2]model.SignerStatus{d.Next.Signers[0].Status, d.Next.Signers[1].Status}; got != want {
			t.Errorf("%s: %v", name, got)
		}
		if d.Next.SignersAll != 2 {
			t.Errorf("%s: the copy counts", name)
		}
	}
}

func TestNoTokenLeavesReceive(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/callbacks/*.http")
	if err != nil || len(files) == 0 {
		t.Fatal("no callbacks", err)
	}
	for _, block := range []string{keyed, teamless, "{api_key: k}"} {
		s := account(t, "", block, func(o *provider.Options) { o.ExternalID = "recipients.0.token" })
		for _, name := range files {
			c := called(t, strings.TrimSuffix(filepath.Base(name), ".http"))
			r, err := s.Receive(c)
			if errors.Is(err, provider.ErrUnverified) {
				continue // kept sealed, whole
			}
			clean := string(r.Clean)
			r.Clean = nil
			for _, hush := range []string{"tokenOf", "pass-word", "query-secret"} {
				if bytes.Contains(c.Body, []byte(hush)) && (clean == "" || strings.Contains(clean, hush)) || strings.Contains(fmt.Sprintf("%+v %v", r, err), hush) {
					t.Errorf("%s keeps %s: %s", name, hush, clean)
				}
			}
		}
	}
}

func TestOnlySecretsAreCut(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		`{"a":1,"token":"x","b":"token"}`:               `{"a":1,"token":"<cut>","b":"token"}`,
		`{"token" : "x\"y" , "b":[1]}`:                  `{"token" : "<cut>" , "b":[1]}`,
		`{"directLink":{"token":"x","a":[{}]},"b":2}`:   `{"directLink":"<cut>","b":2}`,
		`{"tok\u0065n":12345,"Token":["x"],"b":true}`:   `{"tok\u0065n":"<cut>","Token":"<cut>","b":true}`,
		`{"token":null,"webhookEndpoint":"http://u:p@h`: `{"token":null,"webhookEndpoint":"<cut>"`,
		`[{"token":"x"},{"token":"y`:                    `[{"token":"<cut>"},{"token":"<cut>"`,
		`{"token":true}`:                                `{"token":"<cut>"}`,
		"{\"to\u212aen\":1,\"a\":2}":                    "{\"to\u212aen\":\"<cut>\",\"a\":2}",
		`{"a":"b"}`:                                     "",
		`{"token":"<cut>","directLink":null,"token":`:   "",
		`{"x":"\\","token":"y"}`:                        `{"x":"\\","token":"<cut>"}`,
	} {
		if got := string(cut([]byte(in))); got != want {
			t.Errorf("%s: %s, want %s", in, got, want)
		}
	}
}

func TestPeekTellsRefAndTypeOnly(t *testing.T) {
	t.Parallel()
	s := account(t, "", keyed)
	if ref, typ := s.Peek(called(t, "with_an_empty_secret")); ref != testRef || typ != evSent {
		t.Errorf("%q %q", ref, typ)
	}
	if ref, typ := s.Peek(called(t, "test_button")); ref != "" || typ != evCompleted {
		t.Errorf("%q %q", ref, typ)
	}
	if ref, typ := s.Peek(called(t, "cut_short")); ref != "" || typ != "" {
		t.Errorf("%q %q", ref, typ)
	}
}

func TestTheCanaryIsTakenForATest(t *testing.T) {
	t.Parallel()
	s := account(t, "", keyed)
	h, body, err := s.Canary("canary-7", noon)
	if err != nil || !bytes.Contains(body, []byte("canary-7")) {
		t.Fatalf("%s, %v", body, err)
	}
	r, err := s.Receive(provider.Callback{Header: h, Body: body, ReceivedAt: noon})
	if err != nil || !r.Test || r.Observations != nil {
		t.Errorf("%+v, %v", r, err)
	}
	if _, _, err := account(t, "", "{api_key: k}").Canary("x", noon); err == nil || !strings.Contains(err.Error(), "webhook_secret") {
		t.Errorf("without a secret: %v", err)
	}
}

func TestExplainNamesTheSecretThatMatches(t *testing.T) {
	t.Parallel()
	s := account(t, "", "{api_key: k, webhook_secret: old, webhook_secrets: [other, "+testSecret+"]}")
	got := s.Explain(called(t, "document_sent"))
	providertest.Same(t, "trials", got, []provider.Trial{
		{Secret: "webhook_secret", Header: secretHeader}, {Secret: "webhook_secrets[0]", Header: secretHeader}, {Secret: "webhook_secrets[1]", Header: secretHeader, Match: true},
	})
	bare := called(t, "document_sent")
	bare.Header.Del(secretHeader)
	for want, c := range map[string]provider.Callback{"no such header": bare, "the header is empty": called(t, "with_an_empty_secret")} {
		for _, trial := range s.Explain(c) {
			if trial.Match || !strings.HasPrefix(trial.Note, want) {
				t.Errorf("%s: %+v", want, trial)
			}
		}
	}
	if got := account(t, "", "{api_key: k}").Explain(called(t, "document_sent")); len(got) != 1 || got[0].Match || got[0].Note == "" {
		t.Errorf("%+v", got)
	}
}
