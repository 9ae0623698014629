package autosign

import (
	"errors"
	"strings"
	"testing"
	"time"

	"countersign/model"
	"countersign/provider"
	"countersign/provider/providertest/recorded"
)

// The traps of the service, each by its name (dossier: 2d and others). What becomes of a row is
// model.Decide's to say: these tests ask it.

// row is a row that has been confirmed.
func row(status model.Status) model.Transaction {
	confirmed := noon.Add(-time.Hour)
	return model.Transaction{
		Account: "la", Ref: testRef, Status: status, Confirmed: true, FirstSeenAt: confirmed, ConfirmedAt: &confirmed,
		AskedAt: &confirmed, Version: 3, SignersSet: true,
		Signers: []model.Signer{{Ref: ada, Name: "Ada Example", Status: model.SignerWaiting}},
	}
}

// answered is an answer to a question about the newest version of a row.
func answered(o model.Observation, t model.Transaction) model.Observation {
	o.Version, o.At, o.AskedAt = t.Version, noon.Add(time.Minute), noon.Add(time.Minute)
	return o
}

func TestCancelledSaysExpiredAndTheTypeDecides(t *testing.T) {
	t.Parallel()
	o := claim(t, "transaction_cancelled")
	if o.Status != model.Cancelled || o.ProviderStatus != "expired" || o.Reason != "Campos incorrectos" {
		t.Errorf("it claims %q, the service's word %q, because %q", o.Status, o.ProviderStatus, o.Reason)
	}
	d := model.Decide(rules(), row(model.InProgress), o)
	if d.Next.Status != model.Cancelled || d.Reason != model.Moved || d.Next.NextCheckAt == nil {
		t.Errorf("an open row becomes %s (%s), due %v", d.Next.Status, d.Reason, d.Next.NextCheckAt)
	}
	after := model.Decide(rules(), d.Next, answered(fetched(t, "expired"), d.Next))
	if after.Next.Status != model.Cancelled || !after.Next.Confirmed || len(after.Found) > 0 ||
		after.Next.ProviderStatus != "expired" {
		t.Errorf("an answer of expired makes it %s, confirmed %v, found %v", after.Next.Status, after.Next.Confirmed,
			after.Found)
	}
}

func TestARowThatAPollTookForExpiredBecomesCancelledByItsEvent(t *testing.T) {
	t.Parallel()
	polled := model.Decide(rules(), row(model.InProgress), answered(fetched(t, "expired"), row(model.InProgress)))
	if polled.Next.Status != model.Expired || !polled.Next.Confirmed {
		t.Fatalf("a poll makes it %s", polled.Next.Status)
	}
	o := claim(t, "transaction_cancelled")
	o.At = noon.Add(2 * time.Minute)
	d := model.Decide(rules(), polled.Next, o)
	if d.Next.Status != model.Cancelled || d.Next.Confirmed {
		t.Errorf("the event makes it %s, confirmed %v", d.Next.Status, d.Next.Confirmed)
	}
	back := claim(t, "transaction_expired")
	back.At = noon.Add(3 * time.Minute)
	if d := model.Decide(rules(), d.Next, back); d.Next.Status != model.Cancelled || d.Next.NextCheckAt == nil {
		t.Errorf("an expired event after it makes it %s", d.Next.Status)
	}
}

func TestAMissedCancellationIsToldByEitherEvent(t *testing.T) {
	t.Parallel()
	for _, typ := range []string{transactionExpired, transactionCancelled} {
		told := false
		for _, listed := range rules().TypesFor(model.ChangeStatus, model.Expired) {
			told = told || listed == typ
		}
		if !told {
			t.Errorf("%s does not explain that a poll found expired", typ)
		}
	}
}

func TestOneEventIDWithTwoTypesIsTwoEvents(t *testing.T) {
	t.Parallel()
	a, b := told(t, "transaction_expired"), told(t, "transaction_cancelled")
	if a.EventID == "" || a.EventID != b.EventID {
		t.Fatalf("the samples should share an id: %q %q", a.EventID, b.EventID)
	}
	if a.DedupeKey == "" || a.DedupeKey == b.DedupeKey {
		t.Errorf("keys %q and %q", a.DedupeKey, b.DedupeKey)
	}
	if again := told(t, "transaction_expired"); again.DedupeKey != a.DedupeKey {
		t.Error("the same event has two keys")
	}
	once, twice := told(t, "without_an_event_id"), told(t, "without_an_event_id")
	if once.DedupeKey == "" || once.DedupeKey != twice.DedupeKey || once.EventID != "" {
		t.Errorf("without an id the whole body is the event: %q, then %q", once.DedupeKey, twice.DedupeKey)
	}
}

func TestTheLastSubmissionNeverImpliesCompletion(t *testing.T) {
	t.Parallel()
	o := claim(t, "recipient_submitted")
	if o.Status != "" || !o.Refetch {
		t.Errorf("it claims %q, asks %v", o.Status, o.Refetch)
	}
	d := model.Decide(rules(), row(model.InProgress), o)
	if d.Next.Status != model.InProgress || d.Next.SignersDone != 1 || d.Next.SignersAll != 1 ||
		d.Next.NextCheckAt == nil || len(d.Documents) > 0 {
		t.Errorf("all have signed: %s, %d of %d, due %v", d.Next.Status, d.Next.SignersDone, d.Next.SignersAll,
			d.Next.NextCheckAt)
	}
}

func TestSubmittedAtIsNotStableAndIsNoChange(t *testing.T) {
	t.Parallel()
	signed := model.Decide(rules(), row(model.InProgress), claim(t, "recipient_submitted")).Next
	o := claim(t, "transaction_completed") // another time of the same signature
	o.At = noon.Add(time.Second)
	d := model.Decide(rules(), signed, o)
	if len(d.Changes) != 1 || d.Changes[0].Kind != model.KindStatus {
		t.Errorf("more than the status changed: %v", d.Changes)
	}
	first := fetched(t, "started_one_submitted")
	first.Signers = first.Signers[1:2]
	seen := model.Decide(rules(), row(model.InProgress), answered(first, row(model.InProgress)))
	second := answered(first, seen.Next)
	second.Signers = append([]model.Signer(nil), first.Signers...)
	moved := second.Signers[0].SignedAt.Add(2533 * time.Millisecond)
	second.Signers[0].SignedAt = &moved
	again := model.Decide(rules(), seen.Next, second)
	if again.Grew || len(again.Found) > 0 || len(again.Changes) > 0 {
		t.Errorf("another time is taken for a change: %+v %+v", again.Found, again.Changes)
	}
}

func TestCreatedIsNotTheOrderOfDelivery(t *testing.T) {
	t.Parallel()
	r := row(model.Draft)
	for _, name := range []string{"transaction_completed", "recipient_submitted", "transaction_started",
		"transaction_created"} {
		o := claim(t, name)
		o.At = noon.Add(time.Minute)
		r = model.Decide(rules(), r, o).Next
	}
	if r.Status != model.Completed {
		t.Errorf("delivered backwards, the row is %s", r.Status)
	}
}

func TestExpirationDaysMayBeNull(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"transaction_expired", "transaction_expired_after_days"} {
		if o := claim(t, name); o.Status != model.Expired {
			t.Errorf("%s claims %q", name, o.Status)
		}
	}
}

func TestUpdatedAtDoesNotMoveSoItIsNoMark(t *testing.T) {
	t.Parallel()
	a, b := fetched(t, "started"), fetched(t, "started_one_submitted") // with one updated_at
	if a.Mark != "" || b.Mark != "" {
		t.Errorf("marks %q and %q", a.Mark, b.Mark)
	}
	if !b.ProviderTime.After(*a.ProviderTime) {
		t.Error("the newest time is not looked for below the transaction")
	}
}

func TestOfTwoDifferentEndsTheFirstStays(t *testing.T) {
	t.Parallel()
	for first, second := range map[string]string{
		"transaction_completed": "transaction_cancelled", "transaction_rejected": "transaction_expired",
		"transaction_cancelled": "transaction_completed", "transaction_expired": "transaction_rejected",
	} {
		ended := model.Decide(rules(), row(model.InProgress), claim(t, first)).Next
		confirmed := ended
		confirmed.Confirmed, confirmed.ReportedStatus, confirmed.NextCheckAt, confirmed.DueSince = true, "", nil, nil
		o := claim(t, second)
		o.At = noon.Add(time.Minute)
		d := model.Decide(rules(), confirmed, o)
		if d.Next.Status != ended.Status || d.Next.ReportedStatus != o.Status || d.Next.NextCheckAt == nil {
			t.Errorf("%s, then %s: %s, reported %q, due %v", first, second, d.Next.Status, d.Next.ReportedStatus,
				d.Next.NextCheckAt)
		}
	}
}

func TestAnOlderEventNeverReopens(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"transaction_created", "transaction_started", "recipient_submitted"} {
		d := model.Decide(rules(), row(model.Completed), claim(t, name))
		if d.Next.Status != model.Completed {
			t.Errorf("%s makes a completed row %s", name, d.Next.Status)
		}
	}
}

func TestArchivedIsFilingNotAStatus(t *testing.T) {
	t.Parallel()
	o := fetched(t, "completed_archived")
	if o.Status != model.Completed || o.Archived != model.Yes {
		t.Errorf("%s, archived %v", o.Status, o.Archived)
	}
}

func TestNameRecipientsAndDocumentsStandInTheTemplate(t *testing.T) {
	t.Parallel()
	o := fetched(t, "completed")
	if o.Name != "Contrato de prueba" || len(o.Signers) != 3 || len(o.Documents) != 1 || o.Documents[0].ID != source {
		t.Errorf("%q, %d signers, documents %v", o.Name, len(o.Signers), o.Documents)
	}
	if o.Signers[0].Role != "sender" || o.Signers[2].Role != "proxy" {
		t.Errorf("in order: %v", o.Signers)
	}
}

func TestARecipientsTokenIsNeverKept(t *testing.T) {
	t.Parallel()
	f := answering(t, 200, "application/json", recorded.Text(t, "answers/completed"))
	o, err := account(t, f.URL, keyed, func(o *provider.Options) { o.ExternalID = "template.name" }).Fetch(t.Context(),
		testRef)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range o.Signers {
		if strings.Contains(s.Ref+s.Name+s.Email+s.Role+s.Reason, "token") {
			t.Error("a signer holds a token")
		}
	}
	r := told(t, "with_tokens_and_signing_links")
	if s := string(r.Clean); strings.Contains(s, "a-signing-token") || strings.Contains(s, "app.example.net") ||
		!strings.Contains(s, `"token":"<cut>"`) {
		t.Errorf("kept as %s", s)
	}
}

func TestBothWaysToADocumentAgreeOnItsID(t *testing.T) {
	t.Parallel()
	links := told(t, "transaction_completed").Links
	for _, name := range []string{"completed", "completed_shows_sealed_documents",
		"completed_shows_them_in_the_template"} {
		o := fetched(t, name)
		if len(links) != 1 || len(o.Documents) != 1 || links[0].Document.ID != o.Documents[0].ID ||
			links[0].Document.Kind != o.Documents[0].Kind {
			t.Errorf("%s: a callback tells %v, an answer %v", name, links, o.Documents)
		}
	}
}

func TestACompletedTransactionIsNeverWithoutADocument(t *testing.T) {
	t.Parallel()
	if o := fetched(t, "completed_lists_no_document"); len(o.Documents) != 1 {
		t.Errorf("documents: %v", o.Documents)
	}
	f := answering(t, 200, "application/json", recorded.Text(t, "answers/completed"))
	o, err := account(t, f.URL, keyed, func(o *provider.Options) { o.Download = []string{} }).Fetch(t.Context(), testRef)
	if err != nil || o.Documents == nil || len(o.Documents) != 0 {
		t.Errorf("with none wanted: %v, %v", o.Documents, err)
	}
}

func TestWithoutASecretEveryCallbackIsRefused(t *testing.T) {
	t.Parallel()
	s := plain(t, "", "{access_token: x}")
	c := called(`{"id":"e","type":"transaction_started","data":{"id":"r"}}`)
	if _, err := s.Receive(c); !errors.Is(err, provider.ErrUnverified) ||
		!strings.Contains(err.Error(), "webhook_secrets") {
		t.Errorf("got %v", err)
	}
}

func TestStatusWordsMayBeAdded(t *testing.T) {
	t.Parallel()
	block := "{access_token: x, status_words: {anulado: cancelled, in_review: in_progress}}"
	for word, want := range map[string]model.Status{"anulado": model.Cancelled, "ANULADO": model.Cancelled,
		"in_review": model.InProgress, "voided": model.Cancelled, "new": ""} {
		f := answering(t, 200, "application/json", string(withStatus(word)))
		o, err := account(t, f.URL, block).Fetch(t.Context(), testRef)
		if err != nil || o.Status != want || o.ProviderStatus != word {
			t.Errorf("%s: %q, kept as %q, %v", word, o.Status, o.ProviderStatus, err)
		}
	}
}

func TestAForbiddenTransactionIsNotFound(t *testing.T) {
	t.Parallel()
	f := answering(t, 403, "application/json", `{}`)
	o, err := account(t, f.URL, keyed).Fetch(t.Context(), testRef)
	if err != nil || o.Absence != model.NotFound {
		t.Errorf("%+v, %v", o, err)
	}
	page := answering(t, 404, "text/html", `<html>`)
	if _, err := account(t, page.URL, keyed).Fetch(t.Context(), testRef); err == nil {
		t.Error("a page of something in between is no word on a transaction")
	}
}
