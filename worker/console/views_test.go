package console

import (
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"countersign/worker/console/access"
)

func TestSavedViews(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "config-token")
	as := func(name string, role access.Role) *browser {
		b := newBrowser(t, d.URL)
		require.Equal(t, 303, b.ask("/login", url.Values{"token": {d.token(name, role)}}).StatusCode)
		return b
	}
	ana, ben := as("ana", access.Operate), as("ben", access.Read)
	save := func(b *browser, name, address, who string) answered {
		return b.ask("/views", url.Values{"name": {name}, "address": {address}, "for": {who}})
	}
	p := save(ben, "  <b>stuck</b> ", "/transactions?status=in_progress&cursor=abc&account=a%2Fb", "")
	require.Equal(t, 303, p.StatusCode)
	require.Equal(t, "/transactions?account=a%2Fb&status=in_progress", p.Header.Get("Location"))
	require.Equal(t, 403, save(ben, "x", "/", "all").StatusCode)
	require.Equal(t, 303, save(ana, "everybody's", "//evil.example", "all").StatusCode)
	for _, bad := range []string{"", "  ", "a\nb", "a\u202eb", "a\x00", strings.Repeat("x", 61), "\xff"} {
		require.Equal(t, 422, save(ana, bad, "/", "").StatusCode, "%q", bad)
	}
	require.Equal(t, 403, ben.ask("/views", url.Values{"name": {"x"}}, "Sec-Fetch-Site", "cross-site").StatusCode)
	require.Equal(t, 303, newBrowser(t, d.URL).ask("/views", url.Values{"name": {"x"}}).StatusCode, "who is not logged in")

	list, err := d.store.SavedViews(t.Context(), "ben")
	require.NoError(t, err)
	require.Len(t, list, 2)
	require.Equal(t, "<b>stuck</b> /transactions?account=a%2Fb&status=in_progress everybody's /",
		list[0].Name+" "+list[0].Address+" "+list[1].Name+" "+list[1].Address)
	require.Equal(t, 404, ana.ask("/views/"+list[0].ID+"/remove", url.Values{}).StatusCode, "another's")
	require.Equal(t, 404, ben.ask("/views/"+list[1].ID+"/remove", url.Values{}).StatusCode, "everybody's, by a reader")
	p = ben.ask("/views/"+list[0].ID+"/remove", url.Values{"next": {"/transactions"}})
	require.Equal(t, "/transactions", p.Header.Get("Location"))
	require.Equal(t, 303, ana.ask("/views/"+list[1].ID+"/remove", url.Values{}).StatusCode)
}
