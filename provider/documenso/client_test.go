package documenso

import (
	"bytes"
	"context"
	"encoding/json"
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
	"countersign/provider/transport"
)

const noSuchEnvelope = `{"message":"Envelope could not be found","code":"INTERNAL_SERVER_ERROR","data":{"code":"NOT_FOUND","httpStatus":404,"path":"envelope.get","appError":{"code":"NOT_FOUND"}}}`

func TestTheKeyGoesBare(t *testing.T) {
	t.Parallel()
	f := answering(t, http.StatusOK, recorded.Text(t, "answers/pending_one_signed"))
	if _, err := account(t, f.URL+"/sub", keyed).Fetch(t.Context(), testRef); err != nil {
		t.Fatal(err)
	}
	if r := f.Requests()[0]; r.Header.Get("Authorization") != testKey || r.URL.Path != "/sub/api/v2/envelope/"+testRef {
		t.Errorf("%s with %q", r.URL, r.Header.Get("Authorization"))
	}
}

func TestWhatAnswersToAFetchMean(t *testing.T) {
	t.Parallel()
	code := func(top, data string, status int) string {
		return fmt.Sprintf(`{"message":"about ada@example.org","code":%q,"data":{"code":%q,"httpStatus":%d,"path":"envelope.get"}}`, top, data, status)
	}
	const internal = "INTERNAL_SERVER_ERROR"
	for name, c := range map[string]struct {
		code   int
		body   string
		absent bool
		want   error
		text   string
	}{
		"not known":                       {404, noSuchEnvelope, true, nil, ""},
		"not for us":                      {403, code(internal, "FORBIDDEN", 403), true, nil, ""},
		"an id that is none":              {400, code(internal, "INVALID_REQUEST", 400), true, nil, ""},
		"a bad parameter, our bug":        {400, code("BAD_REQUEST", "BAD_REQUEST", 400), false, nil, "BAD_REQUEST"},
		"a wrong key":                     {401, code(internal, "UNAUTHORIZED", 401), false, provider.ErrDenied, "UNAUTHORIZED"},
		"an expired key, which says 400":  {400, code(internal, "EXPIRED_CODE", 401), false, provider.ErrDenied, "EXPIRED_CODE"},
		"the server fell":                 {500, code(internal, internal, 500), false, provider.ErrUnavailable, internal},
		"a 200's code in an error counts": {502, "bad gateway", false, provider.ErrUnavailable, "502"},
		"no such address":                 {404, `{"message":"Not found","code":"NOT_FOUND","data":{"code":"NOT_FOUND","httpStatus":404}}`, false, errAddress, "base_url"},
	} {
		f := answering(t, c.code, c.body)
		o, err := account(t, f.URL, keyed).Fetch(t.Context(), testRef)
		switch {
		case c.absent && (err != nil || o.Absence != model.NotFound || o.Ref != testRef):
			t.Errorf("%s: %+v, %v", name, o, err)
		case !c.absent && (err == nil || c.want != nil && !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.text) || errors.Is(err, provider.ErrNotFound)):
			t.Errorf("%s: %+v, %v", name, o, err)
		case err != nil && (strings.Contains(err.Error(), "ada@") || strings.Contains(err.Error(), testKey)):
			t.Errorf("%s: the error tells too much: %v", name, err)
		}
	}
}

func TestWhatIsNoEnvelopesIDIsNotAskedAbout(t *testing.T) {
	t.Parallel()
	f := answering(t, http.StatusInternalServerError, "")
	s := account(t, f.URL, keyed)
	for _, ref := range []string{"", "71", "env_123", "document_", "document_0", "document_7x", "document_-1", "document_" + strings.Repeat("7", 16), refPrefix, refPrefix + strings.Repeat("a", longest)} {
		if o, err := s.Fetch(t.Context(), ref); err != nil || o.Absence != model.NotFound || o.Ref != ref {
			t.Errorf("%.20q: %+v, %v", ref, o, err)
		}
	}
	if len(f.Requests()) != 0 {
		t.Error("it was asked")
	}
}

func TestATemplateAndAnotherTeamsEnvelopeAreNotFound(t *testing.T) {
	t.Parallel()
	if o := fetched(t, "template"); o.Absence != model.NotFound || o.Name != "" {
		t.Errorf("%+v", o)
	}
	f := answering(t, http.StatusOK, strings.Replace(recorded.Text(t, "answers/completed"), `"teamId": 8`, `"teamId": 9`, 1))
	if o, err := account(t, f.URL, keyed).Fetch(t.Context(), testRef); err != nil || o.Absence != model.NotFound {
		t.Errorf("%+v, %v", o, err)
	}
	s := account(t, f.URL, teamless)
	if o, err := s.Fetch(t.Context(), testRef); err != nil || o.Absence != model.Present || s.team() != "" {
		t.Errorf("a detail is taken for the team's own: %+v, %q, %v", o, s.team(), err)
	}
}

func TestOnlyACompletedEnvelopeHasDocuments(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"draft", "pending_one_signed", "pending_all_signed_not_sealed", "rejected", "cancelled"} {
		if o := fetched(t, name); o.Documents != nil || o.Status == model.Completed {
			t.Errorf("%s: %+v", name, o)
		}
	}
	before, after := fetched(t, "completed").Documents, fetched(t, "completed_resealed").Documents
	if before[0].ID != after[0].ID || before[0].Mark == "" || before[0].Mark == after[0].Mark {
		t.Errorf("a re-seal does not show: %+v, %+v", before, after)
	}
	only := func(kinds ...string) func(*provider.Options) {
		return func(o *provider.Options) { o.Download = append([]string{}, kinds...) }
	}
	if d := fetched(t, "completed", only("signed")).Documents; len(d) != 1 || d[0].Kind != model.SignedDocument {
		t.Errorf("%+v", d)
	}
	if d := fetched(t, "completed", only("evidence")).Documents; len(d) != 1 || d[0].ID != certificateID {
		t.Errorf("%+v", d)
	}
	if d := fetched(t, "completed", only()).Documents; len(d) != 0 {
		t.Errorf("%+v", d)
	}
}

func TestTheOwnIDIsExternalIDUnlessAPathIsSet(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]string{"": "lease-71", "documentMeta.distributionMethod": "EMAIL", "nothing.there": "", "recipients.0.token": "<cut>"} {
		o := fetched(t, "completed", func(o *provider.Options) { o.ExternalID = path })
		if o.ExternalID != want {
			t.Errorf("%q: %q", path, o.ExternalID)
		}
	}
}

func TestManyAreFetchedTwentyAtATime(t *testing.T) {
	t.Parallel()
	f := providertest.Serve(t, func(w http.ResponseWriter, r *http.Request) {
		var ask struct {
			IDs struct {
				Type string
				IDs  []string
			}
		}
		if err := json.NewDecoder(r.Body).Decode(&ask); err != nil || r.Method != http.MethodPost || ask.IDs.Type != "envelopeId" || len(ask.IDs.IDs) > 20 {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		var list []string
		for _, id := range ask.IDs.IDs {
			switch id {
			case refPrefix + "unknown":
			case refPrefix + "template":
				list = append(list, fmt.Sprintf(`{"id":%q,"type":"TEMPLATE","status":"DRAFT"}`, id))
			case refPrefix + "deleted":
				list = append(list, fmt.Sprintf(`{"id":%q,"type":"DOCUMENT","status":"COMPLETED","deletedAt":"2026-03-05T10:00:00.000Z"}`, id))
			default:
				list = append(list, fmt.Sprintf(`{"id":%q,"type":"DOCUMENT","status":"PENDING"}`, id))
			}
		}
		fmt.Fprintf(w, `{"data":[%s,{"id":"envelope_unasked","status":"PENDING"}]}`, strings.Join(list, ","))
	})
	s := account(t, f.URL, keyed)
	refs := []string{"71", refPrefix + "unknown", refPrefix + "template", refPrefix + "deleted", refPrefix + "odd/id", refPrefix + "deleted"}
	for i := range 30 {
		refs = append(refs, fmt.Sprintf("%s%02d", refPrefix, i))
	}
	got, err := s.FetchBatch(t.Context(), refs)
	if err != nil {
		t.Fatal(err)
	}
	by := map[string]model.Observation{}
	for _, o := range got {
		by[o.Ref] = o
	}
	if len(got) != 33 || len(by) != 33 || len(f.Requests()) != 2 || s.Batch() != 20 {
		t.Errorf("%d observations of %d in %d calls", len(got), len(by), len(f.Requests()))
	}
	if o := by[refPrefix+"deleted"]; o.Deleted != model.Yes || o.Status != model.Completed {
		t.Errorf("deleted: %+v", o)
	}
	if by["71"].Absence != model.NotFound || by[refPrefix+"template"].Absence != model.NotFound {
		t.Error("a template or a number is there")
	}
	for _, silent := range []string{refPrefix + "unknown", refPrefix + "odd/id", refPrefix + "unasked"} {
		if _, ok := by[silent]; ok {
			t.Errorf("%s is told of", silent)
		}
	}
	if _, err := account(t, answering(t, 200, `{}`).URL, keyed).FetchBatch(t.Context(), refs); err == nil {
		t.Error("{} is taken for an answer")
	}
}

// inService is a client such as it is in service, with a clock that stands and one attempt more than one.
func inService(t *testing.T) *http.Client {
	c := transport.NewClient(transport.Options{Account: "self", Now: func() time.Time { return noon }, Attempts: 2, BackoffMin: time.Millisecond, MaxBlock: time.Millisecond})
	t.Cleanup(c.CloseIdleConnections)
	return c
}

func TestGetManyMayBeSentTwice(t *testing.T) {
	t.Parallel()
	first := true
	f := providertest.Serve(t, func(w http.ResponseWriter, _ *http.Request) {
		if first {
			first = false
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		fmt.Fprintf(w, `{"data":[{"id":%q,"status":"PENDING"}]}`, testRef)
	})
	got, err := account(t, f.URL, keyed, func(o *provider.Options) { o.Client = inService(t) }).FetchBatch(t.Context(), []string{testRef})
	if err != nil || len(got) != 1 || len(f.Bodies()) != 2 || f.Bodies()[0] != f.Bodies()[1] {
		t.Errorf("%+v, %v, %q", got, err, f.Bodies())
	}
}

func TestADownloadAsksForTheSignedVersionOfEachItem(t *testing.T) {
	t.Parallel()
	const pdf = "%PDF-1.7\n% a small one\n%%EOF\n"
	f := answering(t, http.StatusOK, pdf, "Content-Type", "application/pdf", "Content-Disposition", `attachment; filename="../../lease_signed.pdf"`)
	s := account(t, f.URL, keyed)
	for want, doc := range map[string]model.DocumentRef{
		"/api/v2/envelope/item/envelope_item_a%2Fb/download?version=signed": {ID: "envelope_item_a/b", Kind: model.SignedDocument},
		"/api/v2/envelope/" + testRef + "/certificate/download":             {ID: certificateID, Kind: model.EvidenceDocument},
	} {
		var out bytes.Buffer
		if _, err := s.Download(t.Context(), testRef, doc, &out); err != nil || out.String() != pdf {
			t.Errorf("%s: %v", want, err)
		}
		if all := f.Requests(); all[len(all)-1].RequestURI != want {
			t.Errorf("asked %s, want %s", all[len(all)-1].RequestURI, want)
		}
	}
	asked := len(f.Requests())
	for _, doc := range []model.DocumentRef{{}, {Kind: model.SignedDocument}, {ID: "audit-log", Kind: model.EvidenceDocument}} {
		if _, err := s.Download(t.Context(), testRef, doc, io.Discard); !errors.Is(err, provider.ErrNotFound) || len(f.Requests()) != asked {
			t.Errorf("%+v: %v", doc, err)
		}
	}
}

func TestWhatAnswersToADownloadMean(t *testing.T) {
	t.Parallel()
	signed, certificate := model.DocumentRef{ID: "envelope_item_x", Kind: model.SignedDocument}, model.DocumentRef{ID: certificateID, Kind: model.EvidenceDocument}
	for name, c := range map[string]struct {
		code  int
		body  string
		doc   model.DocumentRef
		want  error // nil: a *RetryAfter
		asked int
	}{
		"another team's":                      {404, `{"error":"Envelope item not found"}`, signed, provider.ErrNotFound, 1},
		"a limit of the organisation":         {500, `{"error":"Something went wrong","code":"TOO_MANY_REQUESTS"}`, signed, nil, 1},
		"a certificate that is not there yet": {500, `{"error":"Document is not complete","code":"DOCUMENT_NOT_COMPLETE"}`, certificate, provider.ErrNotFound, 1},
		"any other fault":                     {500, `{"error":"Something went wrong"}`, signed, provider.ErrUnavailable, 2},
		"a wrong key":                         {401, `{"error":"Invalid token","code":"UNAUTHORIZED"}`, signed, provider.ErrDenied, 1},
	} {
		for client, c2 := range map[string]*http.Client{"real": inService(t), "plain": http.DefaultClient} {
			f := answering(t, c.code, c.body)
			_, err := account(t, f.URL, keyed, func(o *provider.Options) { o.Client = c2 }).Download(t.Context(), testRef, c.doc, io.Discard)
			var after *provider.RetryAfter
			if c.want == nil && (!errors.As(err, &after) || after.Wait < time.Minute) || c.want != nil && !errors.Is(err, c.want) {
				t.Errorf("%s (%s): %v", name, client, err)
			}
			if client == "real" && len(f.Requests()) != c.asked {
				t.Errorf("%s: asked %d times", name, len(f.Requests()))
			}
		}
	}
}

func TestLimitsAreObeyedWhateverTheirHeaders(t *testing.T) {
	t.Parallel()
	structured := `{"message":"Too many requests","code":"INTERNAL_SERVER_ERROR","data":{"code":"TOO_MANY_REQUESTS","httpStatus":429,"path":"envelope.get"}}`
	for name, c := range map[string]struct {
		headers []string
		least   time.Duration
	}{
		"the address's":              {[]string{"Retry-After", "90", "X-RateLimit-Limit", "1000", "X-RateLimit-Remaining", "0", "X-RateLimit-Reset", "1772452890"}, 90 * time.Second},
		"the organisation's, double": {[]string{"Retry-After", "50", "X-RateLimit-Limit", "1000, 3", "X-RateLimit-Remaining", "995, 0", "X-RateLimit-Reset", "1772452890, 1772452890"}, 50 * time.Second},
		"a quota that names no wait": {[]string{"X-RateLimit-Limit", "1000", "X-RateLimit-Remaining", "993"}, time.Minute},
	} {
		for client, c2 := range map[string]*http.Client{"real": inService(t), "plain": http.DefaultClient} {
			f := answering(t, http.StatusTooManyRequests, structured, c.headers...)
			_, err := account(t, f.URL, keyed, func(o *provider.Options) { o.Client = c2 }).Fetch(t.Context(), testRef)
			var after *provider.RetryAfter
			if !errors.As(err, &after) || after.Wait < c.least || after.Wait > 2*time.Minute {
				t.Errorf("%s (%s): %v", name, client, err)
			}
		}
	}
}

func TestCancellingEndsACall(t *testing.T) {
	t.Parallel()
	f := providertest.Serve(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := account(t, f.URL, keyed).FetchBatch(ctx, []string{testRef}); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestCheckTellsTheTeam(t *testing.T) {
	t.Parallel()
	const list = `{"data":[{"id":"envelope_x","teamId":8,"team":{"id":8,"url":"lettings"}}],"count":1,"currentPage":1,"perPage":1,"totalPages":1}`
	for name, c := range map[string]struct {
		list, folders, block string
		id                   string
		want                 error
	}{
		"from the list":            {list, "", teamless, "8", nil},
		"nothing there":            {`{"data":[]}`, `{"data":[]}`, teamless, "", nil},
		"all lies in folders":      {`{"data":[]}`, `{"data":[{"id":"f","teamId":8}]}`, teamless, "8", nil},
		"the one of the settings":  {list, "", keyed, "8", nil},
		"another than the setting": {list, "", "{api_key: k, webhook_secret: s, team_id: 9}", "8", provider.ErrDenied},
	} {
		f := providertest.Serve(t, func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/api/v2/folder" {
				io.WriteString(w, c.folders)
				return
			}
			io.WriteString(w, c.list)
		})
		s := account(t, f.URL, c.block)
		id, err := s.Check(t.Context())
		if id.ID != c.id || !errors.Is(err, c.want) || len(id.Warnings) != 0 {
			t.Errorf("%s: %+v, %v", name, id, err)
		}
		if c.want == nil && s.team() != c.id {
			t.Errorf("%s: it is not kept: %q", name, s.team())
		}
	}
	f := answering(t, http.StatusOK, list)
	if id, err := account(t, f.URL, "{api_key: k}").Check(t.Context()); err != nil || len(id.Warnings) != 1 || !strings.Contains(id.Warnings[0], "webhook_secret") {
		t.Errorf("an account without a secret: %+v, %v", id, err)
	}
}
