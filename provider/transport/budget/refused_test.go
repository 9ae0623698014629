package budget

import (
	"testing"
	"time"
)

// A call that left before a refusal is refused too, after another call was taken: it is the same refusal, told again.
func TestARefusalThatComesAfterASuccess(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	b := New(100, time.Hour, func() time.Time { return now })
	early := now
	now = now.Add(time.Second)
	if got := b.RefusedAt(now, 0); got != 2*time.Second {
		t.Errorf("the first: %s", got)
	}
	b.Taken(now.Add(time.Second))
	if got := b.RefusedAt(early, 0); got != 2*time.Second {
		t.Errorf("the late one: %s", got)
	}
}
