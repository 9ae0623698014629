package console

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/model/store"
	"countersign/worker/console/access"
)

// newStillDesk is a console whose minute does not end.
func newStillDesk(t *testing.T, change func(*Options)) *desk {
	t.Helper()
	now := time.Now().UTC().Truncate(time.Minute).Add(20 * time.Second)
	return newDeskOf(t, func(o *Options, _ string) {
		o.Token, o.Now = "config-token", func() time.Time { return now }
		change(o)
	})
}

// A token or session has 1,200 reads and 60 writes a minute. What one spends another keeps.
func TestReadsAndWritesAMinute(t *testing.T) {
	t.Parallel()
	d := newStillDesk(t, func(*Options) {})
	b := newBrowser(t, d.URL)
	require.Equal(t, 303, b.ask("/login", url.Values{"token": {"config-token"}}).StatusCode)
	count := func(n int, ask func() int) map[int]int {
		codes := map[int]int{}
		for range n {
			codes[ask()]++
		}
		return codes
	}
	token := d.token("crm", access.Operate)
	require.Equal(t, map[int]int{200: 1200, 429: 5}, count(1205, func() int {
		return d.ask("GET", "/api/v1/accounts/sales/transactions/c-1/gaps", token, "").status
	}))
	require.Equal(t, map[int]int{202: 60, 429: 3}, count(63, func() int {
		return d.ask("POST", "/api/v1/accounts/sales/poll", token, "{}").status
	}))
	a := d.ask("GET", "/api/v1/status", token, "")
	require.Equal(t, "40", a.header.Get("Retry-After"))
	require.Equal(t, "too-many", a.problem())
	require.Equal(t, map[int]int{200: 3}, count(3, func() int { return b.ask("/api/v1/accounts", nil).StatusCode }))
	require.Equal(t, map[int]int{303: 60, 429: 2}, count(62, func() int {
		return b.ask("/views", url.Values{"name": {"x"}, "address": {"/"}}).StatusCode
	}))
	require.Equal(t, 303, b.ask("/logout", url.Values{}).StatusCode, "logging out is no matter of limits")
}

func TestTwentyStreamsAtOnce(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "config-token")
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	open := func(token string) (status int, end func()) {
		ctx, cancel := context.WithCancel(t.Context())
		r, err := http.NewRequestWithContext(ctx, "GET", d.URL+"/api/v1/changes/stream", nil)
		require.NoError(t, err)
		r.Header.Set("Authorization", "Bearer "+token)
		resp, err := client.Do(r)
		require.NoError(t, err)
		return resp.StatusCode, func() { cancel(); resp.Body.Close() } //nolint:errcheck // not read
	}
	var ends []func()
	defer func() {
		for _, end := range ends {
			end()
		}
	}()
	for range 20 {
		status, end := open("config-token")
		ends = append(ends, end)
		require.Equal(t, 200, status)
	}
	status, end := open("config-token")
	ends = append(ends, end)
	require.Equal(t, 429, status)
	status, end = open(d.token("crm", access.Read))
	ends = append(ends, end)
	require.Equal(t, 200, status, "another's")
	require.Equal(t, 200, d.ask("GET", "/api/v1/status", "config-token", "").status)
	ends[0]()
	require.Eventually(t, func() bool {
		status, end := open("config-token")
		ends = append(ends, end)
		return status == 200
	}, 5*time.Second, 20*time.Millisecond, "one that ended makes room")
}

func TestTwoSearchesAtOnce(t *testing.T) {
	t.Parallel()
	searching, ended := make(chan struct{}, 3), make(chan struct{})
	d := newStillDesk(t, func(o *Options) {
		o.Acts.Export = func(_ context.Context, w io.Writer, _, _ string, _ store.ExportFilter) error {
			searching <- struct{}{}
			<-ended
			_, err := io.WriteString(w, "x")
			return err
		}
	})
	codes := make(chan int, 2)
	for range 2 {
		go func() { codes <- d.ask("GET", "/api/v1/export/gaps", "config-token", "").status }()
	}
	<-searching
	<-searching
	for _, path := range []string{"/api/v1/transactions?search=loan", "/api/v1/export/gaps"} {
		a := d.ask("GET", path, "config-token", "")
		require.Equal(t, 429, a.status)
		require.Equal(t, "5", a.header.Get("Retry-After"))
	}
	require.Equal(t, 200, d.ask("GET", "/api/v1/transactions", "config-token", "").status, "what is no search")
	require.Equal(t, 200, d.ask("GET", "/api/v1/transactions?search=loan", d.token("crm", access.Read), "").status)
	close(ended)
	require.Equal(t, []int{200, 200}, []int{<-codes, <-codes})
	require.Equal(t, 200, d.ask("GET", "/api/v1/transactions?search=loan", "config-token", "").status)
}
