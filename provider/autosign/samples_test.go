package autosign

import (
	"cmp"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"countersign/model"
	"countersign/provider"
	"countersign/provider/lenient"
	"countersign/provider/providertest"
)

// samples is the folder of the service's own published examples. It is not in this repository: the
// tests are skipped where it is absent, but not in CI.
func samples(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(cmp.Or(os.Getenv("COUNTERSIGN_SHARED"), "../../../shared"), "providers", "samples", "autosign")
	if _, err := os.Stat(dir); err != nil && os.Getenv("CI") == "" {
		t.Skipf("no samples at %s: set COUNTERSIGN_SHARED to the folder that has providers/samples", dir)
	}
	return dir
}

func sample(t *testing.T, name string) []byte {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(samples(t), name))
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// Link members are missing from the published examples: no link is found, and nothing is cut.
func TestEveryPublishedEventMeansWhatItsTypeSays(t *testing.T) {
	t.Parallel()
	s := plain(t, "", keyed)
	keys := map[string]string{}
	for _, typ := range types() {
		raw := sample(t, "webhook."+typ+".json")
		r, err := s.Receive(called(string(raw)))
		if err != nil || len(r.Observations) != 1 || r.Type != typ || r.Ref == "" || r.EventID == "" {
			t.Errorf("%s: %+v, %v", typ, r, err)
			continue
		}
		o := r.Observations[0]
		if o.Status != meaning(typ) || o.ProviderStatus == "" || o.ProviderTime == nil || r.Clean != nil || len(r.Links) > 0 {
			t.Errorf("%s: %+v", typ, r)
		}
		if was := keys[r.DedupeKey]; was != "" {
			t.Errorf("%s is taken for %s", typ, was)
		}
		keys[r.DedupeKey] = typ
		if typ == recipientSubmitted && len(o.Signers) != 1 || typ == transactionCompleted && len(o.Signers) != 2 {
			t.Errorf("%s: signers %+v", typ, o.Signers)
		}
	}
	raw := strings.Replace(string(sample(t, "webhook.transaction_completed.json")), `"name": "sealed-sample.pdf"`,
		`"name": "sealed-sample.pdf", "url": "https://files.example.net/1"`, 1)
	if r, err := s.Receive(called(raw)); err != nil || len(r.Links) != 1 ||
		r.Links[0].Document.Name != "sealed-sample.pdf" || r.Clean == nil {
		t.Errorf("with the link that is missing: %+v, %v", r, err)
	}
}

func TestThePublishedTransactionIsADraft(t *testing.T) {
	t.Parallel()
	raw := sample(t, "response.transaction_detail.json")
	f := answering(t, http.StatusOK, "application/json", string(raw))
	ref := provider.Lookup(raw, "id")
	o, err := account(t, f.URL, keyed).Fetch(t.Context(), ref)
	if err != nil || o.Status != model.Draft || o.Name == "" || len(o.Signers) != 3 || o.Archived != model.No ||
		o.CreatedAt == nil ||
		!o.ProviderTime.After(*o.CreatedAt) || o.Metadata != "" || o.Documents != nil {
		t.Errorf("%+v, %v", o, err)
	}
	done := strings.Replace(string(raw), `"status": "draft"`, `"status": "completed"`, 1)
	f = answering(t, http.StatusOK, "application/json", done)
	if o, err := account(t, f.URL, keyed).Fetch(t.Context(), ref); err != nil || len(o.Documents) != 1 {
		t.Errorf("completed: %v, %v", o.Documents, err)
	}
}

func TestThePublishedListsAndTokensAreRead(t *testing.T) {
	t.Parallel()
	f := answering(t, http.StatusOK, "application/json", string(sample(t, "response.webhook_list.json")))
	r, err := account(t, f.URL, managing).Registrar.Registration(t.Context())
	if err != nil || r.ID == "" || r.Disabled || len(r.Events) != 2 || len(r.Warnings) != 1 {
		t.Errorf("%+v, %v", r, err)
	}
	f = answering(t, http.StatusOK, "application/json", string(sample(t, "response.template_list.json")))
	if refs, pages := walk(t, account(t, f.URL, listing), provider.ListQuery{}); len(refs) != 1 || pages != 1 {
		t.Errorf("%v in %d pages", refs, pages)
	}
	var made struct {
		ID lenient.Text `json:"id"`
	}
	for _, name := range []string{"response.webhook_create.json", "response.transaction_create.json"} {
		if err := json.Unmarshal(sample(t, name), &made); err != nil || made.ID == "" {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, name := range []string{"response.oauth_refresh.json", "response.oauth_exchange.json"} {
		var got tokenAnswer
		if err := json.Unmarshal(sample(t, name), &got); err != nil || got.AccessToken == "" ||
			(got.RefreshToken == "") != strings.Contains(name, "refresh") {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}

// What we send holds the members of the published requests, and no others.
func TestOurRequestsHaveThePublishedMembers(t *testing.T) {
	t.Parallel()
	i, now := issue(t), noon
	s := i.account(t, &vault{kept: map[string][]byte{}}, &now, seeded)
	if err := s.Exchange(t.Context(), "code", ""); err != nil {
		t.Fatal(err)
	}
	now = now.AddDate(0, 0, 1)
	if err := fetch(t, s); err != nil {
		t.Fatal(err)
	}
	sent := map[string]string{"request.oauth_exchange.json": i.Bodies()[0], "request.oauth_refresh.json": i.Bodies()[1]}
	for name, body := range sent {
		providertest.Same(t, name, members(t, []byte(body)), members(t, sample(t, name)))
	}
	list := paged(t)
	f := providertest.Serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			w.Write([]byte(`{"id":"w"}`))
			return
		}
		list.Config.Handler.ServeHTTP(w, r)
	})
	if _, err := account(t, f.URL, managing).Setter.Register(t.Context(), hook, false); err != nil {
		t.Fatal(err)
	}
	want := members(t, sample(t, "request.webhook_create.json"))
	want["endpoint"] = true // required, and missing there: its value is a link
	providertest.Same(t, "request.webhook_create.json", members(t, []byte(f.Bodies()[1])), want)
}

func members(t *testing.T, raw []byte) map[string]bool {
	t.Helper()
	var v map[string]any
	if err := json.Unmarshal(raw, &v); err != nil {
		t.Fatal(err)
	}
	out := map[string]bool{}
	for k := range v {
		out[k] = true
	}
	return out
}
