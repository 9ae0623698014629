// Package hooks builds the configured hooks with what sends for them, and swaps them all at once at a reload.
package hooks

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"sync/atomic"
	"time"

	"countersign/cmd/countersign/config"
	receivers "countersign/cmd/countersign/config/hooks"
	"countersign/model/store"
	"countersign/provider/transport/ways"
	"countersign/worker/deliver"
	"countersign/worker/hook"
	"countersign/worker/hook/bus"
)

// Options is what hooks are built with.
type Options struct {
	Store   *store.Store
	Now     func() time.Time
	Proxy   func(*http.Request) (*url.URL, error) // the way out
	Version string                                // of this program
	Own     []*deliver.Hook                       // beside those of the config: functions of an embedding program
}

// Table is the hooks as they run. It is safe for concurrent use.
type Table struct {
	Options
	table atomic.Pointer[[]built]
}

// built is a hook and what it was built from.
type built struct {
	*deliver.Hook
	from  *receivers.Hook // nil: a function
	close func()
}

// New has no hook yet.
func New(o Options) *Table {
	t := &Table{Options: o}
	t.table.Store(&[]built{})
	return t
}

// List is what the worker asks for.
func (t *Table) List() (out []*deliver.Hook) {
	for _, b := range *t.table.Load() {
		out = append(out, b.Hook)
	}
	return out
}

// Find returns a hook as it runs; nil if there is none.
func (t *Table) Find(id string) *deliver.Hook {
	for _, h := range t.List() {
		if h.ID == id {
			return h
		}
	}
	return nil
}

// FunctionPrefix begins the ids of functions of embedding programs, which no config can name. A program that serves
// without them leaves them as they are.
const FunctionPrefix = "function:"

// Set builds every hook of a config and puts them in the place of those before. One that has not changed keeps its
// connections. A hook that is new begins with the changes from now on; one whose receiver has changed goes on at once,
// even if the one before was gone.
func (t *Table) Set(ctx context.Context, c *config.Config) error {
	old := map[string]built{}
	for _, b := range *t.table.Load() {
		old[b.ID] = b
	}
	var next []built
	var ids, moved []string
	for i := range c.Hooks {
		h := &c.Hooks[i]
		was, had := old[h.ID]
		b := was
		if !had || !reflect.DeepEqual(was.from, h) {
			var err error
			if b, err = t.build(h); err != nil {
				return err
			}
			if had {
				moved = append(moved, h.ID)
			}
		}
		next = append(next, b)
	}
	for _, own := range t.Own {
		next = append(next, built{Hook: own, close: func() {}})
	}
	for _, b := range next {
		ids = append(ids, b.ID)
	}
	err := t.Store.SyncHooks(ctx, ids, func(id string) bool { return strings.HasPrefix(id, FunctionPrefix) })
	for _, id := range moved {
		if err == nil {
			err = t.Store.WakeHook(ctx, id)
		}
	}
	if err != nil {
		return err
	}
	t.table.Store(&next)
	for _, b := range next {
		if old[b.ID].Hook == b.Hook {
			delete(old, b.ID)
		}
	}
	for _, b := range old {
		b.close()
	}
	return nil
}

// One builds a hook for a verb, which closes it. Nothing is written.
func (t *Table) One(h *receivers.Hook) (one *deliver.Hook, done func(), err error) {
	b, err := t.build(h)
	return b.Hook, b.close, err
}

// Close ends what is open.
func (t *Table) Close() {
	for _, b := range *t.table.Load() {
		b.close()
	}
}

func (t *Table) build(h *receivers.Hook) (built, error) {
	b := built{from: h, close: func() {}}
	timeout := time.Duration(h.Timeout)
	var send hook.Sender
	switch h.Type {
	case "command":
		send = hook.Command{Args: h.Command, Timeout: timeout}.Sender()
	case "nats":
		n := &bus.NATS{URL: h.URL, Subject: h.Subject, Credentials: h.Credentials, Timeout: timeout}
		send, b.close = n.Send, n.Close
	default:
		way := ways.New(t.Proxy, dialer, timeout, h.AllowPrivate)
		b.close = way.CloseIdleConnections
		secrets := make([]string, len(h.Secrets))
		for i, s := range h.Secrets {
			secrets[i] = s.Reveal()
		}
		headers := map[string]string{}
		for name, value := range h.Headers {
			headers[name] = value.Reveal()
		}
		var err error
		send, err = hook.HTTP{URL: h.URL, Secrets: secrets, Headers: headers, Agent: "countersign/" + t.Version,
			Timeout: timeout, Through: way, Now: t.Now}.Sender()
		if err != nil {
			return b, fmt.Errorf("hook %s: %w", h.ID, err)
		}
	}
	b.Hook = &deliver.Hook{
		ID: h.ID, Send: send, Workers: h.Parallel, Timeout: timeout, First: time.Duration(h.RetryFirst),
		Most: time.Duration(h.RetryMost), Life: time.Duration(h.GiveUpAfter),
		Filter: hook.Filter{
			Accounts: h.Accounts, Providers: h.Providers, Statuses: h.Statuses, Kinds: h.Kinds,
			Wait: hook.Wait(h.WaitForConfirmation), Tests: h.IncludeTest, Backfills: h.IncludeBackfill,
		},
	}
	return b, nil
}

// dialer returns a transport for one receiver: few connections, a short head.
func dialer(d *net.Dialer) *http.Transport {
	if d == nil {
		d = &net.Dialer{}
	}
	d.Timeout, d.KeepAlive = 10*time.Second, 30*time.Second
	return &http.Transport{
		DialContext: d.DialContext, ForceAttemptHTTP2: true, TLSHandshakeTimeout: 10 * time.Second,
		IdleConnTimeout: 90 * time.Second, MaxIdleConnsPerHost: 64, MaxResponseHeaderBytes: 64 << 10,
		DisableCompression: true,
	}
}
