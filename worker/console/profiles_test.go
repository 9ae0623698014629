package console

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
)

// Profiles are for whoever has the token, and nothing is noted for them when nobody asks.
func TestProfiles(t *testing.T) {
	t.Parallel()
	s, err := New(Options{Address: "127.0.0.1:0", Token: "secret", Now: time.Now, Registry: prometheus.NewRegistry()})
	require.NoError(t, err)
	get := func(path, token string) (int, []byte) {
		w := httptest.NewRecorder()
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil)
		r.Header.Set("Authorization", "Bearer "+token)
		s.Handler().ServeHTTP(w, r)
		return w.Code, w.Body.Bytes()
	}
	for _, name := range []string{"", "allocs", "heap", "goroutine", "mutex", "block", "profile?seconds=1"} {
		code, body := get("/debug/pprof/"+name, "secret")
		require.Equal(t, http.StatusOK, code, name)
		require.NotEmpty(t, body, name)
		code, _ = get("/debug/pprof/"+name, "another")
		require.Equal(t, http.StatusUnauthorized, code, name)
	}
}

func TestWhatIsNotedOnRequestEndsWithTheLast(t *testing.T) {
	t.Parallel()
	state, inside := -1, make(chan func())
	h := noted(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		wait := make(chan struct{})
		inside <- func() { close(wait) }
		<-wait
	}), func(on int) { state = on })
	done := make(chan struct{})
	ask := func() { h.ServeHTTP(nil, nil); done <- struct{}{} }
	go ask()
	first := <-inside
	go ask()
	second := <-inside
	require.Equal(t, 1, state)
	first()
	<-done
	require.Equal(t, 1, state, "the other still asks")
	second()
	<-done
	require.Equal(t, 0, state)
}
