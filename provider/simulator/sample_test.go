package simulator

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// sample reads one of the vendors' samples, or skips the test where they are not at hand.
func sample(t *testing.T, name string) any {
	t.Helper()
	shared := os.Getenv("COUNTERSIGN_SHARED")
	if shared == "" {
		shared = filepath.Join("..", "..", "..", "shared")
	}
	text, err := os.ReadFile(filepath.Join(shared, "providers", "samples", name))
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatalf("the samples are not at hand: %v (COUNTERSIGN_SHARED names their folder)", err)
		}
		t.Skipf("the vendors' samples are not at hand, so nothing is held against them: %v (COUNTERSIGN_SHARED names their folder)", err)
	}
	var v any
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

// resembles says where a value lacks a member of a sample, or has it in another type. What either
// leaves null is not compared; of a sample's lists the first element stands for all.
func resembles(at string, want, got any) []string {
	if want == nil || got == nil {
		return nil
	}
	switch want := want.(type) {
	case map[string]any:
		has, ok := got.(map[string]any)
		if !ok {
			return []string{fmt.Sprintf("%s is %T and no object", at, got)}
		}
		var all []string
		for key, v := range want {
			have, some := has[key]
			if !some {
				all = append(all, at+"."+key+" is missing")
				continue
			}
			all = append(all, resembles(at+"."+key, v, have)...)
		}
		return all
	case []any:
		list, ok := got.([]any)
		if !ok {
			return []string{fmt.Sprintf("%s is %T and no list", at, got)}
		}
		var all []string
		for i, v := range list {
			if len(want) > 0 {
				all = append(all, resembles(fmt.Sprintf("%s[%d]", at, i), want[0], v)...)
			}
		}
		return all
	}
	if fmt.Sprintf("%T", want) != fmt.Sprintf("%T", got) {
		return []string{fmt.Sprintf("%s is %T, in the sample %T", at, got, want)}
	}
	return nil
}

// likeSample holds JSON text against a sample.
func likeSample(t *testing.T, name string, text []byte) {
	t.Helper()
	var v any
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatalf("%s: %v: %.200s", name, err, text)
	}
	for _, fault := range resembles("", sample(t, name), v) {
		t.Errorf("%s: %s", name, fault)
	}
}

func TestResemblanceSeesWhatIsMissingOrOfAnotherType(t *testing.T) {
	t.Parallel()
	want := map[string]any{"a": "x", "list": []any{map[string]any{"b": 1.0}}, "none": nil}
	for text, faults := range map[string]int{
		`{"a":"y","list":[],"none":3}`: 0, `{"a":null,"list":[{"b":2,"c":3}],"none":null}`: 0,
		`{"a":1,"list":[{}],"none":null}`: 2, `{"list":{},"none":null}`: 2, `{"a":"","list":[{"b":"2"}]}`: 2, `[]`: 1,
	} {
		var got any
		if err := json.Unmarshal([]byte(text), &got); err != nil {
			t.Fatal(err)
		}
		if all := resembles("", want, got); len(all) != faults {
			t.Errorf("%s: %v", text, all)
		}
	}
}

// client speaks to one simulated service with its key.
type client struct {
	t     *testing.T
	w     *World
	base  string
	token string
}

// ask makes a request and demands a status.
func (c client) ask(method, path, body string, want int) (http.Header, []byte) {
	c.t.Helper()
	link := path
	if strings.HasPrefix(path, "/") {
		link = c.base + path
	}
	req, err := http.NewRequestWithContext(c.t.Context(), method, link, strings.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
	resp, err := c.w.Transport().RoundTrip(req)
	if err != nil {
		c.t.Fatalf("%s %s: %v", method, path, err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != want {
		c.t.Errorf("%s %s: %d, want %d: %v %.300s", method, path, resp.StatusCode, want, err, answer)
	}
	return resp.Header, answer
}

// read is ask with GET, and the answer as an object.
func (c client) read(path string) map[string]any {
	c.t.Helper()
	_, body := c.ask("GET", path, "", http.StatusOK)
	var v map[string]any
	if err := json.Unmarshal(body, &v); err != nil {
		c.t.Fatalf("%s: %v", path, err)
	}
	return v
}
