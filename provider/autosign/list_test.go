package autosign

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"countersign/provider"
	"countersign/provider/providertest"
)

const listing = "{access_token: x, list_path: /v1/transaction, list_limit: 2}"

// paged is a service with a list that obeys limit and page, both required.
func paged(t *testing.T, items ...string) *providertest.Service {
	t.Helper()
	return providertest.Serve(t, func(w http.ResponseWriter, r *http.Request) {
		limit, page := 0, 0
		fmt.Sscan(r.URL.Query().Get("limit"), &limit)
		fmt.Sscan(r.URL.Query().Get("page"), &page)
		if limit < 1 || page < 1 {
			w.WriteHeader(http.StatusUnprocessableEntity)
			return
		}
		from, to := min((page-1)*limit, len(items)), min(page*limit, len(items))
		next := "null"
		if to < len(items) {
			next = fmt.Sprint(page + 1)
		}
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"items":[%s],"meta":{"limit":%d,"is_last_page":%v,"current_page":%d,"next_page":%s}}`,
			strings.Join(items[from:to], ","), limit, to >= len(items), page, next)
	})
}

// walk lists a window and returns the refs and how many pages there were.
func walk(t *testing.T, p provider.Service, q provider.ListQuery) (refs []string, pages int) {
	t.Helper()
	for {
		got, err := p.Lister.List(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		pages++
		for _, it := range got.Items {
			if it.Whole || it.Observation.Mark != "" {
				t.Errorf("%s: a list proves nothing of a row", it.Observation.Ref)
			}
			refs = append(refs, it.Observation.Ref)
		}
		if q.Cursor = got.Next; q.Cursor == "" {
			return refs, pages
		}
	}
}

func TestAListIsWalkedToItsEndAndTheWindowIsOurs(t *testing.T) {
	t.Parallel()
	var items []string
	for i, hours := range []int{5, 1, 200, 3, 90} { // in no order
		items = append(items,
			fmt.Sprintf(`{"id":"t%d","status":"started","created_at":%q}`, i,
				noon.Add(-time.Duration(hours)*time.Hour).Format(time.RFC3339)))
	}
	items = append(items, `{"id":"t5","status":"draft"}`, `{"status":"draft"}`)
	f := paged(t, items...)
	refs, pages := walk(t, account(t, f.URL, listing),
		provider.ListQuery{Since: noon.Add(-100 * time.Hour), Until: noon.Add(-2 * time.Hour)})
	providertest.Same(t, "refs", refs, []string{"t0", "t3", "t4", "t5"})
	if pages != 4 {
		t.Errorf("%d pages", pages)
	}
}

func TestAListThatDoesNotTellItsEndEnds(t *testing.T) {
	t.Parallel()
	for _, body := range []string{
		`{"items":[{"id":"a"}]}`, `{"items":[{"id":"a"}],"meta":{}}`, `{"items":[{"id":"a"}],"meta":{"next_page":1}}`,
		`{"items":[{"id":"a"}],"meta":{"is_last_page":true,"next_page":2}}`, `{"items":[],"meta":{"next_page":2}}`,
	} {
		f := answering(t, http.StatusOK, "application/json", body)
		if _, pages := walk(t, account(t, f.URL, listing), provider.ListQuery{}); pages != 1 {
			t.Errorf("%s: %d pages", body, pages)
		}
	}
}

func TestACursorOfSomebodyElseIsRefused(t *testing.T) {
	t.Parallel()
	for _, c := range []string{"0", "-1", "x", `{"page":1}`} {
		if _, err := account(t, "http://api.example.net", listing).Lister.List(t.Context(),
			provider.ListQuery{Cursor: c}); !errors.Is(err, errCursor) {
			t.Errorf("%s: %v", c, err)
		}
	}
}

const managing = "{access_token: x, webhook_list_path: /v1/webhook, webhook_create_path: /v1/webhook, list_limit: 2}"

var hook = provider.Registration{URL: "https://sign.example.org/callbacks/la"}

func webhookJSON(id, address string, enabled bool, events ...string) string {
	raw, _ := json.Marshal(map[string]any{"id": id, "name": "n", "endpoint": address, "enabled": enabled,
		"events": events})
	return string(raw)
}

func TestWebhooksAreReadToTheLastPage(t *testing.T) {
	t.Parallel()
	f := paged(t, webhookJSON("w1", "https://a.example.net/", false),
		webhookJSON("w2", "https://b.example.net/", true, "transaction_started"), webhookJSON("w3", "", true))
	r, err := account(t, f.URL, managing).Registrar.Registration(t.Context())
	if err != nil || r.ID != "w2" || len(r.Others) != 2 || !r.Others[0].Disabled || len(r.Others[1].Warnings) == 0 {
		t.Errorf("%+v, %v", r, err)
	}
	providertest.Same(t, "events", r.Events, []string{"transaction_started"})
	if r, err := account(t, paged(t).URL, managing).Registrar.Registration(t.Context()); err != nil || r.URL != "" {
		t.Errorf("without any: %+v, %v", r, err)
	}
}

func TestRegisteringMakesAWebhookBesideTheOthers(t *testing.T) {
	t.Parallel()
	made := ""
	list := paged(t, webhookJSON("w1", "https://a.example.net/", true))
	f := providertest.Serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			made = "yes"
			w.WriteHeader(http.StatusCreated)
			fmt.Fprint(w, `{"id":"w9"}`)
			return
		}
		list.Config.Handler.ServeHTTP(w, r)
	})
	r, err := account(t, f.URL, managing).Setter.Register(t.Context(), hook, false)
	if err != nil || made == "" || r.ID != "w9" || len(r.Warnings) != 1 ||
		!strings.Contains(r.Warnings[0], "webhook_secrets") {
		t.Errorf("%+v, %v", r, err)
	}
	bodies := f.Bodies()
	var sent map[string]any
	if err := json.Unmarshal([]byte(bodies[len(bodies)-1]), &sent); err != nil || sent["endpoint"] != hook.URL ||
		sent["name"] == "" || len(sent["events"].([]any)) != 7 {
		t.Errorf("sent %v, %v", sent, err)
	}
}

func TestAWebhookOfOursIsNeverMadeTwice(t *testing.T) {
	t.Parallel()
	all := types()
	for name, test := range map[string]struct {
		item string
		want string // in the error; "" for none
	}{
		"as it should be": {webhookJSON("w1", hook.URL+"/", true, all...), ""},
		"disabled":        {webhookJSON("w1", hook.URL, false, all...), "disabled"},
		"without events":  {webhookJSON("w1", hook.URL, true, slices.Delete(types(), 6, 7)...), "transaction_cancelled"},
		"not shown":       {webhookJSON("w1", "", true, all...), "does not show"},
	} {
		f := paged(t, test.item)
		_, err := account(t, f.URL, managing).Setter.Register(t.Context(), hook, false)
		if (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v", name, err)
		}
		for _, r := range f.Requests() {
			if r.Method != http.MethodGet {
				t.Errorf("%s: another one was made", name)
			}
		}
		if name == "not shown" && !errors.Is(err, provider.ErrDisplaces) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, bad := range []provider.Registration{{URL: "http://x.example.org"}, {URL: hook.URL, Scope: "app 7"}} {
		if _, err := account(t, "http://api.example.net", managing).Setter.Register(t.Context(), bad, true); err == nil {
			t.Errorf("%+v is taken", bad)
		}
	}
}
