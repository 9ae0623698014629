package onespan

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"countersign/model"
	"countersign/provider"
	"countersign/provider/providertest"
	"countersign/provider/providertest/recorded"
)

// world is a list that changes while it is walked.
type world struct {
	live, trashed, others []string // ids, oldest change first
	base                  int      // the number of the first record
	most                  int      // records to a page, whatever is asked; 0: as asked
	move                  func(page int, w *world)
	pages                 int
	report                int // answer of the report; 0: 200
}

func (w *world) answer(rw http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	from, _ := strconv.Atoi(q.Get("from"))
	to, _ := strconv.Atoi(q.Get("to"))
	w.pages++
	if w.move != nil {
		w.move(w.pages, w)
	}
	ids := w.live
	switch {
	case strings.HasPrefix(r.URL.Path, "/api/reports/"):
		if w.report != 0 {
			rw.WriteHeader(w.report)
			return
		}
		ids = w.others
	case q.Get("query") == "trashed":
		ids = w.trashed
	}
	lo, hi := max(from-w.base, 0), min(to-w.base+1, len(ids))
	if w.most > 0 {
		hi = min(hi, lo+w.most)
	}
	items := []map[string]any{}
	for i := lo; i < hi; i++ {
		kind := transaction
		if strings.HasPrefix(ids[i], "template") {
			kind = "TEMPLATE"
		}
		items = append(items,
			map[string]any{"id": ids[i], "type": kind, "status": "SENT", "updated": "2026-03-02T09:15:00Z",
				"created": "2026-03-01T08:00:00Z", "trashed": q.Get("query") == "trashed"})
	}
	body := map[string]any{"count": len(ids), "results": items}
	if strings.HasPrefix(r.URL.Path, "/api/reports/") {
		body = map[string]any{"totalElements": len(ids), "content": items}
	}
	json.NewEncoder(rw).Encode(body) //nolint:errcheck // the test sees what is missing
}

func ids(prefix string, n int) []string {
	var out []string
	for i := range n {
		out = append(out, fmt.Sprintf("%s-%04d", prefix, i))
	}
	return out
}

// walk lists the whole window, each page with a provider that knows only the cursor.
func walk(t *testing.T, s *service, q provider.ListQuery) (seen map[string]model.Observation, calls int) {
	t.Helper()
	seen = map[string]model.Observation{}
	for calls = 1; ; calls++ {
		page, err := s.List(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		for _, item := range page.Items {
			if item.Whole || item.Observation.Evidence != model.Verified {
				t.Errorf("an item of a list is no whole answer: %+v", item)
			}
			seen[item.Observation.Ref] = item.Observation
		}
		if page.Next == "" {
			return seen, calls
		}
		if calls > 200 {
			t.Fatal("the walk does not end")
		}
		q.Cursor = page.Next
	}
}

func TestListWalksEachPass(t *testing.T) {
	t.Parallel()
	w := &world{live: append(ids("own", 250), "template-1"), trashed: ids("trashed", 3), others: ids("other", 120),
		base: 1}
	f := providertest.Serve(t, w.answer)
	s := account(t, f.URL, keyed)
	since, until := noon.Add(-6*time.Hour), noon.Add(time.Millisecond)
	seen, calls := walk(t, s, provider.ListQuery{Since: since, Until: until})
	if len(seen) != 373 || calls != 3+1+2 {
		t.Errorf("saw %d in %d calls", len(seen), calls)
	}
	if o := seen["trashed-0001"]; o.Trashed != model.Yes || o.Mark != "2026-03-02T09:15:00Z|SENT|true" {
		t.Errorf("got %+v", o)
	}
	reqs := f.Requests()
	providertest.Same(t, "first page", reqs[0].URL.Query(),
		url.Values{"from": {"1"}, "to": {"100"}, "sort": {"updated"}, "dir": {"asc"},
			"lastUpdatedStartDate": {"2026-03-02T06:00:00Z"}, "lastUpdatedEndDate": {"2026-03-02T12:00:01Z"}})
	providertest.Same(t, "second page", reqs[1].URL.Query().Get("from")+"-"+reqs[1].URL.Query().Get("to"), "101-200")
	providertest.Same(t, "trashed page", reqs[3].URL.Query().Get("query"), "trashed")
	providertest.Same(t, "report page", reqs[4].URL.Query(),
		url.Values{"from": {"1"}, "to": {"100"}, "startDate": {"2026-03-02T06:00:00Z"}, "endDate": {"2026-03-02T12:00:01Z"}})
	if got := s.Reach(); !strings.Contains(got, "from a report") {
		t.Errorf("reach: %s", got)
	}
}

func TestListItemHasTheMarkOfTheAnswer(t *testing.T) {
	t.Parallel()
	f := answering(t, http.StatusOK, "application/json",
		`{"count":1,"results":[`+recorded.Text(t, "answers/sent_one_signed")+`]}`)
	page, err := account(t, f.URL, keyed).List(t.Context(), provider.ListQuery{Since: noon.Add(-time.Hour), Until: noon})
	if err != nil {
		t.Fatal(err)
	}
	got, want := page.Items[0].Observation, fetched(t, "sent_one_signed")
	if got.Mark == "" || got.Mark != want.Mark || got.Status != want.Status || !got.CreatedAt.Equal(*want.CreatedAt) ||
		!got.ProviderTime.Equal(*want.ProviderTime) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestListAsksForNoReportWhereItMayNot(t *testing.T) {
	t.Parallel()
	for _, code := range []int{http.StatusForbidden, http.StatusUnauthorized, http.StatusNotFound} {
		w := &world{live: ids("own", 5), base: 1, report: code}
		f := providertest.Serve(t, w.answer)
		s := account(t, f.URL, keyed)
		q := provider.ListQuery{Since: noon.Add(-time.Hour), Until: noon}
		for range 2 {
			if seen, _ := walk(t, s, q); len(seen) != 5 {
				t.Errorf("%d: saw %d", code, len(seen))
			}
		}
		if got := len(f.Requests()); got != 3+2 {
			t.Errorf("%d: %d calls: the answer was not remembered", code, got)
		}
		if got := s.Reach(); !strings.HasPrefix(got, "only the key's own") {
			t.Errorf("%d: reach: %s", code, got)
		}
	}
	w := &world{live: ids("own", 5), base: 1, report: http.StatusServiceUnavailable}
	s := account(t, providertest.Serve(t, w.answer).URL, keyed)
	q := provider.ListQuery{Cursor: `{"pass":"report","read":1}`}
	if _, err := s.List(t.Context(), q); err == nil {
		t.Error("an outage is no refusal")
	}
	own := account(t, providertest.Serve(t, (&world{base: 1}).answer).URL, keyed,
		func(o *provider.Options) { o.Scope = "own" })
	if _, calls := walk(t, own, provider.ListQuery{}); calls != 2 || !strings.Contains(own.Reach(), "scope: own") {
		t.Errorf("scope own: %d calls, %s", calls, own.Reach())
	}
}

// What is changed during the walk leaves the window and moves the rest up: nothing may be passed over.
func TestListMissesNothingWhenPagesShift(t *testing.T) {
	t.Parallel()
	for name, move := range map[string]func(page int, w *world){
		"one leaves after the first page":   func(p int, w *world) { leave(p == 2, w, 1) },
		"many leave after the first page":   func(p int, w *world) { leave(p == 2, w, 90) },
		"one leaves before each page":       func(p int, w *world) { leave(p > 1, w, 1) },
		"more than a page leaves":           func(p int, w *world) { leave(p == 3, w, 150) },
		"all that was seen leaves":          func(p int, w *world) { leave(p == 2, w, 100) },
		"the last leave before their page":  func(p int, w *world) { leave(p == 5, w, 60) },
		"one leaves, page after page to 12": func(p int, w *world) { leave(p > 1 && p < 12, w, 1) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := &world{live: ids("own", 430), base: 1, move: move}
			seen, _ := walk(t, account(t, providertest.Serve(t, w.answer).URL, keyed),
				provider.ListQuery{Since: noon.Add(-time.Hour), Until: noon})
			for _, id := range w.live { // who left has a newer change and is in the next window
				if _, ok := seen[id]; !ok {
					t.Errorf("%s was passed over", id)
				}
			}
		})
	}
}

// leave takes the n oldest out of the window.
func leave(when bool, w *world, n int) {
	if when {
		w.live = w.live[min(n, len(w.live)):]
	}
}

func TestListReadsAgainWhereIdsAreShortOfTheCount(t *testing.T) {
	t.Parallel()
	for name, w := range map[string]*world{
		"records counted from 0":           {live: ids("own", 250), trashed: ids("trashed", 2), base: 0},
		"one record, counted from 0":       {live: ids("own", 1), base: 0},
		"a page border, counted from 0":    {live: ids("own", 101), base: 0},
		"pages shorter than asked for":     {live: ids("own", 250), base: 1, most: 40},
		"both":                             {live: ids("own", 250), base: 0, most: 40},
		"short by nobody, counted from 1":  {live: ids("own", 200), base: 1},
		"nothing at all, counted from one": {base: 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := account(t, providertest.Serve(t, w.answer).URL, keyed, func(o *provider.Options) { o.Scope = "own" })
			if seen, _ := walk(t, s, provider.ListQuery{Until: noon}); len(seen) != len(w.live)+len(w.trashed) {
				t.Errorf("saw %d of %d", len(seen), len(w.live)+len(w.trashed))
			}
		})
	}
	liar := answering(t, http.StatusOK, "application/json", `{"count":7,"results":[]}`)
	s := account(t, liar.URL, keyed)
	if _, calls := walk(t, s, provider.ListQuery{Until: noon}); calls > 6 {
		t.Errorf("a count that never comes true is read again once, not %d calls", calls)
	}
}

func TestListRefusesWhatIsNoCursorOfOurs(t *testing.T) {
	t.Parallel()
	s := account(t, "http://127.0.0.1:1", keyed)
	for _, c := range []string{"x", `{"pass":"gone","read":1}`, `{"pass":"live","read":-4}`, `[]`} {
		if _, err := s.List(t.Context(), provider.ListQuery{Cursor: c}); !errors.Is(err, errCursor) {
			t.Errorf("%s: got %v", c, err)
		}
	}
}

func TestAnOpenWindowIsClosedAtItsFirstPage(t *testing.T) {
	t.Parallel()
	f := providertest.Serve(t, (&world{live: ids("own", 150), base: 1}).answer)
	s := account(t, f.URL, keyed)
	page, err := s.List(t.Context(), provider.ListQuery{})
	if err != nil {
		t.Fatal(err)
	}
	s.now = func() time.Time { return noon.Add(time.Hour) }
	if _, err := s.List(t.Context(), provider.ListQuery{Cursor: page.Next}); err != nil {
		t.Fatal(err)
	}
	for _, r := range f.Requests() {
		if q := r.URL.Query(); q.Get("lastUpdatedEndDate") != "2026-03-02T12:00:00Z" || q.Has("lastUpdatedStartDate") {
			t.Errorf("got %s", r.URL.RawQuery)
		}
	}
}
