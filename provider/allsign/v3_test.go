package allsign

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"countersign/model"
	"countersign/provider"
	"countersign/provider/lenient"
	"countersign/provider/providertest"
)

const (
	docPath  = "GET /v3/documents/" + testDoc
	signers  = `{"object":"list","data":[{"id":"sgr_1","status":"signed"},{"id":"sgr_2","status":"pending"}]}`
	nothing  = `{"documentId":"` + testDoc + `","available":false,"reason":"being made","evidencePdf":null,"nom151":null}`
	signed   = docPath + "/signers"
	evidPath = docPath + "/evidence"
)

func completed() string { return string(withStatus(testDoc, "completed")) }

// files is an evidence answer whose links lead to base.
func files(base string, nom151 bool) string {
	second := "null"
	if nom151 {
		second = `{"url":"` + base + `/nom151.pdf?X-Amz-Signature=hush"}`
	}
	return `{"documentId":"` + testDoc + `","available":true,"evidencePdf":{"url":"` + base + `/signed.pdf?X-Amz-Signature=hush"},"nom151":` + second + `}`
}

func TestAnOpenDocumentCostsTwoCallsAndACompletedOneThree(t *testing.T) {
	t.Parallel()
	f := answering(t, answers{docPath: string(withStatus(testDoc, "correcting")), signed: signers})
	if _, err := openV3(t, f.URL).Fetch(t.Context(), testDoc); err != nil {
		t.Error(err)
	}
	providertest.Same(t, "open", f.Paths(), []string{docPath, signed})
	f = answering(t, answers{docPath: completed(), signed: signers, evidPath: nothing})
	if _, err := openV3(t, f.URL).Fetch(t.Context(), testDoc); err != nil {
		t.Error(err)
	}
	providertest.Same(t, "completed", f.Paths(), []string{docPath, signed, evidPath})
	if got := f.Requests()[0].Header; got.Get("Authorization") != "Bearer "+testKey || got.Get("Idempotency-Key") != "" {
		t.Errorf("a read is sent with %v", got)
	}
}

func TestTheCertificateIsADocumentOnlyOnceTheEvidenceShowsIt(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		evidence string
		want     []string
	}{
		"nothing yet": {nothing, []string{signedID}}, "test mode or later": {files("https://f.example.org", false), []string{signedID}},
		"both": {files("https://f.example.org", true), []string{signedID, nom151ID}}, "wrapped": {`{"data":` + files("https://f.example.org", true) + `}`, []string{signedID, nom151ID}},
		"no evidence at all": {"404 {}", []string{signedID}}, "being made": {"409 {}", []string{signedID}},
	} {
		f := answering(t, answers{docPath: completed(), signed: signers, evidPath: c.evidence})
		o, err := openV3(t, f.URL).Fetch(t.Context(), testDoc)
		var ids []string
		for _, d := range o.Documents {
			ids = append(ids, d.ID)
		}
		if err != nil || !slices.Equal(ids, c.want) {
			t.Errorf("%s: %v %v", name, ids, err)
		}
	}
	for code, want := range map[string]error{"401 {}": provider.ErrDenied, "503 {}": provider.ErrUnavailable} {
		f := answering(t, answers{docPath: completed(), signed: signers, evidPath: code})
		if _, err := openV3(t, f.URL).Fetch(t.Context(), testDoc); !errors.Is(err, want) {
			t.Errorf("%s: %v", code, err)
		}
	}
	f := answering(t, answers{docPath: completed(), signed: signers})
	s := openV3(t, f.URL, func(o *provider.Options) { o.Download = []string{"signed"} })
	if _, err := s.Fetch(t.Context(), testDoc); err != nil || len(f.Paths()) != 2 {
		t.Errorf("where no evidence is wanted none is asked for: %v %v", f.Paths(), err)
	}
}

// A certificate that comes later changes the answer, so that its document is queued then.
func TestALaterCertificateIsQueuedByALaterFetch(t *testing.T) {
	t.Parallel()
	evidence := files("https://f.example.org", false)
	f := providertest.Serve(t, func(w http.ResponseWriter, r *http.Request) {
		body := map[string]string{docPath: completed(), signed: signers, evidPath: evidence}[r.Method+" "+r.URL.Path]
		io.WriteString(w, body)
	})
	s, row := openV3(t, f.URL), model.Transaction{Account: "mx", Ref: testDoc}
	for i, want := range [][]string{{signedID}, {signedID, nom151ID}, nil} {
		o, err := s.Fetch(t.Context(), testDoc)
		if err != nil {
			t.Fatal(err)
		}
		o.At, o.AskedAt, o.Version = noon.Add(time.Duration(i)*24*time.Hour), noon.Add(time.Duration(i)*24*time.Hour), row.Version
		d := model.Decide(s.Rules(), row, o)
		row = d.Next
		row.DocsTotal = len(o.Documents)
		var ids []string
		for _, doc := range d.Documents {
			ids = append(ids, doc.ID)
		}
		providertest.Same(t, "queued", ids, want)
		evidence = files("https://f.example.org", true)
	}
	if row.Status != model.Completed {
		t.Error(row.Status)
	}
}

func TestANotFoundNeverClosesARow(t *testing.T) {
	t.Parallel()
	s := openV3(t, answering(t, answers{}).URL)
	row := model.Transaction{Account: "mx", Ref: testDoc, Status: model.InProgress, Confirmed: true, FirstSeenAt: noon}
	o, err := s.Fetch(t.Context(), testDoc)
	if err != nil || o.Absence != model.NotFound {
		t.Fatalf("%+v %v", o, err)
	}
	o.At, o.AskedAt = noon, noon
	if d := model.Decide(s.Rules(), row, o); d.Next.Status != model.InProgress || d.Remove || !d.Next.NotFound {
		t.Errorf("%+v", d)
	}
	f := answering(t, answers{})
	if o, err := openV3(t, f.URL).Fetch(t.Context(), "stats"); err != nil || o.Absence != model.NotFound || len(f.Paths()) > 0 {
		t.Errorf("another endpoint is taken for a document: %v %v %v", o, err, f.Paths())
	}
}

func TestAWebPageInBetweenIsNoNotFound(t *testing.T) {
	t.Parallel()
	f := providertest.Serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		w.WriteHeader(http.StatusNotFound)
		io.WriteString(w, "<html>")
	})
	for _, p := range []provider.Provider{openV3(t, f.URL), openV2(t, f.URL)} {
		if o, err := p.Fetch(t.Context(), testDoc); err == nil {
			t.Errorf("%+v", o)
		}
	}
}

func TestSignersThatAreNotToldAreNotMadeUp(t *testing.T) {
	t.Parallel()
	f := answering(t, answers{docPath: string(withStatus(testDoc, "awaiting_signatures")), signed: "403 {}"})
	if o, err := openV3(t, f.URL).Fetch(t.Context(), testDoc); err != nil || o.Signers != nil || o.Status != model.InProgress {
		t.Errorf("%+v %v", o, err)
	}
	two := lenient.Number(2)
	read := func(raw string) (list lenient.List[signer]) {
		if err := lenient.Unmarshal([]byte(raw), &list); err != nil {
			t.Fatal(err)
		}
		return list
	}
	const both = `{"id":"a","status":"signed"},{"id":"b","status":"notarised"}`
	got, _ := observeSigners(read("["+both+`,{"id":"a","status":"pending"}]`), document{})
	if len(got) != 2 || got[1].Status != model.SignerWaiting || got[1].Reason != "notarised" {
		t.Errorf("an unknown word is kept: %+v", got)
	}
	if got, _ = observeSigners(read("["+both+"]"), document{SignerCount: &two, SignedCount: &two}); got[1].Status != model.SignerSigned || got[1].Reason != "" {
		t.Errorf("all are counted as signed: %+v", got)
	}
}

func TestLaterPagesOfSignersAreRead(t *testing.T) {
	t.Parallel()
	f := providertest.Serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch after := r.URL.Query().Get("startingAfter"); {
		case !strings.HasSuffix(r.URL.Path, "/signers"):
			w.Write(withStatus(testDoc, "awaiting_signatures"))
		case after == "":
			io.WriteString(w, `{"data":[{"id":"a","status":"signed"}],"hasMore":true,"nextCursor":"a&b"}`)
		default: // for ever the same
			io.WriteString(w, `{"data":[{"id":"b","status":"pending"}],"hasMore":true,"nextCursor":"a&b"}`)
		}
	})
	o, err := openV3(t, f.URL).Fetch(t.Context(), testDoc)
	if err != nil || len(o.Signers) != 2 || len(f.Paths()) != 3 {
		t.Errorf("%v %v %v", o.Signers, f.Paths(), err)
	}
}

func TestCompletionAndTheFileAreNotSimultaneous(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"not available": nothing, "no PDF": `{"documentId":"` + testDoc + `","available":true,"evidencePdf":null,"nom151":null}`, "an empty link": `{"available":true,"evidencePdf":{"url":""}}`,
	} {
		for _, id := range []string{signedID, nom151ID} {
			s := openV3(t, answering(t, answers{evidPath: body}).URL)
			if _, err := s.Download(t.Context(), testDoc, model.DocumentRef{ID: id}, io.Discard); !errors.Is(err, provider.ErrNotReady) {
				t.Errorf("%s, %s: %v", name, id, err)
			}
		}
	}
}

func TestALinkIsFetchedWithoutTheKeyAndNeverTold(t *testing.T) {
	t.Parallel()
	for _, id := range []string{signedID, nom151ID} {
		away := providertest.Serve(t, func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, pdf+strings.Repeat("x", 2000)) })
		s := openV3(t, answering(t, answers{evidPath: files(away.URL, true)}).URL)
		var out bytes.Buffer
		if _, err := s.Download(t.Context(), testDoc, model.DocumentRef{ID: id}, &out); err != nil || !strings.HasPrefix(out.String(), pdf) {
			t.Errorf("%s: %v", id, err)
		}
		r := away.Requests()[0]
		if r.Header.Get("Authorization") != "" || r.URL.Path != "/"+id+".pdf" || r.URL.Query().Get("X-Amz-Signature") != "hush" {
			t.Errorf("%s: %s %v", id, r.RequestURI, r.Header)
		}
		away.Close()
		if _, err := s.Download(t.Context(), testDoc, model.DocumentRef{ID: id}, io.Discard); err == nil || strings.Contains(err.Error(), "hush") || strings.Contains(err.Error(), "http://") {
			t.Errorf("%s: the link is told: %v", id, err)
		}
	}
	secure := openV3(t, "https://api.example.org")
	for _, bad := range []string{"", "ftp://f.example.org/x", "/x.pdf", "http://f.example.org/x", "https://"} {
		if _, err := secure.follow(t.Context(), bad, io.Discard); !errors.Is(err, errLink) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

// Another host's refusal means that the link is too old, and never that the key is refused.
func TestADeadLinkIsAskedForAnewAndSaysNothingOfTheKey(t *testing.T) {
	t.Parallel()
	for _, code := range []int{400, 401, 403, 404, 410} {
		away := providertest.Serve(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) })
		s := openV3(t, answering(t, answers{evidPath: files(away.URL, true)}).URL)
		if _, err := s.Download(t.Context(), testDoc, model.DocumentRef{ID: signedID}, io.Discard); !errors.Is(err, provider.ErrNotReady) || errors.Is(err, provider.ErrDenied) {
			t.Errorf("%d: %v", code, err)
		}
	}
}

func TestAProblemIsToldWithItsRequestIdAndWithoutItsText(t *testing.T) {
	t.Parallel()
	f := answering(t, answers{docPath: `422 {"detail":"for ada@example.org","code":"VALIDATION_ERROR","requestId":"req_77-a","errors":[{"field":"limit","code":"OUT_OF_RANGE"}]}`})
	_, err := openV3(t, f.URL).Fetch(t.Context(), testDoc)
	if err == nil || !strings.Contains(err.Error(), "VALIDATION_ERROR") || !strings.Contains(err.Error(), "req_77-a") || strings.Contains(err.Error(), "ada") {
		t.Errorf("%v", err)
	}
	f = answering(t, answers{docPath: `429 {"detail":"x","code":"RATE_LIMITED","requestId":"req_78"}`})
	var after *provider.RetryAfter
	if _, err = openV3(t, f.URL).Fetch(t.Context(), testDoc); !errors.As(err, &after) || after.Wait != time.Minute || !strings.Contains(err.Error(), "req_78") {
		t.Errorf("429 without Retry-After: %v", err)
	}
}

func callback(body string) provider.Callback {
	return signV3(provider.Callback{Account: "mx", Header: http.Header{}, Body: []byte(body), ReceivedAt: noon}, secret)
}

func event(id, name, more string) provider.Callback {
	c := callback(`{"eventId":"` + id + `","eventType":"` + name + `"` + more + `,"data":{"documentId":"` + testDoc + `"}}`)
	return c
}

func TestTheIdIsTheSameOverRetriesAndTheTimeIsNot(t *testing.T) {
	t.Parallel()
	s := openV3(t, "")
	first := event("evt_9", documentCompleted, "")
	again := first
	again.ReceivedAt = noon.Add(time.Hour)
	again = signV3(again, secret)
	a, err1 := s.Receive(first)
	b, err2 := s.Receive(again)
	if err1 != nil || err2 != nil || a.DedupeKey == "" || a.DedupeKey != b.DedupeKey || first.Header.Get(headerSignature) == again.Header.Get(headerSignature) {
		t.Errorf("%q %q %v %v", a.DedupeKey, b.DedupeKey, err1, err2)
	}
}

// The window is counted from when the callback came: one that is replayed a day later says the same.
func TestTheReplayWindowIsASettingAndReadsNoClock(t *testing.T) {
	t.Parallel()
	c := event("evt_9", documentCompleted, "")
	wide := open(t, "", strings.Replace(keyedV3, "{", "{replay_window: 1h, ", 1)).Provider.(*v3)
	for after, want := range map[time.Duration][2]bool{297 * time.Second: {true, true}, 299 * time.Second: {false, true}, 59 * time.Minute: {false, true}, 61 * time.Minute: {false, false}, -303 * time.Second: {false, true}} {
		c.ReceivedAt = noon.Add(after)
		for i, s := range []*v3{openV3(t, ""), wide} {
			if _, err := s.Receive(c); (err == nil) != want[i] || err != nil && !errors.Is(err, provider.ErrUnverified) {
				t.Errorf("%s after, window %s: %v", after, s.set.ReplayWindow, err)
			}
		}
	}
}

func TestTestDocumentsAreMarkedOrLeftOut(t *testing.T) {
	t.Parallel()
	c := event("evt_9", documentCompleted, `,"livemode":false`)
	if r, err := openV3(t, "").Receive(c); err != nil || r.Observations[0].Test != model.Yes {
		t.Errorf("%+v %v", r, err)
	}
	s := openV3(t, "", func(o *provider.Options) { o.IncludeTest = false })
	if r, err := s.Receive(c); err != nil || len(r.Observations) > 0 || r.Ignored == "" {
		t.Errorf("%+v %v", r, err)
	}
	if r, err := s.Receive(event("evt_9", documentCompleted, `,"livemode":true`)); err != nil || len(r.Observations) != 1 {
		t.Errorf("%+v %v", r, err)
	}
}

func TestAReservedEventIsNotMappedToDeclined(t *testing.T) {
	t.Parallel()
	r, err := openV3(t, "").Receive(event("evt_9", signerDeclined, ""))
	if err != nil || r.Observations[0].Status != "" || !r.Observations[0].Refetch {
		t.Errorf("%+v %v", r, err)
	}
}

func TestWithoutASecretEveryCallbackIsRefused(t *testing.T) {
	t.Parallel()
	s := open(t, "", "{api_key: k}").Provider.(*v3)
	if _, err := s.Receive(event("evt_9", documentCompleted, "")); !errors.Is(err, provider.ErrUnverified) {
		t.Error(err)
	}
	if trials := s.Explain(event("evt_9", documentCompleted, "")); len(trials) != 1 || !strings.Contains(trials[0].Note, "webhook_secrets") {
		t.Errorf("%+v", trials)
	}
	if _, _, err := s.Canary("c", noon); err == nil || !strings.Contains(err.Error(), "webhook_secrets") {
		t.Error(err)
	}
}

func TestWhatARefusedCallbackNames(t *testing.T) {
	t.Parallel()
	for body, want := range map[string][2]string{
		`{"eventType":"document.completed","data":{"documentId":"doc_1"}}`: {"doc_1", documentCompleted},
		`{"eventType":"document.completed","data":[]}`:                     {"", documentCompleted},
		`{"event":"document.completed","document":{"id":"x"}}`:             {"", ""},
		`{`: {"", ""},
	} {
		if ref, typ := openV3(t, "").Peek(provider.Callback{Body: []byte(body)}); ref != want[0] || typ != want[1] {
			t.Errorf("%s: %q %q", body, ref, typ)
		}
	}
}

func TestExplainSaysWhichSecretMatchesAndWhatIsWrong(t *testing.T) {
	t.Parallel()
	s, c := openV3(t, ""), event("evt_9", documentCompleted, "")
	c.ReceivedAt = noon.Add(421*time.Second - 2*time.Second)
	trials := s.Explain(c)
	if len(trials) != 2 || trials[0].Match || !trials[1].Match || trials[1].Secret != "webhook_secrets[1]" || !strings.Contains(trials[1].Note, "signed 421 s before it came") {
		t.Errorf("%+v", trials)
	}
	v2ish := provider.Callback{Header: http.Header{"X-Allsign-Signature": {"00"}}, ReceivedAt: noon}
	if trials = s.Explain(v2ish); trials[0].Match || !strings.Contains(trials[0].Note, "profile") {
		t.Errorf("%+v", trials)
	}
}

func TestACanaryIsTakenForATest(t *testing.T) {
	t.Parallel()
	for _, p := range []provider.Provider{openV3(t, ""), openV2(t, ""), open(t, "", strings.Replace(keyedV2, "{", "{signature_encoding: base64, signature_prefix: 'sha256=', ", 1))} {
		h, body, err := p.Canary("canary-7", noon)
		if err != nil || !bytes.Contains(body, []byte("canary-7")) {
			t.Error(err)
		}
		r, err := p.Receive(provider.Callback{Header: h, Body: body, ReceivedAt: noon.Add(time.Second)})
		if err != nil || !r.Test || len(r.Observations) > 0 {
			t.Errorf("%+v %v", r, err)
		}
	}
}

func TestACallThatIsCancelledSaysNothingOfADocument(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	f := providertest.Serve(t, func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/signers") {
			cancel()
			<-r.Context().Done()
			return
		}
		w.Write(withStatus(testDoc, "awaiting_signatures"))
	})
	if o, err := openV3(t, f.URL).Fetch(ctx, testDoc); !errors.Is(err, context.Canceled) {
		t.Errorf("%+v %v", o, err)
	}
}
