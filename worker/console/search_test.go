package console

import (
	"encoding/json"
	"fmt"
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"
)

// The API says how far a search has looked, and looks further by its cursor: through rows one after the other, also for
// what stands inside words. With an index it finds the same.
func TestASearchSaysHowFarItLooked(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "")
	type page struct {
		Items      []struct{ Ref string }
		NextCursor string `json:"next_cursor"`
		Search     *struct {
			LookedThrough *int    `json:"looked_through"`
			Of            *int    `json:"of"`
			FurtherCursor *string `json:"further_cursor"`
		}
	}
	ask := func(text, cursor string) (p page) {
		t.Helper()
		a := d.ask("GET", fmt.Sprintf("/api/v1/transactions?limit=1&search=%s&cursor=%s", url.QueryEscape(text), cursor), "", "")
		require.Equal(t, 200, a.status, a.body)
		require.NoError(t, json.Unmarshal([]byte(a.body), &p))
		return p
	}
	found := func(text string) (refs []string, looked int) {
		cursor := ""
		for range 40 {
			p := ask(text, cursor)
			for _, r := range p.Items {
				refs = append(refs, r.Ref)
			}
			looked = *p.Search.LookedThrough
			if cursor = p.NextCursor; cursor == "" {
				cursor = *p.Search.FurtherCursor
			}
			if cursor == "" {
				return refs, looked
			}
		}
		t.Fatal("the search has no end")
		return nil, 0
	}
	for _, filled := range []bool{false, true} {
		refs, _ := found("own-c-2")
		require.Equal(t, "c-2", refs[0], "an own id comes first")
		refs, looked := found("scri")
		require.Subset(t, refs, []string{"a/b", "<script>alert(1)</script>"})
		require.NotZero(t, looked)
		refs, _ = found("lert 1")
		require.Contains(t, refs, "a/b", "inside of a word")
		require.Nil(t, func() page { return ask("", "") }().Search, "nothing is searched for")
		if !filled {
			require.NoError(t, d.store.FillSearch(t.Context()))
		}
	}
	a := d.ask("GET", "/api/v1/transactions?search=loan&cursor="+ask("scri", "").NextCursor, "", "")
	require.Equal(t, "bad-cursor", a.problem(), "a cursor holds its filter")
}
