package allsign

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"countersign/model"
	"countersign/provider"
	"countersign/provider/providertest"
)

const v2Path = "GET /v2/documents/" + testV2

func callbackV2(body string) provider.Callback {
	return signV2(provider.Callback{Account: "mx2", Header: http.Header{}, Body: []byte(body), ReceivedAt: noon})
}

func TestHeaderEncodingAndPrefixAreSettings(t *testing.T) {
	t.Parallel()
	body := []byte(`{"event":"document.expired","document":{"id":"` + testV2 + `"}}`)
	mac := macV2(typed, body)
	for block, header := range map[string][2]string{
		"": {"X-AllSign-Signature", hex.EncodeToString(mac)}, "signature_header: x-signature, ": {"X-Signature",
			strings.ToUpper(hex.EncodeToString(mac))},
		"signature_encoding: base64, ": {"X-AllSign-Signature",
			base64.StdEncoding.EncodeToString(mac)},
		"signature_prefix: 'sha256=', ": {"X-AllSign-Signature", "sha256=" + hex.EncodeToString(mac)},
	} {
		c := provider.Callback{Header: http.Header{}, Body: body, ReceivedAt: noon}
		c.Header.Set(header[0], header[1])
		s := open(t, "", strings.Replace(keyedV2, "{", "{"+block, 1)).Provider.(*v2)
		if r, err := s.Receive(c); err != nil || r.Observations[0].Evidence != model.Claim {
			t.Errorf("%q: %v", block, err)
		}
		if block != "" {
			if _, err := openV2(t, "").Receive(c); !errors.Is(err, provider.ErrUnverified) &&
				!strings.HasPrefix(block, "signature_header") {
				t.Errorf("%q is taken without the setting: %v", block, err)
			}
		}
		matched := ""
		for _, trial := range openV2(t, "").Explain(c) {
			if trial.Match {
				matched += fmt.Sprint(trial.Secret, " ", trial.Header, " ", trial.Encoding, " ", trial.Note)
			}
		}
		if !strings.HasPrefix(matched, "webhook_secrets[1] "+http.CanonicalHeaderKey(header[0])) ||
			strings.Contains(block, "prefix") != strings.Contains(matched, "sha256=") {
			t.Errorf("%q: explained as %q", block, matched)
		}
	}
}

func TestUnsignedCallbacksAreHintsOnlyWhereTheyAreAllowed(t *testing.T) {
	t.Parallel()
	c := callbackV2(`{"event":"document.completed","document":{"id":"` + testV2 + `"}}`)
	bare := c
	bare.Header = http.Header{}
	both := open(t, "", strings.Replace(keyedV2, "{", "{allow_unsigned: true, ", 1))
	if r, err := both.Receive(c); err != nil || r.Observations[0].Evidence != model.Claim || r.DedupeKey == "" {
		t.Errorf("a signed one: %+v %v", r, err)
	}
	if r, err := both.Receive(bare); err != nil || r.Observations[0].Evidence != model.Hint || r.DedupeKey != "" {
		t.Errorf("an unsigned one: %+v %v", r, err)
	}
	wrong := c
	wrong.Header = http.Header{"X-Allsign-Signature": {strings.Repeat("0", 64)}}
	if _, err := both.Receive(wrong); !errors.Is(err, provider.ErrUnverified) {
		t.Errorf("a wrong signature: %v", err)
	}
	if _, err := openV2(t, "").Receive(bare); !errors.Is(err, provider.ErrUnverified) {
		t.Errorf("not allowed: %v", err)
	}
}

func TestThePlacesOfTheDocumentIdAreAnOrderedList(t *testing.T) {
	t.Parallel()
	s := openV2(t, "")
	for body, want := range map[string]string{
		`"document":{"id":"a"},"data":{"id":"b"}`: "a", `"data":{"document":{"id":"c"},"id":"b"}`: "c",
		`"data":{"document":"d","id":"b"}`: "d", `"data":{"id":"b"}`: "b",
		`"data":{"document_id":"e","documentId":"f"}`: "f", `"document":{"id":7}`: "7",
		`"document":{"id":{"x":1}},"data":{"id":"b"}`: "b",
	} {
		if r, err := s.Receive(callbackV2(`{"event":"document.created",` + body + `}`)); err != nil || r.Ref != want {
			t.Errorf("%s: %q %v", body, r.Ref, err)
		}
	}
	own := open(t, "", strings.Replace(keyedV2, "{",
		"{document_id_paths: [payload.doc], pdf_link_paths: [payload.file], ", 1)).Provider.(*v2)
	r, err := own.Receive(callbackV2(`{"event":"document.completed","payload":{"doc":"a","file":"https://f.example.org/x?sig=hush"},"data":{"id":"b"}}`))
	if err != nil || r.Ref != "a" || len(r.Links) != 1 || bytes.Contains(r.Clean, []byte("hush")) {
		t.Errorf("%+v %s %v", r, r.Clean, err)
	}
}

func TestAllSignersSignedIsNotCompletion(t *testing.T) {
	t.Parallel()
	r, err := openV2(t, "").Receive(callbackV2(`{"event":"signer.signed","data":{"documentId":"a","progress":{"completed":2,"total":2}}}`))
	if err != nil || r.Observations[0].Status != "" || !r.Observations[0].Refetch || r.Links != nil {
		t.Errorf("%+v %v", r, err)
	}
}

func TestALinkIsHandedOnAndCutOutWhereverItStands(t *testing.T) {
	t.Parallel()
	s := openV2(t, "")
	r, err := s.Receive(callbackV2(`{"event":"document.completed","document":{"id":"a","size":12345678901234567890},"pdf":{"s3_presigned_url":"https://f.example.org/x?sig=hush"},"data":{"list":[{"other":"https://f.example.org/y?sig=hush2"}]}}`))
	if err != nil || len(r.Links) != 1 || r.Links[0].URL.Reveal() != "https://f.example.org/x?sig=hush" ||
		r.Links[0].Ref != "a" || r.Links[0].Document.ID != signedID {
		t.Fatalf("%+v %v", r, err)
	}
	if bytes.Contains(r.Clean, []byte("hush")) || bytes.Count(r.Clean, []byte("<cut>")) != 2 ||
		!bytes.Contains(r.Clean, []byte("12345678901234567890")) {
		t.Errorf("%s", r.Clean)
	}
	again, err := s.Receive(callbackV2(string(r.Clean)))
	if err != nil || again.Ref != r.Ref || again.Type != r.Type || again.Clean != nil || again.Links != nil {
		t.Errorf("a cleaned body: %+v %v", again, err)
	}
	if r, _ = s.Receive(callbackV2(`{"event":"signer.signed","document":{"id":"a"},"pdf":{"s3_presigned_url":"https://f.example.org/x?sig=hush"}}`)); r.Links != nil || bytes.Contains(r.Clean, []byte("hush")) {
		t.Errorf("before completion: %+v %s", r, r.Clean)
	}
}

func TestEqualBodiesAreOneEvent(t *testing.T) {
	t.Parallel()
	s := openV2(t, "")
	one, _ := s.Receive(callbackV2(`{"event":"signer.signed","document":{"id":"a"},"data":{"progress":{"completed":1,"total":3}}}`))
	two, _ := s.Receive(callbackV2(`{"event":"signer.signed","document":{"id":"a"},"data":{"progress":{"completed":1,"total":3}}}`))
	other, _ := s.Receive(callbackV2(`{"event":"signer.signed","document":{"id":"a"},"data":{"progress":{"completed":2,"total":3}}}`))
	if one.DedupeKey == "" || one.DedupeKey != two.DedupeKey || one.DedupeKey == other.DedupeKey {
		t.Errorf("%q %q %q", one.DedupeKey, two.DedupeKey, other.DedupeKey)
	}
}

func TestMakingThePDFIsNotCompletion(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]model.Status{
		`"envelopeStatus":"GENERANDO_PDF"`: model.InProgress, `"envelopeStatus":"TODOS_FIRMARON"`: model.Completed,
		`"status":"PUBLISHED","signingStatus":"some_signed"`: model.InProgress,
		`"envelopeStatus":"esperando_firmas","status":"x"`:   model.InProgress, `"status":"PUBLISHED"`: "",
		`"status":"expired"`: model.Expired,
	} {
		f := answering(t, answers{v2Path: `{"id":"` + testV2 + `",` + body + `}`})
		if o, err := openV2(t, f.URL).Fetch(t.Context(), testV2); err != nil || o.Status != want || o.ProviderStatus == "" {
			t.Errorf("%s: %q %q %v", body, o.Status, o.ProviderStatus, err)
		}
	}
}

func TestTheDownloadPathIsASetting(t *testing.T) {
	t.Parallel()
	for block, path := range map[string]string{"": "/v2/documents/" + testV2 + "/download",
		"download_path: '/v2/files/{id}?kind=signed', ": "/v2/files/" + testV2} {
		f := answering(t, answers{"GET " + path: pdf + strings.Repeat("x", 2000)})
		s := open(t, f.URL, strings.Replace(keyedV2, "{", "{"+block, 1))
		var out bytes.Buffer
		if _, err := s.Download(t.Context(), testV2, model.DocumentRef{ID: signedID}, &out); err != nil ||
			!strings.HasPrefix(out.String(), pdf) {
			t.Errorf("%q: %v", block, err)
		}
	}
}

func TestAMessageUnderStatus200IsNoFile(t *testing.T) {
	t.Parallel()
	f := answering(t, answers{v2Path + "/download": `{"url":"https://f.example.org/x?sig=hush"}`})
	if _, err := openV2(t, f.URL).Download(t.Context(), testV2, model.DocumentRef{ID: signedID},
		io.Discard); !errors.Is(err, provider.ErrInvalidFile) || strings.Contains(err.Error(), "hush") {
		t.Error(err)
	}
}

func TestARedirectToTheFileIsFollowedWithoutTheKey(t *testing.T) {
	t.Parallel()
	away := providertest.Serve(t,
		func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, pdf+strings.Repeat("x", 2000)) })
	f := providertest.Serve(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, away.URL+"/x?sig=hush", http.StatusFound)
	})
	stay := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	s := openV2(t, f.URL, func(o *provider.Options) { o.Client = stay })
	if _, err := s.Download(t.Context(), testV2, model.DocumentRef{ID: signedID}, io.Discard); err != nil {
		t.Error(err)
	}
	if h := away.Requests()[0].Header; h.Get("Authorization") != "" {
		t.Errorf("%v", h)
	}
}

func TestADeadLinkOfACallbackIsNotTheKeysEnd(t *testing.T) {
	t.Parallel()
	for code, want := range map[int]error{200: nil, 400: provider.ErrDenied, 401: provider.ErrDenied,
		403: provider.ErrDenied, 404: provider.ErrNotFound, 410: provider.ErrNotFound, 503: provider.ErrUnavailable} {
		away := providertest.Serve(t, func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(code)
			io.WriteString(w, pdf+strings.Repeat("x", 2000))
		})
		link := provider.Secret(away.URL + "/x?X-Amz-Signature=hush")
		_, err := openV2(t, "http://localhost").DownloadLink(t.Context(), testV2, model.DocumentRef{ID: signedID}, link,
			io.Discard)
		if !errors.Is(err, want) || err != nil && strings.Contains(err.Error(), "hush") {
			t.Errorf("%d: %v", code, err)
		}
		if h := away.Requests()[0].Header; h.Get("Authorization") != "" {
			t.Errorf("%v", h)
		}
	}
}

func TestV2IsCheckedByAListOfOne(t *testing.T) {
	t.Parallel()
	f := answering(t, answers{"GET /v2/documents": `{"data":[],"meta":{}}`})
	who, err := open(t, f.URL, strings.Replace(keyedV2, "{", "{allow_unsigned: true, ", 1)).Checker.Check(t.Context())
	if err != nil || len(who.Warnings) != 1 || f.Requests()[0].URL.RawQuery != "limit=1" {
		t.Errorf("%+v %v", who, err)
	}
}
