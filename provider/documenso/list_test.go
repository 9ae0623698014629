package documenso

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"countersign/model"
	"countersign/provider"
	"countersign/provider/providertest"
	"countersign/provider/providertest/recorded"
)

// shelf is a service's envelopes and folders, which may change while they are walked.
type shelf struct {
	in      map[string][]int    // folder -> envelopes, newest first; the number is how many hours old it is
	folders map[string][]string // folder -> the folders in it
	status  string
	move    func(page int, s *shelf)
	pages   int
}

func (s *shelf) answer(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	page, _ := strconv.Atoi(q.Get("page"))
	per, _ := strconv.Atoi(q.Get("perPage"))
	page, per = cmp.Or(page, 1), cmp.Or(per, 10) // a question that is not about a list says neither
	list, data := []any{}, []any{}
	switch r.URL.Path {
	case "/api/v2/folder":
		for _, f := range s.folders[q.Get("parentId")] {
			list = append(list, map[string]any{"id": f, "teamId": 8})
		}
	case "/api/v2/envelope":
		s.pages++
		if s.move != nil {
			s.move(s.pages, s)
		}
		for _, age := range s.in[q.Get("folderId")] {
			at := noon.Add(-time.Duration(age) * time.Hour).Format(time.RFC3339)
			list = append(list, map[string]any{"id": fmt.Sprintf("%s%04d", refPrefix, age), "type": "DOCUMENT",
				"status": s.status, "createdAt": at, "updatedAt": at, "teamId": 8})
		}
	}
	if lo := (page - 1) * per; lo < len(list) {
		data = list[lo:min(lo+per, len(list))]
	}
	json.NewEncoder(w).Encode(map[string]any{"data": data, "count": len(list), "currentPage": page, "perPage": per, "totalPages": (len(list) + per - 1) / per}) //nolint:errcheck // the client sees it
}

func ages(from, to int) []int {
	var list []int
	for i := from; i <= to; i++ {
		list = append(list, i)
	}
	return list
}

// walk reads every page and returns how often each ref came.
func walk(t *testing.T, s *service, q provider.ListQuery) map[string]int {
	t.Helper()
	refs := map[string]int{}
	for range 100 {
		page, err := s.List(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		for _, it := range page.Items {
			refs[it.Observation.Ref]++
		}
		if q.Cursor = page.Next; q.Cursor == "" {
			return refs
		}
	}
	t.Fatal("the walk does not end")
	return nil
}

func TestFiledEnvelopesAreListedToo(t *testing.T) {
	t.Parallel()
	sh := &shelf{status: "PENDING",
		in:      map[string][]int{"": ages(1, 150), "a": ages(201, 203), "b": ages(301, 420), "deep": {501}},
		folders: map[string][]string{"": {"a", "b"}, "b": {"deep"}, "deep": {"a"}}}
	for i := range 120 { // more folders than one page tells
		sh.folders["a"] = append(sh.folders["a"], fmt.Sprint("empty", i))
	}
	sh.folders["empty119"] = []string{"last"}
	sh.in["last"] = []int{601}
	f := providertest.Serve(t, sh.answer)
	s := account(t, f.URL, keyed)
	refs := map[string]int{}
	q, calls, told := provider.ListQuery{}, 0, 0
	for {
		page, err := s.List(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		calls++
		told += page.Calls
		for _, it := range page.Items {
			refs[it.Observation.Ref]++
		}
		if q.Cursor = page.Next; q.Cursor == "" {
			break
		}
	}
	if len(refs) != 150+3+120+1+1 || calls != 2+1+2+1+120+1 {
		t.Errorf("%d envelopes in %d pages", len(refs), calls)
	}
	if told != len(f.Requests()) {
		t.Errorf("%d calls were made, the pages tell of %d", len(f.Requests()), told)
	}
	for _, r := range f.Requests() {
		if v, ok := r.URL.Query()["folderId"]; ok && v[0] == "" {
			t.Error("an empty folderId finds nothing")
		}
	}
}

func TestOneQuestionAsksInTheServicesWay(t *testing.T) {
	t.Parallel()
	f := providertest.Serve(t, (&shelf{status: "PENDING", in: map[string][]int{"": {1}}}).answer)
	walk(t, account(t, f.URL, keyed), provider.ListQuery{})
	v := f.Requests()[1].URL.Query()
	for name, want := range map[string]string{"type": "DOCUMENT", "perPage": "100", "page": "1",
		"orderByColumn": "createdAt", "orderByDirection": "desc"} {
		if v.Get(name) != want {
			t.Errorf("%s is %q", name, v.Get(name))
		}
	}
}

func TestEachFolderIsWalkedUntilTheWindowIsPassed(t *testing.T) {
	t.Parallel()
	sh := &shelf{status: "PENDING", in: map[string][]int{"": ages(1, 1000), "a": ages(2001, 2300), "b": {50, 5000}},
		folders: map[string][]string{"": {"a", "b"}}}
	f := providertest.Serve(t, sh.answer)
	refs := walk(t, account(t, f.URL, keyed),
		provider.ListQuery{Since: noon.Add(-120 * time.Hour), Until: noon.Add(-10 * time.Hour)})
	if len(refs) != 111 || refs[refPrefix+"0050"] != 2 || sh.pages != 2+1+1 { // the fake's envelope 50 lies in two folders
		t.Errorf("%d envelopes in %d pages", len(refs), sh.pages)
	}
}

func TestWhatIsDeletedUnderAWalkHidesNothing(t *testing.T) {
	t.Parallel()
	for name, move := range map[string]func(page int, s *shelf){
		"one on each page": func(page int, s *shelf) {
			if page > 1 && page < 6 {
				s.in[""] = slices.Delete(s.in[""], 0, 1)
			}
		},
		"more than a page": func(page int, s *shelf) {
			if page == 4 {
				s.in[""] = slices.Delete(s.in[""], 10, 160)
			}
		},
		"so many that the page is none": func(page int, s *shelf) {
			if page == 5 {
				s.in[""] = slices.Delete(s.in[""], 0, 150)
			}
		},
		"new ones come": func(page int, s *shelf) { s.in[""] = append([]int{-page}, s.in[""]...) },
	} {
		sh := &shelf{status: "PENDING", in: map[string][]int{"": ages(1, 500)}, move: move}
		refs := walk(t, account(t, providertest.Serve(t, sh.answer).URL, keyed), provider.ListQuery{})
		for _, age := range sh.in[""] {
			if age > 0 && refs[fmt.Sprintf("%s%04d", refPrefix, age)] == 0 {
				t.Errorf("%s: %d was never listed", name, age)
			}
		}
	}
}

func TestAFolderDeletedUnderAWalkEndsIt(t *testing.T) {
	t.Parallel()
	sh := &shelf{status: "PENDING", in: map[string][]int{"": {1}, "b": {2}},
		folders: map[string][]string{"": {"gone", "b"}}}
	f := providertest.Serve(t, func(w http.ResponseWriter, r *http.Request) {
		if q := r.URL.Query(); q.Get("folderId") == "gone" || q.Get("parentId") == "gone" {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		sh.answer(w, r)
	})
	if refs := walk(t, account(t, f.URL, keyed), provider.ListQuery{}); len(refs) != 2 {
		t.Errorf("%v", refs)
	}
}

// A list lacks the files of an envelope, and a row made of it must not lack them.
func TestAListedEnvelopeIsTheFetchedOneUnlessItIsCompleted(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"draft", "pending_one_signed", "rejected", "cancelled", "completed", "unknown_word"} {
		var entry map[string]any
		if err := json.Unmarshal([]byte(recorded.Text(t, "answers/"+name)), &entry); err != nil {
			t.Fatal(err)
		}
		delete(entry, "fields")
		delete(entry, "envelopeItems")
		raw, _ := json.Marshal(entry)
		f := providertest.Serve(t, func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/api/v2/folder" {
				fmt.Fprint(w, `{"data":[]}`)
				return
			}
			fmt.Fprintf(w, `{"data":[%s],"count":1,"totalPages":1}`, raw)
		})
		page, err := account(t, f.URL, keyed).List(t.Context(), provider.ListQuery{})
		if err != nil || len(page.Items) != 1 {
			t.Fatal(name, page, err)
		}
		got, want := page.Items[0], fetched(t, name)
		if got.Whole != (name != "completed" && name != "unknown_word") || got.Observation.Mark != want.Mark {
			t.Errorf("%s: whole %v, mark %s beside %s", name, got.Whole, got.Observation.Mark, want.Mark)
		}
		want.Documents = nil
		providertest.Same(t, name, got.Observation, want)
	}
}

func TestAResealShowsInTheList(t *testing.T) {
	t.Parallel()
	if fetched(t, "completed").Mark == fetched(t, "completed_resealed").Mark {
		t.Error("a re-seal has the same mark")
	}
}

func TestTheListTeachesTheTeamAndRefusesAnothersKey(t *testing.T) {
	t.Parallel()
	f := providertest.Serve(t, (&shelf{status: "PENDING", in: map[string][]int{"": {1}}}).answer)
	s := account(t, f.URL, teamless)
	walk(t, s, provider.ListQuery{})
	if s.team() != "8" {
		t.Errorf("learned %q", s.team())
	}
	_, err := account(t, f.URL, strings.Replace(keyed, "team_id: 8", "team_id: 9", 1)).List(t.Context(),
		provider.ListQuery{})
	if !errors.Is(err, provider.ErrDenied) {
		t.Errorf("another team's list: %v", err)
	}
}

func TestAForeignCursorAndAnswerAreRefused(t *testing.T) {
	t.Parallel()
	s := account(t, answering(t, 200, `{}`).URL, keyed)
	for _, c := range []string{"x", "{}", `{"page":1}`, `{"page":1,"at":1,"folders":[""]}`, `{"page":0,"folders":[""]}`} {
		if _, err := s.List(t.Context(), provider.ListQuery{Cursor: c}); !errors.Is(err, errCursor) {
			t.Errorf("%s: %v", c, err)
		}
	}
	if _, err := s.List(t.Context(), provider.ListQuery{}); err == nil {
		t.Error("{} is taken for a list")
	}
}

func TestTheListIsWalkedFromTheNewest(t *testing.T) {
	t.Parallel()
	s := account(t, "", keyed)
	if s.Lists() != provider.ListsNewest || !strings.Contains(s.Reach(), "every folder") ||
		s.Rules().DeletedIs != model.Cancelled {
		t.Errorf("%v, %s", s.Lists(), s.Reach())
	}
}
