package output

import (
	"math"
	"testing"

	"countersign/model"
	"countersign/worker/console/objects"
)

func TestTheErrorBudget(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		n       model.Share
		wanted  float64
		allowed float64
		used    float64 // NaN: cannot be said
		below   bool
	}{
		"half of it":              {model.Share{Reported: 995, Missed: 2, Late: 2, Refused: 1}, 99, 10, 0.5, false},
		"all of it":               {model.Share{Reported: 990, Missed: 10}, 99, 10, 1, false},
		"more than it":            {model.Share{Reported: 989, Missed: 11}, 99, 10, 1.1, true},
		"nobody's fault":          {model.Share{Reported: 10, Unsubscribed: 90, NoEvent: 100}, 99, 0.1, 0, false},
		"nothing may be missed":   {model.Share{Reported: 10}, 100, 0, math.NaN(), false},
		"and something was":       {model.Share{Reported: 10, Late: 1}, 100, 0, math.NaN(), true},
		"nothing changed":         {model.Share{}, 99, 0, math.NaN(), false},
		"everything may be":       {model.Share{Missed: 10}, 0, 10, 1, false},
		"tenths that do not fit":  {model.Share{Reported: 999, Missed: 1}, 99.9, 1, 1, false},
		"a share below by a hair": {model.Share{Reported: 998, Missed: 2}, 99.9, 1, 2, true},
	} {
		use, ok := objects.Used(c.n, c.wanted)
		if !ok {
			use = math.NaN()
		}
		near := func(a, b float64) bool { return math.IsNaN(a) && math.IsNaN(b) || math.Abs(a-b) < 1e-6 }
		if got := objects.Allowed(c.n, c.wanted); !near(got, c.allowed) || !near(use, c.used) || objects.Below(c.n, c.wanted) != c.below {
			t.Errorf("%s: %v allowed, %v used, below %v", name, got, use, objects.Below(c.n, c.wanted))
		}
	}
}

// Every kind of channel has a name, and the summary names them all, those that told nothing too.
func TestChannelsAreNamed(t *testing.T) {
	t.Parallel()
	firsts := map[model.Channel]int{}
	for i, c := range model.Channels() {
		firsts[c] = i + 1
	}
	want := "callbacks 1, hints 2, stream 3, active poll 4, idle poll 5, audit poll 6, backfill 7, verify 8, track 9, poll --ref 10, other questions 11"
	if got := English().ChannelWords(firsts); got != want {
		t.Errorf("got %s", got)
	}
}
