package provider

import (
	"errors"
	"strings"
	"testing"
)

func TestWhiteSpaceAroundSettingsIsCut(t *testing.T) {
	t.Parallel()
	type inner struct {
		URL string `yaml:"token_url"`
	}
	type settings struct {
		Key    Secret            `yaml:"api_key"`
		Keys   []Secret          `yaml:"callback_keys"`
		In     *inner            `yaml:"oauth"`
		None   *inner            `yaml:"none"`
		Prefix string            `yaml:"prefix" spaces:"meant"`
		Words  map[string]string `yaml:"words"`
		N      int               `yaml:"n"`
	}
	var set settings
	faults, err := ReadSettings(Options{Settings: func(v any) error {
		*v.(*settings) = settings{
			Key: " key\r\n", Keys: []Secret{"one", "\ttwo \n", "thr\nee\n",
				" \n"}, In: &inner{"https://x.example.com\n"}, Prefix: "sha256 ", N: 7,
			Words: map[string]string{" in review ": " x "},
		}
		return nil
	}}, &set)
	if err != nil || faults == nil ||
		faults.Error() != "settings.callback_keys[2]: holds a line break or another control character inside" {
		t.Errorf("faults %v, %v", faults, err)
	}
	if set.Key != "key" || set.Keys[0] != "one" || set.Keys[1] != "two" || set.Keys[3] != "" ||
		set.In.URL != "https://x.example.com" {
		t.Errorf("cut to %q %q %+v", set.Key.Reveal(), set.Keys[1].Reveal(), set.In)
	}
	if set.Prefix != "sha256 " || set.Words[" in review "] != " x " || set.None != nil {
		t.Errorf("changed what is meant: %+v", set)
	}
	if strings.Contains(faults.Error(), "ee") {
		t.Error("the fault tells the secret")
	}
	broken := errors.New("not a mapping")
	if faults, err := ReadSettings(Options{Settings: func(any) error { return broken }}, &set); faults != nil ||
		!errors.Is(err, broken) {
		t.Errorf("%v, %v", faults, err)
	}
	for base, want := range map[string]string{"": "https://prod", " \n": "https://prod", "https://x/ \n": "https://x",
		"https://x//": "https://x"} {
		if got := (Options{BaseURL: base}).Base("https://prod"); got != want {
			t.Errorf("%q: %s", base, got)
		}
	}
}
