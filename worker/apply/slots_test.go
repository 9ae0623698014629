package apply

import "testing"

func TestACronLineThatNeverFiresOrPanicsIsRefused(t *testing.T) {
	for _, line := range []string{"", "TZ=0", "0 0 31 2 *", "every day", "* * * * * * *"} {
		if _, err := ParseSlot(line); err == nil {
			t.Errorf("%q was taken", line)
		}
	}
	for _, line := range []string{"0 */6 * * *", "*/5 0 3 * * *", "@daily"} {
		if _, err := ParseSlot(line); err != nil {
			t.Errorf("%q: %v", line, err)
		}
	}
}
