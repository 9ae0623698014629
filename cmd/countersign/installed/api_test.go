package installed

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/cmd/countersign/installtest"
	"countersign/provider/simulator"
)

// over asks the daemon's API with a token.
func over(t *testing.T, in installtest.Installation, method, path, token, body string) (int, map[string]any) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, "http://"+in.Console+path, strings.NewReader(body))
	require.NoError(t, err)
	r.Header.Set("Authorization", "Bearer "+token)
	resp, err := http.DefaultTransport.RoundTrip(r)
	require.NoError(t, err)
	defer resp.Body.Close() //nolint:errcheck // read to its end
	text, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	out := map[string]any{}
	require.NoError(t, json.Unmarshal(text, &out), "%s", text)
	return resp.StatusCode, out
}

// The daemon's own API: whoever has a token asks about a row, the run bears their name and is worked off, what is
// tracked becomes a row, and a token that was removed is refused. What is printed is what the API says.
func TestAPI(t *testing.T) {
	t.Parallel()
	svc := installtest.Historical(t, 6)
	in := installtest.Install(t, svc, 1)
	in.Daemon(t)
	token := strings.TrimSpace(in.Said(t, "token", "add", "ana", "--expires", "1d"))
	reader := strings.TrimSpace(in.Said(t, "token", "add", "crm", "--read"))
	ref := svc.Completed(t)
	code, did := over(t, in, "POST", "/api/v1/accounts/"+simulator.AccountOneSpan+"/transactions", token, `{"ref":"`+ref+`"}`)
	require.Equal(t, http.StatusAccepted, code, did)

	row := "/api/v1/accounts/" + simulator.AccountOneSpan + "/transactions/" + url.PathEscape(ref)
	require.Eventually(t, func() bool {
		code, did = over(t, in, "GET", row, reader, "")
		return code == http.StatusOK && did["status"] == "completed" && did["confirmed"] == true
	}, 20*time.Second, 50*time.Millisecond)
	code, run := over(t, in, "POST", row+"/poll", token, "")
	require.Equal(t, http.StatusAccepted, code, run)
	require.Equal(t, "operator ana", run["by"])
	require.Eventually(t, func() bool {
		_, run = over(t, in, "GET", "/api/v1/runs/"+run["id"].(string), reader, "")
		return run["state"] == "done"
	}, 20*time.Second, 50*time.Millisecond)
	require.EqualValues(t, 1, run["asked"])

	in.Shows(t, "its documents", func() bool {
		row := in.Listed(t, ref)
		return row["documents_total"] != 0.0 && row["documents_stored"] == row["documents_total"]
	})
	shown := installtest.ObjectsIn(t, in.Said(t, "show", "--json", simulator.AccountOneSpan, "--", ref))[0]
	_, did = over(t, in, "GET", row, reader, "")
	require.Equal(t, shown["history"], did["history"])
	require.Equal(t, len(shown), len(did), "the same keys")

	code, did = over(t, in, "POST", row+"/poll", reader, "")
	require.Equal(t, http.StatusForbidden, code, did)
	in.Said(t, "token", "remove", "ana")
	require.Eventually(t, func() bool {
		code, _ = over(t, in, "GET", row, token, "")
		return code == http.StatusUnauthorized
	}, 5*time.Second, 50*time.Millisecond)
	require.Contains(t, in.Said(t, "token", "list"), "crm")
}
