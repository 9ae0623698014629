package main

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/provider/simulator"
)

// over asks the daemon's API with a token.
func (in installation) over(t *testing.T, method, path, token, body string) (int, map[string]any) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, "http://"+in.console+path, strings.NewReader(body))
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
func TestWholeAPI(t *testing.T) {
	t.Parallel()
	svc := historical(t, 6)
	in := install(t, svc, 1)
	in.daemon(t)
	token := strings.TrimSpace(in.said(t, "token", "add", "ana", "--expires", "1d"))
	reader := strings.TrimSpace(in.said(t, "token", "add", "crm", "--read"))
	ref := svc.completed(t)
	code, did := in.over(t, "POST", "/api/v1/accounts/"+simulator.AccountOneSpan+"/transactions", token, `{"ref":"`+ref+`"}`)
	require.Equal(t, http.StatusAccepted, code, did)

	row := "/api/v1/accounts/" + simulator.AccountOneSpan + "/transactions/" + url.PathEscape(ref)
	require.Eventually(t, func() bool {
		code, did = in.over(t, "GET", row, reader, "")
		return code == http.StatusOK && did["status"] == "completed" && did["confirmed"] == true
	}, 20*time.Second, 50*time.Millisecond)
	code, run := in.over(t, "POST", row+"/poll", token, "")
	require.Equal(t, http.StatusAccepted, code, run)
	require.Equal(t, "operator ana", run["by"])
	require.Eventually(t, func() bool {
		_, run = in.over(t, "GET", "/api/v1/runs/"+run["id"].(string), reader, "")
		return run["state"] == "done"
	}, 20*time.Second, 50*time.Millisecond)
	require.EqualValues(t, 1, run["asked"])

	shown := objectsIn(t, in.said(t, "show", "--json", simulator.AccountOneSpan, "--", ref))[0]
	_, did = in.over(t, "GET", row, reader, "")
	require.Equal(t, shown["history"], did["history"])
	require.Equal(t, len(shown), len(did), "the same keys")

	code, did = in.over(t, "POST", row+"/poll", reader, "")
	require.Equal(t, http.StatusForbidden, code, did)
	in.said(t, "token", "remove", "ana")
	require.Eventually(t, func() bool {
		code, _ = in.over(t, "GET", row, token, "")
		return code == http.StatusUnauthorized
	}, 5*time.Second, 50*time.Millisecond)
	require.Contains(t, in.said(t, "token", "list"), "crm")
}
