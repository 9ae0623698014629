package simulatortest

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"strings"
	"testing"

	"countersign/provider/simulator"
)

// Client speaks to one simulated service with its key.
type Client struct {
	T     *testing.T
	W     *simulator.World
	Base  string
	Token string
}

// Ask makes a request and demands a status.
func (c Client) Ask(method, path, body string, want int) (http.Header, []byte) {
	c.T.Helper()
	link := path
	if strings.HasPrefix(path, "/") {
		link = c.Base + path
	}
	req, err := http.NewRequestWithContext(c.T.Context(), method, link, strings.NewReader(body))
	if err != nil {
		c.T.Fatal(err)
	}
	if c.Token != "" {
		req.Header.Set("Authorization", "Bearer "+c.Token)
	}
	resp, err := c.W.Transport().RoundTrip(req)
	if err != nil {
		c.T.Fatalf("%s %s: %v", method, path, err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != want {
		c.T.Errorf("%s %s: %d, want %d: %v %.300s", method, path, resp.StatusCode, want, err, answer)
	}
	return resp.Header, answer
}

// Read is ask with GET, and the answer as an object.
func (c Client) Read(path string) map[string]any {
	c.T.Helper()
	_, body := c.Ask("GET", path, "", http.StatusOK)
	var v map[string]any
	if err := json.Unmarshal(body, &v); err != nil {
		c.T.Fatalf("%s: %v", path, err)
	}
	return v
}

// DropboxHash is what proves one of Dropbox Sign's callbacks, as a receiver reckons it.
func DropboxHash(key, at, kind string) string {
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write([]byte(at + kind))
	return hex.EncodeToString(mac.Sum(nil))
}

// EventText takes the event out of one of Dropbox Sign's callbacks.
func EventText(t *testing.T, h Heard) []byte {
	t.Helper()
	media, params, err := mime.ParseMediaType(h.Header.Get("Content-Type"))
	if err != nil || media != "multipart/form-data" {
		t.Fatalf("content type %q: %v", h.Header.Get("Content-Type"), err)
	}
	form, err := multipart.NewReader(bytes.NewReader(h.Body), params["boundary"]).ReadForm(1 << 20)
	if err != nil || len(form.Value) != 1 || len(form.File) != 0 || len(form.Value["json"]) != 1 {
		t.Fatalf("the form is not one field json: %v", err)
	}
	return []byte(form.Value["json"][0])
}

// Fetch reads JSON as an object.
func Fetch(t *testing.T, w *simulator.World, path string, account int) map[string]any {
	t.Helper()
	status, body, err := Get(t, w, "http://sim.example"+path, account)
	if err != nil || status != http.StatusOK {
		t.Fatalf("%s: %d %v %s", path, status, err, body)
	}
	var v map[string]any
	if err := json.Unmarshal(body, &v); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return v
}

// Send makes a request with a body and demands an answer of 200.
func Send(t *testing.T, w *simulator.World, method, path, body string, account int) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, "http://sim.example"+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	key := w.Accounts()[account].Settings["api_key"].(string)
	req.Header.Set("Content-Type", "application/json")
	if account == 0 {
		req.Header.Set("Authorization", "Basic "+key)
	} else {
		req.SetBasicAuth(key, "")
	}
	resp, err := w.Transport().RoundTrip(req)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%s %s: %v %v", method, path, resp, err)
	}
}

// Get asks a world and reads the answer whole, or says why that is not possible.
func Get(t *testing.T, w *simulator.World, link string, account int) (int, []byte, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, link, nil)
	if err != nil {
		t.Fatal(err)
	}
	key, _ := w.Accounts()[max(account, 0)].Settings["api_key"].(string)
	switch account {
	case 0:
		req.Header.Set("Authorization", "Basic "+key)
	case 1:
		req.SetBasicAuth(key, "")
	}
	resp, err := w.Transport().RoundTrip(req)
	if err != nil {
		return 0, nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return resp.StatusCode, body, err
}

// Sum is the SHA-256 of a file.
func Sum(b []byte) string {
	h := sha256.Sum256(b)
	return hex.EncodeToString(h[:])
}

// Asks makes a request of Documenso, and gives what came back as JSON.
func Asks(t *testing.T, w *simulator.World, method, path, body string, h http.Header) (int, http.Header, any) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, "http://sim.example/documenso"+path,
		strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header = h
	resp, err := w.Transport().RoundTrip(req)
	if err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	defer resp.Body.Close()
	var v any
	if strings.HasPrefix(resp.Header.Get("Content-Type"), "application/json") {
		if err := json.NewDecoder(resp.Body).Decode(&v); err != nil {
			t.Fatalf("%s %s: %v", method, path, err)
		}
	}
	return resp.StatusCode, resp.Header, v
}
