package callback

import (
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"countersign/model"
)

// maxNamed bounds how many names a rates remembers; those beyond share one allowance.
const maxNamed = 10_000

// rates bounds how much each client address, or account, may send. It is safe for concurrent use.
type rates struct {
	refill rate.Limit
	burst  int

	mu     sync.Mutex
	named  map[string]*allowance
	swept  time.Time
	shared *rate.Limiter // of all names beyond maxNamed
}

// allowance is what one name may still send.
type allowance struct {
	*rate.Limiter
	usedAt time.Time
}

// perMinute allows each name n at once, and n more a minute.
func perMinute(n int) *rates { return newRates(rate.Limit(float64(n)/60), n) }

// newRates allows each name burst at once, refilled at so many a second.
func newRates(refill rate.Limit, burst int) *rates {
	return &rates{refill: refill, burst: burst, named: map[string]*allowance{}, shared: rate.NewLimiter(refill, burst)}
}

// allow reports whether a name may send one more at a time, and counts it.
func (r *rates) allow(name string, at time.Time) bool { return r.allowN(name, at, 1) }

// allowN is allow for n at once.
func (r *rates) allowN(name string, at time.Time, n int) bool {
	name = network(name)
	r.mu.Lock()
	defer r.mu.Unlock()
	a := r.named[name]
	if a == nil {
		if len(r.named) >= maxNamed {
			r.sweep(at)
		}
		if len(r.named) >= maxNamed {
			return r.shared.AllowN(at, n)
		}
		a = &allowance{Limiter: rate.NewLimiter(r.refill, r.burst)}
		r.named[name] = a
	}
	a.usedAt = at
	return a.AllowN(at, n)
}

// sweep removes the names not used for a minute, at most once a second.
func (r *rates) sweep(at time.Time) {
	if at.Sub(r.swept) < time.Second {
		return
	}
	r.swept = at
	for name, a := range r.named {
		if at.Sub(a.usedAt) >= time.Minute {
			delete(r.named, name)
		}
	}
}

// network names what one client holds: an IPv4 address, or the /64 of IPv6 that a household has.
func network(address string) string {
	ip, err := netip.ParseAddr(address)
	if err != nil || ip.Unmap().Is4() {
		return address
	}
	p, err := ip.WithZone("").Prefix(64)
	if err != nil {
		return address
	}
	return p.String()
}

// accountFactor is how many times more an account may have refused in a minute than one client address.
const accountFactor = 5

// refusals bounds what refused callbacks cost on disk: how many are stored, and how many bytes of their bodies.
// Callbacks that prove themselves never come here. It is safe for concurrent use.
type refusals struct {
	addresses *rates
	accounts  *rates
	bytes     *rates // of an account's bodies
}

func newRefusals(aMinute int, bytesAnHour int64) *refusals {
	return &refusals{
		addresses: perMinute(aMinute), accounts: perMinute(accountFactor * aMinute),
		bytes: newRates(rate.Limit(float64(bytesAnHour)/time.Hour.Seconds()), int(bytesAnHour)),
	}
}

// admit reports whether a refused callback is stored, and takes its body out where its account has had too much.
func (r *refusals) admit(c *model.Callback) bool {
	if !r.addresses.allow(c.RemoteAddr, c.At) || !r.accounts.allow(c.Account, c.At) {
		return false
	}
	if n := len(c.Body); n > 0 && !r.bytes.allowN(c.Account, c.At, n) {
		c.Body = nil
		c.Note += "; its body was not kept: too much was refused"
	}
	return true
}
