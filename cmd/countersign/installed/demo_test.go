package installed

import (
	"encoding/json"
	"net/http"
	"os"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"countersign/cmd/countersign/installtest"
)

// A stranger who starts the demo sees callbacks, gaps and a file in quarantine in its console while the day lasts. The
// console is there until Ctrl-C, which ends the demo as its report says and leaves nothing behind.
func TestDemoOpensTheConsole(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	p := installtest.Installation{}.StartAs(t, "/usr/bin/env", "TMPDIR="+folder, installtest.BuiltProgram(t), "demo",
		"--transactions", "60")
	address := regexp.MustCompile(`(?m)^Console: (http://127\.0\.0\.1:\d+/)$`)
	installtest.Eventually(t, "the console's address", func() bool { return address.MatchString(p.Out.String()) })
	console := address.FindStringSubmatch(p.Out.String())[1]

	for _, list := range []string{"callbacks?verdict=accepted", "callbacks?verdict=refused", "gaps?kind=missed",
		"documents?state=quarantined"} {
		installtest.Eventually(t, list, func() bool { return items(t, console+"api/v1/"+list) > 0 })
		require.NotContains(t, p.Out.String(), "The faults stop", "%s: seen before the day is over", list)
	}

	installtest.Eventually(t, "the report", func() bool {
		return strings.Contains(p.Out.String(), "The console stays open at "+console+" until Ctrl-C.\n")
	})
	require.Positive(t, items(t, console+"api/v1/documents?state=quarantined"))
	left, err := os.ReadDir(folder)
	require.NoError(t, err)
	require.Len(t, left, 1)

	require.NoError(t, p.Process.Signal(syscall.SIGINT))
	<-p.Done
	want := 3
	if strings.Contains(p.Out.String(), "\nConverged: ") {
		want = 0
	}
	require.Equal(t, want, p.ProcessState.ExitCode())
	left, err = os.ReadDir(folder)
	require.NoError(t, err)
	require.Empty(t, left)
}

// items is how many there are on the first page of a list.
func items(t *testing.T, url string) int {
	resp, err := http.Get(url) //nolint:gosec // the demo's own address
	require.NoError(t, err)
	defer resp.Body.Close()
	require.Equal(t, http.StatusOK, resp.StatusCode, url)
	var page struct {
		Items []json.RawMessage `json:"items"`
	}
	require.NoError(t, json.NewDecoder(resp.Body).Decode(&page))
	return len(page.Items)
}
