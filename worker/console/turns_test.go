package console

import (
	"context"
	"fmt"
	"io"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/model"
	"countersign/model/store"
)

// link is the address of a page's link with these words; "" where it has none.
func link(page, words string) string {
	m := regexp.MustCompile(`href="([^"]*)"[^>]*>` + regexp.QuoteMeta(words) + `</a>`).FindStringSubmatch(page)
	if m == nil {
		return ""
	}
	return strings.ReplaceAll(m[1], "&amp;", "&")
}

// refsOn are the rows that a page of transactions shows.
func refsOn(page string) (out []string) {
	for _, m := range regexp.MustCompile(`data-row="sales/([^"]*)"`).FindAllStringSubmatch(page, -1) {
		out = append(out, m[1])
	}
	return out
}

// many puts so many rows more, completed ones.
func (d *desk) many(n int) {
	d.t.Helper()
	var keys []model.Key
	for i := range n {
		keys = append(keys, model.Key{Account: "sales", Ref: fmt.Sprintf("m-%03d", i)})
	}
	require.NoError(d.t, d.store.Do(d.t.Context(), store.Unit{Keys: keys, Apply: func(b *store.Batch) error {
		for i, k := range keys {
			r := model.Transaction{Account: k.Account, Ref: k.Ref, Provider: "onespan", Status: model.Completed, Name: "Lease " + k.Ref,
				FirstSeenAt: b.Now(), ChangedAt: b.Now().Add(-time.Hour - time.Duration(i)*time.Minute), Origin: model.OriginClaim, SignersSet: true}
			b.Put(r, model.Decision{Next: r, Grew: true})
			b.AddGap(model.Gap{Account: "sales", Ref: k.Ref, Kind: model.GapLate, Change: model.ChangeStatus, Before: b.Now(),
				FoundAt: b.Now().Add(-time.Duration(i) * time.Second), SettleAt: b.Now()})
		}
		return nil
	}}))
}

// Pages of a list lead on to its end, and back the way they came, with the filter, without script; the first page is one
// link away from each.
func TestListsLeadBack(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "")
	d.many(170)
	for _, list := range []string{"/transactions?status=completed", "/transactions?search=lease", "/gaps?kind=late&since=30d"} {
		var seen []string // pages as they were
		at := list
		for {
			text := bodyOf(t, d.page(at))
			seen = append(seen, rowsPart(text))
			next := link(text, "Older »")
			if next == "" {
				break
			}
			require.Less(t, len(seen), 9, list)
			at = next
		}
		require.GreaterOrEqual(t, len(seen), 4, list)
		for i := len(seen) - 1; i > 0; i-- {
			text := bodyOf(t, d.page(at))
			require.Equal(t, seen[i], rowsPart(text), "page %d of %s on the way back", i, list)
			first := link(text, "Newest")
			require.Equal(t, seen[0], rowsPart(bodyOf(t, d.page(first))), "the first page of %s", list)
			at = link(text, "« Newer")
			require.NotEmpty(t, at, "page %d of %s leads back", i, list)
		}
		text := bodyOf(t, d.page(at))
		require.Equal(t, seen[0], rowsPart(text), list)
		require.Empty(t, link(text, "« Newer"), list)
		require.Empty(t, link(text, "Newest"), list)
	}
	// a cursor of the API leads to its page too, and to the first one
	a := d.items("/api/v1/transactions?status=completed&limit=100", "")
	require.Len(t, a, 170)
	next := regexp.MustCompile(`"next_cursor":"([^"]*)"`).FindStringSubmatch(d.ask("GET", "/api/v1/transactions?status=completed", "", "").body)
	text := bodyOf(t, d.page("/transactions?cursor="+next[1]))
	require.Len(t, refsOn(text), 50)
	require.Empty(t, link(text, "« Newer"))
	require.Equal(t, "/transactions?status=completed", link(text, "Newest"))
	// and a page's one leads the API on
	older, err := url.Parse(link(text, "Older »"))
	require.NoError(t, err)
	require.Equal(t, 200, d.ask("GET", "/api/v1/transactions?cursor="+older.Query().Get("cursor"), "", "").status)
}

// rowsPart are the ids of the rows of a page, in their order.
func rowsPart(page string) string {
	var out []string
	for _, m := range regexp.MustCompile(`<tr id="([^"]+)"`).FindAllStringSubmatch(page, -1) {
		out = append(out, m[1])
	}
	return strings.Join(out, " ")
}

// The address of an address's cursor does not grow without end.
func TestAWayBackStaysShort(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "")
	d.many(49 * 60)
	at, pages := "/gaps?kind=late&since=30d", 0
	for at != "" {
		require.Less(t, len(at), 6000)
		at = link(bodyOf(t, d.page(at)), "Older »")
		pages++
	}
	require.Greater(t, pages, 50)
}

// An export takes the filter of its list, by the same words, and the pages' links say what the list shows.
func TestExportsTakeTheFilterOfTheirList(t *testing.T) {
	t.Parallel()
	var got []store.ExportFilter
	d := newDeskOf(t, func(o *Options, _ string) {
		o.Acts.Export = func(_ context.Context, w io.Writer, what, format string, f store.ExportFilter) error {
			got = append(got, f)
			_, err := fmt.Fprintln(w, what, format)
			return err
		}
	})
	for path, want := range map[string]func(store.ExportFilter) bool{
		"transactions?status=completed&account=sales&flag=test&confirmed=true&checking=true&attention=true&search=lease&external_id=x&order=oldest": func(f store.ExportFilter) bool {
			r := f.Rows
			return slices.Equal(r.Statuses, []model.Status{model.Completed}) && slices.Equal(r.Accounts, []string{"sales"}) &&
				slices.Equal(r.Flags, []string{"test"}) && *r.Confirmed && *r.Checking && r.Attention && r.Search == "lease" &&
				r.ExternalID == "x" && r.Oldest && !f.Newest
		},
		"transactions?changed_since=30d&changed_until=30d&expires_before=30d&provider=onespan": func(f store.ExportFilter) bool {
			return f.Rows.ChangedSince != nil && f.Rows.ChangedUntil != nil && f.Rows.ExpiresBefore != nil &&
				slices.Equal(f.Rows.Providers, []string{"onespan"}) && f.Newest
		},
		"signers?status=draft": func(f store.ExportFilter) bool { return len(f.Rows.Statuses) == 1 },
		"gaps?kind=late&change=status&account=hr&since=30d&until=30d": func(f store.ExportFilter) bool {
			p := f.Page
			return len(p.Kinds) == 1 && len(p.Changes) == 1 && len(p.Accounts) == 1 && p.Since != nil && p.Until != nil
		},
		"documents?state=stored&signature=intact&since=30d": func(f store.ExportFilter) bool {
			return len(f.Page.States) == 1 && len(f.Page.Signatures) == 1 && f.Since != nil
		},
		"changes?kind=status&status=completed&account=sales&after=7&since=30d": func(f store.ExportFilter) bool {
			return len(f.Feed.Kinds) == 1 && len(f.Feed.Statuses) == 1 && len(f.Feed.Accounts) == 1 && f.Feed.After == 7 && f.Since != nil
		},
	} {
		for _, format := range []string{"csv", "ndjson"} {
			got = nil
			a := d.ask("GET", "/api/v1/export/"+path+"&format="+format, "", "")
			require.Equal(t, 200, a.status, "%s: %s", path, a.body)
			require.Len(t, got, 1, path)
			require.True(t, want(got[0]), "%s: %+v", path, got[0])
		}
	}
	for path, wrong := range map[string]string{
		"transactions?statu=completed": "invalid", "transactions?status=none": "invalid", "gaps?state=stored": "invalid",
		"transactions?account=none": "invalid", "documents?since=x": "invalid", "gaps?format=xml": "invalid", "changes?after=-2": "invalid",
		"signers?search=%00": "invalid", "transactions?since=1d": "invalid", "secrets": "not-found",
	} {
		require.Equal(t, wrong, d.ask("GET", "/api/v1/export/"+path, "", "").problem(), path)
	}
	for page, want := range map[string]string{
		"/transactions?status=completed&search=lease&order=oldest": "/api/v1/export/transactions?format=csv&order=oldest&search=lease&status=completed",
		"/transactions":                "/api/v1/export/transactions?format=csv",
		"/gaps?kind=late":              "/api/v1/export/gaps?format=csv&kind=late&since=30d",
		"/documents?state=quarantined": "/api/v1/export/documents?format=csv&state=quarantined",
	} {
		require.Equal(t, want, link(bodyOf(t, d.page(page)), "CSV"), page)
		require.Equal(t, 200, d.ask("GET", want, "", "").status)
	}
}

// What the router itself refuses says so in our own words, with a cure.
func TestWhatTheRouterRefusesHasACure(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "")
	a := d.ask("DELETE", "/api/v1/transactions", "", "")
	require.Equal(t, 405, a.status)
	require.Equal(t, "wrong-method", a.problem())
	require.Contains(t, a.body, `"cure"`)
	a = d.ask("POST", "/api/v1/accounts/sales/transactions", "", "ref=x", "Content-Type", "text/plain")
	require.Equal(t, 415, a.status)
	require.Equal(t, "wrong-type", a.problem())
	require.Contains(t, a.body, `"cure"`)
	require.Equal(t, 200, d.ask("GET", "/problems/wrong-type", "", "").status)
}
