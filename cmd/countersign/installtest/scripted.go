package installtest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/model"
	"countersign/model/store"
	"countersign/provider/simulator"
	"countersign/provider/simulator/world/pdf"
	"countersign/worker/console/objects"
)

// Scripted stands before a simulated service and answers for the transactions of one test.
type Scripted struct {
	mu      sync.Mutex
	Answers map[string]http.HandlerFunc
	asked   map[string]int
}

// Script serves one simulated service, whose world is empty unless o says otherwise, behind a script.
// Answers are rechecked and files retried after a second.
func Script(t *testing.T, o simulator.Options) (*Scripted, *Services, Installation) {
	t.Helper()
	if o.Transactions == 0 {
		o.Transactions = -1
	}
	o.QuotaScale = 100
	s := &Scripted{Answers: map[string]http.HandlerFunc{}, asked: map[string]int{}}
	svc := PlayServices(t, o)
	svc.Through(func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		s.mu.Lock()
		s.asked[r.Method+" "+r.URL.Path]++
		answer := s.Answers[r.Method+" "+r.URL.Path]
		s.mu.Unlock()
		if answer == nil {
			next.ServeHTTP(w, r)
			return
		}
		answer(w, r)
	})
	in := Install(t, svc, 1)
	in.Edit(t, `(?m)^    allow_private_links: true$`, "$0\n    recheck_after: [1s]\n    gap_grace: 1s")
	in.Edit(t, `(?m)^slot_jitter: 0s$`, "$0\nretry: { first: 300ms, most: 1s }")
	return s, svc, in
}

// Polling runs serve, and returns when the poll that it starts with is over: after it only what a test does
// has anything asked about.
func (in Installation) Polling(t *testing.T, account string) {
	t.Helper()
	in.Daemon(t)
	Eventually(t, "the first poll", func() bool { return in.Polled(t, account) > 0 })
}

// On answers a request from now on; nil leaves it to the simulator.
func (s *Scripted) On(pattern string, answer http.HandlerFunc) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.Answers[pattern] = answer
}

// Says answers a request with JSON, or, where it is nil, with 404 in words that every service has.
func (s *Scripted) Says(pattern string, v any) { s.On(pattern, AnswerJSON(http.StatusOK, v)) }

// Count is how often a request came.
func (s *Scripted) Count(pattern string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.asked[pattern]
}

// AnswerJSON answers with v as JSON.
func AnswerJSON(code int, v any) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(code)
		json.NewEncoder(w).Encode(v) //nolint:errcheck // a test
	}
}

// AnswerFile answers with a PDF file.
func AnswerFile(b []byte) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/pdf")
		w.Write(b) //nolint:errcheck // a test
	}
}

// Held keeps an answer back until it is let go.
func Held(t *testing.T, answer http.HandlerFunc) (kept http.HandlerFunc, letGo func()) {
	gate := make(chan struct{})
	letGo = sync.OnceFunc(func() { close(gate) })
	t.Cleanup(letGo)
	return func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-gate:
			answer(w, r)
		case <-r.Context().Done():
		}
	}, letGo
}

// SealKeys seal the files of every test, SealedAt is when.
var (
	SealKeys = pdf.NewKeys()
	SealedAt = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
)

// SealedPDF is a small PDF with a signature, which tells itself from others by a word.
func SealedPDF(word string) []byte {
	return pdf.File{Title: word, Lines: []string{word}, Pages: 1, Sealed: true, At: SealedAt}.Render(SealKeys)
}

// PdfOf is a small PDF that tells itself from others by a word.
func PdfOf(word string) []byte {
	var b bytes.Buffer
	var at []int
	b.WriteString("%PDF-1.4\n")
	content := "BT /F1 12 Tf 10 10 Td (" + word + ") Tj ET"
	for i, o := range []string{
		"<</Type/Catalog/Pages 2 0 R>>", "<</Type/Pages/Kids[3 0 R]/Count 1>>",
		"<</Type/Page/Parent 2 0 R/MediaBox[0 0 200 200]/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>>>>>",
		fmt.Sprintf("<</Length %d>>\nstream\n%s\nendstream", len(content),
			content), "<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
	} {
		at = append(at, b.Len())
		fmt.Fprintf(&b, "%d 0 obj\n%s\nendobj\n", i+1, o)
	}
	table := b.Len()
	b.WriteString("xref\n0 6\n0000000000 65535 f \n")
	for _, n := range at {
		fmt.Fprintf(&b, "%010d 00000 n \n", n)
	}
	fmt.Fprintf(&b, "trailer\n<</Size 6/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n", table)
	return b.Bytes()
}

// JSONOf is v as JSON.
func JSONOf(t *testing.T, v any) []byte {
	t.Helper()
	b, err := json.Marshal(v)
	require.NoError(t, err)
	return b
}

// Sends posts a callback with headers, and says the answer.
func (in Installation) Sends(t *testing.T, account string, headers map[string]string, body []byte) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+in.Public+"/callbacks/"+account,
		bytes.NewReader(body))
	require.NoError(t, err)
	req.Header.Set("Content-Type", "application/json")
	for name, value := range headers {
		req.Header.Set(name, value)
	}
	resp, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer resp.Body.Close() //nolint:errcheck // read
	answer, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return resp.StatusCode, string(answer)
}

// Came posts a callback and compares the answer and what `callbacks list` says became of it; outcome "" is any.
func (in Installation) Came(t *testing.T, account string, headers map[string]string, body []byte, v model.Verdict, outcome model.Outcome) Said {
	t.Helper()
	code, answer := in.Sends(t, account, headers, body)
	if v == model.Refused {
		require.Equal(t, http.StatusUnauthorized, code, answer)
	} else {
		require.Equal(t, http.StatusOK, code, answer)
		require.Equal(t, Taken, answer)
	}
	var got Said
	in.Read(t, func(s *store.Store) {
		list, _, err := s.Callbacks(t.Context(), store.CallbackFilter{Limit: 1})
		require.NoError(t, err)
		require.NotEmpty(t, list)
		got = saidOf(t, objects.OfCallback(list[0]))
	})
	require.Equal(t, string(v), got["verdict"], "%v of %s", got, body)
	if outcome != "" {
		require.Equal(t, string(outcome), got["outcome"], "%v of %s", got, body)
	}
	return got
}

// Listed is the row of a ref as `list` shows it; nil where there is none.
func (in Installation) Listed(t *testing.T, ref string) Said {
	t.Helper()
	var row Said
	in.Read(t, func(s *store.Store) {
		rows, err := s.FindRef(t.Context(), ref)
		require.NoError(t, err)
		if len(rows) > 0 {
			row = saidOf(t, objects.OfTransaction(rows[0]))
		}
	})
	return row
}

// saidOf is an object as --json prints it. It is made here and not by a verb, a process that takes a second where the
// machine is busy: what comes next in the daemon waits two.
func saidOf(t *testing.T, object any) (out Said) {
	t.Helper()
	require.NoError(t, json.Unmarshal(JSONOf(t, object), &out))
	return out
}

// Shown is all that `show` tells of a ref.
func (in Installation) Shown(t *testing.T, ref string) Said {
	t.Helper()
	return ObjectsIn(t, in.Said(t, "show", "--json", "--", ref))[0]
}

// Becomes waits until the row of a ref has these values, and returns it.
func (in Installation) Becomes(t *testing.T, ref string, want Said) (row Said) {
	t.Helper()
	defer func() {
		if t.Failed() {
			t.Logf("%s was %v, not %v", ref, row, want)
		}
	}()
	in.Shows(t, ref+" as the provider has it", func() bool {
		row = in.Listed(t, ref)
		return row != nil && Agree(row, want)
	})
	return row
}

// Is compares the row of a ref now.
func (in Installation) Is(t *testing.T, ref string, want Said) {
	t.Helper()
	row := in.Listed(t, ref)
	require.True(t, row != nil && Agree(row, want), "%s is %v, not %v", ref, row, want)
}

// Agree says whether a row has the values that are wanted.
func Agree(row, want Said) bool {
	for key, value := range want {
		if n, ok := value.(int); ok {
			value = float64(n)
		}
		if row[key] != value {
			return false
		}
	}
	return true
}

// Files are the documents of a ref, the oldest first, as `documents list` shows them.
func (in Installation) Files(t *testing.T, ref string) (out []Said) {
	t.Helper()
	for _, d := range ObjectsIn(t, in.Said(t, "documents", "list", "--json")) {
		if d["ref"] == ref {
			out = append([]Said{d}, out...)
		}
	}
	return out
}

// FileBecomes waits until the only document of a ref is in a state, and returns it.
func (in Installation) FileBecomes(t *testing.T, ref, state string) (doc Said) {
	t.Helper()
	defer func() {
		if t.Failed() {
			t.Logf("the documents of %s are %v", ref, in.Files(t, ref))
		}
	}()
	in.Shows(t, "a document of "+ref+" that is "+state, func() bool {
		all := in.Files(t, ref)
		if len(all) != 1 || all[0]["state"] != state {
			return false
		}
		doc = all[0]
		return true
	})
	return doc
}

// Polls asks about refs at once.
func (in Installation) Polls(t *testing.T, account string, refs ...string) {
	t.Helper()
	args := []string{"poll", "--account", account}
	for _, ref := range refs {
		args = append(args, "--ref", ref)
	}
	in.Said(t, args...)
}

// Setting is a simulated account's.
func (s *Services) Setting(t *testing.T, account, name string) string {
	t.Helper()
	switch v := s.Account(account).Settings[name].(type) {
	case string:
		return v
	case []string:
		return v[0]
	}
	t.Fatalf("%s has no %s", account, name)
	return ""
}

// Nowhere says that a text is in no file of the database.
func (in Installation) Nowhere(t *testing.T, text string) {
	t.Helper()
	found := 0
	for name, b := range in.database(t) {
		if strings.Contains(string(b), text) {
			found++
			t.Errorf("%s holds %q", name, text)
		}
	}
	require.Zero(t, found)
}

// database is each file of the database, by name.
func (in Installation) database(t *testing.T) map[string][]byte {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(in.Dir, "countersign.db*"))
	require.NoError(t, err)
	require.NotEmpty(t, names)
	all := map[string][]byte{}
	for _, name := range names {
		b, err := os.ReadFile(name)
		if !os.IsNotExist(err) {
			require.NoError(t, err)
		}
		all[filepath.Base(name)] = b
	}
	return all
}
