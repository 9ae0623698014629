package progress

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"countersign/cmd/countersign/output"
	"countersign/model"
)

// Off a terminal a verify prints a line every ten seconds, with the time left at the speed that was seen; before any
// was, at that of the budget.
func TestAVerifyTellsHowFarItIs(t *testing.T) {
	t.Parallel()
	stderr, now := &bytes.Buffer{}, time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	clock := func() time.Time { return now }
	found := func(r model.Run) (int, bool) { // what a verify found stands in its result
		return strings.Count(r.Result, "x"), r.Kind == "verify"
	}
	l := &lines{to: stderr, last: now,
		pace: pace{Printer: &output.Printer{Now: clock}, budgets: map[string]int{"sales": 120}, drift: found, began: map[string]standing{}}}
	r := model.Run{ID: "r", Account: "sales", Kind: "verify", Total: 1000}
	for _, c := range []struct {
		after time.Duration
		done  int
		found string
		want  string
	}{
		{0, 0, "", ""},
		{4 * time.Second, 10, "", ""},
		{6 * time.Second, 40, "", "sales verify: 40 of 1000 rows, budget 120 a minute, about 4 min left\n"},
		{3 * time.Second, 60, "", ""},
		{7 * time.Second, 500, "xxx", "sales verify: 500 of 1000 rows, budget 120 a minute, about 20 s left, 3 drift\n"},
	} {
		stderr.Reset()
		now = now.Add(c.after)
		r.Asked, r.Result = c.done, c.found
		l.Show([]model.Run{r})
		if stderr.String() != c.want {
			t.Errorf("after %d rows it says %q, want %q", c.done, stderr, c.want)
		}
	}
	p := pace{Printer: &output.Printer{Now: clock}, drift: found, budgets: map[string]int{"sales": 30}, began: map[string]standing{}}
	if left, ok := p.left(model.Run{ID: "x", Account: "sales", Total: 60}); !ok || left != 2*time.Minute {
		t.Errorf("by the budget: %v, %v", left, ok)
	}
	if _, ok := p.left(model.Run{ID: "y", Account: "other", Total: 60}); ok {
		t.Error("without a budget nothing can be said before anything was seen")
	}
}
