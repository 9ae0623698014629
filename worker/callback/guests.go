package callback

import (
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// mostGuests bounds what is remembered of client addresses; those beyond share one allowance.
const mostGuests = 10_000

// guests counts what each client address, or account, sends. It is safe for concurrent use.
type guests struct {
	refill rate.Limit
	burst  int

	mu    sync.Mutex
	known map[string]*guest
	swept time.Time
	rest  *rate.Limiter // for those who find no room
}

type guest struct {
	*rate.Limiter
	seen time.Time
}

func newGuests(aMinute int) *guests { return guestsAt(rate.Limit(float64(aMinute)/60), aMinute) }

// guestsAt gives each an allowance of burst, refilled by so many a second.
func guestsAt(refill rate.Limit, burst int) *guests {
	g := &guests{refill: refill, burst: burst, known: map[string]*guest{}}
	g.rest = g.limiter()
	return g
}

func (g *guests) limiter() *rate.Limiter {
	return rate.NewLimiter(g.refill, g.burst)
}

// allow says whether an address may send one more at a time.
func (g *guests) allow(address string, at time.Time) bool { return g.allowN(address, at, 1) }

// allowN is allow for n at once.
func (g *guests) allowN(address string, at time.Time, n int) bool {
	name := network(address)
	g.mu.Lock()
	defer g.mu.Unlock()
	who := g.known[name]
	if who == nil {
		if len(g.known) >= mostGuests {
			g.sweep(at)
		}
		if len(g.known) >= mostGuests {
			return g.rest.AllowN(at, n)
		}
		who = &guest{Limiter: g.limiter()}
		g.known[name] = who
	}
	who.seen = at
	return who.AllowN(at, n)
}

// sweep forgets those whose allowance is whole again, at most once a second.
func (g *guests) sweep(at time.Time) {
	if at.Sub(g.swept) < time.Second {
		return
	}
	g.swept = at
	for name, who := range g.known {
		if at.Sub(who.seen) >= time.Minute {
			delete(g.known, name)
		}
	}
}

// network is what one client can be held to: an IPv4 address, or the 64 bits of IPv6 that a household has.
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
