package tree

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// ParseDuration reads Go's durations and whole days and weeks, also together: 1w2d12h.
func ParseDuration(s string) (time.Duration, error) {
	rest, sum := s, time.Duration(0)
	for _, unit := range []struct {
		letter string
		is     time.Duration
	}{{"w", 7 * 24 * time.Hour}, {"d", 24 * time.Hour}} {
		head, tail, found := strings.Cut(rest, unit.letter)
		if !found {
			continue
		}
		n, err := strconv.ParseUint(head, 10, 32)
		if err != nil {
			return 0, fmt.Errorf("%q is not a duration such as 30d, 2w, 12h or 5m", s)
		}
		if n > uint64(longest/unit.is) {
			return 0, fmt.Errorf("%q is more than a hundred years", s)
		}
		sum, rest = sum+time.Duration(n)*unit.is, tail
	}
	if rest == "" && s != "" {
		return sum, nil
	}
	d, err := time.ParseDuration(rest)
	if err != nil || d < 0 {
		return 0, fmt.Errorf("%q is not a duration such as 30d, 2w, 12h or 5m", s)
	}
	if d > longest || sum+d > longest {
		return 0, fmt.Errorf("%q is more than a hundred years", s)
	}
	return sum + d, nil
}

// longest keeps sums of durations far from overflowing.
const longest = 100 * 365 * 24 * time.Hour
