package onespan

import (
	"encoding/base64"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"countersign/model"
	"countersign/provider"
	"countersign/provider/providertest"
)

const completeBody = `{"@class":"com.silanis.esl.packages.event.ESLProcessEvent","name":"PACKAGE_COMPLETE","sessionUser":"bEn0sIgNeR02","packageId":"` + testRef + `","message":null,"documentId":null,"createdDate":"2026-03-02T09:15:00.123Z"}`

// posted is a callback with the right key, or with the header given.
func posted(body string, authorization ...string) provider.Callback {
	h := http.Header{"Authorization": {"Basic " + testKey}}
	if len(authorization) > 0 {
		h.Set("Authorization", authorization[0])
	}
	return provider.Callback{Account: "sales", Header: h, Body: []byte(body), ReceivedAt: noon}
}

func received(t *testing.T, s *service, body string) provider.Received {
	t.Helper()
	r, err := s.Receive(posted(body))
	if err != nil {
		t.Fatalf("%s: %v", body, err)
	}
	return r
}

func TestTheKeyComesBare(t *testing.T) {
	t.Parallel()
	s := account(t, "", "{api_key: a, callback_key: "+testKey+", callback_keys: [the-old-one]}")
	b64 := func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }
	for header, want := range map[string]error{
		"Basic " + testKey:                       nil,
		"basic  " + testKey + " ":                nil,
		"Basic the-old-one":                      nil, // rotation
		"Basic " + b64("validsign:"+testKey):     nil,
		"Basic " + b64(":"+testKey):              nil,
		"Basic " + b64(testKey):                  nil,
		"":                                       provider.ErrUnverified,
		"Basic":                                  provider.ErrUnverified,
		"Basic ":                                 provider.ErrUnverified,
		testKey:                                  provider.ErrUnverified,
		"Bearer " + testKey:                      provider.ErrUnverified,
		"Bearer " + b64(testKey):                 provider.ErrUnverified,
		"Basic " + testKey[:len(testKey)-1]:      provider.ErrUnverified,
		"Basic " + testKey + "x":                 provider.ErrUnverified,
		"Basic " + strings.ToUpper(testKey):      provider.ErrUnverified,
		"Basic " + b64(testKey+":"):              provider.ErrUnverified,
		"Basic " + b64("x:"):                     provider.ErrUnverified,
		"Basic " + b64("x:y:"+testKey):           provider.ErrUnverified,
		"Basic " + b64("validsign:another-key!"): provider.ErrUnverified,
	} {
		for _, body := range []string{completeBody, "not json", ""} {
			_, err := s.Receive(posted(body, header))
			switch {
			case want != nil && !errors.Is(err, want):
				t.Errorf("%q with %q: got %v, want %v", header, body, err, want)
			case want == nil && body == completeBody && err != nil, want == nil && body != completeBody && !errors.Is(err, provider.ErrNotUnderstood):
				t.Errorf("%q with %q: got %v", header, body, err)
			case err != nil && strings.Contains(err.Error(), testKey):
				t.Errorf("the error tells the key: %v", err)
			}
		}
	}
}

func TestWithoutAKeyEveryCallbackIsAHint(t *testing.T) {
	t.Parallel()
	s := account(t, "", "{api_key: a}")
	r, err := s.Receive(provider.Callback{Header: http.Header{}, Body: []byte(completeBody), ReceivedAt: noon})
	if err != nil || len(r.Observations) != 1 || r.Observations[0].Evidence != model.Hint || r.DedupeKey != "" {
		t.Errorf("got %+v, %v", r, err)
	}
}

func TestDuplicatesAreToldByWhatTheyMean(t *testing.T) {
	t.Parallel()
	s := account(t, "", keyed)
	key := received(t, s, completeBody).DedupeKey
	if key == "" {
		t.Fatal("no key")
	}
	for name, body := range map[string]string{
		"empty is null":          strings.ReplaceAll(completeBody, "null", `""`),
		"unused keys left out":   `{"name":"PACKAGE_COMPLETE","sessionUser":"bEn0sIgNeR02","packageId":"` + testRef + `","createdDate":"2026-03-02T09:15:00.123Z"}`,
		"other order and spaces": ` {"createdDate": "2026-03-02T09:15:00.123Z", "packageId":"` + testRef + `","sessionUser":"bEn0sIgNeR02", "name":"PACKAGE_COMPLETE"}`,
		"an unknown key":         strings.Replace(completeBody, "{", `{"new":[1],`, 1),
	} {
		if got := received(t, s, body).DedupeKey; got != key {
			t.Errorf("%s: got another key", name)
		}
	}
	for name, body := range map[string]string{
		"another name":     strings.Replace(completeBody, "COMPLETE", "ARCHIVE", 1),
		"another user":     strings.Replace(completeBody, "bEn", "aDa", 1),
		"another package":  strings.Replace(completeBody, testRef, "x", 1),
		"another document": strings.Replace(completeBody, `"documentId":null`, `"documentId":"d"`, 1),
		"another message":  strings.Replace(completeBody, `"message":null`, `"message":"m"`, 1),
		"another role":     strings.Replace(completeBody, `"message"`, `"newRoleId":"n","message"`, 1),
		"a millisecond on": strings.Replace(completeBody, ".123Z", ".124Z", 1),
		"a shifted border": strings.NewReplacer(`"message":null`, `"message":"a"`, `"documentId":null`, `"documentId":""`).Replace(completeBody),
	} {
		if got := received(t, s, body).DedupeKey; got == key || got == "" {
			t.Errorf("%s: got the same key or none", name)
		}
	}
	old := received(t, s, strings.Replace(completeBody, `,"createdDate":"2026-03-02T09:15:00.123Z"`, "", 1))
	if o := old.Observations[0]; old.DedupeKey != "" || !o.Refetch || o.Evidence != model.Claim || o.Status != model.Completed {
		t.Errorf("an older server's event without createdDate: got %+v", old)
	}
}

func TestWhatEachEventTells(t *testing.T) {
	t.Parallel()
	s := account(t, "", keyed)
	tell := func(name, more string) model.Observation {
		r := received(t, s, `{"name":"`+name+`","sessionUser":"u","packageId":"p","createdDate":"2026-03-02T09:15:00.123Z"`+more+`}`)
		if len(r.Observations) != 1 || r.Ref != "p" || r.Observations[0].Type != r.Type || r.Observations[0].Evidence != model.Claim {
			t.Fatalf("%s: got %+v", name, r)
		}
		return r.Observations[0]
	}
	for name, status := range map[string]model.Status{
		"PACKAGE_CREATE": model.Draft, "PACKAGE_ACTIVATE": model.InProgress, "PACKAGE_DEACTIVATE": model.Draft, "PACKAGE_COMPLETE": model.Completed,
		"PACKAGE_DECLINE": model.Declined, "PACKAGE_OPT_OUT": model.OptedOut, "PACKAGE_EXPIRE": model.Expired,
	} {
		if o := tell(name, `,"message":"why"`); o.Status != status || o.Refetch || o.Archived != model.Unsaid || o.Trashed != model.Unsaid || o.Attention != nil {
			t.Errorf("%s: got %+v", name, o)
		}
	}
	for _, name := range []string{"DOCUMENT_SIGNED", "DOCUMENT_VIEWED", "SIGNER_COMPLETE", "SIGNER_LOCKED", "KBA_FAILURE", "EMAIL_BOUNCE", "ROLE_REASSIGN",
		"PACKAGE_ATTACHMENT", "COBROWSE_REQUEST", "PACKAGE_TRASH", "PACKAGE_RESTORE", "PACKAGE_DELETE", "PACKAGE_NEVER_HEARD_OF", "package_complete"} {
		if o := tell(name, ""); o.Status != "" || !o.Refetch || o.ProviderStatus != "" {
			t.Errorf("%s says where it stands: got %+v", name, o)
		}
	}
	for name, acted := range map[string]bool{
		"DOCUMENT_VIEWED": true, "DOCUMENT_SIGNED": true, "SIGNER_COMPLETE": true, "PACKAGE_DECLINE": true, "PACKAGE_OPT_OUT": true,
		"EMAIL_BOUNCE": false, "ROLE_REASSIGN": false, "PACKAGE_TRASH": false, "PACKAGE_CREATE": false, "PACKAGE_EXPIRE": false,
	} {
		if o := tell(name, ""); o.Acted != acted {
			t.Errorf("%s: a signer acted: %v", name, o.Acted)
		}
	}
	if o := tell("PACKAGE_ARCHIVE", ""); o.Status != model.Completed || o.Archived != model.Yes || o.ProviderStatus != "ARCHIVED" {
		t.Errorf("archive: got %+v", o)
	}
	if o := tell("PACKAGE_TRASH", ""); o.Trashed != model.Yes {
		t.Errorf("trash: got %+v", o)
	}
	if o := tell("PACKAGE_RESTORE", ""); o.Trashed != model.No {
		t.Errorf("restore: got %+v", o)
	}
	if o := tell("PACKAGE_DELETE", ""); o.Deleted != model.Yes {
		t.Errorf("delete: got %+v", o)
	}
	if tell("PACKAGE_DECLINE", `,"message":"why"`).Reason != "why" || tell("PACKAGE_OPT_OUT", `,"message":"why"`).Reason != "why" || tell("PACKAGE_ATTACHMENT", `,"message":"a.pdf"`).Reason != "" {
		t.Error("the reason is the message of decline and opt-out, of nothing else")
	}
	providertest.Same(t, "signer", tell("SIGNER_COMPLETE", "").Signers, []model.Signer{{Ref: "u", Status: model.SignerSigned}})
	for more, want := range map[string]model.Attention{
		"SIGNER_LOCKED": {Kind: model.SignerLockedOut, Signer: "u"}, "KBA_FAILURE": {Kind: model.IdentityCheckFailed, Signer: "u"},
		"PACKAGE_READY_FOR_COMPLETE": {Kind: model.SenderMustFinish}, "PACKAGE_READY_FOR_COMPLETION": {Kind: model.SenderMustFinish},
		`EMAIL_BOUNCE","message":"BOUNCE`:  {Kind: model.EmailBounced, Signer: "u", Message: "BOUNCE"},
		`EMAIL_BOUNCE","message":"UNKNOWN`: {Kind: model.EmailBounced, Signer: "u", Message: "UNKNOWN"},
	} {
		providertest.Same(t, more, tell(more, "").Attention, []model.Attention{want})
	}
	if o := tell("PACKAGE_READY_FOR_COMPLETION", ""); o.Type != "PACKAGE_READY_FOR_COMPLETE" || o.Status != model.InProgress || !o.Refetch {
		t.Errorf("the SDKs' spelling: got %+v", o)
	}
	if o := tell("EMAIL_BOUNCE", `,"message":"OOTO"`); o.Attention != nil || !o.Refetch {
		t.Errorf("out of office is no bounce: got %+v", o)
	}
}

func TestConsentAndTemplatesAreIgnored(t *testing.T) {
	t.Parallel()
	s := account(t, "", keyed)
	for _, body := range []string{
		`{"name":"DOCUMENT_SIGNED","packageId":"p","documentId":"default-consent","createdDate":"2026-03-02T09:15:00Z"}`,
		`{"name":"TEMPLATE_CREATE","packageId":"p","createdDate":"2026-03-02T09:15:00Z"}`,
	} {
		if r := received(t, s, body); r.Ignored == "" || r.Observations != nil || r.Ref != "p" || r.DedupeKey == "" {
			t.Errorf("%s: got %+v", body, r)
		}
	}
	if r := received(t, s, `{"name":"DOCUMENT_VIEWED","packageId":"p","documentId":"default-consent"}`); r.Ignored != "" {
		t.Errorf("got %+v", r)
	}
}

func TestTheNameMayStandElsewhere(t *testing.T) {
	t.Parallel()
	s := account(t, "", keyed)
	for _, key := range []string{"name", "event", "type", "eventName", "eventType"} {
		if r := received(t, s, `{"`+key+`":"PACKAGE_COMPLETE","packageId":"p"}`); r.Type != "PACKAGE_COMPLETE" {
			t.Errorf("%s: got %+v", key, r)
		}
	}
}

func TestProvedButNotUnderstood(t *testing.T) {
	t.Parallel()
	s := account(t, "", keyed)
	for _, body := range []string{"", "null", "[]", `"x"`, "{}", `{"name":"PACKAGE_COMPLETE"}`, `{"packageId":"p"}`, `{"name":null,"packageId":"p"}`, completeBody[:60],
		completeBody + completeBody, "[" + completeBody + "]", "<xml/>", `{"name":"X","packageId":"a\u0000b"}`, `{"name":"X\ny","packageId":"p"}`, "\xff\xfe", `{"name":"X","packageId":"` + strings.Repeat("p", 5000) + `"}`, `{"name":"` + strings.Repeat("p", 5000) + `","packageId":"p"}`} {
		if r, err := s.Receive(posted(body)); !errors.Is(err, provider.ErrNotUnderstood) || len(r.Observations) != 0 {
			t.Errorf("%.40q: got %+v, %v", body, r, err)
		}
	}
}

func TestPeekNeverFails(t *testing.T) {
	t.Parallel()
	s := account(t, "", keyed)
	for body, want := range map[string][2]string{completeBody: {testRef, "PACKAGE_COMPLETE"}, "": {}, "nonsense": {}, `{"packageId":7}`: {"7", ""}} {
		if ref, typ := s.Peek(posted(body, "Basic wrong")); ref != want[0] || typ != want[1] {
			t.Errorf("%q: got %q %q", body, ref, typ)
		}
	}
}

// Every event that the rules name is one that Receive knows to be the service's, and every claim
// that may end a transaction is one that the rules let through.
func TestRulesFitTheEvents(t *testing.T) {
	t.Parallel()
	r := account(t, "", keyed).Rules()
	for name, word := range meanings {
		to := words[word]
		if !r.Allows(model.Unknown, to) {
			t.Errorf("%s: unknown may not become %s", name, to)
		}
		if to.Final() && (!r.Allows(model.Draft, to) || !r.Allows(model.InProgress, to)) {
			t.Errorf("%s may not end a transaction", name)
		}
	}
	for _, s := range model.Statuses() {
		if s.Final() && len(r.Forward[s]) != 0 || r.Allows(model.InProgress, model.Draft) {
			t.Errorf("a claim leads back or out of %s", s)
		}
	}
	if got := model.Unreported(r, model.Found{Change: model.ChangeArchived, Off: true}, false, nil); got != model.GapNoEvent {
		t.Errorf("un-archiving has no event that anybody knows: got %s", got)
	}
	told, _ := model.Reported(r, model.Found{Change: model.ChangeCreated, To: string(model.Draft)}, []model.Called{{Type: packageActivate}}, false)
	if told {
		t.Error("a draft was not created by being sent")
	}
}

func FuzzReceive(f *testing.F) {
	files, err := filepath.Glob("testdata/callbacks/*.http")
	if err != nil || len(files) == 0 {
		f.Fatal("no recorded callbacks", err)
	}
	for _, name := range files {
		raw, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		_, body, _ := strings.Cut(string(raw), "\r\n\r\n")
		f.Add("Basic "+testKey, body)
	}
	f.Add("Bearer x", `{"name":{"a":1},"packageId":[]}`)
	p, err := New(provider.Options{Settings: providertest.Decode(keyed)})
	if err != nil {
		f.Fatal(err)
	}
	s := p.Provider.(*service)
	f.Fuzz(func(t *testing.T, header, body string) {
		c := provider.Callback{Header: http.Header{"Authorization": {header}}, Body: []byte(body), ReceivedAt: noon}
		s.Peek(c)
		r, err := s.Receive(c)
		switch {
		case err == nil && (r.Ref == "" || r.Type == "" || (len(r.Observations) == 0) != (r.Ignored != "")):
			t.Errorf("understood half: %+v", r)
		case err != nil && !errors.Is(err, provider.ErrUnverified) && !errors.Is(err, provider.ErrNotUnderstood):
			t.Errorf("an error of no kind: %v", err)
		case err == nil && !strings.Contains(header, " "):
			t.Errorf("no key and yet verified: %q", header)
		}
	})
}
