package installed

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/cloudevents/sdk-go/v2/event"
	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
	"github.com/stretchr/testify/require"

	"countersign/cmd/countersign/installtest"
	"countersign/provider/simulator"
)

const (
	newSecret = "whsec_bmV3LXNlY3JldC1uZXctc2VjcmV0LW5ldy1zZWM="
	oldSecret = "whsec_b2xkLXNlY3JldC1vbGQtc2VjcmV0LW9sZC1zZWM="
)

// crm is a receiver that verifies what comes with the public library.
type crm struct {
	*httptest.Server
	mu     sync.Mutex
	secret string
	down   bool
	tries  []string          // ids, in order
	took   []string          // ids of what it took
	tells  map[string]string // the newest status of a ref
	faults []string
}

func newCRM(t *testing.T) *crm {
	t.Helper()
	c := &crm{secret: oldSecret, tells: map[string]string{}}
	c.Server = httptest.NewServer(c)
	t.Cleanup(c.Close)
	return c
}

func (c *crm) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	id := r.Header.Get("Webhook-Id")
	c.tries = append(c.tries, id)
	if c.down {
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	wh, err := standardwebhooks.NewWebhook(c.secret)
	if err == nil {
		err = wh.Verify(body, r.Header)
	}
	var e event.Event
	if err == nil {
		err = json.Unmarshal(body, &e)
	}
	if err == nil {
		err = e.Validate()
	}
	if err == nil && e.ID() != id {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		c.faults = append(c.faults, err.Error())
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	var data struct{ Ref, Status, Kind string }
	if err := e.DataAs(&data); err != nil {
		c.faults = append(c.faults, err.Error())
	}
	c.took = append(c.took, id)
	if data.Kind == "status" || data.Kind == "confirmed" {
		c.tells[data.Ref] = data.Status
	}
}

func (c *crm) told(ref string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.tells[ref]
}

func (c *crm) count() (tries, took int, faults []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.tries), len(c.took), c.faults
}

func (c *crm) set(f func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f()
}

func withHook(t *testing.T, in installtest.Installation, text string) {
	t.Helper()
	old, err := os.ReadFile(in.Config)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(in.Config, append(old, []byte("\nhooks:\n"+text)...), 0o600))
}

// A change is announced, signed with both secrets in rotation, tried again while the receiver is down, over a restart
// of the daemon, and sent again by hand.
func TestAChangeIsAnnouncedToAURL(t *testing.T) {
	t.Parallel()
	svc := installtest.Historical(t, 12)
	in := installtest.Install(t, svc, 1)
	c := newCRM(t)
	withHook(t, in, "  - { id: crm, type: http, url: \""+c.URL+"\", secrets: [\""+newSecret+"\", \""+oldSecret+
		"\"], allow_private: true, retry_first: 50ms, retry_most: 200ms }\n")
	stop := in.Daemon(t)
	c.set(func() { c.down = true })
	ref := svc.Completed(t)
	in.Said(t, "track", simulator.AccountOneSpan, ref)
	installtest.Eventually(t, "attempts that fail", func() bool { n, _, _ := c.count(); return n >= 3 })
	require.Contains(t, in.Said(t, "hooks", "list"), "500 Internal Server Error")
	stop()
	stop = in.Daemon(t)
	defer stop()
	c.set(func() { c.down = false })
	installtest.Eventually(t, "the announcement", func() bool { return c.told(ref) == "completed" })
	c.set(func() { c.secret = newSecret })
	require.Contains(t, in.Said(t, "hooks", "test", "crm"), "200 OK")
	_, _, faults := c.count()
	require.Empty(t, faults)

	installtest.Eventually(t, "nothing waits", func() bool {
		h := installtest.ObjectsIn(t, in.Said(t, "hooks", "list", "--json"))[0]
		return h["waiting"] == 0.0 && h["untold"] == 0.0 && h["state"] == "active"
	})
	list := installtest.ObjectsIn(t, in.Said(t, "hooks", "list", "crm", "--json"))
	require.Equal(t, "sent", list[0]["state"])
	require.Contains(t, in.Said(t, "hooks", "replay", "crm", "--since", "1d"), "sent again")
	installtest.Eventually(t, "each announcement again, under its id", func() bool {
		seen := map[string]int{}
		c.set(func() {
			for _, id := range c.took {
				seen[id]++
			}
		})
		return !slices.ContainsFunc(list, func(d map[string]any) bool { return seen[d["id"].(string)] < 2 })
	})
	code, text := in.Looked(t, "/api/v1/hooks", "", "")
	require.Equal(t, 200, code)
	require.Contains(t, text, `"id":"crm"`)
	code, text = in.Looked(t, "/api/v1/hooks/crm/deliveries?state=sent&limit=1", "", "")
	require.Equal(t, 200, code)
	require.Contains(t, text, `"next_cursor":"`)
}

// A reload brings a hook, which is told what changes from then on, and takes one away.
func TestAReloadBringsAHook(t *testing.T) {
	t.Parallel()
	svc := installtest.Historical(t, 12)
	in := installtest.Install(t, svc, 1)
	daemon, _ := in.Serving(t, installtest.BuiltProgram(t))
	refs := []string{}
	for _, tx := range svc.World.Truth().Transactions {
		refs = append(refs, tx.Ref)
	}
	in.Said(t, "poll", "--account", simulator.AccountOneSpan, "--ref", refs[0])
	out := filepath.Join(in.Dir, "told")
	program := filepath.Join(in.Dir, "told.sh")
	require.NoError(t, os.WriteFile(program, []byte("#!/bin/sh\ncat >>"+out+"\n"), 0o700)) //nolint:gosec // a program
	withHook(t, in, "  - { id: told, type: command, command: [\""+program+"\"], include_backfill: true }\n")
	require.NoError(t, daemon.Process.Signal(syscall.SIGHUP))
	installtest.Eventually(t, "the hook", func() bool { return strings.Contains(in.Said(t, "hooks", "list"), "active") })
	before := len(refs)
	in.Said(t, "track", simulator.AccountOneSpan, refs[1])
	installtest.Eventually(t, "the command", func() bool {
		text, err := os.ReadFile(out)
		return err == nil && strings.Contains(string(text), `"ref":"`+refs[1]+`"`)
	})
	require.NotZero(t, before)
	in.Edit(t, `(?s)\nhooks:.*`, "\n")
	require.NoError(t, daemon.Process.Signal(syscall.SIGHUP))
	installtest.Eventually(t, "it is gone", func() bool { return strings.Contains(in.Said(t, "hooks", "list"), "no hooks") })
}
