package world

import (
	"net/http"
	"strings"

	"countersign/provider/simulator/world/wire"
)

// Habits are what services, and what stands before and behind them, do at odds with their papers. The zero value has
// none.
type Habits struct {
	// OddRecords is the share, from 0 to 1, of list pages that carry one record more, which cannot be read: its id is
	// null, its name is a number, it is null, or it is a text.
	OddRecords float64 `json:"odd_records"`
	// Endless is how lists never end; empty: they end.
	Endless Endless `json:"endless"`
	// Maintenance is the share of JSON answers in whose place a page of HTML comes, with status 200.
	Maintenance float64 `json:"maintenance"`
	// Marks is how many byte order marks stand before the JSON of each callback and of each answer. Proofs are over the
	// bytes that are sent, marks included.
	Marks int `json:"marks"`
	// NumberOnly leaves the envelope's id out of Documenso's callbacks, as servers did until the summer of 2026: they name
	// the document by its number.
	NumberOnly bool `json:"number_only"`
	// ForwardedFor is what a proxy before the listener writes into X-Forwarded-For of each callback: an address, perhaps
	// with a port, such as 203.0.113.7:51234 or [2001:db8::7]:443. Empty: there is no proxy.
	ForwardedFor string `json:"forwarded_for"`
}

// Endless is a way in which lists never end.
type Endless string

// The ways in which lists never end.
const (
	// the page that is asked for is ignored: the first comes again, and says that more follow
	EndlessPage  Endless = "page"
	EndlessTotal Endless = "total" // far more pages are named than there are, and those beyond the end are empty
	// a page names its own cursor as the next; lists that have none do as with EndlessPage
	EndlessCursor Endless = "cursor"
)

// SetHabits changes the habits from now on. Callbacks that are queued stay as they are.
func (w *World) SetHabits(h Habits) { w.Locked(func() { w.Options.Habits = h }) }

// Page is a page of a list, perhaps with a record more that cannot be read; id and name are what those members are
// called.
func (d *Desk) Page(records []any, id, name string) []any {
	if share := d.World.Options.Habits.OddRecords; share > 0 && d.World.Rand.Float64() < share {
		return wire.WithOdd(d.World.Rand, records, id, name)
	}
	return records
}

// Begin says where a page begins that was asked for from first on, and how many records its list claims to have: as it
// should be, moved by a fault, or as the list never ends.
func (d *Desk) Begin(first, size, total int) (begin, claimed int) {
	switch d.World.Options.Habits.Endless {
	case "":
		return d.World.Shift(first, total), total
	case EndlessTotal:
		return first, total + 1000*size
	default:
		return 0, first + 2*size + total
	}
}

// Marked is JSON with the byte order marks that stand before it.
func (d *Desk) Marked(text []byte) []byte { return wire.Marked(text, d.World.Options.Habits.Marks) }

// dressed is an answer with the habits of JSON: a maintenance page in its place, or marks before it.
func (d *Desk) dressed(a wire.Answer) wire.Answer {
	if !strings.Contains(a.Header.Get("Content-Type"), "json") {
		return a
	}
	if share := d.World.Options.Habits.Maintenance; a.Status == http.StatusOK && share > 0 &&
		d.World.Rand.Float64() < share {
		return wire.Reply(http.StatusOK, "text/html; charset=utf-8", wire.MaintenancePage())
	}
	a.Body = d.Marked(a.Body)
	return a
}
