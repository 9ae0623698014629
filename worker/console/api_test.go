package console

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"countersign/model"
	"countersign/model/store"
	"countersign/provider"
	"countersign/worker/console/access"
	"countersign/worker/console/acts"
	"countersign/worker/console/objects"
)

// hostile are refs that a provider may have and that paths, shells and pages may trip over.
func hostile() []string {
	return []string{"..", "a/b", "%2F", "-x", "a b", "?x=1#y", "<script>alert(1)</script>", "\u202egpj.exe", ".", "ü"}
}

// hostileName is what a sender may have called a transaction.
func hostileName(i int) string {
	names := []string{"<b>Loan</b> \u202e" + strings.Repeat("x", 50), "<script>alert(1)</script>", `" onclick="alert(1)`,
		"'; DROP TABLE x; --", "\u2066\u202etxt.exe", strings.Repeat("Wide ", 2000), "{{.}} ${x} `whoami`",
		"javascript:alert(1)", "a\x01b\x1b[31m"}
	return names[i%len(names)]
}

// desk is a console with its table, and what was asked of its functions.
type desk struct {
	*httptest.Server
	t      *testing.T
	store  *store.Store
	folder string
	server *Server
	bucket string // what links begin with; "": none are handed out

	mu    sync.Mutex
	asked []string // "NAME by what"
}

func (d *desk) link(name, saveAs string) string {
	if d.bucket == "" {
		return ""
	}
	return d.bucket + name + "?signed&as=" + url.QueryEscape(saveAs)
}

func (d *desk) note(format string, args ...any) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.asked = append(d.asked, fmt.Sprintf(format, args...))
}

// newDesk is a console on a table with rows; without a token everybody is local.
func newDesk(t *testing.T, token string) *desk {
	t.Helper()
	return newDeskOf(t, func(o *Options, _ string) { o.Token = token })
}

// newDeskOf is a console that change has set up, with the address that it is at.
func newDeskOf(t *testing.T, change func(o *Options, base string)) *desk {
	t.Helper()
	d := &desk{t: t, folder: t.TempDir()}
	s, err := store.Open(t.Context(), store.Options{DSN: "sqlite:" + filepath.Join(d.folder, "x.db"),
		Key: bytes.Repeat([]byte{1}, 32), Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := s.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	d.store = s
	d.seed()
	d.Server = httptest.NewUnstartedServer(http.NotFoundHandler())
	o := Options{Address: "127.0.0.1:0", Registry: prometheus.NewRegistry(), Store: s, Version: "test", Acts: d.acts()}
	change(&o, "http://"+d.Listener.Addr().String())
	d.server = newServer(t, o)
	d.Config.Handler = d.server.Handler()
	d.Start()
	t.Cleanup(func() {
		d.server.feed.Stop()
		d.Server.CloseClientConnections()
		d.Server.Close()
		d.server.live.Stop()
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return d
}

// seed puts rows, a ledger, files and callbacks.
func (d *desk) seed() {
	d.t.Helper()
	now := time.Now().UTC().Truncate(time.Millisecond)
	var keys []model.Key
	for _, ref := range append(hostile(), "c-1", "c-2", "c-3") {
		keys = append(keys, model.Key{Account: "sales", Ref: ref})
	}
	if err := os.WriteFile(filepath.Join(d.folder, "whole.pdf"), []byte("%PDF-1.7 whole"), 0o600); err != nil {
		d.t.Fatal(err)
	}
	err := d.store.Do(d.t.Context(), store.Unit{Keys: keys, Apply: func(b *store.Batch) error {
		b.PutAccount(model.Account{ID: "sales", Provider: "onespan", FirstStartAt: now})
		b.PutAccount(model.Account{ID: "hr", Provider: "dropboxsign", FirstStartAt: now})
		for i, k := range keys {
			r := model.Transaction{Account: k.Account, Ref: k.Ref, Provider: "onespan", Status: model.InProgress,
				Name: hostileName(i), FirstSeenAt: now, Origin: model.OriginClaim, SignersSet: true,
				ChangedAt: now.Add(-time.Duration(i) * time.Minute), ExternalID: "own-" + k.Ref}
			b.Put(r, model.Decision{Next: r, Grew: true})
			b.AddChange(model.Change{Account: k.Account, Ref: k.Ref, Kind: model.KindStatus, To: "in_progress",
				Status: model.InProgress, Source: "test"})
		}
		for i, state := range []model.DocumentState{model.DocumentStored, model.DocumentQuarantined, model.DocumentWaiting} {
			b.PutDocument(model.Document{Account: "sales", Ref: "c-1", DocID: fmt.Sprint(i), Kind: model.SignedDocument,
				Name: "\u202e../Loan \"é\".pdf", State: state, Path: "whole.pdf", SHA256: strings.Repeat("ab", 32)})
		}
		for range 3 {
			b.AddGap(model.Gap{Account: "sales", Ref: "c-1", Kind: model.GapMissed, Change: model.ChangeStatus, Before: now,
				FoundAt: now, SettleAt: now})
			b.PutRun(model.Run{Account: "sales", Kind: "active", State: model.RunDone})
		}
		_, err := b.OpenIncident("sales", model.CallbacksSilent, "silent")
		return err
	}})
	if err != nil {
		d.t.Fatal(err)
	}
}

// acts are functions that note what is asked of them.
func (d *desk) acts() acts.Acts {
	run := func(kind, account, by string) model.Run {
		return model.Run{ID: "r1", Account: account, Kind: kind, State: model.RunQueued, CreatedAt: time.Now(),
			Params: fmt.Sprintf(`{"by":%q}`, by)}
	}
	known := func(account string) error {
		if account == "sales" || account == "hr" {
			return nil
		}
		return acts.ErrUnknownAccount
	}
	return acts.Acts{
		IsRef: provider.IsRef,
		Track: func(_ context.Context, by, account string, refs []string) (int, error) {
			d.note("track by %s %s %q", by, account, refs)
			return len(refs), known(account)
		},
		PollRows: func(_ context.Context, by, account string, refs []string) (model.Run, error) {
			d.note("poll by %s %s %q", by, account, refs)
			return run("ref", account, by), known(account)
		},
		PollTiers: func(_ context.Context, by, account string, tiers []string) ([]model.Run, error) {
			d.note("tiers by %s %s %q", by, account, tiers)
			return []model.Run{run(tiers[0], account, by)}, known(account)
		},
		Retry: func(_ context.Context, by, account string, ids []string) (model.Run, error) {
			d.note("retry by %s %s %d", by, account, len(ids))
			return run("retry", account, by), known(account)
		},
		Resolve: func(_ context.Context, by string, k model.Key) error {
			d.note("resolve by %s %s", by, k)
			return nil
		},
		Release: func(_ context.Context, by string, x model.Document, reason string) (model.Document, error) {
			d.note("release by %s %s %s", by, x.Ref, reason)
			x.State = model.DocumentStored
			return x, nil
		},
		Explain: func(_ context.Context, id string) (objects.Explained, error) {
			_, err := d.store.Callback(context.Background(), id)
			return objects.Explained{ID: id, Trials: []objects.Trial{}}, err
		},
		Replay: func(_ context.Context, by string, ids []string, dry bool) ([]objects.Replayed, error) {
			d.note("replay by %s %d %v", by, len(ids), dry)
			return []objects.Replayed{}, nil
		},
		Hooks: func(context.Context) ([]objects.Hook, error) {
			return []objects.Hook{{ID: "crm", Type: "http", State: objects.HookActive}}, nil
		},
		TestHook: func(_ context.Context, by, hook string) (objects.HookTested, error) {
			d.note("testhook by %s %s", by, hook)
			return objects.HookTested{Hook: hook, Taken: true}, nil
		},
		ReplayHook: func(_ context.Context, by, hook string, since time.Time, dead, dry bool) (objects.HookReplayed, error) {
			d.note("replayhook by %s %s %v %v %v", by, hook, since.IsZero(), dead, dry)
			return objects.HookReplayed{Hook: hook}, nil
		},
		Export: func(_ context.Context, w io.Writer, what, format string, _ store.ExportFilter) error {
			_, err := fmt.Fprintf(w, "account,provider,ref,what\nsales,onespan,%s,%s\n", what, format)
			return err
		},
		Link: func(_ context.Context, name, saveAs, _ string) (string, error) { return d.link(name, saveAs), nil },
		Open: func(_ context.Context, name string) (*os.File, error) { return os.Open(filepath.Join(d.folder, name)) },
		Accounts: func(context.Context) ([]objects.Account, error) {
			return []objects.Account{{ID: "sales", Configured: true, Next: []objects.Slot{}, Incidents: []objects.Incident{},
				Budget: map[string]int{}}}, nil
		},
		Ledger: func(_ context.Context, account string, since time.Time) (objects.Ledger, error) {
			return objects.Ledger{Account: account, Since: since, Wanted: 99}, nil
		},
		Span: func(text string, now time.Time) (time.Time, error) {
			if text == "30d" || text == "1d" {
				return now.Add(-24 * time.Hour), nil
			}
			return time.Parse(time.RFC3339, text)
		},
	}
}

// token adds one to the table.
func (d *desk) token(name string, role access.Role) string {
	d.t.Helper()
	token, err := access.NewToken()
	if err != nil {
		d.t.Fatal(err)
	}
	if _, err := d.store.AddConsoleToken(d.t.Context(), store.ConsoleToken{Name: name, Hash: access.HashOf(token),
		Role: string(role), CreatedAt: time.Now()}); err != nil {
		d.t.Fatal(err)
	}
	return token
}

// answer is what came back.
type answer struct {
	status int
	header http.Header
	body   string
}

// problem is the name of the problem that it is; "" if it is none.
func (a answer) problem() string {
	var p struct{ Type string }
	json.Unmarshal([]byte(a.body), &p) //nolint:errcheck // then it is none
	return strings.TrimPrefix(p.Type, "/problems/")
}

// ask sends a request with a token, "" for none, and a body, "" for none.
func (d *desk) ask(method, path, token, body string, more ...string) answer {
	d.t.Helper()
	r, err := http.NewRequestWithContext(d.t.Context(), method, d.URL+path, strings.NewReader(body))
	if err != nil {
		d.t.Fatal(err)
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(more); i += 2 {
		r.Header.Set(more[i], more[i+1])
	}
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		d.t.Fatal(err)
	}
	defer resp.Body.Close() //nolint:errcheck // read to its end
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		d.t.Fatal(err)
	}
	return answer{resp.StatusCode, resp.Header, string(text)}
}

// items reads a list to its end.
func (d *desk) items(path, token string) (out []map[string]any) {
	d.t.Helper()
	sep := "?"
	if strings.Contains(path, "?") {
		sep = "&"
	}
	for next := path; ; {
		a := d.ask("GET", next, token, "")
		var page struct {
			Items      []map[string]any
			NextCursor string `json:"next_cursor"`
		}
		if err := json.Unmarshal([]byte(a.body), &page); a.status != 200 || err != nil {
			d.t.Fatalf("%s: %d %v %s", next, a.status, err, a.body)
		}
		if out = append(out, page.Items...); page.NextCursor == "" {
			return out
		}
		next = path + sep + "cursor=" + page.NextCursor
	}
}

func TestListsPageToTheirEnd(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "")
	for path, want := range map[string]int{
		"/api/v1/transactions?limit=4":                    len(hostile()) + 3,
		"/api/v1/transactions?limit=4&order=oldest":       len(hostile()) + 3,
		"/api/v1/transactions?external_id=own-c-2":        1,
		"/api/v1/transactions?status=completed&limit=1":   0,
		"/api/v1/transactions?account=sales&account=hr":   len(hostile()) + 3,
		"/api/v1/gaps?limit=1&kind=missed":                3,
		"/api/v1/gaps/summary":                            2,
		"/api/v1/runs?limit=2":                            3,
		"/api/v1/incidents?state=open":                    1,
		"/api/v1/documents?limit=1":                       3,
		"/api/v1/documents?state=quarantined":             1,
		"/api/v1/callbacks":                               0,
		"/api/v1/accounts":                                1,
		"/api/v1/changes?limit=5":                         len(hostile()) + 4,
		"/api/v1/changes?limit=5&kind=incident":           1,
		"/api/v1/accounts/sales/transactions/c-1/gaps":    3,
		"/api/v1/accounts/sales/transactions/c-1/history": 1,
	} {
		if got := d.items(path, ""); len(got) != want {
			t.Errorf("%s: %d items, want %d", path, len(got), want)
		}
	}
	var order []string
	for _, o := range d.items("/api/v1/transactions?limit=3", "") {
		order = append(order, o["ref"].(string))
	}
	if want := append(hostile(), "c-1", "c-2", "c-3"); !slices.Equal(order, want) {
		t.Errorf("in the order %q, want %q", order, want)
	}
}
