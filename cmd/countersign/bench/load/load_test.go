package load

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var noon = time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)

// Each of the four steps of a transaction is told once, and no two callbacks are equal.
func TestEachCallbackIsAnother(t *testing.T) {
	t.Parallel()
	settings := map[string]any{"callback_key": "k", "api_key": "k", "webhook_secret": "k",
		"webhook_secrets": []string{"whsec_a2V5"}}
	for _, service := range []string{"onespan", "dropboxsign", "allsign", "autosign", "documenso"} {
		one, err := For(service, 1, settings)
		require.NoError(t, err)
		other, err := For(service, 2, settings)
		require.NoError(t, err)
		seen := map[string]bool{}
		for n := range int64(3 * 4096) {
			c := one(n, noon)
			require.InDelta(t, size, len(c.Body), 40, service)
			require.False(t, seen[string(c.Body)], service)
			seen[string(c.Body)] = true
		}
		require.False(t, seen[string(other(0, noon).Body)], service)
	}
	steps := map[int64][]int{}
	for n := range int64(8192) {
		t, step := Of(n)
		steps[t] = append(steps[t], step)
	}
	require.Len(t, steps, 2048)
	for _, s := range steps {
		require.Equal(t, []int{0, 1, 2, 3}, s)
	}
	_, err := For("nobody", 1, nil)
	require.ErrorContains(t, err, `"nobody"`)
}

// What is sent arrives as it was made, each once, and an answer that is not 200 fails the round.
func TestSend(t *testing.T) {
	t.Parallel()
	maker, err := For("onespan", 1, map[string]any{"callback_key": "secret"})
	require.NoError(t, err)
	got, status := make(chan string, 1<<16), http.StatusOK
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var b bytes.Buffer
		b.ReadFrom(r.Body) //nolint:errcheck // a test
		if r.Header.Get("Authorization") == "Basic secret" && r.URL.Path == "/callbacks/x" {
			got <- b.String()
		}
		w.WriteHeader(status)
		w.Write([]byte("well")) //nolint:errcheck // a test
	}))
	defer srv.Close()
	s := &Stock{Make: maker, At: func() time.Time { return noon }}
	s.Fill(3) // fewer than are sent
	to := Target{Address: strings.TrimPrefix(srv.URL, "http://"), Path: "/callbacks/x"}
	r, err := s.Send(t.Context(), to, 4, 20*time.Millisecond)
	require.NoError(t, err)
	require.Positive(t, r.Accepted)
	require.Len(t, r.Times, int(r.Accepted))
	require.LessOrEqual(t, r.Quantile(0.5), r.Quantile(0.99))
	require.Len(t, got, int(r.Accepted))
	seen := map[string]bool{}
	for range r.Accepted {
		seen[<-got] = true
	}
	require.Len(t, seen, int(r.Accepted))
	for n := range r.Accepted {
		require.True(t, seen[string(maker(n, noon).Body)])
	}
	status = http.StatusServiceUnavailable
	_, err = s.Send(t.Context(), to, 1, 20*time.Millisecond)
	require.ErrorContains(t, err, "503")
}
