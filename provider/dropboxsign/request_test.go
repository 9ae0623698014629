package dropboxsign

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"countersign/model"
	"countersign/provider"
	"countersign/provider/lenient"
	"countersign/provider/providertest"
	"countersign/provider/providertest/recorded"
)

// Each recorded answer and where it says that the request stands.
var standings = map[string]struct {
	word   string
	status model.Status
}{
	"open":                     {wordOpen, model.InProgress},
	"open_one_viewed":          {wordOpen, model.InProgress},
	"open_one_signed":          {wordOpen, model.InProgress},
	"open_all_signed":          {wordOpen, model.InProgress},
	"open_unknown_code":        {"open: awaiting_witness", model.InProgress},
	"open_invalid_email":       {wordInvalidEmail, model.InProgress},
	"open_in_test_mode":        {wordOpen, model.InProgress},
	"complete":                 {wordComplete, model.Completed},
	"complete_with_error":      {wordComplete, model.Completed},
	"declined":                 {wordDeclined, model.Declined},
	"declined_by_code_only":    {wordDeclined, model.Declined},
	"expired":                  {wordExpired, model.Expired},
	"has_error":                {wordError, model.Failed},
	"error_file":               {"error_file", model.Failed},
	"error_text_tag":           {"error_text_tag", model.Failed},
	"error_unknown":            {"error_unknown", model.Failed},
	"error_component_position": {"error_component_position", model.Failed},
	"on_hold_by_requester":     {wordPrepared, model.Draft},
	"on_hold":                  {wordHeld, model.Draft},
	"success":                  {wordOpen, model.InProgress},
	"sparse":                   {wordOpen, model.InProgress},
}

func TestWhereARequestStands(t *testing.T) {
	t.Parallel()
	files, err := recordings("answers/*.json")
	if err != nil || len(files) != len(standings) {
		t.Errorf("%d answers, %d expected: %v", len(files), len(standings), err)
	}
	shown := map[string]bool{wordCanceled: true} // a canceled request has no answer but 410
	for name, want := range standings {
		o := fetched(t, name)
		if o.ProviderStatus != want.word || o.Status != want.status || o.Evidence != model.Verified || o.Ref != testRef {
			t.Errorf("%s: %s %q of %s, want %s %q", name, o.Status, o.ProviderStatus, o.Ref, want.status, want.word)
		}
		shown[o.ProviderStatus] = true
	}
	for word := range words {
		if !shown[word] {
			t.Errorf("no answer shows %s", word)
		}
	}
}

func TestTheFirstTestThatHoldsDecides(t *testing.T) {
	t.Parallel()
	signer := func(codes ...lenient.Text) (list lenient.List[signature]) {
		for _, c := range codes {
			list.Items = append(list.Items, signature{Code: c})
		}
		return list
	}
	for name, c := range map[string]struct {
		r    request
		word string
		want model.Status
	}{
		"complete before all": {request{Complete: lenient.Yes, Declined: lenient.Yes, Error: lenient.Yes,
			Signatures: signer("declined", "expired", "error_file")}, wordComplete, model.Completed},
		"declined before expired": {request{Signatures: signer("expired", "declined", "error_file")},
			wordDeclined, model.Declined},
		"expired before an error": {request{Error: lenient.Yes, Signatures: signer("error_file", "expired")},
			wordExpired, model.Expired},
		"an error before an invalid address": {request{Signatures: signer("error_invalid_email", "error_file")},
			"error_file", model.Failed},
		"has_error with an invalid address": {request{Error: lenient.Yes, Signatures: signer("error_invalid_email")},
			wordError, model.Failed},
		"an invalid address before held": {request{Signatures: signer("on_hold", "error_invalid_email")},
			wordInvalidEmail, model.InProgress},
		"some held by the requester": {request{Signatures: signer("on_hold_by_requester", "awaiting_signature")},
			wordOpen, model.InProgress},
		"held by both": {request{Signatures: signer("on_hold_by_requester", "on_hold")}, wordHeld,
			model.Draft},
		"nobody signs":           {request{}, wordOpen, model.InProgress},
		"no codes":               {request{Signatures: signer("", "")}, wordOpen, model.InProgress},
		"an error of a new kind": {request{Signatures: signer("error_quantum")}, "error_quantum", model.Failed},
		"a new code of a complete request": {request{Complete: lenient.Yes, Signatures: signer("signed", "notarised")},
			"complete: notarised", model.Completed},
		"a new code in capitals is not known": {request{Signatures: signer("Declined")}, "open: Declined", model.InProgress},
	} {
		if word, status := c.r.standing(); word != c.word || status != c.want {
			t.Errorf("%s: %q %s", name, word, status)
		}
	}
}

// All have signed, and the request is not complete: its file is not the final one yet.
func TestAllSignedIsNotComplete(t *testing.T) {
	t.Parallel()
	o := fetched(t, "open_all_signed")
	if o.Status != model.InProgress || o.Signers[0].Status != model.SignerSigned ||
		o.Signers[1].Status != model.SignerSigned {
		t.Errorf("%s, %+v", o.Status, o.Signers)
	}
}

// There is no flag for an expired request: a daemon that reads only the flags polls it for ever.
func TestExpiredIsReadFromTheSigners(t *testing.T) {
	t.Parallel()
	o := fetched(t, "expired")
	if o.Status != model.Expired || o.Signers[0].Status != model.SignerSigned ||
		o.Signers[1].Status != model.SignerWaiting {
		t.Errorf("%s, %+v", o.Status, o.Signers)
	}
}

func TestAnUnknownCodeIsShownAndEndsNothing(t *testing.T) {
	t.Parallel()
	o := fetched(t, "open_unknown_code")
	if o.Status.Final() || !strings.Contains(o.ProviderStatus, "awaiting_witness") {
		t.Errorf("%s %q", o.Status, o.ProviderStatus)
	}
}

func TestAWholeAnswer(t *testing.T) {
	t.Parallel()
	at := func(s int64) *time.Time { v := time.Unix(s, 0).UTC(); return &v }
	got := fetched(t, "complete", func(o *provider.Options) { o.ExternalID = "metadata.contract_id" })
	providertest.Same(t, "complete", got, model.Observation{
		Ref: testRef, Evidence: model.Verified, Status: model.Completed, ProviderStatus: "complete", Test: model.No,
		ExternalID: "C-1042", Name: "Purchase agreement", Metadata: `{"contract_id":"C-1042"}`,
		Signers: []model.Signer{
			{Ref: ada, Name: "Ada Example", Email: "ada@example.org", Status: model.SignerSigned, ViewedAt: at(1772442600),
				SignedAt: at(1772442880)},
			{Ref: ben, Name: "Ben Example", Email: "ben@example.org", Order: 1, Status: model.SignerSigned,
				ViewedAt: at(1772443000), SignedAt: at(1772443200)},
		},
		Judges:       []model.AttentionKind{model.EmailBounced, model.FileError},
		ProviderTime: at(1772443200), CreatedAt: at(1772442000),
		Documents: []model.DocumentRef{{ID: "final", Kind: model.SignedDocument, Name: "Purchase agreement.pdf"}},
	})
}

func TestASparseAnswerIsRead(t *testing.T) {
	t.Parallel()
	o := fetched(t, "sparse")
	if o.CreatedAt != nil || o.ExpiresAt != nil || o.Metadata != "" || o.Test != model.No ||
		o.Documents[0].Name != "Sparse.PDF" || len(o.Signers) != 1 {
		t.Errorf("%+v", o)
	}
}

func TestExpiryIsOptional(t *testing.T) {
	t.Parallel()
	if o := fetched(t, "open"); o.ExpiresAt != nil { // null; 0 is in the sparse one
		t.Error(o.ExpiresAt)
	}
	if o := fetched(t, "open_one_signed"); o.ExpiresAt == nil || o.ExpiresAt.Unix() != 1775000000 {
		t.Error(o.ExpiresAt)
	}
}

func TestSignersMoveWithWhatTheyDid(t *testing.T) {
	t.Parallel()
	for name, want := range map[string][2]model.SignerStatus{
		"open":            {model.SignerWaiting, model.SignerWaiting},
		"open_one_viewed": {model.SignerViewed, model.SignerWaiting},
		"open_one_signed": {model.SignerSigned, model.SignerWaiting},
		"declined":        {model.SignerSigned, model.SignerDeclined},
		"success":         {model.SignerWaiting, model.SignerSigned},
		"on_hold":         {model.SignerWaiting, model.SignerWaiting},
	} {
		o := fetched(t, name)
		if got := [2]model.SignerStatus{o.Signers[0].Status, o.Signers[1].Status}; got != want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestSignersWithoutAnIDAreToldApart(t *testing.T) {
	t.Parallel()
	list := request{Signatures: lenient.List[signature]{Items: []signature{{}, {}, {ID: "a"}, {ID: "a"}}}}.signers()
	seen := map[string]bool{}
	for _, m := range list {
		seen[m.Ref] = true
	}
	if len(seen) != len(list) {
		t.Errorf("%+v", list)
	}
}

func TestAttentionOfAnswers(t *testing.T) {
	t.Parallel()
	for name, want := range map[string][]model.Attention{
		"open":                nil,
		"open_invalid_email":  {{Kind: model.EmailBounced, Signer: ben, Message: "550 no such mailbox"}},
		"error_file":          {{Kind: model.FileError, Message: "The file could not be converted"}},
		"has_error":           {{Kind: model.FileError}},
		"complete_with_error": nil,
		"expired":             nil,
	} {
		providertest.Same(t, name, fetched(t, name).Attention, want)
	}
}

func TestReasonsAreTheProvidersWords(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"declined": "The price is wrong", "error_file": "The file could not be converted", "complete_with_error": "",
		"open": "",
	} {
		if o := fetched(t, name); o.Reason != want {
			t.Errorf("%s: %q", name, o.Reason)
		}
	}
}

func TestTheTestFlag(t *testing.T) {
	t.Parallel()
	if o := fetched(t, "open_in_test_mode"); o.Test != model.Yes {
		t.Error(o.Test)
	}
}

func TestOneMergedDocumentIsKept(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		download []string
		want     int
	}{{nil, 1}, {[]string{"signed", "evidence"}, 1}, {[]string{"evidence"}, 0}, {[]string{}, 0}} {
		o := fetched(t, "complete", func(o *provider.Options) { o.Download = c.download })
		if o.Documents == nil || len(o.Documents) != c.want {
			t.Errorf("%v: %v", c.download, o.Documents)
		}
	}
}

// Whoever holds a signing URL can sign: no answer may carry one on.
func TestNoSigningURLLeavesAnAnswer(t *testing.T) {
	t.Parallel()
	for name := range standings {
		raw, err := os.ReadFile(filepath.Join("testdata/answers", name+".json"))
		if err != nil {
			t.Fatal(err)
		}
		if o := fetched(t, name); strings.Contains(o.Metadata+o.Name+o.Reason, "/sign/") ||
			!strings.Contains(string(raw), testRef) {
			t.Errorf("%s: %+v", name, o)
		}
	}
}

func TestAnAnswerThatIsNoneIsAnError(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"empty":           `{}`,
		"null":            `{"signature_request":null}`,
		"no id":           `{"signature_request":{"title":"x"}}`,
		"another one":     `{"signature_request":{"signature_request_id":"other","signatures":[]}}`,
		"cut off":         recorded.Text(t, "answers/complete")[:400],
		"no signers list": `{"signature_request":{"signature_request_id":"` + testRef + `","signatures":{"a":1}}}`,
		"a page":          `<html>maintenance</html>`,
	} {
		f := answering(t, http.StatusOK, "application/json", body)
		if o, err := account(t, f.URL, keyed).Fetch(t.Context(), testRef); err == nil {
			t.Errorf("%s: %+v", name, o)
		}
	}
}
