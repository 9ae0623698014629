package ask

import (
	"testing"
	"time"

	"countersign/provider"
)

func TestAWaitThatNobodyNamedIsNoLongerThanOurs(t *testing.T) {
	t.Parallel()
	g := NewGate(GateOptions{RetryMost: 3 * time.Second})
	if got := g.Asked(&provider.RetryAfter{Wait: time.Minute, Unasked: true}); got != 3*time.Second {
		t.Errorf("a wait of our own making: %s", got)
	}
	if got := g.Asked(&provider.RetryAfter{Wait: time.Minute}); got != time.Minute {
		t.Errorf("a wait that the service asked for: %s", got)
	}
}
