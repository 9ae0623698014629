package hook_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/worker/hook"
)

// Frameworks and gateways repeat the path of a request, and some its headers, in the answer that refuses it. Receipts,
// the log, the console and the API show that answer.
func TestAnAnswerThatRepeatsWhatIsSecretIsKeptWithoutIt(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusNotFound)
		//nolint:errcheck // as far as it goes
		fmt.Fprintf(w, "Cannot POST %s %s (%s) key=%s auth=%s secret=%s", r.URL.Path, r.RequestURI, r.URL.Query().Get("token"),
			r.Header.Get("X-Api-Key"), r.Header.Get("Authorization")[len("Bearer "):], secret)
	}))
	defer s.Close()
	way := &http.Transport{}
	defer way.CloseIdleConnections()
	send, err := hook.HTTP{URL: s.URL + "/services/T0/Bpath%20secret?token=query-secret", Secrets: []string{secret},
		Headers: map[string]string{"Authorization": "Bearer header-secret", "X-Api-Key": "other-secret", "X-Short": "O"},
		Timeout: time.Minute, Through: way, Now: time.Now}.Sender()
	require.NoError(t, err)
	a := send(t.Context(), eventOf(t))
	require.Equal(t, "404 Not Found: Cannot POST [hidden] [hidden] ([hidden]) key=[hidden] auth=[hidden] secret=[hidden]", a.Note)
}
