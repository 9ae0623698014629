package worker

import (
	"testing"
	"time"

	"countersign/provider"
)

func TestAWaitThatNobodyNamedIsNoLongerThanOurs(t *testing.T) {
	t.Parallel()
	w := New(Options{RetryMost: 3 * time.Second})
	if got := w.wait(&provider.RetryAfter{Wait: time.Minute, Unasked: true}); got != 3*time.Second {
		t.Errorf("a wait of our own making: %s", got)
	}
	if got := w.wait(&provider.RetryAfter{Wait: time.Minute}); got != time.Minute {
		t.Errorf("a wait that the service asked for: %s", got)
	}
}
