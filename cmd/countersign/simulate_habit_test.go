package main

import (
	"strings"
	"testing"

	"countersign/cmd/countersign/output"
	"countersign/provider/simulator"
)

// Each --habit sets what it names, with its value or its own, and nothing else.
func TestHabitFlag(t *testing.T) {
	t.Parallel()
	for given, want := range map[string]simulator.Habits{
		"odd-records":                       {OddRecords: 0.2},
		"odd-records=1":                     {OddRecords: 1},
		"maintenance=0.5":                   {Maintenance: 0.5},
		"endless":                           {Endless: "page"},
		"endless=total":                     {Endless: "total"},
		"endless=cursor":                    {Endless: "cursor"},
		"marks":                             {Marks: 1},
		"marks=2":                           {Marks: 2},
		"number-only":                       {NumberOnly: true},
		"forwarded-for":                     {ForwardedFor: "203.0.113.7:51234"},
		"forwarded-for=[2001:db8::7]:443":   {ForwardedFor: "[2001:db8::7]:443"},
		"forwarded-for=2001:db8::7":         {ForwardedFor: "2001:db8::7"},
		"marks=2 endless=page odd-records=": {Marks: 2, Endless: "page", OddRecords: 0.2},
	} {
		var got simulator.Habits
		for _, one := range strings.Fields(given) {
			if err := (habitFlag{&got}).Set(one); err != nil {
				t.Errorf("%s: %v", one, err)
			}
		}
		if got != want {
			t.Errorf("--habit %s is %+v, want %+v", given, got, want)
		}
	}
	long := newSimulateCommand(nil).Long
	for name := range habitReaders() {
		if !strings.Contains(long, "\n  "+name) {
			t.Errorf("the help of simulate does not explain the habit %s", name)
		}
	}
	for _, wrong := range []string{"", "nope", "marks=x", "marks=-1", "odd-records=2", "maintenance=NaN", "endless=ever",
		"number-only=1", "forwarded-for=here"} {
		a, _, stderr := testApp(nil)
		if code := a.run(t.Context(), []string{"simulate", "--for", "1ms", "--habit", wrong}); code != output.ExitUsage {
			t.Errorf("--habit %q: exit %d: %s", wrong, code, stderr)
		}
	}
}
