package provider

import (
	"encoding/json"
	"strings"
	"testing"

	"countersign/model"
)

func TestASampleTellsNothingOfWhatItSays(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]string{
		`null`: `null`, `"Ada Lovelace"`: `"…"`, `12345`: `0`, `true`: `true`, `[1,"x",null,4]`: `[0,"…"]`,
		`<html>Ada`: `not JSON`, ``: `not JSON`,
		`{"id":null,"name":7,"email":"ada@example.org","to":{"phone":"+44"}}`: `{"email":"…","id":null,"name":0,"to":{"phone":"…"}}`,
		`{"ada@example.org":1,"Ada Lovelace":2}`:                              `{"…":0}`,
		`{"a":{"b":{"c":{"d":{"e":1}}}}}`:                                     `{"a":{"b":{"c":{"d":"…"}}}}`,
	} {
		if got := Sample([]byte(raw)); got != want {
			t.Errorf("%s: got %s, want %s", raw, got, want)
		}
	}
	long := `{"` + strings.Repeat(`x":"a","x`, 10) + `":1,"list":[`
	for range 40 {
		long += `{"` + strings.Repeat("y", 30) + `":["a","b"]},`
	}
	if got := Sample([]byte(strings.TrimSuffix(long, ",") + "]}")); len(got) > sampleBytes+len("…") {
		t.Errorf("%d bytes", len(got))
	}
}

func TestSkippedRecordsAreCountedByKind(t *testing.T) {
	t.Parallel()
	var s []model.Skipped
	s = Skip(s, model.SkippedSigner)
	s = Skip(s, model.SkippedSigner, json.RawMessage(`null`), json.RawMessage(`7`))
	s = Skip(s, model.SkippedDocument, json.RawMessage(`"x"`))
	s = Skip(s, model.SkippedSigner, json.RawMessage(`7`))
	if len(s) != 2 || s[0] != (model.Skipped{Kind: "signer", Count: 3, Sample: "null"}) ||
		s[1] != (model.Skipped{Kind: "document", Count: 1, Sample: `"…"`}) {
		t.Errorf("%+v", s)
	}
}
