package installed

import (
	"database/sql"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/cmd/countersign/config"
	"countersign/cmd/countersign/installtest"
	"countersign/cmd/countersign/output"
	"countersign/model"
	"countersign/provider/simulator"
)

// What the real program does with signals: read the config again, and stop, at once if it must.
func TestSignals(t *testing.T) {
	t.Parallel()
	binary := installtest.BuiltProgram(t)
	for name, test := range map[string]func(*testing.T, string){
		"SIGHUP": rereads, "SIGTERM twice": quitsAtTheSecond, "SIGTERM with a slow caller": drains,
		"SIGTERM with a locked database": stopsInTime,
	} {
		t.Run(name, func(t *testing.T) { t.Parallel(); test(t, binary) })
	}
}

// rereads: an account more, another secret, an account less; and a faulty file, which changes nothing.
func rereads(t *testing.T, binary string) {
	svc := installtest.PlayServices(t, simulator.Options{Transactions: -1})
	in := installtest.Install(t, svc, 1)
	old, _ := svc.Account(simulator.AccountOneSpan).Settings["callback_key"].(string)
	key, _ := svc.Account(simulator.AccountOneSpan).Settings["api_key"].(string)
	p, _ := in.Serving(t, binary)
	require.Regexp(t, `(?m)^`+simulator.AccountOneSpan+` +onespan +http://`+in.Public+`/callbacks/`+
		simulator.AccountOneSpan+`$`, p.Out.String(), "what has to be registered")
	n, taken := 0, 0
	post := func(account, key string) int {
		n++
		code, _ := in.Post(account, "application/json", "Basic "+key,
			installtest.OneSpanEvent("PACKAGE_CREATE", fmt.Sprintf("r-%d", n), time.Now()))
		if code == http.StatusOK {
			taken++
		}
		return code
	}
	reload := func() { require.NoError(t, p.Process.Signal(syscall.SIGHUP)) }
	text, err := os.ReadFile(in.Config)
	require.NoError(t, err)
	put := func(s string) { require.NoError(t, os.WriteFile(in.Config, []byte(s), 0o600)) }

	require.Equal(t, http.StatusOK, post(simulator.AccountOneSpan, old))
	require.Equal(t, http.StatusNotFound, post("fresh", "the-new-one"))
	more := string(text) +
		fmt.Sprintf("  - { id: fresh, provider: onespan, base_url: %q, settings: { api_key: %q, callback_key: the-new-one } }\n", svc.URL+"/onespan", key)
	put(more)
	require.Equal(t, http.StatusNotFound, post("fresh", "the-new-one"), "not before it is told to")
	reload()
	installtest.Eventually(t, "an account more", func() bool { return post("fresh", "the-new-one") == http.StatusOK })

	changed := strings.ReplaceAll(more, config.Quote(old), `"another-secret"`)
	require.NotEqual(t, more, changed)
	put(changed)
	reload()
	installtest.Eventually(t, "another secret",
		func() bool { return post(simulator.AccountOneSpan, "another-secret") == http.StatusOK })
	require.Equal(t, http.StatusUnauthorized, post(simulator.AccountOneSpan, old))

	put(strings.Replace(string(text), "confirm", "", 1) + "  - { id: Fresh, provider: nobody }\nnonsense: 1\n")
	reload()
	installtest.Eventually(t, "the fault in /readyz", func() bool {
		code, text := in.Looked(t, "/readyz", "", "")
		return code == http.StatusOK && strings.Contains(text, `"config","ok":false`) && strings.Contains(text, "nonsense")
	})
	require.Equal(t, http.StatusOK, post("fresh", "the-new-one"), "nothing changed")
	require.Equal(t, http.StatusOK, post(simulator.AccountOneSpan, "another-secret"))
	require.Equal(t, http.StatusUnauthorized, post(simulator.AccountOneSpan, old))

	less := string(text)
	put(less)
	reload()
	installtest.Eventually(t, "an account less", func() bool { return post("fresh", "the-new-one") == http.StatusNotFound })
	require.Equal(t, http.StatusOK, post(simulator.AccountOneSpan, old), "the secret of before")
	code, ready := in.Looked(t, "/readyz", "", "")
	require.Equal(t, http.StatusOK, code)
	require.NotContains(t, ready, `"ok":false`)
	require.Equal(t, taken, in.Rows(t), "the rows of the account that was taken out are kept")
	stdout, stderr, exit := in.Verb(t, "list", "--account", "fresh", "--json")
	require.Zero(t, exit, stderr)
	require.NotEmpty(t, installtest.ObjectsIn(t, stdout))

	require.NoError(t, os.Rename(in.Config, in.Config+".away"))
	reload()
	installtest.Eventually(t, "a file that is away, in /readyz", func() bool {
		_, text := in.Looked(t, "/readyz", "", "")
		return strings.Contains(text, "no such file")
	})
	require.Equal(t, http.StatusOK, post(simulator.AccountOneSpan, old), "nothing changed")
	put("callback_objective: 98%\n" + strings.Replace(less, "log: { level: warning }", "log: { level: info }", 1))
	reload()
	installtest.Eventually(t, "what needs a restart, in the log", func() bool {
		return strings.Contains(p.Out.String(), "callback_objective, log")
	})

	require.NoError(t, p.Process.Signal(syscall.SIGTERM))
	require.Zero(t, p.Exit(t), p.Out.String())
}

// slowly begins a callback and leaves its last byte out.
func slowly(t *testing.T, in installtest.Installation, key, ref string) (c net.Conn, rest []byte) {
	t.Helper()
	c, err := net.Dial("tcp", in.Public) //nolint:noctx // loopback
	require.NoError(t, err)
	t.Cleanup(func() { c.Close() }) //nolint:errcheck // a test
	body := installtest.OneSpanEvent("PACKAGE_CREATE", ref, time.Now())
	_, err = fmt.Fprintf(c,
		"POST /callbacks/%s HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Basic %s\r\nContent-Length: %d\r\nExpect: 100-continue\r\n\r\n",
		simulator.AccountOneSpan, key, len(body))
	require.NoError(t, err)
	require.NoError(t, c.SetReadDeadline(time.Now().Add(installtest.WholeWait)))
	const goOn = "HTTP/1.1 100 Continue\r\n\r\n" // the daemon has it in hand
	got := make([]byte, len(goOn))
	_, err = io.ReadFull(c, got)
	require.NoError(t, err)
	require.Equal(t, goOn, string(got))
	_, err = c.Write(body[:len(body)-1])
	require.NoError(t, err)
	return c, body[len(body)-1:]
}

// deaf says that the daemon takes no more connections.
func deaf(in installtest.Installation) bool {
	c, err := net.Dial("tcp", in.Public) //nolint:noctx // loopback
	if err == nil {
		c.Close() //nolint:errcheck // a test
	}
	return err != nil
}

// drains: a callback that is still coming at the first SIGTERM is answered and kept; one that never ends
// holds up the end for ten seconds at most.
func drains(t *testing.T, binary string) {
	svc := installtest.PlayServices(t, simulator.Options{Transactions: -1})
	in := installtest.Install(t, svc, 1)
	key, _ := svc.Account(simulator.AccountOneSpan).Settings["callback_key"].(string)
	p, _ := in.Serving(t, binary)
	ends, rest := slowly(t, in, key, "r-ends")
	slowly(t, in, key, "r-never")
	began := time.Now()
	require.NoError(t, p.Process.Signal(syscall.SIGTERM))
	installtest.Eventually(t, "a closed door", func() bool { return deaf(in) })
	_, err := ends.Write(rest)
	require.NoError(t, err)
	answer := make([]byte, 12)
	_, err = ends.Read(answer)
	require.NoError(t, err)
	require.Equal(t, "HTTP/1.1 200", string(answer))
	require.Zero(t, p.Exit(t), p.Out.String())
	require.Less(t, time.Since(began), installtest.StopsWithin)
	stored := in.Callbacks(t, model.Accepted)
	require.Equal(t, 1, stored["r-ends"])
	require.Zero(t, stored["r-never"])
}

// quitsAtTheSecond: who signals twice does not wait for a caller that never ends.
func quitsAtTheSecond(t *testing.T, binary string) {
	svc := installtest.PlayServices(t, simulator.Options{Transactions: -1})
	in := installtest.Install(t, svc, 1)
	key, _ := svc.Account(simulator.AccountOneSpan).Settings["callback_key"].(string)
	p, _ := in.Serving(t, binary)
	slowly(t, in, key, "r-never")
	require.NoError(t, p.Process.Signal(syscall.SIGTERM))
	installtest.Eventually(t, "a closed door", func() bool { return deaf(in) })
	select {
	case <-p.Done:
		t.Fatal("it ended at the first signal, with a request in hand")
	case <-time.After(time.Second):
	}
	began := time.Now()
	require.NoError(t, p.Process.Signal(syscall.SIGTERM))
	require.Equal(t, output.ExitFailed, p.Exit(t))
	require.Less(t, time.Since(began), 2*time.Second)
}

// stopsInTime: a database that another program has locked holds up the end for ten seconds at most, and costs nothing
// that was answered.
func stopsInTime(t *testing.T, binary string) {
	svc := installtest.PlayServices(t, simulator.Options{Transactions: -1})
	in := installtest.Install(t, svc, 1)
	key, _ := svc.Account(simulator.AccountOneSpan).Settings["callback_key"].(string)
	p, _ := in.Serving(t, binary)
	post := func(ref string) int {
		code, _ := in.Post(simulator.AccountOneSpan, "application/json", "Basic "+key,
			installtest.OneSpanEvent("PACKAGE_CREATE", ref, time.Now()))
		return code
	}
	require.Equal(t, http.StatusOK, post("r-before"))
	release := lockDatabase(t, in)
	codes := make(chan int, 4)
	for i := range cap(codes) {
		go func() { codes <- post(fmt.Sprintf("r-%d", i)) }()
	}
	began := time.Now()
	require.NoError(t, p.Process.Signal(syscall.SIGTERM))
	p.Exit(t)
	require.Less(t, time.Since(began), installtest.StopsWithin, p.Out.String())
	release()
	for range cap(codes) {
		require.NotEqual(t, http.StatusOK, <-codes)
	}
	require.Equal(t, 1, in.Callbacks(t, model.Accepted)["r-before"])
}

// lockDatabase writes from outside, and does not commit until release.
func lockDatabase(t *testing.T, in installtest.Installation) (release func()) {
	t.Helper()
	db, err := sql.Open("sqlite3", "file:"+filepath.Join(filepath.Dir(in.Config), "countersign.db")+
		"?mode=rw&_busy_timeout=5000")
	require.NoError(t, err)
	db.SetMaxOpenConns(1)
	_, err = db.Exec("BEGIN IMMEDIATE")
	require.NoError(t, err)
	return func() { require.NoError(t, db.Close()) }
}
