package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"countersign/cmd/countersign/output"
	"countersign/model"
	"countersign/model/store"
	"countersign/model/store/database"
)

// monitored is a database with the account sales as a test wants it, and a config that names it.
func monitored(t *testing.T, account model.Account, more string) (dir, file string) {
	t.Helper()
	dir = t.TempDir()
	if err := seed(t.Context(), dir, nine, false); err != nil {
		t.Fatal(err)
	}
	account.ID, account.Provider = "sales", "onespan"
	s := opened(t, dir)
	write(t, s, func(b *store.Batch) error { b.PutAccount(account); return nil })
	file = filepath.Join(dir, "config.yaml")
	text := "accounts:\n  - { id: sales, provider: onespan, settings: { api_key: x } }\n" + more
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir, file
}

// write makes a change while the store's writer runs.
func write(t *testing.T, s *store.Store, change func(*store.Batch) error) {
	t.Helper()
	ended := make(chan error, 1)
	ctx, stop := context.WithCancel(t.Context())
	go func() { ended <- s.Run(ctx) }()
	if err := s.Do(t.Context(), store.Unit{Apply: change}); err != nil {
		t.Fatal(err)
	}
	stop()
	<-ended
}

// verb runs a verb and returns its exit code and what it printed.
func verb(t *testing.T, file string, args ...string) (code int, out string) {
	t.Helper()
	a, stdout, stderr := testApp(nil)
	code = a.run(t.Context(), append([]string{"--config", file}, args...))
	return code, stdout.String() + stderr.String()
}

// examined is what the doctor says, who reaches no provider.
func examined(t *testing.T, file string) string {
	t.Helper()
	a, stdout, _ := testApp(nil)
	a.Providers, a.Transport = providers(), unreachable{}
	a.run(t.Context(), []string{"--config", file, "doctor", "--account", "sales"})
	return stdout.String()
}

type unreachable struct{}

// RoundTrip reaches nothing.
func (unreachable) RoundTrip(*http.Request) (*http.Response, error) {
	return nil, errors.New("offline")
}

// The exit code of `status` is what monitors go by: polls that nobody makes are as wrong as those that fail.
func TestStatusSaysThatPollsAreOverdueWithoutADaemon(t *testing.T) {
	t.Parallel()
	ago := func(d time.Duration) *time.Time { at := nine.Add(-d); return &at }
	for name, c := range map[string]struct {
		account model.Account
		code    int
	}{
		"a daemon that has been dead for ten days": {model.Account{FirstStartAt: *ago(720 * time.Hour),
			LastPollAt: ago(240 * time.Hour)}, output.ExitDrift},
		"two slots and a half ago": {model.Account{FirstStartAt: *ago(720 * time.Hour),
			LastPollAt: ago(16 * time.Hour)}, output.ExitDrift},
		"polled in time by cron, without a daemon": {model.Account{FirstStartAt: *ago(720 * time.Hour),
			LastPollAt: ago(5 * time.Hour)}, output.ExitDone},
		"the first slot has not come yet":        {model.Account{FirstStartAt: *ago(time.Hour)}, output.ExitDone},
		"started long ago and never polled well": {model.Account{FirstStartAt: *ago(720 * time.Hour)}, output.ExitDrift},
		"polled in time, and a question has failed": {model.Account{FirstStartAt: *ago(720 * time.Hour),
			LastPollAt: ago(time.Hour), LastError: "503"}, output.ExitDone},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, file := monitored(t, c.account, "")
			code, out := verb(t, file, "status")
			if code != c.code || strings.Contains(out, "poll overdue") != (c.code == output.ExitDrift) {
				t.Errorf("exit %d\n%s", code, out)
			}
			if c.account.LastError != "" && !strings.Contains(out, "Questions that failed\nsales  never  503") {
				t.Errorf("the error is not shown\n%s", out)
			}
			code, out = verb(t, file, "status", "--json", "--account", "sales")
			lines := strings.Split(strings.TrimSpace(out), "\n")
			var one struct {
				ID      string `json:"id"`
				Overdue bool   `json:"poll_overdue"`
			}
			var all struct {
				Daemon string `json:"daemon"`
				OK     bool   `json:"ok"`
			}
			for i, to := range []any{&one, &all} {
				if err := json.Unmarshal([]byte(lines[i]), to); err != nil {
					t.Fatalf("%v: %s", err, out)
				}
			}
			if len(lines) != 2 || one.ID != "sales" || one.Overdue != (c.code != 0) || all.Daemon != "not_running" ||
				all.OK != (c.code == 0) || code != c.code {
				t.Errorf("exit %d\n%s", code, out)
			}
			out = examined(t, file)
			if strings.Contains(out, "overdue") != (c.code == output.ExitDrift) {
				t.Errorf("doctor says\n%s", out)
			}
		})
	}
}

func TestStatusKnowsADaemonThatDiedFromOneThatWasStopped(t *testing.T) {
	t.Parallel()
	polled := nine.Add(-time.Hour)
	dir, file := monitored(t, model.Account{FirstStartAt: nine.Add(-720 * time.Hour), LastPollAt: &polled}, "")
	held, err := opened(t, dir).Lock(t.Context(), database.LockServe, "host, process 7", time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	if err := held.Release(); err != nil {
		t.Fatal(err)
	}
	if code, out := verb(t, file, "status"); code != output.ExitDone || !strings.Contains(out, "daemon    not running\n") {
		t.Errorf("stopped: exit %d\n%s", code, out)
	}
	db, err := sql.Open("sqlite3", "file:"+filepath.Join(dir, "countersign.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close() //nolint:errcheck // the test is over
	_, err = db.Exec(`INSERT INTO locks (name, owner, version, since, beat_at, wanted_at)
VALUES ('serve', 'host, process 7', 'v1', '2026-03-02T08:00:00.000Z', '2026-03-02T08:57:00.000Z', NULL)`) // as a kill leaves it
	if err != nil {
		t.Fatal(err)
	}
	code, out := verb(t, file, "status")
	if code != output.ExitDrift || !strings.Contains(out, "not running, died: last heard of 3 min ago (host, process 7)") {
		t.Errorf("died: exit %d\n%s", code, out)
	}
}

func TestStatusAsksTheDaemonWhetherItIsReady(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		code int
		body string
		exit int
		says string
	}{
		"ready": {http.StatusOK, `{"ready":true,"checks":[{"name":"database","ok":true}]}`, output.ExitDone,
			"ready     yes\n"},
		"ready, not all": {http.StatusOK,
			`{"ready":true,"checks":[{"name":"log","ok":false,"error":"3 lines were dropped"}]}`, output.ExitDone,
			"ready     yes: log: 3 lines were dropped\n"},
		"disk full": {http.StatusServiceUnavailable,
			`{"ready":false,"checks":[{"name":"database","ok":false,"error":"disk full"}]}`, output.ExitDrift,
			"ready     no: database: disk full\n"},
		"without a token":  {http.StatusServiceUnavailable, "", output.ExitDrift, "not ready"},
		"another's answer": {http.StatusUnauthorized, "", output.ExitDone, "ready     not known: the console at "},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			console := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path != "/readyz" || r.Header.Get("Authorization") != "Bearer "+strings.Repeat("t", 32) {
					t.Errorf("asked %s with %q", r.URL.Path, r.Header.Get("Authorization"))
				}
				w.WriteHeader(c.code)
				w.Write([]byte(c.body)) //nolint:errcheck // the test sees
			}))
			defer console.Close()
			polled := nine.Add(-time.Hour)
			dir, file := monitored(t, model.Account{FirstStartAt: nine.Add(-720 * time.Hour), LastPollAt: &polled},
				"console: { address: \""+console.Listener.Addr().String()+"\", token: \""+strings.Repeat("t", 32)+"\" }\n")
			held, err := opened(t, dir).Lock(t.Context(), database.LockServe, "host, process 7", time.Minute)
			if err != nil {
				t.Fatal(err)
			}
			defer held.Release() //nolint:errcheck // the test is over
			if code, out := verb(t, file, "status"); code != c.exit || !strings.Contains(out, c.says) {
				t.Errorf("exit %d, want %d and %q\n%s", code, c.exit, c.says, out)
			}
		})
	}
}

func TestStatusShowsRoomAndQuarantineAndWhatTheDaemonLearnt(t *testing.T) {
	t.Parallel()
	polled, rests := nine.Add(-time.Hour), nine.Add(10*time.Minute)
	dir, file := monitored(t, model.Account{
		FirstStartAt: nine.Add(-720 * time.Hour), LastPollAt: &polled, LastError: "429 Too Many Requests",
		LastErrorAt: &polled, RestsUntil: &rests,
		Reach: "the whole team's",
	}, "documents_min_free: 1000000GiB\nconsole: { address: \"127.0.0.1:0\" }\n")
	if err := os.MkdirAll(filepath.Join(dir, "documents"), 0o700); err != nil {
		t.Fatal(err)
	}
	held, err := opened(t, dir).Lock(t.Context(), database.LockServe, "host, process 7", time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	defer held.Release() //nolint:errcheck // the test is over
	code, out := verb(t, file, "status")
	for _, want := range []string{
		"below documents_min_free", "1 in quarantine", "429 Too Many Requests  rests, asked again in 10 min",
		"sales  the whole team's",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is missing", want)
		}
	}
	if code != output.ExitDrift || strings.Contains(out, "not tried yet") {
		t.Errorf("exit %d\n%s", code, out)
	}
}

// A folder that holds what was stored and is gone, as when its disk is not mounted, is no folder that has still to be
// made.
func TestStatusAndDoctorMissTheFolderOfStoredDocuments(t *testing.T) {
	t.Parallel()
	polled := nine.Add(-time.Hour)
	dir, file := monitored(t, model.Account{FirstStartAt: nine.Add(-720 * time.Hour), LastPollAt: &polled}, "")
	folder := filepath.Join(dir, "documents")
	if err := os.MkdirAll(folder, 0o750); err != nil {
		t.Fatal(err)
	}
	look := func(what string, code int, says string) {
		t.Helper()
		got, out := verb(t, file, "status")
		said := examined(t, file)
		if got != code || strings.Contains(out, "is gone") != (code != 0) || !strings.Contains(said, folder+says) {
			t.Errorf("%s: exit %d\n%s%s", what, got, out, said)
		}
	}
	look("it is there", output.ExitDone, ", ")
	if err := os.RemoveAll(folder); err != nil {
		t.Fatal(err)
	}
	look("it is gone", output.ExitDrift, " is gone: ")
	db, err := sql.Open("sqlite3", "file:"+filepath.Join(dir, "countersign.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close() //nolint:errcheck // the test is over
	if _, err := db.Exec(`DELETE FROM documents`); err != nil {
		t.Fatal(err)
	}
	look("nothing was stored yet", output.ExitDone, " is not there yet")
}
