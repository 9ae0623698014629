package callback

import (
	"time"

	"golang.org/x/time/rate"

	"countersign/model"
)

// manyTimes is how much more an account may have refused in a minute than one client address.
const manyTimes = 5

// refusals bounds what callbacks without proof cost on disk: how many are kept, and how much of their bodies. What
// proves itself never comes here. It is safe for concurrent use.
type refusals struct {
	addresses *guests
	accounts  *guests
	bytes     *guests // of the bodies
}

func newRefusals(aMinute int, bytesAnHour int64) *refusals {
	return &refusals{
		addresses: newGuests(aMinute), accounts: newGuests(manyTimes * aMinute),
		bytes: guestsAt(rate.Limit(float64(bytesAnHour)/time.Hour.Seconds()), int(bytesAnHour)),
	}
}

// keep says whether a refused callback is stored at all, and takes its body out where an account has had too much.
func (r *refusals) keep(c *model.Callback) bool {
	if !r.addresses.allow(c.RemoteAddr, c.At) || !r.accounts.allow(c.Account, c.At) {
		return false
	}
	if n := len(c.Body); n > 0 && !r.bytes.allowN(c.Account, c.At, n) {
		c.Body = nil
		c.Note += "; its body was not kept: too much was refused"
	}
	return true
}
