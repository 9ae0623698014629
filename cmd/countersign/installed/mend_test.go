package installed

import (
	"bytes"
	"database/sql"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/cmd/countersign/installtest"
	"countersign/cmd/countersign/output"
	"countersign/model"
	"countersign/provider/simulator"
)

// ids are the callbacks of a verdict, the oldest first.
func ids(t *testing.T, in installtest.Installation, v model.Verdict) (out []string) {
	t.Helper()
	stdout, stderr, code := in.Verb(t, "callbacks", "list", "--json", "--verdict", string(v))
	require.Zero(t, code, stderr)
	for _, o := range installtest.ObjectsIn(t, stdout) {
		out = append([]string{o["id"].(string)}, out...)
	}
	return out
}

// A key is changed at the provider and not here: the refused callbacks say so, and are not lost.
func TestRefusedCallbacksAreExplainedAndReplayed(t *testing.T) {
	t.Parallel()
	in := wired(t) // rows stay as callbacks leave them
	db := in.Table(t)
	one1, one2 := time.Now().Add(-3*time.Minute), time.Now().Add(-2*time.Minute)
	sent := installtest.OneSpanEvent("PACKAGE_ACTIVATE", "p-1", one1)
	for _, body := range [][]byte{sent, sent, installtest.OneSpanEvent("PACKAGE_COMPLETE", "p-2", one2)} {
		code, _ := in.Post(simulator.AccountOneSpan, "application/json", "Basic the-new-key", body)
		require.Equal(t, http.StatusUnauthorized, code)
	}
	code, _ := in.Post(simulator.AccountOneSpan, "application/json", "Basic "+recordedKey, []byte("[]"))
	require.Equal(t, http.StatusOK, code)
	refused := ids(t, in, model.Refused)
	require.Len(t, refused, 3)
	require.Contains(t, in.Said(t, "callbacks", "explain", refused[0]), "nothing that is configured matches")
	require.Contains(t, in.Said(t, "callbacks", "replay", "--refused"), refused[0]+"  sim-onespan/p-1  refused -> refused")

	in.Edit(t, `callback_key: .*`, `callback_keys: ["`+recordedKey+`", "the-new-key"]`)
	stdout := in.Said(t, "callbacks", "explain", refused[0])
	require.Contains(t, stdout, "callback_keys[1] matches now")
	require.NotContains(t, stdout, "the-new-key")
	trials := installtest.ObjectsIn(t, in.Said(t, "callbacks", "explain", "--json", refused[0]))
	require.Len(t, trials, 8)
	require.Equal(t, map[string]any{"secret": "callback_keys[1]", "header": "Authorization", "hash": "", "encoding": "",
		"over": "", "match": true, "note": ""}, trials[4])

	stdout = in.Said(t, "callbacks", "replay", "--refused", "--account", simulator.AccountOneSpan, "--since", "1d",
		"--dry-run")
	require.Equal(t, 2, strings.Count(stdout, "refused -> accepted"), stdout)
	require.Contains(t, stdout, refused[1]+"  sim-onespan/p-1  refused -> duplicate",
		"a copy of one that is replayed before it")
	require.Equal(t, refused, ids(t, in, model.Refused), "a dry run changes nothing")
	came := installtest.ObjectsIn(t, in.Said(t, "callbacks", "show", "--json", refused[0]))[0]["at"]
	stdout = in.Said(t, "callbacks", "replay", "--refused", "--json")
	replayed := installtest.ObjectsIn(t, stdout)
	require.Len(t, replayed, 3)
	require.Equal(t, []any{"accepted", "applied"}, []any{replayed[0]["after"], replayed[0]["outcome"]}, stdout)
	require.Equal(t, []any{"duplicate", "nothing_new"}, []any{replayed[1]["after"], replayed[1]["outcome"]}, stdout)
	require.Equal(t, "accepted", replayed[2]["after"], stdout)
	shown := installtest.ObjectsIn(t, in.Said(t, "callbacks", "show", "--json", refused[0]))[0]
	require.Equal(t, string(sent), shown["body"])
	require.Equal(t, came, shown["at"], "it keeps the time it came")
	require.Contains(t, in.Said(t, "callbacks", "show", refused[0]), "replayed at 20")
	require.Equal(t, "in_progress", installtest.One[string](db, "SELECT status FROM transactions WHERE ref = 'p-1'"))
	require.Equal(t, "completed", installtest.One[string](db, "SELECT status FROM transactions WHERE ref = 'p-2'"))

	changes := installtest.One[int](db, "SELECT COUNT(*) FROM history")
	stdout = in.Said(t, "callbacks", "replay", refused[0], refused[2])
	require.Contains(t, stdout, refused[0]+"  sim-onespan/p-1  accepted -> accepted: applied")
	require.Equal(t, changes, installtest.One[int](db, "SELECT COUNT(*) FROM history"), "nothing changes twice")
	require.Contains(t, in.Said(t, "callbacks", "replay", "--not-understood"), "not_understood -> not_understood")
	_, stderr, code := in.Verb(t, "callbacks", "replay", refused[1])
	require.Equal(t, output.ExitFailed, code)
	require.Contains(t, stderr, "duplicate")

	code, _ = in.Post(simulator.AccountOneSpan, "application/json", "Basic "+recordedKey, sent)
	require.Equal(t, http.StatusOK, code)
	require.Len(t, ids(t, in, model.Duplicate), 2, "the replayed one has taken the dedupe key")
}

// A claim that is older than the provider's last answer moves nothing, and has the provider asked.
func TestAnOldCallbackIsReplayedBehindAnAnswer(t *testing.T) {
	t.Parallel()
	in := wired(t)
	code, _ := in.Post(simulator.AccountOneSpan, "application/json", "Basic "+recordedKey,
		installtest.OneSpanEvent("PACKAGE_ACTIVATE", "p-1", time.Now()))
	require.Equal(t, http.StatusOK, code)
	code, _ = in.Post(simulator.AccountOneSpan, "application/json", "Basic the-new-key",
		installtest.OneSpanEvent("PACKAGE_COMPLETE", "p-1", time.Now()))
	require.Equal(t, http.StatusUnauthorized, code)
	in.Write(t, "UPDATE transactions SET asked_at = ?, confirmed_at = ?, confirmed = 1, next_check_at = NULL WHERE ref = 'p-1'", stampText(time.Minute), stampText(time.Minute))
	in.Edit(t, `callback_key: .*`, `callback_keys: ["the-new-key"]`)
	stdout := in.Said(t, "callbacks", "replay", "--refused")
	require.Contains(t, stdout, "refused -> accepted: checking")
	db := in.Table(t)
	require.Equal(t, "in_progress", installtest.One[string](db, "SELECT status FROM transactions WHERE ref = 'p-1'"))
	require.NotEmpty(t, installtest.One[sql.NullString](db, "SELECT next_check_at FROM transactions WHERE ref = 'p-1'").String)
}

// stampText is a time from now as SQLite holds it.
func stampText(d time.Duration) string {
	return time.Now().Add(d).UTC().Format("2006-01-02T15:04:05.000Z")
}

// A registration that calls somebody else is replaced only where told so, and a check proves that the calls come here.
func TestRegistrationIsSetAndChecked(t *testing.T) {
	t.Parallel()
	svc := installtest.PlayServices(t, simulator.Options{Transactions: -1, Callbacks: "https://elsewhere.example.org/hook"})
	in := installtest.Install(t, svc, 1)
	in.Daemon(t)
	for _, id := range []string{simulator.AccountOneSpan, simulator.AccountDropboxSign} {
		ours := "http://" + in.Public + "/callbacks/" + id
		_, stderr, code := in.Verb(t, "registration", "set", id)
		require.Equal(t, output.ExitFailed, code)
		require.Contains(t, stderr, "https://elsewhere.example.org/hook")
		require.Contains(t, stderr, "--replace")
		require.Contains(t, in.Said(t, "registration", "set", id, "--replace", "--dry-run"), ours+" would take its place")
		require.Contains(t, in.Said(t, "registration", "show", id), "not us")
		require.Contains(t, in.Said(t, "registration", "set", id, "--replace"), "calls   "+ours+" (this is us)")
		require.Contains(t, in.Said(t, "registration", "set", id, "--dry-run"), "stands there already")
		got := installtest.ObjectsIn(t, in.Said(t, "registration", "set", id, "--json"))[0]
		require.Equal(t, []any{ours, true}, []any{got["url"], got["matches"]})
		require.Contains(t, installtest.One[string](in.Table(t), "SELECT registration FROM accounts WHERE id = ?", id), ours)
		for _, way := range [][]string{nil, {"--loopback"}} {
			steps := installtest.ObjectsIn(t, in.Said(t, append([]string{"registration", "check", id, "--json"}, way...)...))
			require.Len(t, steps, 8)
			require.Equal(t, "acknowledgement", steps[7]["step"])
		}
	}
	require.Contains(t, in.Said(t, "callbacks", "list", "--verdict", "accepted"), "COUNTERSIGN_TEST")
	stdout := in.Said(t, "registration", "set", simulator.AccountOneSpan, "--events", "PACKAGE_COMPLETE,PACKAGE_DECLINE")
	require.Contains(t, stdout, "2 types: PACKAGE_COMPLETE PACKAGE_DECLINE")
	stdout, _, _ = in.Verb(t, "doctor", "--account", simulator.AccountOneSpan)
	require.Regexp(t, `warn +sim-onespan registration +the provider does not tell of DOCUMENT_SIGNED`, stdout)
	_, stderr, code := in.Verb(t, "registration", "set", simulator.AccountDropboxSign, "--events", "x")
	require.Equal(t, output.ExitFailed, code)
	require.Contains(t, stderr, "none can be chosen")
	in.Edit(t, `, url: "[^"]*"`, "")
	_, stderr, code = in.Verb(t, "registration", "set", simulator.AccountOneSpan)
	require.Equal(t, output.ExitUsage, code)
	require.Contains(t, stderr, "public.url is not set")
	in.Edit(t, `public: \{`, `public: { url: "http://sign.example.org",`)
	in.Edit(t, `base_url: "http[^"]*onespan"`, `base_url: "https://onespan.example.org"`)
	_, stderr, code = in.Verb(t, "registration", "set", simulator.AccountOneSpan)
	require.Equal(t, output.ExitUsage, code)
	require.Contains(t, stderr, "https://")
}

// What stands between the provider and us may spoil a callback in many ways: the check names each.
func TestTheCheckNamesTheStepThatFails(t *testing.T) {
	t.Parallel()
	svc := installtest.PlayServices(t, simulator.Options{Transactions: -1})
	in := installtest.Install(t, svc, 1)
	stop := in.Daemon(t)
	target := &url.URL{Scheme: "http", Host: in.Public}
	type spoiler = func(w http.ResponseWriter, r *http.Request, next http.Handler)
	var spoil atomic.Pointer[spoiler]
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		(*spoil.Load())(w, r, httputil.NewSingleHostReverseProxy(target))
	}))
	t.Cleanup(proxy.Close)
	in.Edit(t, `url: "http://127[^"]*"`, `url: "`+proxy.URL+`"`)
	body := func(text string) func(http.ResponseWriter, *http.Request, http.Handler) {
		return func(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
			w.Header().Set("Content-Type", "application/json")
			io.WriteString(w, text) //nolint:errcheck // a test
		}
	}
	status := func(code int) func(http.ResponseWriter, *http.Request, http.Handler) {
		return func(w http.ResponseWriter, _ *http.Request, _ http.Handler) { w.WriteHeader(code) }
	}
	for _, c := range []struct {
		name, step, detail string
		spoil              func(http.ResponseWriter, *http.Request, http.Handler)
	}{
		{"nothing", "", "", func(w http.ResponseWriter, r *http.Request, next http.Handler) { next.ServeHTTP(w, r) }},
		{"another path", "route", "404", func(w http.ResponseWriter, r *http.Request, next http.Handler) {
			r.URL.Path = "/hook"
			next.ServeHTTP(w, r)
		}},
		{"no POST", "route", "405", status(http.StatusMethodNotAllowed)},
		{"a redirect", "route", "redirect", status(http.StatusPermanentRedirect)},
		{"a log-in", "route", "403", status(http.StatusForbidden)},
		{"a dropped header", "signature", "401", func(w http.ResponseWriter, r *http.Request, next http.Handler) {
			r.Header.Del("Authorization")
			next.ServeHTTP(w, r)
		}},
		{"a full disk", "storage", "503", status(http.StatusServiceUnavailable)},
		{"another server", "storage", "not in this database", body(installtest.Taken)},
		{"another answer", "acknowledgement", "insists", func(w http.ResponseWriter, r *http.Request, next http.Handler) {
			next.ServeHTTP(httptest.NewRecorder(), r)
			body("<html>")(w, r, next)
		}},
	} {
		spoil.Store(&c.spoil)
		stdout, _, code := in.Verb(t, "registration", "check", simulator.AccountOneSpan, "--json")
		steps := installtest.ObjectsIn(t, stdout)
		last := steps[len(steps)-1]
		if c.step == "" {
			require.Zero(t, code, stdout)
			continue
		}
		require.Equal(t, output.ExitFailed, code, c.name)
		require.Equal(t, []any{c.step, "failed"}, []any{last["step"], last["result"]}, "%s: %s", c.name, stdout)
		require.Contains(t, last["detail"], c.detail, c.name)
		for _, s := range steps[:len(steps)-1] {
			require.Equal(t, "ok", s["result"], c.name)
		}
	}
	require.Contains(t, in.Said(t, "registration", "check", simulator.AccountOneSpan, "--loopback"),
		"ok      acknowledgement")
	stop()
	stdout, _, code := in.Verb(t, "registration", "check", simulator.AccountOneSpan, "--loopback")
	require.Equal(t, output.ExitFailed, code)
	require.Regexp(t, `(?m)^failed  connection .*start the daemon\n\z`, stdout)
	in.Edit(t, `(?m)^      callback_key: .*\n`, "")
	stdout, _, code = in.Verb(t, "registration", "check", simulator.AccountOneSpan)
	require.Equal(t, output.ExitFailed, code)
	require.Regexp(t, `^failed  canary +settings.callback_key is not set`, stdout)
	require.False(t, bytes.Contains([]byte(stdout),
		[]byte(svc.Account(simulator.AccountOneSpan).Settings["api_key"].(string))))
}

// A signer comes back, and a page tells: both hurry a question and no more.
func TestReturnURLsAndHintsHurryAQuestion(t *testing.T) {
	t.Parallel()
	svc := installtest.PlayServices(t, simulator.Options{Transactions: -1})
	// what is due stays due
	svc.Through(func(_ http.ResponseWriter, r *http.Request, _ http.Handler) { <-r.Context().Done() })
	in := installtest.Install(t, svc, 1)
	in.Edit(t, `callback_key: .*`, `callback_key: "`+recordedKey+`"`)
	in.Edit(t, `(provider: onespan\n)`,
		"$1    return_page: https://www.example.org/done?lang=en\n    hints: { enabled: true }\n")
	in.Daemon(t)
	db := in.Table(t)
	code, _ := in.Post(simulator.AccountOneSpan, "application/json", "Basic "+recordedKey,
		installtest.OneSpanEvent("PACKAGE_ACTIVATE", "p-1", time.Now()))
	require.Equal(t, http.StatusOK, code)
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	ask := func(method, path, body string) (int, string) {
		in.Write(t, "UPDATE transactions SET next_check_at = NULL, due_reason = '', lease_until = NULL")
		req, err := http.NewRequest(method, "http://"+in.Public+path, strings.NewReader(body)) //nolint:noctx // loopback
		require.NoError(t, err)
		resp, err := client.Do(req)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		return resp.StatusCode, resp.Header.Get("Location")
	}
	due := func() bool {
		return installtest.One[int](db, "SELECT COUNT(*) FROM transactions WHERE ref = 'p-1' AND next_check_at IS NOT NULL") == 1
	}
	code, _ = ask(http.MethodHead, "/return/"+simulator.AccountOneSpan+"?ref=p-1", "")
	require.Equal(t, []any{http.StatusSeeOther, false}, []any{code, due()}, "a link checker's visit tells nothing")
	code, location := ask(http.MethodGet, "/return/"+simulator.AccountOneSpan+"?ref=p-1", "")
	require.Equal(t, http.StatusSeeOther, code)
	require.Equal(t, "https://www.example.org/done?lang=en&account="+simulator.AccountOneSpan+
		"&ref=p-1&status=in_progress", location)
	require.True(t, due())
	code, _ = ask(http.MethodPost, "/hints/"+simulator.AccountOneSpan, `{"ref":"p-1"}`)
	require.Equal(t, http.StatusAccepted, code)
	code, _ = ask(http.MethodPost, "/hints/"+simulator.AccountDropboxSign, `{"ref":"p-1"}`)
	require.Equal(t, http.StatusNotFound, code, "hints are off by default")
	require.Equal(t, "in_progress", installtest.One[string](db, "SELECT status FROM transactions WHERE ref = 'p-1'"))
}
