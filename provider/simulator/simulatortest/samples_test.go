package simulatortest

import (
	"encoding/json"
	"testing"
)

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

func TestTheComparisonWithCapturesFindsWhatDiffers(t *testing.T) {
	t.Parallel()
	read := func(text string) (v any) {
		if err := json.Unmarshal([]byte(text), &v); err != nil {
			t.Fatal(err)
		}
		return v
	}
	theirs := read(`{"a":1,"b":[{"c":"x"}],"d":null,"e":{"f":true}}`)
	for ours, want := range map[string]int{
		`{"a":2,"b":[{"c":"y"}],"d":"z","e":{"f":false}}`: 0, `{"b":[],"d":null,"e":null,"a":1}`: 0,
		`{"a":"1","b":[{}],"e":{"f":true,"g":1}}`: 4,
	} {
		if got := Unlike("", read(ours), theirs); len(got) != want {
			t.Errorf("%s: %q", ours, got)
		}
	}
}
