package browser

import (
	"context"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/cmd/countersign/installtest"
	"countersign/provider/simulator"
	"countersign/worker/pdf/pdftest"
)

// stage is a daemon with a table that has something of everything, and a browser.
type stage struct {
	t       *testing.T
	svc     *installtest.Services
	in      installtest.Installation
	browser context.Context
	stop    func() int
}

// alteredPDF carries a signature whose ByteRange cannot be true.
func alteredPDF() []byte {
	return pdftest.Small("/AcroForm<</SigFlags 3/Fields[4 0 R]>>",
		"<</Type/Annot/Subtype/Widget/FT/Sig/T(x)/Rect[0 0 0 0]"+
			"/V<</Type/Sig/Filter/Adobe.PPKLite/SubFilter/adbe.pkcs7.detached/ByteRange[0 90 50 9]/Contents<00>>>>>")
}

// hostileName is a name that pages and screens may trip over.
const hostileName = "<script>alert(1)</script> \"quoted\" \u202egpj.exe & more"

// hooks are one whose receiver takes what it is told, and one whose receiver does not.
func hooks(t *testing.T) string {
	t.Helper()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/archive" {
			w.WriteHeader(http.StatusInternalServerError)
		}
	}))
	t.Cleanup(srv.Close)
	text := "hooks:\n"
	for _, id := range []string{"crm", "archive"} {
		text += fmt.Sprintf("  - { id: %s, type: http, url: %q, secrets: [whsec_bmV3LXNlY3JldC1uZXctc2VjcmV0LW5ldy1zZWM=], "+
			"allow_private: true, retry_first: 1s, retry_most: 4h }\n", id, srv.URL+"/"+id)
	}
	return text
}

// play plays a day of all services and starts the daemon anew on what it has left: slots are then hours apart, so that
// nothing moves but what a test moves.
func play(t *testing.T) *stage {
	t.Helper()
	s := &stage{t: t, browser: chromium(t)}
	s.svc, s.in = installtest.LivingServices(t, simulator.Options{
		Seed: 11, Transactions: 160, BornBefore: 80, Births: 12 * time.Hour, Speed: installtest.DaySeconds,
		Services: simulator.Services(),
		Faults:   simulator.Faults{Drop: 0.2, Duplicate: 0.2, Forge: 0.1, Delay: 0.1, BadFiles: 0.1},
	})
	s.in.Edit(t, `accounts:`, "log: { level: error }\n"+hooks(t)+"accounts:")
	s.svc.Through(alterSome)
	stop := s.in.Daemon(t, "--backfill", "30d")
	ctx, cancel := context.WithCancel(t.Context())
	over := make(chan error, 1)
	go func() { over <- s.svc.World.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-over })
	db := s.in.Table(t)
	installtest.Eventually(t, "something of everything", func() bool {
		for _, query := range []string{
			`SELECT count(*) > 90 FROM transactions`, `SELECT count(*) > 3 FROM gaps WHERE kind <> 'pending'`,
			`SELECT count(*) > 1 FROM documents WHERE state = 'quarantined'`,
			`SELECT count(*) > 20 FROM documents WHERE state = 'stored'`,
			`SELECT count(*) > 2 FROM callbacks WHERE verdict = 'refused'`,
			`SELECT count(*) > 10 FROM callbacks WHERE verdict = 'accepted'`,
			`SELECT count(*) > 10 FROM runs WHERE state = 'done'`,
			`SELECT count(*) > 20 FROM transactions WHERE status = 'completed'`,
			`SELECT count(*) > 3 FROM transactions WHERE status = 'in_progress'`,
			`SELECT count(*) > 10 FROM deliveries WHERE state = 'sent'`,
		} {
			if !installtest.One[bool](db, query) {
				return false
			}
		}
		return true
	})
	s.svc.World.Stop()
	require.NoError(t, db.Close())
	require.Zero(t, stop())
	s.svc.World.SetFaults(simulator.Faults{})
	s.in.Edit(t, `(?s)polling:.*?retry:`, "polling: { active: '0 0 1 1 *', idle: '0 0 1 1 *', audit: '0 0 1 1 *' }\nretry:")
	s.in.Write(t, `UPDATE transactions SET name = ? WHERE n = (SELECT min(n) FROM transactions)`, hostileName)
	s.in.Write(t, `UPDATE transactions SET name = ? WHERE n = (SELECT min(n) + 1 FROM transactions)`, strings.Repeat("long", 2500))
	s.in.Write(t, `INSERT INTO reported (account, day, change, count) SELECT DISTINCT account, date('now', '-3 days'), 'status', 9 FROM reported`)
	s.silence(t)
	s.stop = s.in.Daemon(t)
	return s
}

// silence has the callbacks of OneSpan's account be silent. One that its service sends again, because the daemon was
// stopped when it came, ends the silence.
func (s *stage) silence(t *testing.T) {
	t.Helper()
	s.in.Write(t, `INSERT INTO incidents (id, account, kind, opened_at, message)
SELECT 'browser-' || (SELECT count(*) FROM incidents), ?, 'callbacks_silent', ?, 'a poll found a change that no callback told, and none has come since' WHERE NOT EXISTS (
SELECT 1 FROM incidents WHERE account = ? AND kind = 'callbacks_silent' AND closed_at IS NULL)`,
		simulator.AccountOneSpan, time.Now().Add(-2*time.Hour).UnixMilli(), simulator.AccountOneSpan)
}

// silent waits until a tab's overview says that they are.
func (s *stage) silent(t *testing.T, b *tab) {
	t.Helper()
	s.silence(t)
	installtest.Eventually(t, "an incident on the overview", func() bool {
		b.open("/")
		return eval[bool](b, `document.querySelector("#incidents article") !== null`)
	})
}

// alterSome gives an altered file in the place of each eighth.
func alterSome(w http.ResponseWriter, r *http.Request, next http.Handler) {
	sum := fnv.New32a()
	sum.Write([]byte(r.URL.Path))
	if sum.Sum32()%8 != 0 {
		next.ServeHTTP(w, r)
		return
	}
	kept := httptest.NewRecorder()
	next.ServeHTTP(kept, r)
	body := kept.Body.Bytes()
	if kept.Code == http.StatusOK && strings.HasPrefix(string(body), "%PDF-") {
		body = alteredPDF()
	}
	for name, values := range kept.Header() {
		if name != "Content-Length" {
			w.Header()[name] = values
		}
	}
	w.WriteHeader(kept.Code)
	w.Write(body) //nolint:errcheck // the caller may be gone
}

func (s *stage) base() string { return "http://" + s.in.Console }

func (s *stage) tab(t *testing.T, l look) *tab {
	t.Helper()
	return newTab(s.browser, t, s.base(), l)
}

// api is the items of a list of the API.
func (s *stage) api(t *testing.T, path string) []map[string]any {
	t.Helper()
	code, text := s.in.Looked(t, path, "", "")
	require.Equal(t, http.StatusOK, code, text)
	var list struct{ Items []map[string]any }
	require.NoError(t, json.Unmarshal([]byte(text), &list))
	return list.Items
}

// first is a value of the first item of a list.
func (s *stage) first(t *testing.T, path, key string) string {
	t.Helper()
	items := s.api(t, path)
	require.NotEmpty(t, items, path)
	return fmt.Sprint(items[0][key])
}

// row is the page of the first transaction of a list.
func (s *stage) row(t *testing.T, path string) string {
	t.Helper()
	for _, item := range s.api(t, path) {
		if ref := fmt.Sprint(item["ref"]); !strings.ContainsAny(ref, "/%") {
			return "/accounts/" + fmt.Sprint(item["account"]) + "/transactions/" + url.PathEscape(ref)
		}
	}
	require.FailNow(t, "no row", path)
	return ""
}
