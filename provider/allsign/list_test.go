package allsign

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"countersign/provider"
	"countersign/provider/providertest"
)

// walked asks for page after page, at most twenty.
func walked(t *testing.T, l provider.Lister, q provider.ListQuery) (refs []string, pages int) {
	t.Helper()
	for pages = 1; pages <= 20; pages++ {
		p, err := l.List(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		for _, it := range p.Items {
			if it.Whole {
				t.Error("an item of a list is not whole")
			}
			refs = append(refs, it.Observation.Ref)
		}
		if q.Cursor = p.Next; q.Cursor == "" {
			return refs, pages
		}
	}
	t.Error("the walk does not end")
	return refs, pages
}

// pageOf is a page of documents created (and updated) so many hours before noon.
func pageOf(hours ...int) string {
	list := []map[string]any{}
	for _, h := range hours {
		at := noon.Add(-time.Duration(h) * time.Hour).Format(time.RFC3339)
		list = append(list, map[string]any{"id": fmt.Sprintf("doc_%d", h), "status": "completed", "createdAt": at,
			"updatedAt": at})
	}
	raw, _ := json.Marshal(list) // plain data
	return string(raw)
}

func v3Pages(t *testing.T, pages map[string]string) *providertest.Service {
	return providertest.Serve(t, func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, pages[r.URL.Query().Get("startingAfter")])
	})
}

func page(data, next string, more bool) string {
	cursor := "null"
	if next != "" {
		cursor = fmt.Sprintf("%q", next)
	}
	return fmt.Sprintf(`{"object":"list","data":%s,"hasMore":%v,"nextCursor":%s,"limit":100}`, data, more, cursor)
}

func TestTheNextCursorIsPassedBackUntouched(t *testing.T) {
	t.Parallel()
	odd := "doc_1+/=&?ü"
	f := v3Pages(t, map[string]string{"": page(pageOf(1, 2), odd, true), odd: page(pageOf(3), "", true)})
	refs, pages := walked(t, openV3(t, f.URL), provider.ListQuery{Since: noon.Add(-72 * time.Hour)})
	if pages != 2 || len(refs) != 3 {
		t.Errorf("%d pages of %v", pages, refs)
	}
	q := f.Requests()[1].URL.Query()
	providertest.Same(t, "query", q, url.Values{"limit": {"100"}, "scope": {"accessible"}, "startingAfter": {odd}})
}

func TestAWalkEndsWhereTheServiceRepeatsItself(t *testing.T) {
	t.Parallel()
	for name, pages := range map[string]map[string]string{
		"has no more":     {"": page(pageOf(1), "b", false)},
		"a null cursor":   {"": page(pageOf(1), "", true)},
		"the same cursor": {"": page(pageOf(1), "a", true), "a": page(pageOf(2), "a", true)},
		"a circle of three": {"": page(pageOf(1), "a", true), "a": page(pageOf(2), "b", true),
			"b": page(pageOf(3), "c", true), "c": page(pageOf(4), "a", true)},
		"older than what counts": {"": page(pageOf(1, 50), "a", true), "a": page(pageOf(51), "b", true)},
	} {
		refs, n := walked(t, openV3(t, v3Pages(t, pages).URL), provider.ListQuery{Since: noon.Add(-48 * time.Hour)})
		if n > 10 || len(refs) == 0 {
			t.Errorf("%s: %d pages of %v", name, n, refs)
		}
		if name == "older than what counts" && (n != 1 || len(refs) != 1) {
			t.Errorf("%s: %d pages of %v", name, n, refs)
		}
	}
}

// Nobody says in which order the list comes: an old document before a new one does not end the walk.
func TestTheOrderIsNotTakenForGranted(t *testing.T) {
	t.Parallel()
	f := v3Pages(t, map[string]string{"": page(pageOf(90, 1, 80), "a", true), "a": page(pageOf(70, 2), "b", true),
		"b": page(pageOf(60, 99), "c", true), "c": page(pageOf(3), "", true)})
	refs, pages := walked(t, openV3(t, f.URL), provider.ListQuery{Since: noon.Add(-48 * time.Hour)})
	if pages != 3 {
		t.Errorf("%d pages", pages)
	}
	providertest.Same(t, "items", refs, []string{"doc_1", "doc_2"})
}

func TestItemsNewerThanTheWindowAreLeftOut(t *testing.T) {
	t.Parallel()
	f := v3Pages(t, map[string]string{"": page(pageOf(1, 30), "", false)})
	refs, _ := walked(t, openV3(t, f.URL),
		provider.ListQuery{Since: noon.Add(-48 * time.Hour), Until: noon.Add(-24 * time.Hour)})
	providertest.Same(t, "items", refs, []string{"doc_30"})
}

func TestAListIsNothingElse(t *testing.T) {
	t.Parallel()
	for _, body := range []string{`{}`, `{"data":null}`, `{"object":"list"}`} {
		f := providertest.Serve(t, func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, body) })
		for _, l := range []provider.Lister{openV3(t, f.URL), openV2(t, f.URL)} {
			if p, err := l.List(t.Context(), provider.ListQuery{}); err == nil {
				t.Errorf("%s: %+v", body, p)
			}
		}
	}
	for _, l := range []provider.Lister{openV3(t, ""), openV2(t, "")} {
		if _, err := l.List(t.Context(), provider.ListQuery{Cursor: "of another service"}); err == nil {
			t.Error("a cursor that is not ours is taken")
		}
		if l.Reach() == "" {
			t.Error("nobody says whose documents are listed")
		}
	}
	if openV3(t, "").Lists() != provider.ListsNewest || openV2(t, "").Lists() != provider.ListsChanged {
		t.Error("the lists are taken for what they are not")
	}
}

func v2Pages(t *testing.T, pages map[string]string) *providertest.Service {
	return providertest.Serve(t, func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		io.WriteString(w, pages[q.Get("sortBy")+" "+q.Get("cursor")])
	})
}

func pageV2Of(data, next string) string {
	return fmt.Sprintf(`{"data":%s,"meta":{"limit":10,"hasNext":%v,"nextCursor":%q,"prevCursor":null}}`, data,
		next != "", next)
}

func TestV2IsWalkedByUpdateDownToTheWatermark(t *testing.T) {
	t.Parallel()
	f := v2Pages(t, map[string]string{"updated_at ": pageV2Of(pageOf(1, 2), "a"),
		"updated_at a": pageV2Of(pageOf(3, 30), "b"), "updated_at b": pageV2Of(pageOf(31), "")})
	refs, pages := walked(t, openV2(t, f.URL), provider.ListQuery{Since: noon.Add(-24 * time.Hour)})
	if pages != 2 {
		t.Errorf("%d pages", pages)
	}
	providertest.Same(t, "items", refs, []string{"doc_1", "doc_2", "doc_3"})
	providertest.Same(t, "query", f.Requests()[1].URL.Query(),
		url.Values{"limit": {"10"}, "sortBy": {"updated_at"}, "sortOrder": {"desc"}, "cursor": {"a"}})
}

// The published item has no update time: then the list is good for what is new.
func TestV2WithoutUpdateTimesIsWalkedByCreation(t *testing.T) {
	t.Parallel()
	bare := func(hours ...int) string { return strings.ReplaceAll(pageOf(hours...), "updatedAt", "x") }
	f := v2Pages(t, map[string]string{"updated_at ": pageV2Of(bare(99, 1), "a"),
		"created_at ": pageV2Of(bare(1, 2), "c"), "created_at c": pageV2Of(bare(3, 30), "d")})
	refs, pages := walked(t, openV2(t, f.URL), provider.ListQuery{Since: noon.Add(-24 * time.Hour)})
	if pages != 3 {
		t.Errorf("%d pages", pages)
	}
	providertest.Same(t, "items", refs, []string{"doc_1", "doc_2", "doc_3"})
}
