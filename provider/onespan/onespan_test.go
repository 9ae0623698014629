package onespan

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"countersign/model"
	"countersign/provider"
	"countersign/provider/providertest"
	"countersign/provider/providertest/recorded"
)

const (
	testRef = "Zq3LkV0bXn7tR2mYwPcA-_s8HdE="
	testKey = "callback-key-of-the-tests"
	keyed   = "{api_key: the-api-key, callback_key: " + testKey + "}"
	ada     = "aDa0sIgNeR01"
	ben     = "bEn0sIgNeR02"
)

var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

// account is the provider of an account whose service is at base.
func account(t *testing.T, base, block string, change ...func(*provider.Options)) *service {
	t.Helper()
	return open(t, base, block, change...).Provider.(*service)
}

// open is an account whose service is at base.
func open(t *testing.T, base, block string, change ...func(*provider.Options)) provider.Service {
	t.Helper()
	o := provider.Options{
		Account: "sales", BaseURL: base, Settings: providertest.Decode(block), Client: http.DefaultClient,
		Now: func() time.Time { return noon },
	}
	for _, c := range change {
		c(&o)
	}
	p, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// answering serves one answer to every question.
func answering(t *testing.T, code int, contentType, body string) *providertest.Service {
	return providertest.Serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", contentType)
		w.WriteHeader(code)
		fmt.Fprint(w, body)
	})
}

// fetched is what Fetch makes of a recorded answer.
func fetched(t *testing.T, name string, change ...func(*provider.Options)) model.Observation {
	t.Helper()
	f := answering(t, http.StatusOK, "application/json; esl-api-version=11", recorded.Text(t, "answers/"+name))
	o, err := account(t, f.URL, keyed, change...).Fetch(t.Context(), testRef)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func TestNewTellsAllFaultsAtOnce(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		block string
		want  []string
	}{
		"no way in": {"{callback_key: k}", []string{"settings.api_key: exactly one"}},
		"two ways in": {"{api_key: a, oauth: {client_id: i, client_secret: s}}",
			[]string{"settings.api_key: exactly one"}},
		"an empty key": {"{api_key: a, callback_keys: [k, '']}", []string{"settings.callback_keys[1]: empty"}},
		"a bare oauth": {"{oauth: {token_url: 'ftp:x'}}",
			[]string{"oauth.client_id", "oauth.client_secret", "oauth.token_url"}},
		"sender, no email": {"{client_app: {client_id: i, secret: s, type: SENDER}}",
			[]string{"settings.client_app.email: must"}},
		"owner, an email": {"{client_app: {client_id: i, secret: s, type: OWNER, email: ada@example.org}}",
			[]string{"settings.client_app.email: only"}},
		"all of it": {"{callback_keys: [''], client_app: {type: BOSS}, oauth: {}}", []string{
			"settings.api_key", "callback_keys[0]", "client_app.client_id", "client_app.secret", "client_app.type",
			"oauth.client_id", "oauth.client_secret"}},
		"an unknown key": {"{api_key: a, api_kye: b}", []string{"api_kye"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := New(provider.Options{Settings: providertest.Decode(c.block)})
			for _, want := range c.want {
				if err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("got %v, want %q in it", err, want)
				}
			}
		})
	}
	if got := account(t, "", keyed).base; got != "https://apps.esignlive.com" {
		t.Errorf("the default host is %s", got)
	}
}

func TestFetchMapsEachWord(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]struct {
		status   model.Status
		word     string
		archived model.Flag
		reason   string
	}{
		"draft": {model.Draft, "DRAFT", model.No, ""}, "sent": {model.InProgress, "SENT", model.No, ""},
		"completed": {model.Completed, "COMPLETED", model.No, ""}, "archived": {model.Completed, "ARCHIVED", model.Yes, ""},
		"declined":  {model.Declined, "DECLINED", model.No, "The rent is not what we agreed on"},
		"opted_out": {model.OptedOut, "OPTED_OUT", model.No, "I prefer paper"}, "expired": {model.Expired, "EXPIRED",
			model.No, ""},
		"unknown_word": {"", "CANCELLED_BY_ROBOT", model.No, ""},
	} {
		o := fetched(t, name)
		if o.Status != want.status || o.ProviderStatus != want.word || o.Archived != want.archived ||
			o.Reason != want.reason || o.Evidence != model.Verified {
			t.Errorf("%s: got %+v", name, o)
		}
	}
}

func TestFetchTellsEverything(t *testing.T) {
	t.Parallel()
	at := func(s string) *time.Time { v, _ := time.Parse(time.RFC3339, s); return &v }
	o := fetched(t, "completed", func(o *provider.Options) { o.ExternalID = "data.contract_id" })
	providertest.Same(t, "completed", o, model.Observation{
		Ref: testRef, Evidence: model.Verified, Status: model.Completed, ProviderStatus: "COMPLETED", Archived: model.No,
		Trashed:    model.No,
		ExternalID: "C-2026-0042", Name: "Tenancy of 12 Example Street",
		Metadata: `{"origin":"esl","contract_id":"C-2026-0042"}`,
		Signers: []model.Signer{
			{Ref: ada, Name: "Ada Example", Email: "ada@example.org", Role: "Landlady", Order: 1, Status: model.SignerSigned,
				SignedAt: at("2026-03-02T09:10:00Z")},
			{Ref: ben, Name: "Ben Muster", Email: "ben@example.org", Role: "Tenant", Order: 2, Status: model.SignerSigned,
				SignedAt: at("2026-03-02T09:14:59Z")},
		},
		Judges:       []model.AttentionKind{model.SignerLockedOut, model.SenderMustFinish},
		ProviderTime: at("2026-03-02T09:15:00Z"), CreatedAt: at("2026-03-01T08:00:00Z"),
		ExpiresAt: at("2026-04-01T00:00:00Z"),
		Mark:      "2026-03-02T09:15:00Z|COMPLETED|false",
		Documents: []model.DocumentRef{
			{ID: "6f0c2d7be1", Kind: model.SignedDocument, Name: "Tenancy agreement"},
			{ID: "a1b2c3d4e5", Kind: model.SignedDocument, Name: "House rules"},
			{ID: "evidence-summary", Kind: model.EvidenceDocument, Name: "evidence-summary"},
		},
	})
	none := fetched(t, "completed", func(o *provider.Options) { o.Download = []string{} })
	if none.Documents == nil || len(none.Documents) != 0 {
		t.Errorf("statuses only: got %v", none.Documents)
	}
	only := fetched(t, "completed", func(o *provider.Options) { o.Download = []string{"evidence"} })
	providertest.Same(t, "evidence only", only.Documents,
		[]model.DocumentRef{{ID: "evidence-summary", Kind: model.EvidenceDocument, Name: "evidence-summary"}})
	trashed := fetched(t, "trashed")
	if trashed.Trashed != model.Yes || trashed.Status != model.InProgress ||
		trashed.Mark != "2026-03-02T09:15:00Z|SENT|true" {
		t.Errorf("trash is a flag beside the status: got %+v", trashed)
	}
	dates := fetched(t, "dates_with_fractions_and_offsets")
	if dates.Mark != "2026-03-02T09:15:00.25Z|SENT|false" || dates.ExpiresAt != nil {
		t.Errorf("fractions, offsets and nulls: got %+v", dates)
	}
}

func TestTemplatesAndLayoutsAreNoTransactions(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"template", "layout"} {
		providertest.Same(t, name, fetched(t, name),
			model.Observation{Ref: testRef, Evidence: model.Verified, Absence: model.NotFound})
	}
}

func TestWhatIsMissingIsTold(t *testing.T) {
	t.Parallel()
	const js, page = "application/json", "text/html; charset=UTF-8"
	for name, c := range map[string]struct {
		code   int
		kind   string
		body   string
		absent bool
		err    error
	}{
		"an unknown package": {404, js,
			`{"code":404,"message":"Not found.","messageKey":"error.notFound.packageNotFound"}`, true, nil},
		"another's package": {403, js,
			`{"code":403,"message":"No.","messageKey":"error.forbidden.noPermission"}`, true, nil},
		"a bare 404": {404, "", ``, true, nil},
		"the whole account is unknown": {404, js,
			`{"code":404,"message":"No.","messageKey":"error.notFound.accountNotFound"}`, false, provider.ErrDenied},
		"the gateway's page is no word": {403, page, `<html>Attention Required!</html>`, false, nil},
		"nor is its 404":                {404, page, `<html>Not Found</html>`, false, nil},
		"gone":                          {410, js, `{}`, true, nil},
		"the key is refused": {401, js,
			`{"code":401,"message":"No.","messageKey":"error.unauthorised.invalidApiKey"}`, false, provider.ErrDenied},
		"no package in it":      {200, js, `{}`, false, nil},
		"another package in it": {200, js, `{"id":"other","status":"SENT"}`, false, nil},
		"a page with 200":       {200, page, `<html>`, false, nil},
		"cut off":               {200, js, `{"id":"` + testRef + `","sta`, false, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o, err := account(t, answering(t, c.code, c.kind, c.body).URL, keyed).Fetch(t.Context(), testRef)
			switch {
			case c.absent && (err != nil || o.Absence != model.NotFound || o.Evidence != model.Verified):
				t.Errorf("got %+v, %v, want not found", o, err)
			case !c.absent && (err == nil || c.err != nil && !errors.Is(err, c.err)):
				t.Errorf("got %v, want %v", err, c.err)
			case c.err == nil && errors.Is(err, provider.ErrDenied):
				t.Errorf("one answer stops the account: %v", err)
			}
		})
	}
	o, err := account(t, "http://127.0.0.1:1", keyed).Fetch(t.Context(), "")
	if err != nil || o.Absence != model.NotFound {
		t.Errorf("no ref would ask for the list: %v %v", o, err)
	}
}

func TestIdsAreEscapedInPaths(t *testing.T) {
	t.Parallel()
	f := answering(t, http.StatusNotFound, "application/json", `{}`)
	s := account(t, f.URL, keyed)
	for _, ref := range []string{testRef, "a/b", "..", "x?y#z", "..%2f"} {
		if _, err := s.Fetch(t.Context(), ref); err != nil {
			t.Error(err)
		}
	}
	for _, r := range f.Requests() {
		if got := strings.Count(r.URL.EscapedPath(), "/"); got != 3 || r.URL.RawQuery != "" || r.Method != http.MethodGet {
			t.Errorf("%s %s left its place", r.Method, r.RequestURI)
		}
	}
	if got := f.Requests()[0].Header.Get("Authorization"); got != "Basic the-api-key" {
		t.Errorf("the API key goes bare: got %q", got)
	}
}

func TestDownload(t *testing.T) {
	t.Parallel()
	const pdf = "%PDF-1.7\n1 0 obj\n<<>>\nendobj\n%%EOF\n"
	f := providertest.Serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch {
		case strings.HasSuffix(r.URL.Path, "/documents/6f0c2d7be1/pdf"):
			w.Header().Set("Content-Type", "application/octet-stream; esl-api-version=11")
			w.Header().Set("Content-Disposition", "attachment; filename*=UTF-8''Tenancy%20%C3%BC.pdf")
			io.WriteString(w, pdf)
		case strings.HasSuffix(r.URL.Path, "/evidence/summary"):
			w.Header().Set("Content-Type", "application/pdf")
			io.WriteString(w, pdf)
		case strings.Contains(r.URL.Path, "forbidden"):
			w.WriteHeader(http.StatusForbidden)
		case strings.Contains(r.URL.Path, "conflict"):
			w.WriteHeader(http.StatusConflict)
		default:
			w.WriteHeader(http.StatusNotFound)
		}
	})
	s := account(t, f.URL, keyed)
	for id, want := range map[string]error{"6f0c2d7be1": nil, "not-yet": provider.ErrNotReady,
		"conflict": provider.ErrNotReady, "forbidden": provider.ErrNotFound} {
		var out bytes.Buffer
		d, err := s.Download(t.Context(), testRef, model.DocumentRef{ID: id, Kind: model.SignedDocument}, &out)
		if !errors.Is(err, want) {
			t.Errorf("%s: got %v, want %v", id, err, want)
		}
		if err == nil && (out.String() != pdf || d.Name != "Tenancy ü.pdf" || d.Length != int64(len(pdf))) {
			t.Errorf("%s: got %q, %+v", id, out.String(), d)
		}
	}
	var out bytes.Buffer
	if _, err := s.Download(t.Context(), testRef, model.DocumentRef{ID: evidenceID, Kind: model.EvidenceDocument},
		&out); err != nil || out.String() != pdf {
		t.Errorf("evidence: %v, %q", err, out.String())
	}
	for _, r := range f.Requests() {
		if got := r.Header.Get("Accept"); got != "*/*" {
			t.Errorf("%s accepts %q", r.URL.Path, got)
		}
	}
}

func TestRegistration(t *testing.T) {
	t.Parallel()
	f := answering(t, http.StatusOK, "application/json", `{"url":"https://sign.example.org/callbacks/sales","key":"`+
		testKey+`","events":["PACKAGE_COMPLETE","PACKAGE_READY_FOR_COMPLETION"]}`)
	got, err := account(t, f.URL, keyed).Registration(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	providertest.Same(t, "registration", got,
		provider.Registration{URL: "https://sign.example.org/callbacks/sales", Scope: "account",
			Events: []string{"PACKAGE_COMPLETE", "PACKAGE_READY_FOR_COMPLETE"}})
	got, err = account(t, answering(t, http.StatusOK, "application/json", `{}`).URL, keyed).Registration(t.Context())
	if err != nil || got.URL != "" || got.Events == nil {
		t.Errorf("nothing registered: got %+v, %v", got, err)
	}
	_, err = account(t, answering(t, http.StatusForbidden, "application/json", `{}`).URL, keyed).Registration(t.Context())
	if err == nil || errors.Is(err, provider.ErrDenied) {
		t.Errorf("no right to read it stops the account: %v", err)
	}
}

func TestCheckWarnsOfShortRetention(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		body string
		want int
	}{
		"long enough":     {`{"transactionRetention":{"draft":90,"sent":2,"completed":90,"archived":90,"declined":90,"optedOut":90,"expired":90}}`, 0},
		"a day, and none": {`{"transactionRetention":{"draft":90,"sent":90,"completed":1,"archived":0,"declined":90,"optedOut":90,"expired":90}}`, 2},
		"over all, newer": {`{"transactionRetention":{"completed":90,"lifetimeTotal":1,"lifetimeUntilCompletion":0}}`,
			1},
		"nothing told":         {`{"transactionRetention":{}}`, 0},
		"null for what is off": {`{"transactionRetention":{"completed":null}}`, 0},
	} {
		got, err := account(t, answering(t, http.StatusOK, "application/json", c.body).URL, keyed).Check(t.Context())
		if err != nil || len(got.Warnings) != c.want || got.ID != "" {
			t.Errorf("%s: got %+v, %v", name, got, err)
		}
	}
	_, err := account(t, answering(t, http.StatusUnauthorized, "application/json", `{}`).URL, keyed).Check(t.Context())
	if !errors.Is(err, provider.ErrDenied) {
		t.Errorf("got %v, want denied", err)
	}
	f := providertest.Serve(t, func(w http.ResponseWriter, r *http.Request) {
		if strings.Contains(r.URL.Path, "dataRetention") {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		fmt.Fprint(w, `{"count":0,"results":[]}`)
	})
	got, err := account(t, f.URL, keyed).Check(t.Context())
	if err != nil || len(got.Warnings) != 1 {
		t.Errorf("a key without that right still proves itself: %+v, %v", got, err)
	}
}
