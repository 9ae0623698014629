package documenso

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"countersign/model"
	"countersign/provider"
	"countersign/provider/providertest"
)

const capturedSecret = "whsec-example-secret"

// shared is a file or folder beside the vendor's specifications, which are not in this repository: the test is
// skipped where it is absent, but not in CI.
func shared(t *testing.T, parts ...string) string {
	t.Helper()
	root := os.Getenv("COUNTERSIGN_SHARED")
	if root == "" {
		root = "../../../shared"
	}
	path := filepath.Join(append([]string{root, "providers"}, parts...)...)
	if _, err := os.Stat(path); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal(err)
		}
		t.Skipf("nothing at %s: set COUNTERSIGN_SHARED to the folder that has providers/", path)
	}
	return path
}

// captured are the files that a real server sent, by a pattern.
func captured(t *testing.T, pattern string) map[string][]byte {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(shared(t, "samples", "documenso"), pattern))
	if err != nil || len(files) == 0 {
		t.Fatal("no samples", pattern, err)
	}
	all := map[string][]byte{}
	for _, name := range files {
		raw, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		all[filepath.Base(name)] = raw
	}
	return all
}

func capturedAccount(t *testing.T, base string) *service {
	return account(t, base, "{api_key: "+testKey+", webhook_secret: "+capturedSecret+", team_id: 4}")
}

// quiet holds that no token is in what was made of a sample.
func quiet(t *testing.T, name string, made ...any) {
	t.Helper()
	for _, v := range made {
		raw, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		if text := fmt.Sprintf("%+v %s", v, raw); strings.Contains(text, "exampleSigningToken") ||
			strings.Contains(text, "SIGNING_TOKEN") {
			t.Errorf("%s: a token is left in %s", name, text)
		}
	}
}

func TestCapturedWebhooksMeanWhatTheirSceneSays(t *testing.T) {
	t.Parallel()
	type meant struct {
		status  model.Status
		deleted model.Flag
		other   string // test, ignored
	}
	want := map[string]meant{
		"DOCUMENT_CREATED": {status: model.Draft}, "DOCUMENT_SENT": {status: model.InProgress},
		"DOCUMENT_OPENED":              {status: model.InProgress},
		"DOCUMENT_RECIPIENT_COMPLETED": {status: model.InProgress}, "DOCUMENT_SIGNED.first": {status: model.InProgress},
		"DOCUMENT_SIGNED.last": {status: model.InProgress},
		"DOCUMENT_COMPLETED":   {status: model.Completed}, "DOCUMENT_COMPLETED.before_reseal": {status: model.Completed},
		"DOCUMENT_COMPLETED.after_reseal":    {status: model.Completed},
		"DOCUMENT_COMPLETED.test_button":     {other: "test"},
		"DOCUMENT_REJECTED":                  {status: model.Declined},
		"DOCUMENT_REJECTED.after_one_signed": {status: model.Declined},
		"DOCUMENT_REJECTED.by_sender":        {status: model.Declined},
		"DOCUMENT_CANCELLED.cancelled":       {}, "DOCUMENT_CANCELLED.deleted_draft": {deleted: model.Yes},
		"DOCUMENT_CANCELLED.deleted_pending":   {deleted: model.Yes},
		"DOCUMENT_CANCELLED.deleted_completed": {}, "DOCUMENT_CANCELLED.deleted_rejected": {},
		"DOCUMENT_CANCELLED.deleted_cancelled":  {},
		"DOCUMENT_CANCELLED.sent_to_other_team": {other: "ignored"},
		"DOCUMENT_REMINDER_SENT":                {status: model.InProgress}, "RECIPIENT_EXPIRED": {status: model.InProgress},
		"TEMPLATE_CREATED": {other: "ignored"}, "TEMPLATE_UPDATED": {other: "ignored"}, "TEMPLATE_USED": {other: "ignored"},
		"TEMPLATE_DELETED": {other: "ignored"},
	}
	s := capturedAccount(t, "")
	for name, raw := range captured(t, "webhook.*_*.json") {
		name = strings.TrimSuffix(strings.TrimPrefix(name, "webhook."), ".json")
		w, ok := want[name]
		if !ok {
			t.Errorf("%s: nobody says what it means", name)
		}
		delete(want, name)
		h := http.Header{"X-Documenso-Secret": {capturedSecret}}
		r, err := s.Receive(provider.Callback{Header: h, Body: raw, ReceivedAt: noon})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		quiet(t, name, r, string(r.Clean))
		if !bytes.Contains(r.Clean, []byte(cutMark)) || !json.Valid(r.Clean) ||
			bytes.Contains(r.Clean, []byte("hooks/documenso")) {
			t.Errorf("%s: cleaned to %s", name, r.Clean)
		}
		switch {
		case w.other != "":
			if r.Observations != nil || r.Test != (w.other == "test") || (r.Ignored != "") != (w.other == "ignored") {
				t.Errorf("%s: %+v", name, r)
			}
		case len(r.Observations) != 1 || r.Observations[0].Status != w.status || r.Observations[0].Deleted != w.deleted ||
			r.Observations[0].Evidence != model.Claim:
			t.Errorf("%s: %+v", name, r.Observations)
		}
		if _, err := s.Receive(provider.Callback{Header: http.Header{"X-Documenso-Secret": {""}},
			Body: raw}); !errors.Is(err, provider.ErrUnverified) {
			t.Errorf("%s with an empty secret: %v", name, err)
		}
	}
	for name := range want {
		t.Errorf("no sample %s", name)
	}
}

func TestACapturedResendByHandIsTheSameEvent(t *testing.T) {
	t.Parallel()
	s := capturedAccount(t, "")
	keys := map[string]bool{}
	lines := bufio.NewScanner(bytes.NewReader(captured(t,
		"webhook.DOCUMENT_COMPLETED.resent_by_hand.jsonl")["webhook.DOCUMENT_COMPLETED.resent_by_hand.jsonl"]))
	lines.Buffer(nil, 1<<20)
	n := 0
	for ; lines.Scan(); n++ {
		var delivery struct{ Body json.RawMessage }
		if err := json.Unmarshal(lines.Bytes(), &delivery); err != nil {
			t.Fatal(err)
		}
		r, err := s.Receive(provider.Callback{Header: http.Header{"X-Documenso-Secret": {capturedSecret}},
			Body: delivery.Body})
		if err != nil {
			t.Fatal(err)
		}
		quiet(t, "resent", r)
		keys[r.DedupeKey] = true
	}
	if n != 2 || len(keys) != 1 || keys[""] {
		t.Errorf("%d lines, %d events", n, len(keys))
	}
	before, after := captured(t, "webhook.DOCUMENT_COMPLETED.*_reseal.json"), map[string]bool{}
	for _, raw := range before {
		r, err := s.Receive(provider.Callback{Header: http.Header{"X-Documenso-Secret": {capturedSecret}}, Body: raw})
		if err != nil {
			t.Fatal(err)
		}
		after[r.DedupeKey] = true
	}
	if len(after) != 2 {
		t.Error("a re-seal is taken for a retry")
	}
}

func TestCapturedDetailsAreUnderstood(t *testing.T) {
	t.Parallel()
	want := map[string]struct {
		status  model.Status
		deleted model.Flag
		files   int
	}{
		"cancelled": {model.Cancelled, 0, 0}, "completed": {model.Completed, 0, 2}, "deleted_completed": {model.Completed,
			model.Yes, 2}, "draft": {model.Draft, 0, 0},
		"from_template": {model.Draft, 0, 0}, "pending": {model.InProgress, 0, 0}, "recipient_expired": {model.InProgress,
			0, 0}, "rejected": {model.Declined, 0, 0}, "two_files": {model.Completed, 0, 3},
	}
	for name, raw := range captured(t, "response.detail.*.json") {
		name = strings.TrimSuffix(strings.TrimPrefix(name, "response.detail."), ".json")
		w, ok := want[name]
		if !ok {
			t.Errorf("%s: nobody says what it means", name)
		}
		var e envelope
		if err := json.Unmarshal(raw, &e); err != nil {
			t.Fatal(err)
		}
		f := answering(t, 200, string(raw))
		o, err := capturedAccount(t, f.URL).Fetch(t.Context(), string(e.ID))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		quiet(t, name, o)
		if w.status == model.Draft && o.Status == model.InProgress && name == "from_template" {
			w.status = model.InProgress // it may have been sent since
		}
		if o.Status != w.status || o.Deleted != w.deleted || len(o.Documents) != w.files || len(o.Signers) == 0 ||
			o.ExternalID == "" && name != "from_template" && e.ExternalID != "" {
			t.Errorf("%s: %+v", name, o)
		}
		if strings.Contains(string(raw), `"CC"`) && len(o.Signers) == len(e.Recipients.Items) {
			t.Errorf("%s: the copy counts", name)
		}
	}
}

func TestCapturedListsAreUnderstood(t *testing.T) {
	t.Parallel()
	list, folders := captured(t, "response.list.json")["response.list.json"], captured(t,
		"response.folder_list.json")["response.folder_list.json"]
	f := providertest.Serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/api/v2/folder" {
			w.Write(folders)
			return
		}
		w.Write(list)
	})
	s := capturedAccount(t, f.URL)
	page, err := s.List(t.Context(), provider.ListQuery{})
	if err != nil || len(page.Items) != 3 || !page.Items[0].Whole || page.Next == "" {
		t.Fatalf("%+v, %v", page, err)
	}
	quiet(t, "list", page)
	if id, err := s.Check(t.Context()); err != nil || id.ID != "4" {
		t.Errorf("%+v, %v", id, err)
	}
}

func TestCapturedRefusalsBecomeOurs(t *testing.T) {
	t.Parallel()
	for name, raw := range captured(t, "error.*.json") {
		if strings.Contains(name, ".v1.") {
			continue // the legacy API is not called
		}
		code, body, headers := 0, raw, map[string]string{}
		fmt.Sscanf(name, "error.%d.", &code) //nolint:errcheck // checked below
		var wrapped struct {
			Headers map[string]string
			Body    json.RawMessage
		}
		if json.Unmarshal(raw, &wrapped) == nil && wrapped.Headers != nil {
			body, headers = wrapped.Body, wrapped.Headers
			delete(headers, "content-length")
		}
		f := providertest.Serve(t, func(w http.ResponseWriter, _ *http.Request) {
			for k, v := range headers {
				w.Header().Set(k, v)
			}
			w.WriteHeader(code)
			w.Write(body)
		})
		_, err := capturedAccount(t, f.URL).Download(t.Context(), testRef,
			model.DocumentRef{ID: "envelope_item_x", Kind: model.SignedDocument}, io.Discard)
		var after *provider.RetryAfter
		denied, waits := errors.Is(err, provider.ErrDenied), errors.As(err, &after)
		if code == 0 || err == nil || denied != (code == 401 || name == "error.400.expired_key.json") ||
			waits != (code == 429 || name == "error.500.download_while_organisation_limited.json") ||
			errors.Is(err, provider.ErrNotFound) != (name == "error.404.download.json" || name == "error.404.envelope.json") ||
			errors.Is(err, errAddress) != (name == "error.404.path.json") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
