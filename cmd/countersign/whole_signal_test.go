package main

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
	"countersign/cmd/countersign/output"
	"countersign/model"
	"countersign/provider/simulator"
)

// What the real program does with signals: read the config again, and stop, at once if it must.
func TestSignals(t *testing.T) {
	t.Parallel()
	binary := builtProgram(t)
	for name, test := range map[string]func(*testing.T, string){
		"SIGHUP": rereads, "SIGTERM twice": quitsAtTheSecond, "SIGTERM with a slow caller": drains,
		"SIGTERM with a locked database": stopsInTime,
	} {
		t.Run(name, func(t *testing.T) { t.Parallel(); test(t, binary) })
	}
}

// rereads: an account more, another secret, an account less; and a faulty file, which changes nothing.
func rereads(t *testing.T, binary string) {
	svc := playServices(t, simulator.Options{Transactions: -1})
	in := install(t, svc, 1)
	old, _ := svc.account(simulator.AccountOneSpan).Settings["callback_key"].(string)
	key, _ := svc.account(simulator.AccountOneSpan).Settings["api_key"].(string)
	p, _ := in.serving(t, binary)
	require.Regexp(t, `(?m)^`+simulator.AccountOneSpan+` +onespan +http://`+in.public+`/callbacks/`+
		simulator.AccountOneSpan+`$`, p.out.String(), "what has to be registered")
	n, taken := 0, 0
	post := func(account, key string) int {
		n++
		code, _ := in.post(account, "application/json", "Basic "+key,
			oneSpanEvent("PACKAGE_CREATE", fmt.Sprintf("r-%d", n), time.Now()))
		if code == http.StatusOK {
			taken++
		}
		return code
	}
	reload := func() { require.NoError(t, p.Process.Signal(syscall.SIGHUP)) }
	text, err := os.ReadFile(in.config)
	require.NoError(t, err)
	put := func(s string) { require.NoError(t, os.WriteFile(in.config, []byte(s), 0o600)) }

	require.Equal(t, http.StatusOK, post(simulator.AccountOneSpan, old))
	require.Equal(t, http.StatusNotFound, post("fresh", "the-new-one"))
	more := string(text) +
		fmt.Sprintf("  - { id: fresh, provider: onespan, base_url: %q, settings: { api_key: %q, callback_key: the-new-one } }\n", svc.url+"/onespan", key)
	put(more)
	require.Equal(t, http.StatusNotFound, post("fresh", "the-new-one"), "not before it is told to")
	reload()
	eventually(t, "an account more", func() bool { return post("fresh", "the-new-one") == http.StatusOK })

	changed := strings.ReplaceAll(more, config.Quote(old), `"another-secret"`)
	require.NotEqual(t, more, changed)
	put(changed)
	reload()
	eventually(t, "another secret",
		func() bool { return post(simulator.AccountOneSpan, "another-secret") == http.StatusOK })
	require.Equal(t, http.StatusUnauthorized, post(simulator.AccountOneSpan, old))

	put(strings.Replace(string(text), "confirm", "", 1) + "  - { id: Fresh, provider: nobody }\nnonsense: 1\n")
	reload()
	eventually(t, "the fault in /readyz", func() bool {
		code, text := in.looked(t, "/readyz", "", "")
		return code == http.StatusOK && strings.Contains(text, `"config","ok":false`) && strings.Contains(text, "nonsense")
	})
	require.Equal(t, http.StatusOK, post("fresh", "the-new-one"), "nothing changed")
	require.Equal(t, http.StatusOK, post(simulator.AccountOneSpan, "another-secret"))
	require.Equal(t, http.StatusUnauthorized, post(simulator.AccountOneSpan, old))

	less := string(text)
	put(less)
	reload()
	eventually(t, "an account less", func() bool { return post("fresh", "the-new-one") == http.StatusNotFound })
	require.Equal(t, http.StatusOK, post(simulator.AccountOneSpan, old), "the secret of before")
	code, ready := in.looked(t, "/readyz", "", "")
	require.Equal(t, http.StatusOK, code)
	require.NotContains(t, ready, `"ok":false`)
	require.Equal(t, taken, in.rows(t), "the rows of the account that was taken out are kept")
	stdout, stderr, exit := in.verb(t, "list", "--account", "fresh", "--json")
	require.Zero(t, exit, stderr)
	require.NotEmpty(t, objectsIn(t, stdout))

	require.NoError(t, os.Rename(in.config, in.config+".away"))
	reload()
	eventually(t, "a file that is away, in /readyz", func() bool {
		_, text := in.looked(t, "/readyz", "", "")
		return strings.Contains(text, "no such file")
	})
	require.Equal(t, http.StatusOK, post(simulator.AccountOneSpan, old), "nothing changed")
	put("callback_objective: 98%\n" + strings.Replace(less, "log: { level: warning }", "log: { level: info }", 1))
	reload()
	eventually(t, "what needs a restart, in the log", func() bool {
		return strings.Contains(p.out.String(), "callback_objective, log")
	})

	require.NoError(t, p.Process.Signal(syscall.SIGTERM))
	require.Zero(t, p.exit(t), p.out.String())
}

// slowly begins a callback and leaves its last byte out.
func (in installation) slowly(t *testing.T, key, ref string) (c net.Conn, rest []byte) {
	t.Helper()
	c, err := net.Dial("tcp", in.public) //nolint:noctx // loopback
	require.NoError(t, err)
	t.Cleanup(func() { c.Close() }) //nolint:errcheck // a test
	body := oneSpanEvent("PACKAGE_CREATE", ref, time.Now())
	_, err = fmt.Fprintf(c,
		"POST /callbacks/%s HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Basic %s\r\nContent-Length: %d\r\nExpect: 100-continue\r\n\r\n",
		simulator.AccountOneSpan, key, len(body))
	require.NoError(t, err)
	require.NoError(t, c.SetReadDeadline(time.Now().Add(wholeWait)))
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
func (in installation) deaf() bool {
	c, err := net.Dial("tcp", in.public) //nolint:noctx // loopback
	if err == nil {
		c.Close() //nolint:errcheck // a test
	}
	return err != nil
}

// drains: a callback that is still coming at the first SIGTERM is answered and kept; one that never ends
// holds up the end for ten seconds at most.
func drains(t *testing.T, binary string) {
	svc := playServices(t, simulator.Options{Transactions: -1})
	in := install(t, svc, 1)
	key, _ := svc.account(simulator.AccountOneSpan).Settings["callback_key"].(string)
	p, _ := in.serving(t, binary)
	ends, rest := in.slowly(t, key, "r-ends")
	in.slowly(t, key, "r-never")
	began := time.Now()
	require.NoError(t, p.Process.Signal(syscall.SIGTERM))
	eventually(t, "a closed door", in.deaf)
	_, err := ends.Write(rest)
	require.NoError(t, err)
	answer := make([]byte, 12)
	_, err = ends.Read(answer)
	require.NoError(t, err)
	require.Equal(t, "HTTP/1.1 200", string(answer))
	require.Zero(t, p.exit(t), p.out.String())
	require.Less(t, time.Since(began), stopsWithin)
	stored := in.callbacks(t, model.Accepted)
	require.Equal(t, 1, stored["r-ends"])
	require.Zero(t, stored["r-never"])
}

// quitsAtTheSecond: who signals twice does not wait for a caller that never ends.
func quitsAtTheSecond(t *testing.T, binary string) {
	svc := playServices(t, simulator.Options{Transactions: -1})
	in := install(t, svc, 1)
	key, _ := svc.account(simulator.AccountOneSpan).Settings["callback_key"].(string)
	p, _ := in.serving(t, binary)
	in.slowly(t, key, "r-never")
	require.NoError(t, p.Process.Signal(syscall.SIGTERM))
	eventually(t, "a closed door", in.deaf)
	select {
	case <-p.done:
		t.Fatal("it ended at the first signal, with a request in hand")
	case <-time.After(time.Second):
	}
	began := time.Now()
	require.NoError(t, p.Process.Signal(syscall.SIGTERM))
	require.Equal(t, output.ExitFailed, p.exit(t))
	require.Less(t, time.Since(began), 2*time.Second)
}

// stopsInTime: a database that another program has locked holds up the end for ten seconds at most, and costs nothing
// that was answered.
func stopsInTime(t *testing.T, binary string) {
	svc := playServices(t, simulator.Options{Transactions: -1})
	in := install(t, svc, 1)
	key, _ := svc.account(simulator.AccountOneSpan).Settings["callback_key"].(string)
	p, _ := in.serving(t, binary)
	post := func(ref string) int {
		code, _ := in.post(simulator.AccountOneSpan, "application/json", "Basic "+key,
			oneSpanEvent("PACKAGE_CREATE", ref, time.Now()))
		return code
	}
	require.Equal(t, http.StatusOK, post("r-before"))
	release := in.lockDatabase(t)
	codes := make(chan int, 4)
	for i := range cap(codes) {
		go func() { codes <- post(fmt.Sprintf("r-%d", i)) }()
	}
	began := time.Now()
	require.NoError(t, p.Process.Signal(syscall.SIGTERM))
	p.exit(t)
	require.Less(t, time.Since(began), stopsWithin, p.out.String())
	release()
	for range cap(codes) {
		require.NotEqual(t, http.StatusOK, <-codes)
	}
	require.Equal(t, 1, in.callbacks(t, model.Accepted)["r-before"])
}

// lockDatabase writes from outside, and does not commit until release.
func (in installation) lockDatabase(t *testing.T) (release func()) {
	t.Helper()
	db, err := sql.Open("sqlite3", "file:"+filepath.Join(filepath.Dir(in.config), "countersign.db")+
		"?mode=rw&_busy_timeout=5000")
	require.NoError(t, err)
	db.SetMaxOpenConns(1)
	_, err = db.Exec("BEGIN IMMEDIATE")
	require.NoError(t, err)
	return func() { require.NoError(t, db.Close()) }
}
