package worker

import (
	"path/filepath"
	"testing"
)

func TestANudgeWakesEveryLoop(t *testing.T) {
	b := newBench(t, "sqlite:"+filepath.Join(t.TempDir(), "test.db"))
	one, two := b.nudged("one"), b.nudged("two")
	b.Nudge()
	b.Nudge()
	for i, ch := range []<-chan struct{}{one, two} {
		select {
		case <-ch:
		default:
			t.Errorf("loop %d was not woken", i)
		}
		select {
		case <-ch:
			t.Errorf("loop %d was woken twice for nudges that came together", i)
		default:
		}
	}
}
