package budget

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

const (
	longestWait = 24 * time.Hour // the most that a Retry-After is taken for
	// QuotaLeast is the least pause after an answer that says that nothing is left of the quota.
	QuotaLeast = time.Second
	quotaMost  = time.Minute
)

// AskedWait reads how long the service asks us to wait, in seconds or until a date. Dates are
// taken against the service's own clock where it tells the time; without any clock they tell nothing.
func AskedWait(h http.Header, now time.Time) (time.Duration, bool) {
	v := strings.TrimSpace(h.Get("Retry-After"))
	if v == "" {
		return 0, false
	}
	if n, err := strconv.ParseFloat(v, 64); err == nil {
		if !(n >= 0) {
			return 0, false
		}
		return time.Duration(min(n, longestWait.Seconds()) * float64(time.Second)), true
	}
	at, err := http.ParseTime(v)
	if now = serviceTime(h, now); err != nil || now.IsZero() {
		return 0, false
	}
	return min(max(at.Sub(now), 0), longestWait), true
}

func serviceTime(h http.Header, now time.Time) time.Time {
	if at, err := http.ParseTime(h.Get("Date")); err == nil {
		return at
	}
	return now
}

// QuotaPause reads the quota headers (Dropbox Sign's, in both spellings). It is zero while
// something is left. The reset may lie in the past.
func QuotaPause(h http.Header, now time.Time) time.Duration {
	spent := false
	for _, name := range []string{"X-RateLimit-Remaining", "X-RateLimit-Limit-Remaining"} {
		if n, err := strconv.ParseInt(strings.TrimSpace(h.Get(name)), 10, 64); err == nil {
			if n > 0 {
				return 0
			}
			spent = true
		}
	}
	if !spent {
		return 0
	}
	wait := QuotaLeast
	if n, err := strconv.ParseInt(strings.TrimSpace(h.Get("X-RateLimit-Reset")), 10, 64); err == nil && n > 0 {
		wait = time.Unix(n, 0).Sub(serviceTime(h, now))
	}
	return min(max(wait, QuotaLeast), quotaMost)
}
