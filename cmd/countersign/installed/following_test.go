package installed

import (
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/cmd/countersign/installtest"
	"countersign/cmd/countersign/output"
	"countersign/provider/simulator"
)

// down answers 503 for one service, and counts what the others are asked.
func down(s *installtest.Services, prefix string) (others func() int) {
	asked := make(chan struct{}, 10000)
	s.Through(func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		if strings.HasPrefix(r.URL.Path, prefix) {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		asked <- struct{}{}
		next.ServeHTTP(w, r)
	})
	return func() int { return len(asked) }
}

// A poll whose provider does not answer says why, ends by itself, and leaves the other accounts alone.
func TestPollOfAProviderThatIsDown(t *testing.T) {
	t.Parallel()
	for _, beside := range []string{"no daemon", "a daemon"} {
		t.Run(beside, func(t *testing.T) {
			t.Parallel()
			svc := installtest.PlayServices(t, simulator.Options{Seed: 5, Transactions: 12, BornBefore: 12, QuotaScale: 100})
			in := installtest.Install(t, svc, installtest.DaySeconds)
			in.Edit(t, `(?m)^retry: .*$`, "retry: { first: 100ms, most: 1s }")
			others := down(svc, "/onespan/")
			if beside == "a daemon" {
				in.Daemon(t)
			}
			_, stderr, code := in.Verb(t, "track", simulator.AccountDropboxSign, "due-at-once")
			require.Zero(t, code, stderr)
			began := time.Now()
			_, stderr, code = in.Verb(t, "poll", "--account", simulator.AccountOneSpan)
			require.Equal(t, output.ExitFailed, code, stderr)
			require.Regexp(t, "(?m)^"+simulator.AccountOneSpan+": .*503", stderr, "the error, as it is met")
			require.Regexp(t, "(?m)^error: .*503", stderr, "why it ended so")
			require.Less(t, time.Since(began), 30*time.Second)
			if beside == "no daemon" {
				require.Zero(t, others(), "calls for accounts that were not named")
			}
		})
	}
}

// A poll by hand asks at once, however long the account would rest.
func TestPollEndsARest(t *testing.T) {
	t.Parallel()
	svc := installtest.Historical(t, 12)
	in := installtest.Install(t, svc, 1)
	svc.Through(only("/onespan/", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnauthorized) }))
	in.Daemon(t)
	installtest.Eventually(t, "the incident", func() bool { return len(in.Incidents(t)) > 0 })
	svc.Through(nil)
	_, stderr, code := in.Verb(t, "poll", "--account", simulator.AccountOneSpan, "--tier", "active")
	require.Zero(t, code, stderr)
	require.Empty(t, in.Incidents(t))
}

// What the daemon does needs no secret in the verb's shell; what the verb has to do itself does, and says which.
func TestVerbsWithoutTheDaemonsSecrets(t *testing.T) { //nolint:paralleltest // the environment is the process's
	svc := installtest.Historical(t, 12)
	in := installtest.Install(t, svc, 1)
	key := svc.Setting(t, simulator.AccountOneSpan, "api_key")
	text, err := os.ReadFile(in.Config)
	require.NoError(t, err)
	require.Contains(t, string(text), key)
	require.NoError(t, os.WriteFile(in.Config, []byte(strings.ReplaceAll(string(text), key, "${COUNTERSIGN_TEST_KEY}")),
		0o600))
	t.Setenv("COUNTERSIGN_TEST_KEY", key)
	stop := in.Daemon(t)
	require.NoError(t, os.Unsetenv("COUNTERSIGN_TEST_KEY"))
	verbs := [][]string{
		{"poll", "--account", simulator.AccountOneSpan}, {"poll", "--account", simulator.AccountOneSpan, "--ref",
			svc.Completed(t)},
		{"backfill", "--account", simulator.AccountOneSpan, "--since", "30d"}, {"verify", "--account",
			simulator.AccountOneSpan},
		{"documents", "retry", "--account", simulator.AccountOneSpan},
	}
	for _, args := range verbs {
		stdout, stderr, code := in.Verb(t, args...)
		require.Zero(t, code, strings.Join(args, " ")+": "+stdout+stderr)
	}
	require.Zero(t, stop())
	for _, args := range verbs {
		_, stderr, code := in.Verb(t, args...)
		require.Equal(t, output.ExitUsage, code, strings.Join(args, " ")+": "+stderr)
		require.Contains(t, stderr, "COUNTERSIGN_TEST_KEY", strings.Join(args, " "))
	}
}
