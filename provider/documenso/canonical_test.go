package documenso

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"countersign/provider"
)

// decoded is the canonical payload as the general decoder and encoder make it: the longer way to the same bytes.
func decoded(raw []byte) ([]byte, error) {
	if clean := cut(raw); clean != nil {
		raw = clean
	}
	var payload map[string]any
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	if err := d.Decode(&payload); err != nil {
		return nil, err
	}
	delete(payload, "Recipient")
	recipients, _ := payload["recipients"].([]any)
	slices.SortStableFunc(recipients,
		func(a, b any) int { return compareIDs(provider.Lookup(a, "id"), provider.Lookup(b, "id")) })
	return json.Marshal(payload)
}

func sameCanonical(t *testing.T, raw []byte) {
	t.Helper()
	raw = bytes.TrimSpace(raw)
	if !json.Valid(raw) || raw[0] != '{' {
		return
	}
	want, err := decoded(raw)
	require.NoError(t, err)
	require.Equal(t, string(want), string(canonicalPayload(nil, raw)))
}

func canonicalSeeds(t testing.TB) [][]byte {
	t.Helper()
	seeds := [][]byte{
		[]byte(`{}`), []byte(` { "b" : [ 1 , 2.50 ] , "a" : { "y" : null , "x" : true } } `),
		[]byte(`{"recipients":[{"id":10,"token":"t"},{"id":9},{"id":"8"},{},7,[1],null,{"id":null},{"id":true}],"Recipient":[]}`),
		[]byte(`{"recipients":{"id":1},"TOKEN":[1,{"a":"}"}],"password":null,"tok\u0065n":"x","a":"<&>\u2028é\/","é":1,"a":2,"":""}`),
		[]byte(`{"recipients":[{"id":1,"id":2},{"id":1}],"token":"<cut>","in":{"Recipient":1,"token":{"a":[]}}}`),
	}
	files, err := filepath.Glob("testdata/callbacks/*.http")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, f := range files {
		all, err := os.ReadFile(f)
		require.NoError(t, err)
		if i := bytes.IndexByte(all, '{'); i >= 0 {
			var e event
			if json.Unmarshal(all[i:], &e) == nil && len(e.Payload) > 0 {
				seeds = append(seeds, e.Payload)
			}
		}
	}
	return seeds
}

func TestCanonicalPayloads(t *testing.T) {
	t.Parallel()
	seeds := canonicalSeeds(t)
	require.Greater(t, len(seeds), 10)
	for _, raw := range seeds {
		sameCanonical(t, raw)
	}
}

func FuzzCanonicalPayload(f *testing.F) {
	for _, raw := range canonicalSeeds(f) {
		f.Add(raw)
	}
	f.Fuzz(sameCanonical)
}
