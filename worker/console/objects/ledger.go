package objects

import (
	"maps"
	"slices"
	"time"

	"countersign/model"
)

// Ledger is what the ledger says of one account, beside what is wanted of it.
type Ledger struct {
	Account string
	Since   time.Time
	Wanted  float64 // percent
	model.Share
	Recent  model.Share // since yesterday's midnight, or since, if that is later
	Repairs model.Repairs
	Firsts  map[model.Channel]int
	Changes map[model.GapChange]model.Share // by kind of change
}

// Plus adds up what callbacks told.
func Plus(a, b model.Share) model.Share {
	return model.Share{Reported: a.Reported + b.Reported, Missed: a.Missed + b.Missed, Late: a.Late + b.Late,
		Refused: a.Refused + b.Refused, Unsubscribed: a.Unsubscribed + b.Unsubscribed, NoEvent: a.NoEvent + b.NoEvent}
}

// Unreported is how many changes used up the error budget.
func Unreported(n model.Share) int { return n.Missed + n.Late + n.Refused }

// Allowed is the error budget: how many changes may stay unreported, of as many as there were.
func Allowed(n model.Share, wanted float64) float64 {
	return float64(n.All()) * (100 - wanted) / 100
}

// Used is which share of the error budget is used up; false where there is none, because nothing changed or the
// objective allows nothing.
func Used(n model.Share, wanted float64) (float64, bool) {
	may := Allowed(n, wanted)
	if may == 0 {
		return 0, false
	}
	return float64(Unreported(n)) / may, true
}

// Below says whether callbacks told less than what is wanted. Where nothing changed they told all.
func Below(n model.Share, wanted float64) bool {
	return n.All() > 0 && float64(Unreported(n)) > Allowed(n, wanted)+1e-9
}

// Percentiles are waits in seconds.
type Percentiles struct {
	Of  int     `json:"of"`
	P50 float64 `json:"p50"`
	P90 float64 `json:"p90"`
	P99 float64 `json:"p99"`
}

func ofPercentiles(p model.Percentiles) Percentiles {
	return Percentiles{p.Of, p.P50.Seconds(), p.P90.Seconds(), p.P99.Seconds()}
}

// Summary is what `gaps --summary --json` prints for each account.
type Summary struct {
	Account      string         `json:"account"`
	Since        Stamp          `json:"since"`
	Objective    float64        `json:"objective"` // shares are between 0 and 1
	Share        *float64       `json:"share"`     // null where nothing changed
	Told         int            `json:"told"`
	Missed       int            `json:"missed"`
	Late         int            `json:"late"`
	Refused      int            `json:"refused"`
	Unsubscribed int            `json:"unsubscribed"`
	NoEvent      int            `json:"no_event"`
	Allowed      float64        `json:"allowed"`
	Used         *float64       `json:"used"` // null where nothing is allowed, or nothing changed
	Left         float64        `json:"left"`
	Burn         *float64       `json:"burn"` // used of what is allowed for the time since yesterday
	FoundWithin  Percentiles    `json:"found_within"`
	FoundAfter   Percentiles    `json:"found_after"`
	LateBy       Percentiles    `json:"late_by"`
	ToldFirst    map[string]int `json:"told_first"`
	ByChange     []ChangeShare  `json:"by_change"`
}

// ChangeShare is what callbacks told of one kind of change.
type ChangeShare struct {
	Change       string   `json:"change"`
	Share        *float64 `json:"share"` // between 0 and 1; null where none is counted
	Told         int      `json:"told"`
	Missed       int      `json:"missed"`
	Late         int      `json:"late"`
	Refused      int      `json:"refused"`
	Unsubscribed int      `json:"unsubscribed"`
	NoEvent      int      `json:"no_event"`
}

// NotCounted is how many changes are not the callbacks' fault.
func (c ChangeShare) NotCounted() int { return c.Unsubscribed + c.NoEvent }

// byChange are the kinds of change of which there was one, in the order of their words.
func byChange(all map[model.GapChange]model.Share) []ChangeShare {
	out := []ChangeShare{}
	for _, change := range slices.Sorted(maps.Keys(all)) {
		n := all[change]
		c := ChangeShare{Change: string(change), Told: n.Reported, Missed: n.Missed, Late: n.Late, Refused: n.Refused,
			Unsubscribed: n.Unsubscribed, NoEvent: n.NoEvent}
		if n.All() > 0 {
			share := n.Fraction()
			c.Share = &share
		}
		out = append(out, c)
	}
	return out
}

// OfLedger is what `gaps --summary` prints of one account.
func OfLedger(l Ledger) Summary {
	o := Summary{
		Account: l.Account, Since: At(l.Since), Objective: l.Wanted / 100, Told: l.Reported, Missed: l.Missed,
		Late:    l.Late,
		Refused: l.Refused, Unsubscribed: l.Unsubscribed, NoEvent: l.NoEvent,
		Allowed: Allowed(l.Share, l.Wanted), Left: Allowed(l.Share, l.Wanted) - float64(Unreported(l.Share)),
		FoundWithin: ofPercentiles(l.Repairs.Bound), FoundAfter: ofPercentiles(l.Repairs.Dated),
		LateBy:    ofPercentiles(l.Repairs.Late),
		ToldFirst: map[string]int{}, ByChange: byChange(l.Changes),
	}
	if l.All() > 0 {
		share := l.Fraction()
		o.Share = &share
	}
	if v, ok := Used(l.Share, l.Wanted); ok {
		o.Used = &v
	}
	if v, ok := Used(l.Recent, l.Wanted); ok {
		o.Burn = &v
	}
	for _, c := range model.Channels() {
		o.ToldFirst[string(c)] = l.Firsts[c]
	}
	return o
}
