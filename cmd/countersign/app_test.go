package main

import (
	"bytes"
	"encoding/json"
	"strings"
	"sync"
	"testing"
	"time"

	"countersign/cmd/countersign/config/configtest"
	"countersign/provider"
)

// nine is the moment in which these tests live.
var nine = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

// testApp is an app with a clock that stands, an environment of its own and a made-up provider.
func testApp(env map[string]string) (a *app, stdout, stderr *bytes.Buffer) {
	stdout, stderr = &bytes.Buffer{}, &bytes.Buffer{}
	a = newApp(strings.NewReader(""), stdout, stderr)
	a.Now = func() time.Time { return nine }
	a.Lookup = func(name string) (string, bool) { v, ok := env[name]; return v, ok }
	a.Providers = onPaper("onespan", "dropboxsign")
	return a, stdout, stderr
}

// safeBuffer keeps what several write.
type safeBuffer struct {
	mu   sync.Mutex
	b    bytes.Buffer
	word string        // what is waited for; "" for nothing
	said chan struct{} // closed once word was written
}

// waitingFor is a buffer that tells when a word was written to it.
func waitingFor(word string) *safeBuffer { return &safeBuffer{word: word, said: make(chan struct{})} }

func (b *safeBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	n, err := b.b.Write(p)
	if b.word != "" && bytes.Contains(b.b.Bytes(), []byte(b.word)) {
		b.word = ""
		close(b.said)
	}
	return n, err
}

func (b *safeBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// objectsIn reads an object a line.
func objectsIn(t *testing.T, text string) (out []map[string]any) {
	t.Helper()
	for line := range strings.Lines(text) {
		var o map[string]any
		if err := json.Unmarshal([]byte(line), &o); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		out = append(out, o)
	}
	return out
}

// onPaper are providers on paper with the traits of those of the names.
func onPaper(names ...string) map[string]provider.Driver {
	all := map[string]provider.Driver{}
	for _, name := range names {
		all[name] = provider.Driver{Traits: providers()[name].Traits, New: configtest.Paper}
	}
	return all
}
