package installed

import (
	"database/sql"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"countersign/cmd/countersign/installtest"
	"countersign/cmd/countersign/output"
	"countersign/model/store"
	"countersign/model/store/database"
	"countersign/provider/simulator"
)

// The doctor names each failure in a line of its own, with the cure, and exits with 1.
func TestDoctorFailures(t *testing.T) {
	t.Parallel()
	const one, two = simulator.AccountOneSpan, simulator.AccountDropboxSign
	for name, c := range map[string]struct {
		ill  func(t *testing.T, in *installtest.Installation, svc *installtest.Services)
		want map[string]string // of each that fails, what its line holds
	}{
		"nothing": {ill: func(*testing.T, *installtest.Installation, *installtest.Services) {}},
		"a provider that is not reached": {
			func(t *testing.T, in *installtest.Installation, _ *installtest.Services) {
				nowhere, err := installtest.FreeAddress()
				require.NoError(t, err)
				in.Edit(t, `base_url: ".*/onespan"`, `base_url: "http://`+nowhere+`"`)
			},
			map[string]string{one + " credentials": "look at base_url and the network"},
		},
		"a key that is refused": {
			func(t *testing.T, in *installtest.Installation, _ *installtest.Services) {
				in.Edit(t, `api_key: .*`, `api_key: "s3cret-and-wrong"`)
			},
			map[string]string{one + " credentials": "make a new key at the provider",
				two + " credentials": "make a new key at the provider"},
		},
		"a key of another account": {
			func(t *testing.T, in *installtest.Installation, _ *installtest.Services) {
				require.Zero(t, code(t, *in, "poll", "--tier", "audit"))
				in.Write(t, "UPDATE accounts SET remote_id = 'another' WHERE id = ?", two)
			},
			map[string]string{two + " credentials": "use the right key, or a new account id"},
		},
		"a database of a newer version": {
			func(t *testing.T, in *installtest.Installation, _ *installtest.Services) {
				require.Zero(t, code(t, *in, "migrate"))
				in.Write(t, "INSERT INTO goose_db_version (version_id, is_applied) VALUES (?, 1)", installtest.NewerStep)
			},
			map[string]string{"database": "upgrade this program"},
		},
		"a database that is none": {
			func(t *testing.T, in *installtest.Installation, _ *installtest.Services) {
				require.NoError(t, os.WriteFile(filepath.Join(in.Dir, "countersign.db"), []byte("something else, and not short"),
					0o600))
			},
			map[string]string{"database": "is not a SQLite database: name another file",
				"installation key": "restore it from the backup"},
		},
		"no installation key": {
			func(t *testing.T, in *installtest.Installation, _ *installtest.Services) {
				require.Zero(t, code(t, *in, "migrate"))
				require.NoError(t, os.Remove(filepath.Join(in.Dir, "countersign.key")))
			},
			map[string]string{"installation key": "restore it from the backup"},
		},
		"a registration of somebody else": {
			func(t *testing.T, in *installtest.Installation, _ *installtest.Services) {
				in.Edit(t, `url: "[^"]*" \}`, `url: "https://sign.example.org" }`)
			},
			map[string]string{
				one + " registration": "register https://sign.example.org/callbacks/" + one + " there",
				two + " registration": "register https://sign.example.org/callbacks/" + two + " there",
			},
		},
		"a registration that cannot be asked for": {
			func(_ *testing.T, _ *installtest.Installation, svc *installtest.Services) {
				svc.Through(func(w http.ResponseWriter, r *http.Request, next http.Handler) {
					if strings.HasSuffix(r.URL.Path, "/callback") {
						w.WriteHeader(http.StatusForbidden)
						return
					}
					next.ServeHTTP(w, r)
				})
			},
			map[string]string{one + " registration": "look at the key's rights"},
		},
		"a disk that is nearly full": {
			func(t *testing.T, in *installtest.Installation, _ *installtest.Services) {
				require.NoError(t, os.Mkdir(filepath.Join(in.Dir, "documents"), 0o700))
				in.Edit(t, `documents_min_free: 1MiB`, `documents_min_free: 8000TiB`)
			},
			map[string]string{"documents": "make room, or nothing is fetched"},
		},
		"an address that is taken": {
			func(t *testing.T, in *installtest.Installation, svc *installtest.Services) {
				in.Edit(t, `address: "`+in.Public+`"`, `address: "`+strings.TrimPrefix(svc.URL, "http://")+`"`)
			},
			map[string]string{"public address": "stop what listens there, or change public.address"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			public, err := installtest.FreeAddress()
			require.NoError(t, err)
			svc := installtest.PlayServices(t, simulator.Options{Transactions: -1, Callbacks: "http://" + public})
			in := installtest.Install(t, svc, 1)
			in.Edit(t, `public: \{[^}]*\}`, `public: { address: "`+public+`", url: "http://`+public+`" }`)
			in.Public = public
			c.ill(t, &in, svc)
			stdout, stderr, code := in.Verb(t, "doctor", "--json")
			require.Empty(t, stderr)
			require.NotContains(t, stdout, "s3cret")
			failed := map[string]string{}
			for _, o := range installtest.ObjectsIn(t, stdout) {
				if what, _ := o["what"].(string); o["result"] == "FAIL" {
					require.NotContains(t, failed, what, "one line each")
					failed[what], _ = o["detail"].(string)
				}
			}
			require.Len(t, failed, len(c.want), stdout)
			for what, cure := range c.want {
				require.Contains(t, failed[what], cure, what)
				require.NotContains(t, failed[what], "\n")
			}
			want := output.ExitDone
			if len(c.want) > 0 {
				want = output.ExitFailed
			}
			require.Equal(t, want, code)
			text, _, _ := in.Verb(t, "doctor")
			require.Equal(t, len(c.want), strings.Count(text, "FAIL"), text)
		})
	}
}

// A secret that is missing is a fault of the config: its line, and what to do.
func TestDoctorWithoutSecret(t *testing.T) {
	t.Parallel()
	in := installtest.Install(t, installtest.PlayServices(t, simulator.Options{Transactions: -1}), 1)
	in.Edit(t, `api_key: .*`, `api_key: "$${A_NAME_THAT_NOBODY_SETS}"`)
	stdout, stderr, code := in.Verb(t, "doctor")
	require.Equal(t, output.ExitUsage, code)
	require.Empty(t, stdout)
	require.Contains(t, stderr, "accounts[0].settings.api_key: the environment has no A_NAME_THAT_NOBODY_SETS\n")
	require.Contains(t, stderr, "mend them, then `countersign config check`")
}

// Beside a running daemon nothing is in the way, and the doctor says so.
func TestDoctorBesideDaemon(t *testing.T) {
	t.Parallel()
	in := installtest.Install(t, installtest.PlayServices(t, simulator.Options{Transactions: -1}), 1)
	in.Edit(t, `url: "[^"]*" \}`, `url: "" }`)
	in.Daemon(t)
	stdout, stderr, code := in.Verb(t, "doctor")
	require.Zero(t, code, stdout+stderr)
	require.Contains(t, stdout, "a daemon runs")
	in.Read(t, func(s *store.Store) {
		_, err := s.LockOwner(t.Context(), database.LockServe)
		require.NoError(t, err)
	})
}

// A reader that keeps an old state of the database open lets the log beside it grow; the doctor says how far.
func TestDoctorTellsOfALogThatStaysLarge(t *testing.T) {
	t.Parallel()
	in := installtest.Install(t, installtest.PlayServices(t, simulator.Options{Transactions: -1}), 1)
	in.Daemon(t)
	file := filepath.Join(in.Dir, "countersign.db")
	db, err := sql.Open("sqlite3", "file:"+file+"?_busy_timeout=20000")
	require.NoError(t, err)
	defer db.Close() //nolint:errcheck // it is thrown away
	reader, err := db.BeginTx(t.Context(), nil)
	require.NoError(t, err)
	defer reader.Rollback() //nolint:errcheck // it has only read
	var n int
	require.NoError(t, reader.QueryRow(`SELECT COUNT(*) FROM callbacks`).Scan(&n))
	_, err = db.Exec(`CREATE TABLE filling (x BLOB)`)
	for range 7 {
		require.NoError(t, err)
		_, err = db.Exec(`INSERT INTO filling VALUES (randomblob(10000000))`)
	}
	require.NoError(t, err)
	stdout, _, _ := in.Verb(t, "doctor")
	require.Regexp(t, `warn  database log +\S+-wal has 6\d\.\d MiB: somebody keeps an old state`, stdout)
}

// code runs a verb and returns only how it ended.
func code(t *testing.T, in installtest.Installation, args ...string) int {
	t.Helper()
	stdout, stderr, code := in.Verb(t, args...)
	if code != output.ExitDone {
		t.Log(stdout + stderr)
	}
	return code
}

// Each account has its line, that of a provider too which has no call that tells whose the credentials are.
func TestDoctorNamesEveryAccount(t *testing.T) {
	t.Parallel()
	svc := installtest.PlayServices(t, simulator.Options{Transactions: -1, Services: simulator.Services()})
	in := installtest.Install(t, svc, 1)
	stdout, stderr, _ := in.Verb(t, "doctor")
	for _, a := range svc.World.Accounts() {
		if !strings.Contains(stdout, a.ID+" credentials") {
			t.Errorf("no line about %s: %s%s", a.ID, stdout, stderr)
		}
	}
	if strings.Contains(stdout, "does not tell of") {
		t.Errorf("events are missed that no service offers:\n%s", stdout)
	}
}
