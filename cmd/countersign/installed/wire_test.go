package installed

import (
	"bufio"
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"mime/multipart"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/cmd/countersign/installtest"
	"countersign/model"
	"countersign/model/store"
	"countersign/provider/simulator"
)

const (
	publishedKey = "324e3b0840f065eb51f3fd63231d0d33daa35d4ed10d27718839e81737065782" // of Dropbox Sign's SDK tests
	recordedKey  = "callback-key-of-the-tests"                                        // of provider/onespan/testdata

	helloAPI = "Hello API Event Received"
)

// wired is a daemon that takes the published vectors and whose providers never answer, so that rows
// stay as callbacks left them.
func wired(t *testing.T) installtest.Installation {
	t.Helper()
	svc := installtest.PlayServices(t, simulator.Options{Transactions: -1})
	svc.Through(func(_ http.ResponseWriter, r *http.Request, _ http.Handler) { <-r.Context().Done() })
	in := installtest.Install(t, svc, 1)
	in.Edit(t, `callback_keys: .*`, fmt.Sprintf("callback_keys: [%q]", publishedKey))
	in.Edit(t, `callback_key: .*`, fmt.Sprintf("callback_key: %q", recordedKey))
	in.Edit(t, `(?m)^(public: \{)`, "$1 max_body: 64KiB,")
	in.Daemon(t)
	return in
}

// vector is an event of Dropbox Sign, multipart as the service sends it; request is what else the body holds.
func vector(t *testing.T, at, typ, hash, request string) (contentType string, body []byte) {
	t.Helper()
	return form(t, fmt.Sprintf(`{"event":{"event_time":%q,"event_type":%q,"event_hash":%q,"event_metadata":null}%s}`, at,
		typ, hash, request))
}

func form(t *testing.T, json string) (contentType string, body []byte) {
	t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	part, err := w.CreateFormField("json")
	require.NoError(t, err)
	_, err = io.WriteString(part, json)
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return w.FormDataContentType(), b.Bytes()
}

func eventHash(at, typ string) string {
	mac := hmac.New(sha256.New, []byte(publishedKey))
	mac.Write([]byte(at + typ))
	return hex.EncodeToString(mac.Sum(nil))
}

// The published vectors of Dropbox Sign, as they come over the wire.
func TestWirePublishedVectors(t *testing.T) {
	t.Parallel()
	in := wired(t)
	vectors := []struct{ time, typ, hash string }{
		{"1348177752", "unknown_error", "c574f5d3090c2936360b4e36cf6835cf3e2206b84fdc6347e6b28ca721ae1371"},
		{"1348177752", "account_confirmed", "6dc5b7aad93cf54915e0089d6c31d61b3833f66f51459171c69f8fa211308848"},
		{"1348177752", "signature_request_sent", "08d45a6b7677492b78be030cef18cfeaece8fe67e163cc8e526ee638ad483756"},
		{"1348177752", "template_created", "4a9b22fa68d5addb8b6313eea9d42ecb393903a4240b71503ef78e9dac6c100d"},
		{"1669926463", "account_confirmed", "ff8b03439122f9160500c3fb855bdee5a9ccba5fff27d3b258745d8f3074832f"},
	}
	for _, v := range vectors { // without a signature request, as they were published
		kind, body := vector(t, v.time, v.typ, v.hash, "")
		takes(t, in, wire{account: simulator.AccountDropboxSign, kind: kind, body: body, code: 200, answer: helloAPI,
			verdict: model.Accepted, outcome: model.Ignored})
	}
	require.Zero(t, in.Rows(t), "no row without a request")

	// With one, which the hash does not cover: a weak claim, that a fetch has to confirm.
	request := func(ref string) string {
		return fmt.Sprintf(`,"signature_request":{"signature_request_id":%q,"is_complete":false}`, ref)
	}
	sent, broken := vectors[2], vectors[0]
	for _, w := range []wire{
		{ref: "req-sent", outcome: model.Applied},
		{ref: "req-sent", verdict: model.Duplicate, outcome: model.NothingNew},
	} {
		w.account, w.code, w.answer = simulator.AccountDropboxSign, 200, helloAPI
		w.kind, w.body = vector(t, sent.time, sent.typ, sent.hash, request(w.ref))
		if w.verdict == "" {
			w.verdict, w.outcome = model.Accepted, ""
		}
		takes(t, in, w)
	}
	kind, body := vector(t, broken.time, broken.typ, broken.hash, request("req-broken"))
	takes(t, in, wire{account: simulator.AccountDropboxSign, kind: kind, body: body, code: 200, answer: helloAPI,
		verdict: model.Accepted, ref: "req-broken"})
	kind, body = vector(t, sent.time, sent.typ, sent.hash, request("req-other")) // the same hash is no duplicate
	takes(t, in, wire{account: simulator.AccountDropboxSign, kind: kind, body: body, code: 200, answer: helloAPI,
		verdict: model.Accepted, ref: "req-other"})
	require.Equal(t, 3, in.Rows(t))
	in.Read(t, func(s *store.Store) {
		row, err := s.Transaction(t.Context(), model.Key{Account: simulator.AccountDropboxSign, Ref: "req-sent"})
		require.NoError(t, err)
		require.False(t, row.Confirmed)
		require.NotNil(t, row.NextCheckAt, "due for a fetch")
		row, err = s.Transaction(t.Context(), model.Key{Account: simulator.AccountDropboxSign, Ref: "req-broken"})
		require.NoError(t, err)
		require.Equal(t, model.Failed, row.ReportedStatus)
		require.Equal(t, model.FileError, row.Attention[0].Kind)
	})

	// A test of the URL, and what nobody signed.
	kind, body = vector(t, "1348177752", "callback_test", eventHash("1348177752", "callback_test"), "")
	takes(t, in, wire{account: simulator.AccountDropboxSign, kind: kind, body: body, code: 200, answer: helloAPI,
		verdict: model.Accepted, outcome: model.TestEvent})
	kind, body = vector(t, "1348177753", sent.typ, sent.hash, request("req-forged"))
	takes(t, in, wire{account: simulator.AccountDropboxSign, kind: kind, body: body, code: 401, answer: "Unauthorized\n",
		verdict: model.Refused, ref: "req-forged"})
	require.Equal(t, 3, in.Rows(t), "no row from a forgery")
}

// OneSpan's documented payloads, as they come over the wire.
func TestWireDocumentedPayloads(t *testing.T) {
	t.Parallel()
	in := wired(t)
	statuses := map[string]model.Status{
		"package_create": model.Draft, "package_activate": model.InProgress, "package_deactivate": model.Draft,
		"package_ready_for_complete": model.InProgress,
		"package_complete":           model.Completed, "package_archive": model.Completed,
		"package_decline": model.Declined, "package_opt_out": model.OptedOut,
		"package_expire": model.Expired,
	}
	ids := regexp.MustCompile(`"packageId":"[^"]+"`)
	files, err := filepath.Glob("../../../provider/onespan/testdata/callbacks/*.http")
	require.NoError(t, err)
	require.Greater(t, len(files), 22)
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".http")
		raw, err := os.ReadFile(file)
		require.NoError(t, err)
		req, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(raw)))
		require.NoError(t, err)
		body, err := io.ReadAll(req.Body)
		require.NoError(t, err)
		body = ids.ReplaceAll(body, []byte(`"packageId":"`+name+`"`))
		ref := ""
		if ids.Match(body) {
			ref = name
		}
		w := wire{
			name: name, account: simulator.AccountOneSpan, kind: req.Header.Get("Content-Type"),
			auth: req.Header.Get("Authorization"), body: body,
			code: 200, answer: installtest.Taken, verdict: model.Accepted, ref: ref,
		}
		if ref == "" {
			w.verdict = "" // none to look up, whatever else it says
		}
		takes(t, in, w)
		if w.ref != "" && bytes.Contains(body, []byte("createdDate")) {
			w.verdict = model.Duplicate
			takes(t, in, w)
		}
	}
	in.Read(t, func(s *store.Store) {
		for ref, want := range statuses {
			row, err := s.Transaction(t.Context(), model.Key{Account: simulator.AccountOneSpan, Ref: ref})
			require.NoError(t, err, ref)
			require.Contains(t, []model.Status{row.Status, row.ReportedStatus}, want, ref)
			require.False(t, row.Confirmed, ref)
		}
		for _, ref := range []string{"template_create", "document_signed_default_consent"} {
			_, err := s.Transaction(t.Context(), model.Key{Account: simulator.AccountOneSpan, Ref: ref})
			require.ErrorIs(t, err, store.ErrNoRow, ref)
		}
	})
}

// What is no callback, or a broken one, gets the answer that design.md names.
func TestWireBadInput(t *testing.T) {
	t.Parallel()
	in := wired(t)
	key := "Basic " + recordedKey
	deep := strings.Repeat("[", 20000) + strings.Repeat("]", 20000)
	nested := func(ref string) string {
		return fmt.Sprintf(`{"name":"PACKAGE_COMPLETE","packageId":%q,"x":%s}`, ref, deep)
	}
	sentHash := "08d45a6b7677492b78be030cef18cfeaece8fe67e163cc8e526ee638ad483756"
	inForm := func(json string) (string, []byte) { return form(t, json) }
	kind, whole := vector(t, "1348177752", "signature_request_sent", sentHash,
		`,"signature_request":{"signature_request_id":"r-whole"}`)
	brokenKind, broken := inForm(`{"event":{"event_time":"1348177752",`)
	deepKind, deepBody := inForm(`{"event":` + deep + `}`)
	unsignedKind, unsigned :=
		inForm(`{"event":{"event_time":"1348177752","event_type":"signature_request_sent"},"signature_request":{"signature_request_id":"r-unsigned"}}`)
	nulKind, nul := vector(t, "1348177752", "signature_request_sent", sentHash,
		`,"signature_request":{"signature_request_id":"a\u0000b"}`)
	pathKind, path := vector(t, "1348177752", "signature_request_sent", sentHash,
		`,"signature_request":{"signature_request_id":"../../../etc/passwd"}`)
	const one, two = simulator.AccountOneSpan, simulator.AccountDropboxSign
	event := func(ref string) []byte { return installtest.OneSpanEvent("PACKAGE_COMPLETE", ref, time.Now()) }

	for _, w := range []wire{
		{name: "unknown account", account: "nobody", auth: key, body: event("x"), code: 404, answer: "Not Found\n"},
		{name: "no account", account: "", auth: key, body: event("x"), code: 404, answer: "Not Found\n"},
		{name: "a path above", account: one + "/../" + one, auth: key, body: event("x"), code: 404, answer: "Not Found\n"},
		{name: "wrong method", method: http.MethodGet, account: one, auth: key, code: 405, answer: "Method Not Allowed\n"},
		{name: "wrong method of nobody", method: http.MethodGet, account: "nobody", code: 404, answer: "Not Found\n"},
		{name: "too large", account: one, auth: key, body: append(event("x"), bytes.Repeat([]byte(" "), 64<<10)...),
			code: 413, answer: "Request Entity Too Large\n"},
		{name: "no credentials", account: one, body: event("r-none"), code: 401, answer: "Unauthorized\n",
			verdict: model.Refused, ref: "r-none"},
		{name: "wrong credentials", account: one, auth: "Basic another", body: event("r-wrong"), code: 401,
			answer: "Unauthorized\n", verdict: model.Refused, ref: "r-wrong"},
		{name: "a bearer token", account: one, auth: "Bearer " + recordedKey, body: event("r-bearer"), code: 401,
			answer: "Unauthorized\n", verdict: model.Refused, ref: "r-bearer"},
		{name: "no JSON and no credentials", account: one, body: []byte("\xff\xfe{"), code: 401, answer: "Unauthorized\n",
			verdict: model.Refused},
		{name: "wrong content type", account: one, kind: "image/png", auth: key, body: event("r-png"), code: 200,
			answer: installtest.Taken, verdict: model.Accepted, ref: "r-png"},
		{name: "no content type", account: one, auth: key, body: event("r-bare"), code: 200, answer: installtest.Taken,
			verdict: model.Accepted, ref: "r-bare"},
		{name: "truncated", account: one, auth: key, body: event("r-half")[:60], code: 200, answer: installtest.Taken,
			verdict: model.NotUnderstood},
		{name: "empty", account: one, auth: key, code: 200, answer: installtest.Taken, verdict: model.NotUnderstood},
		{name: "no object", account: one, auth: key, body: []byte(`[1,2]`), code: 200, answer: installtest.Taken,
			verdict: model.NotUnderstood},
		{name: "no ref", account: one, auth: key, body: []byte(`{"name":"PACKAGE_COMPLETE"}`), code: 200, answer: installtest.Taken,
			verdict: model.NotUnderstood},
		{name: "deep nesting", account: one, auth: key, body: []byte(nested("r-deep")), code: 200, answer: installtest.Taken,
			verdict: model.NotUnderstood},
		{name: "invalid UTF-8", account: one, auth: key, body: event("r-\xff\xfe"), code: 200, answer: installtest.Taken},
		{name: "NUL in an id", account: one, auth: key, body: []byte(`{"name":"PACKAGE_COMPLETE","packageId":"a\u0000b"}`),
			code: 200, answer: installtest.Taken, verdict: model.NotUnderstood},
		{name: "NUL in a name", account: one, auth: key, body: []byte(`{"name":"PACKAGE\u0000","packageId":"r-nul"}`),
			code: 200, answer: installtest.Taken, verdict: model.NotUnderstood},
		{name: "a path for an id", account: one, auth: key, body: event("../../../etc/passwd"), code: 200, answer: installtest.Taken,
			verdict: model.Accepted, ref: "../../../etc/passwd"},
		{name: "an endless id", account: one, auth: key, body: event(strings.Repeat("x", 5000)), code: 200, answer: installtest.Taken,
			verdict: model.NotUnderstood},

		{name: "form: truncated", account: two, kind: kind, body: whole[:len(whole)-60], code: 400, answer: "Bad Request\n"},
		{name: "form: wrong content type", account: two, kind: "text/plain", body: []byte("hello"), code: 400,
			answer: "Bad Request\n"},
		{name: "form: a boundary that only the body tells", account: two, kind: "multipart/form-data", body: whole,
			code: 200, answer: helloAPI, verdict: model.Accepted, ref: "r-whole"},
		{name: "form: empty", account: two, kind: kind, code: 400, answer: "Bad Request\n"},
		{name: "form: broken JSON", account: two, kind: brokenKind, body: broken, code: 400, answer: "Bad Request\n"},
		{name: "form: deep nesting", account: two, kind: deepKind, body: deepBody, code: 400, answer: "Bad Request\n"},
		{name: "form: unsigned", account: two, kind: unsignedKind, body: unsigned, code: 401, answer: "Unauthorized\n",
			verdict: model.Refused, ref: "r-unsigned"},
		{name: "form: NUL in an id", account: two, kind: nulKind, body: nul, code: 200, answer: helloAPI,
			verdict: model.NotUnderstood},
		{name: "form: a path for an id", account: two, kind: pathKind, body: path, code: 200, answer: helloAPI,
			verdict: model.Accepted, ref: "../../../etc/passwd"},
		{name: "form: too large", account: two, kind: kind, body: bytes.Repeat([]byte("x"), 65<<10), code: 413,
			answer: "Request Entity Too Large\n"},
	} {
		takes(t, in, w)
	}
	in.Read(t, func(s *store.Store) {
		for _, ref := range []string{"r-none", "r-wrong", "r-bearer", "r-unsigned", "r-nul", "x"} {
			rows, err := s.FindRef(t.Context(), ref)
			require.NoError(t, err)
			require.Empty(t, rows, "no row of %s", ref)
		}
		rows, err := s.FindRef(t.Context(), "../../../etc/passwd")
		require.NoError(t, err)
		require.Len(t, rows, 2)
	})
	announcesTooMuch(t, in, key)
	require.True(t, installtest.Answers("http://"+in.Console+"/healthz", http.StatusOK), "still well")
}

// announcesTooMuch is refused before any of 64 MiB were sent.
func announcesTooMuch(t *testing.T, in installtest.Installation, key string) {
	t.Helper()
	conn, err := net.Dial("tcp", in.Public) //nolint:noctx // loopback
	require.NoError(t, err)
	defer conn.Close() //nolint:errcheck // a test
	require.NoError(t, conn.SetDeadline(time.Now().Add(installtest.WholeWait)))
	_, err = fmt.Fprintf(conn,
		"POST /callbacks/%s HTTP/1.1\r\nHost: x\r\nAuthorization: %s\r\nContent-Length: %d\r\n\r\n",
		simulator.AccountOneSpan, key, 64<<20)
	require.NoError(t, err)
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	require.NoError(t, err)
	defer resp.Body.Close() //nolint:errcheck // a test
	require.Equal(t, http.StatusRequestEntityTooLarge, resp.StatusCode)
}

// wire is a request to the listener and what has to come of it.
type wire struct {
	name, method, account, kind, auth string
	body                              []byte

	code    int
	answer  string
	verdict model.Verdict // "" where nothing is known of it; with a code that is not 200: not stored
	outcome model.Outcome // "" is any
	ref     string
}

// takes posts a callback, and compares the answer and what was stored.
func takes(t *testing.T, in installtest.Installation, w wire) {
	t.Helper()
	before := newest(t, in)
	code, answer := 0, ""
	if w.method == "" {
		code, answer = in.Post(w.account, w.kind, w.auth, w.body)
	} else {
		req, err := http.NewRequestWithContext(t.Context(), w.method, "http://"+in.Public+"/callbacks/"+w.account, nil)
		require.NoError(t, err)
		resp, err := http.DefaultClient.Do(req)
		require.NoError(t, err)
		defer resp.Body.Close() //nolint:errcheck // read
		text, err := io.ReadAll(resp.Body)
		require.NoError(t, err)
		code, answer = resp.StatusCode, string(text)
		if code == http.StatusMethodNotAllowed {
			require.Equal(t, http.MethodPost, resp.Header.Get("Allow"))
		}
	}
	what := w.name + " " + w.ref
	require.Equal(t, w.code, code, "%s: %s", what, answer)
	require.Equal(t, w.answer, answer, what)
	got := newest(t, in)
	switch {
	case w.verdict != "":
		require.NotEqual(t, before.ID, got.ID, "%s is stored", what)
		require.Equal(t, w.verdict, got.Verdict, "%s: %s", what, got.Note)
		require.Equal(t, w.account, got.Account, what)
		if w.ref != "" {
			require.Equal(t, w.ref, got.Ref, what)
		}
		if w.outcome != "" {
			require.Equal(t, w.outcome, got.Outcome, what)
		}
	case code != http.StatusOK:
		require.Equal(t, before.ID, got.ID, "%s is not stored", what)
	}
}

// newest is the last callback that was stored.
func newest(t *testing.T, in installtest.Installation) (c model.Callback) {
	t.Helper()
	in.Read(t, func(s *store.Store) {
		list, _, err := s.Callbacks(t.Context(), store.CallbackFilter{Limit: 1})
		require.NoError(t, err)
		if len(list) > 0 {
			c = list[0]
		}
	})
	return c
}
