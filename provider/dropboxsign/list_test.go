package dropboxsign

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"countersign/model"
	"countersign/provider"
	"countersign/provider/providertest"
	"countersign/provider/providertest/recorded"
)

// world is a list of n requests, whose count may change with each page.
type world struct {
	n       atomic.Int64
	grows   int64  // by how many after each page
	account string // a recorded account
	wide    int    // what account_id=all answers; 0: the list
	noCount bool
}

func (w *world) answer(rw http.ResponseWriter, r *http.Request) {
	if strings.HasSuffix(r.URL.Path, "/account") {
		raw := w.account
		if raw == "" {
			rw.WriteHeader(http.StatusForbidden)
		}
		io.WriteString(rw, raw) //nolint:errcheck // a test
		return
	}
	q := r.URL.Query()
	if q.Get("account_id") == "all" && w.wide != 0 {
		rw.WriteHeader(w.wide)
		io.WriteString(rw, `{"error":{"error_msg":"m","error_name":"forbidden"}}`) //nolint:errcheck // a test
		return
	}
	page, _ := strconv.Atoi(q.Get("page"))
	size, _ := strconv.Atoi(q.Get("page_size"))
	n := int(w.n.Add(w.grows) - w.grows)
	info := map[string]any{"page": page, "page_size": size, "num_pages": (n + size - 1) / size, "num_results": n}
	if w.noCount {
		info["num_results"] = nil
	}
	items := []any{}
	for i := (page - 1) * size; i < min(page*size, n); i++ {
		items = append(items,
			map[string]any{"signature_request_id": fmt.Sprintf("r%d", i), "requester_email_address": "sales@example.org",
				"signatures": []any{}})
	}
	json.NewEncoder(rw).Encode(map[string]any{"list_info": info, "signature_requests": items}) //nolint:errcheck // a test
}

func of(n int64) *world { w := &world{}; w.n.Store(n); return w }

// walk reads all pages and returns the different refs.
func walk(t *testing.T, s *service, q provider.ListQuery) (refs map[string]bool, pages int) {
	t.Helper()
	refs = map[string]bool{}
	for {
		page, err := s.List(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		for _, item := range page.Items {
			refs[item.Observation.Ref] = true
		}
		pages++
		if q.Cursor = page.Next; q.Cursor == "" {
			return refs, pages
		}
		if pages > 50 {
			t.Fatal("the walk does not end")
		}
	}
}

var window = provider.ListQuery{Since: noon.AddDate(0, 0, -7), Until: noon}

func TestTheWindowIsWholeDaysAndADayMore(t *testing.T) {
	t.Parallel()
	w := of(1)
	w.account = recorded.Text(t, "account/alone")
	f := providertest.Serve(t, w.answer)
	for _, c := range []struct {
		block string
		own   bool
		q     provider.ListQuery
		want  url.Values
	}{
		{keyed, false, window, url.Values{"query": {"created:[2026-02-22 TO 2026-03-03]"}, "account_id": {"all"}}},
		{keyed, true, window, url.Values{"query": {"created:[2026-02-22 TO 2026-03-03] AND from:me"}}},
		{"{api_key: a, include_received: true}", true, window, url.Values{"query": {"created:[2026-02-22 TO 2026-03-03]"}}},
		{keyed, true, provider.ListQuery{Since: time.Date(2026, 1, 1, 1, 0, 0, 0, time.FixedZone("", 7200))},
			url.Values{"query": {"created:[2025-12-30 TO 2026-03-03] AND from:me"}}},
		{keyed, true, provider.ListQuery{}, url.Values{"query": {"created:[2000-01-01 TO 2026-03-03] AND from:me"}}},
	} {
		s := account(t, f.URL, c.block)
		s.own = c.own
		walk(t, s, c.q)
		asked := f.Requests()
		c.want["page"], c.want["page_size"] = []string{"1"}, []string{"100"}
		providertest.Same(t, "query", asked[len(asked)-1].URL.Query(), c.want)
		if raw := asked[len(asked)-1].URL.RawQuery; strings.ContainsAny(raw, "[]+ ") {
			t.Errorf("brackets and blanks must be encoded: %s", raw)
		}
	}
}

func TestEveryPageIsWalked(t *testing.T) {
	t.Parallel()
	for _, n := range []int64{0, 1, 99, 100, 101, 250} {
		for _, noCount := range []bool{false, true} {
			w := of(n)
			w.noCount = noCount
			refs, pages := walk(t, account(t, providertest.Serve(t, w.answer).URL, keyed), window)
			if want := max(1, (int(n)+99)/100); len(refs) != int(n) || pages != want {
				t.Errorf("%d: %d refs on %d pages", n, len(refs), pages)
			}
		}
	}
}

func TestAWalkStartsAgainWhenTheCountChangedAndEnds(t *testing.T) {
	t.Parallel()
	w := of(250)
	w.grows = 1 // with every page
	f := providertest.Serve(t, w.answer)
	refs, pages := walk(t, account(t, f.URL, keyed), window)
	if len(refs) < 250 || pages > 2*restarts+4 {
		t.Errorf("%d refs, %d pages", len(refs), pages)
	}
	w = of(250) // one page shifts once, by removals
	f = providertest.Serve(t, func(rw http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("page") == "2" {
			w.n.CompareAndSwap(250, 240)
		}
		w.answer(rw, r)
	})
	var asked []string
	walk(t, account(t, f.URL, keyed), window)
	for _, r := range f.Requests()[1:] {
		asked = append(asked, r.URL.Query().Get("page"))
	}
	providertest.Same(t, "pages", asked, []string{"1", "2", "1", "2", "3"})
}

func TestAPageWithoutNumbersEndsWhenItIsShort(t *testing.T) {
	t.Parallel()
	f := answering(t, http.StatusOK, "application/json",
		`{"list_info":{},"signature_requests":[{"signature_request_id":"a"}]}`)
	if refs, pages := walk(t, account(t, f.URL, "{api_key: a, include_received: true}"), window); len(refs) != 1 ||
		pages != 1 {
		t.Errorf("%v on %d pages", refs, pages)
	}
}

func TestTheTeamsListMayBeRefused(t *testing.T) {
	t.Parallel()
	for _, code := range []int{400, 402, 403} {
		w := of(150)
		w.wide, w.account = code, recorded.Text(t, "account/alone")
		f := providertest.Serve(t, w.answer)
		s := account(t, f.URL, keyed)
		if refs, _ := walk(t, s, window); len(refs) != 150 || !strings.Contains(s.Reach(), "only the key's own") {
			t.Errorf("%d: %d refs, %s", code, len(refs), s.Reach())
		}
		asked := f.Requests()
		if q := asked[len(asked)-1].URL.Query(); q.Get("account_id") != "" ||
			!strings.Contains(q.Get("query"), "from:me") || len(asked) != 4 {
			t.Errorf("%d: %d requests, the last %v", code, len(asked), q)
		}
		page, err := s.List(t.Context(),
			provider.ListQuery{Cursor: `{"page":7,"wide":true,"until":"2026-03-02T12:00:00Z","results":700}`})
		if err != nil || len(page.Items) != 100 {
			t.Errorf("a cursor from before: %d items, %v", len(page.Items), err)
		}
	}
}

func TestWhenEveryListIsRefusedItIsNotTheTeam(t *testing.T) {
	t.Parallel()
	for code, want := range map[int]error{401: provider.ErrDenied, 402: provider.ErrDenied, 503: provider.ErrUnavailable} {
		f := answering(t, code, "application/json", `{"error":{"error_msg":"m","error_name":"n"}}`)
		s := account(t, f.URL, "{api_key: a, include_received: true}")
		if _, err := s.List(t.Context(), window); !errors.Is(err, want) || s.team.Load() == teamRefused {
			t.Errorf("%d: %v, %s", code, err, s.Reach())
		}
	}
}

func TestListedRequestsAreWholeAndReceivedOnesLeftOut(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		block, account string
		own            bool
		want           int
	}{
		"alone":                          {keyed, "account/alone", false, 2},
		"alone, own":                     {keyed, "account/alone", true, 2},
		"in a team, whoever that is":     {keyed, "account/in_a_team", false, 3},
		"in a team, own":                 {keyed, "account/in_a_team", true, 2},
		"in a team, which is told":       {"{api_key: a, requester: [SALES@example.org]}", "account/in_a_team", false, 2},
		"received ones too":              {"{api_key: a, include_received: true}", "account/alone", false, 3},
		"an account that cannot be read": {keyed, "", false, 3},
	} {
		f := providertest.Serve(t, func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/v3/account" {
				(&world{account: map[bool]string{true: "", false: recorded.Text(t, "account/alone")}[c.account == ""]}).answer(w, r)
				return
			}
			io.WriteString(w, recorded.Text(t, "lists/page")) //nolint:errcheck // a test
		})
		if c.account == "account/in_a_team" {
			f = providertest.Serve(t, func(w http.ResponseWriter, r *http.Request) {
				io.WriteString(w, recorded.Text(t, map[bool]string{true: c.account, false: "lists/page"}[r.URL.Path == "/v3/account"])) //nolint:errcheck // a test
			})
		}
		s := account(t, f.URL, c.block)
		s.own = c.own
		page, err := s.List(t.Context(), window)
		if err != nil || len(page.Items) != c.want || page.Total != 3 || page.Next != "" {
			t.Errorf("%s: %d items of %d, %v", name, len(page.Items), page.Total, err)
		}
		for _, item := range page.Items {
			if !item.Whole || item.Observation.Evidence != model.Verified || item.Observation.Status == "" {
				t.Errorf("%s: %+v", name, item)
			}
		}
		if s.Reach() == "" {
			t.Error("no reach")
		}
	}
}

func TestAListedRequestIsTheFetchedOne(t *testing.T) {
	t.Parallel()
	for name := range standings {
		one := strings.TrimSpace(recorded.Text(t, "answers/"+name))
		one = strings.TrimSuffix(strings.TrimPrefix(one, `{`), `}`)
		list := `{"list_info":{"num_pages":1,"num_results":1},"signature_requests":[` +
			strings.Replace(one, `"signature_request":`, "", 1) + `]}`
		f := answering(t, http.StatusOK, "application/json", list)
		page, err := account(t, f.URL, "{api_key: a, include_received: true}").List(t.Context(), window)
		if err != nil || len(page.Items) != 1 {
			t.Fatalf("%s: %+v, %v", name, page, err)
		}
		providertest.Same(t, name, page.Items[0].Observation, fetched(t, name))
	}
}

func TestTestObjectsAreNotListedWhereTheyAreLeftOut(t *testing.T) {
	t.Parallel()
	f := answering(t, http.StatusOK, "application/json",
		`{"list_info":{},"signature_requests":[{"signature_request_id":"a","test_mode":true},{"signature_request_id":"b","signatures":7}]}`)
	page, err := account(t, f.URL, "{api_key: a, include_received: true}", noTest).List(t.Context(), window)
	if err != nil || len(page.Items) != 1 || page.Items[0].Observation.Ref != "b" || page.Items[0].Whole {
		t.Errorf("%+v, %v", page, err) // b has a shape that we cannot read: fetch it, and see
	}
}

func TestAForeignCursorIsRefused(t *testing.T) {
	t.Parallel()
	for _, c := range []string{"x", `{}`, `{"page":0}`, `[]`} {
		if _, err := account(t, "http://127.0.0.1:1", keyed).List(t.Context(),
			provider.ListQuery{Cursor: c}); !errors.Is(err, errCursor) {
			t.Errorf("%s: %v", c, err)
		}
	}
}
