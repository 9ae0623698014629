package access

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Where no token is needed, all browsers on this machine are one: dozens of tabs read more than 1,200 times a minute.
func TestThisMachineMayAskTenTimesAsMuch(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 30, 6, 12, 20, 0, time.UTC)
	l := &limits{now: func() time.Time { return now }}
	taken := func(who string, write bool) (n int) {
		for l.take(who, write) == 0 {
			n++
		}
		return n
	}
	require.Equal(t, 12_000, taken(LocalName, false))
	require.Equal(t, 600, taken(LocalName, true))
	require.Equal(t, 1200, taken("token crm", false))
	require.Equal(t, 60, taken("token crm", true))
	require.Equal(t, 40*time.Second, l.take(LocalName, false))
}
