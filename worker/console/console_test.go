package console

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/sirupsen/logrus"
	"go.uber.org/goleak"

	"countersign/model"
	"countersign/model/store"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func newServer(t *testing.T, o Options) *Server {
	t.Helper()
	quiet := logrus.New()
	quiet.SetOutput(io.Discard)
	o.Log = logrus.NewEntry(quiet)
	if o.Registry == nil {
		o.Registry = prometheus.NewRegistry()
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	s, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func get(s *Server, path, authorization string) *httptest.ResponseRecorder {
	r := httptest.NewRequest("GET", path, nil)
	r.Host = "localhost:8080"
	if authorization != "" {
		r.Header.Set("Authorization", authorization)
	}
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, r)
	return w
}

func TestOnlyLoopbackGoesWithoutToken(t *testing.T) {
	t.Parallel()
	for address, open := range map[string]bool{
		"127.0.0.1:8080": true, "[::1]:8080": true, "localhost:8080": true, "127.9.9.9:1": true,
		":8080": false, "0.0.0.0:8080": false, "[::]:8080": false, "192.0.2.1:8080": false, "example.org:80": false,
		"localhost.example.org:80": false, "": false, "127.0.0.1": false,
	} {
		_, err := New(Options{Address: address, Registry: prometheus.NewRegistry(), Now: time.Now})
		if open != (err == nil) || err != nil && !errors.Is(err, ErrOpen) {
			t.Errorf("%q: %v", address, err)
		}
		if _, err := New(Options{Address: address, Token: "t", Registry: prometheus.NewRegistry(),
			Now: time.Now}); err != nil {
			t.Errorf("%q with a token: %v", address, err)
		}
	}
}

func TestToken(t *testing.T) {
	t.Parallel()
	s := newServer(t, Options{Address: "0.0.0.0:1", Token: "secret"})
	for _, path := range []string{"/", "/readyz", "/metrics"} {
		for _, wrong := range []string{"", "secret", "Basic secret", "Bearer ", "Bearer secre", "Bearer secret2"} {
			if path == "/readyz" && wrong == "" {
				continue // TestReadyWithoutAToken
			}
			if w := get(s, path, wrong); w.Code != 401 && (path != "/" || wrong != "" || w.Code != 303) ||
				w.Code == 401 && w.Header().Get("WWW-Authenticate") == "" {
				t.Errorf("%s %q: %d", path, wrong, w.Code)
			}
		}
		if w := get(s, path, "Bearer secret"); w.Code != 200 {
			t.Errorf("%s: %d", path, w.Code)
		}
	}
	if w := get(s, "/healthz", ""); w.Code != 200 || w.Body.String() != "ok\n" {
		t.Errorf("/healthz: %d %q", w.Code, w.Body)
	}
	if w := get(s, "/callbacks/sales", "Bearer secret"); w.Code != 404 {
		t.Errorf("the other listener's path: %d", w.Code)
	}
}

// A page whose name was made to lead to this machine reads nothing; with a token it lacks that.
func TestOnlyLocalNamesGoWithoutToken(t *testing.T) {
	t.Parallel()
	open := newServer(t, Options{Address: "127.0.0.1:1"})
	shut := newServer(t, Options{Address: "127.0.0.1:1", Token: "secret"})
	for host, ours := range map[string]bool{
		"localhost": true, "localhost:8080": true, "LOCALHOST:9000": true, "127.0.0.1": true, "127.0.0.1:8080": true,
		"[::1]": true, "[::1]:8080": true,
		"127.1.2.3:1": true, "": false, "example.org": false, "example.org:8080": false, "localhost.example.org": false,
		"127.0.0.1.example.org": false,
		"192.0.2.1:8080":        false, "[2001:db8::1]:8080": false,
	} {
		for _, path := range []string{"/", "/healthz", "/readyz", "/metrics"} {
			for s, token := range map[*Server]string{open: "", shut: "Bearer secret"} {
				r := httptest.NewRequest("GET", path, nil)
				r.Host = host
				r.Header.Set("Authorization", token)
				w := httptest.NewRecorder()
				s.Handler().ServeHTTP(w, r)
				if want := ours || s == shut; want != (w.Code == 200) || !want && w.Code != 421 {
					t.Errorf("%s of %q, token %q: %d", path, host, token, w.Code)
				}
			}
		}
	}
}

func TestReady(t *testing.T) {
	t.Parallel()
	var database, config error
	s := newServer(t, Options{Address: "localhost:1", Checks: []Check{
		{Name: "database", Fatal: true, Check: func(context.Context) error { return database }},
		{Name: "config", Check: func(context.Context) error { return config }},
	}})
	if w := get(s, "/readyz", ""); w.Code != 200 {
		t.Errorf("all well: %d", w.Code)
	}
	config = errors.New("line 3: no such key")
	if w := get(s, "/readyz", ""); w.Code != 200 || !strings.Contains(w.Body.String(), "line 3") {
		t.Errorf("what is not fatal is shown: %d %s", w.Code, w.Body)
	}
	database = errors.New("disk full")
	if w := get(s, "/readyz", ""); w.Code != 503 || !strings.Contains(w.Body.String(), `{"ready":false`) {
		t.Errorf("fatal: %d %s", w.Code, w.Body)
	}
}

func TestMetrics(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	s, err := store.Open(t.Context(), store.Options{
		DSN: "sqlite:" + filepath.Join(t.TempDir(), "x.db"), Key: bytes.Repeat([]byte{1},
			32), Now: func() time.Time { return now },
	})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if _, _, err := s.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	row := model.Transaction{
		Account: "sales", Ref: "ref-1", Name: "Contract for Ana", Provider: "onespan", Status: model.InProgress,
		FirstSeenAt: now, ChangedAt: now,
		Origin: model.OriginClaim, SignersSet: true, NextCheckAt: &now, DueReason: model.DueConfirm,
	}
	err = s.Do(t.Context(), store.Unit{Keys: []model.Key{row.Key()}, Apply: func(b *store.Batch) error {
		b.PutAccount(model.Account{ID: "sales", Provider: "onespan", FirstStartAt: now, LastCallbackAt: &now,
			LastPollAt: &now})
		b.PutAccount(model.Account{ID: "quiet", Provider: "onespan", FirstStartAt: now})
		b.Put(row, model.Decision{Next: row, Grew: true})
		b.AddReported("sales", model.ChangeStatus, now)
		b.AddFirst("sales", model.ChangeStatus, model.ByCallback, now)
		for i, state := range []model.DocumentState{model.DocumentWaiting, model.DocumentStored, model.DocumentQuarantined,
			model.DocumentQuarantined} {
			b.PutDocument(model.Document{Account: "sales", Ref: "ref-1", DocID: string(rune('a' + i)),
				Kind: model.SignedDocument, Name: "Ana.pdf", State: state})
		}
		for _, kind := range []model.GapKind{model.GapPending, model.GapMissed, model.GapUnsubscribed} {
			b.AddGap(model.Gap{Account: "sales", Ref: "ref-1", Kind: kind, Change: model.ChangeStatus, Before: now,
				FoundAt: now, SettleAt: now.Add(time.Hour)})
		}
		_, err := b.OpenIncident("sales", model.CallbacksSilent, "silent about ref-1")
		return err
	}})
	if err != nil {
		t.Fatal(err)
	}
	clock := now.Add(time.Minute)
	reg := prometheus.NewRegistry()
	reg.MustRegister(TableMetrics(s, func() time.Time { return clock }))
	srv := newServer(t, Options{Address: "localhost:1", Registry: reg})
	text := get(srv, "/metrics", "").Body.String()
	for _, want := range []string{
		`countersign_transactions{account="sales",status="in_progress"} 1`,
		`countersign_due{account="sales"} 1`,
		`countersign_incident_open{account="sales",kind="` + model.CallbacksSilent + `"} 1`,
		`countersign_changes{account="sales",kind="told"} 1`,
		`countersign_last_callback_timestamp_seconds{account="sales"}`,
		`countersign_last_poll_timestamp_seconds{account="sales"}`,
		`countersign_documents{account="sales",state="waiting"} 1`,
		`countersign_documents{account="sales",state="quarantined"} 2`,
		`countersign_documents{account="sales",state="failed"} 0`,
		`countersign_due{account="quiet"} 0`,
		`countersign_incident_open{account="quiet",kind="` + model.CallbacksSilent + `"} 0`,
		`countersign_incident_open{account="sales",kind="` + model.PollOverdue + `"} 0`,
		`countersign_documents{account="quiet",state="waiting"} 0`,
		`countersign_gaps_pending{account="quiet"} 0`,
		`countersign_gaps_pending{account="sales"} 1`,
		`countersign_changes{account="sales",kind="missed"} 1`,
		`countersign_changes{account="sales",kind="unsubscribed"} 1`,
		`countersign_changes_first{account="sales",channel="callback"} 1`,
		`countersign_told_share{account="sales"} 0.5`,
		`countersign_database_readable 1`,
		fmt.Sprintf("countersign_database_log_bytes %v", float64(s.LogSize())),
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%s lacks in\n%s", want, text)
		}
	}
	for _, secret := range []string{"ref-1", "Ana", "silent about"} {
		if strings.Contains(text, secret) {
			t.Errorf("%q stands in the metrics", secret)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	clock = clock.Add(time.Minute)
	if text := get(srv, "/metrics", ""); text.Code != 200 ||
		!strings.Contains(text.Body.String(), "countersign_database_readable 0") {
		t.Errorf("without its database: %d %s", text.Code, text.Body)
	}
}

func TestRun(t *testing.T) {
	t.Parallel()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := newServer(t, Options{Address: ln.Addr().String()})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx, ln) }()
	resp, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(httptest.NewRequest("GET",
		"http://"+ln.Addr().String()+"/healthz", nil).WithContext(t.Context()))
	if err != nil || resp.StatusCode != 200 {
		t.Fatalf("%v, %v", resp, err)
	}
	resp.Body.Close()
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}
