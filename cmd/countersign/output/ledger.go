package output

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"countersign/model"
)

// LedgerSum is what the ledger says of one account, beside what is wanted of it.
type LedgerSum struct {
	Account string
	Since   time.Time
	Wanted  float64 // percent
	model.Share
	Recent  model.Share // since yesterday's midnight, or since, if that is later
	Repairs model.Repairs
	Firsts  map[model.Channel]int
}

// unreported is how many changes used up the error budget.
func unreported(n model.Share) int { return n.Missed + n.Late + n.Refused }

// Allowed is the error budget: how many changes may stay unreported, of as many as there were.
func Allowed(n model.Share, wanted float64) float64 {
	return float64(n.All()) * (100 - wanted) / 100
}

// used is which share of the error budget is used up; false where there is none, because nothing changed or the
// objective allows nothing.
func used(n model.Share, wanted float64) (float64, bool) {
	may := Allowed(n, wanted)
	if may == 0 {
		return 0, false
	}
	return float64(unreported(n)) / may, true
}

// Below says whether callbacks told less than what is wanted. Where nothing changed they told all.
func Below(n model.Share, wanted float64) bool {
	return n.All() > 0 && float64(unreported(n)) > Allowed(n, wanted)+1e-9
}

// BudgetWords says what is left of the error budget, as a person would.
func (p *Printer) BudgetWords(n model.Share, wanted float64) string {
	share, ok := used(n, wanted)
	switch {
	case n.All() == 0:
		return "-"
	case !ok && unreported(n) == 0:
		return "nothing may be missed"
	case !ok, Below(n, wanted):
		return p.Paint(Warn, "used up")
	}
	return fmt.Sprintf("%.0f%% left", (1-share)*100)
}

// BurnWords says how fast the budget is used since yesterday: at 1 it lasts just as long as the time that it is for.
func BurnWords(n model.Share, wanted float64) string {
	rate, ok := used(n, wanted)
	if !ok {
		return "-"
	}
	return fmt.Sprintf("%.1f", rate)
}

// ChannelWords lists which channels told first, the callbacks before the others.
func ChannelWords(firsts map[model.Channel]int) string {
	var parts []string
	for _, c := range model.Channels() {
		if n := firsts[c]; n > 0 {
			parts = append(parts, fmt.Sprintf("%s %d", channelName(c), n))
		}
	}
	return strings.Join(parts, ", ")
}

func channelName(c model.Channel) string {
	switch c {
	case model.ByCallback:
		return "callbacks"
	case model.ByHint:
		return "hints"
	case model.ByActive, model.ByIdle, model.ByAudit:
		return string(c) + " poll"
	case model.ByHand:
		return "poll --ref"
	case model.ByRecheck:
		return "other questions"
	}
	return string(c)
}

type percentilesJSON struct {
	Of  int     `json:"of"`
	P50 float64 `json:"p50"`
	P90 float64 `json:"p90"`
	P99 float64 `json:"p99"`
}

func percentilesObject(p model.Percentiles) percentilesJSON {
	return percentilesJSON{p.Of, p.P50.Seconds(), p.P90.Seconds(), p.P99.Seconds()}
}

// summaryJSON is what `gaps --summary --json` prints for each account.
type summaryJSON struct {
	Account      string          `json:"account"`
	Since        stamp           `json:"since"`
	Objective    float64         `json:"objective"` // shares are between 0 and 1
	Share        *float64        `json:"share"`     // null where nothing changed
	Told         int             `json:"told"`
	Missed       int             `json:"missed"`
	Late         int             `json:"late"`
	Refused      int             `json:"refused"`
	Unsubscribed int             `json:"unsubscribed"`
	NoEvent      int             `json:"no_event"`
	Allowed      float64         `json:"allowed"`
	Used         *float64        `json:"used"` // null where nothing is allowed, or nothing changed
	Left         float64         `json:"left"`
	Burn         *float64        `json:"burn"` // used of what is allowed for the time since yesterday
	FoundWithin  percentilesJSON `json:"found_within"`
	FoundAfter   percentilesJSON `json:"found_after"`
	LateBy       percentilesJSON `json:"late_by"`
	ToldFirst    map[string]int  `json:"told_first"`
}

// SummaryObject is what `gaps --summary` prints of one account.
func SummaryObject(l LedgerSum) summaryJSON {
	o := summaryJSON{
		Account: l.Account, Since: StampOf(l.Since), Objective: l.Wanted / 100, Told: l.Reported, Missed: l.Missed,
		Late:    l.Late,
		Refused: l.Refused, Unsubscribed: l.Unsubscribed, NoEvent: l.NoEvent,
		Allowed: Allowed(l.Share, l.Wanted), Left: Allowed(l.Share, l.Wanted) - float64(unreported(l.Share)),
		FoundWithin: percentilesObject(l.Repairs.Bound), FoundAfter: percentilesObject(l.Repairs.Dated),
		LateBy:    percentilesObject(l.Repairs.Late),
		ToldFirst: map[string]int{},
	}
	if l.All() > 0 {
		share := l.Fraction()
		o.Share = &share
	}
	if v, ok := used(l.Share, l.Wanted); ok {
		o.Used = &v
	}
	if v, ok := used(l.Recent, l.Wanted); ok {
		o.Burn = &v
	}
	for _, c := range model.Channels() {
		o.ToldFirst[string(c)] = l.Firsts[c]
	}
	return o
}

// ShareWords shows the share of changes that callbacks told, marked where it is below what is wanted.
func (p *Printer) ShareWords(n model.Share, wanted float64) string {
	s := Percent(n.Reported, n.All())
	if Below(n, wanted) {
		return p.Paint(Warn, s)
	}
	return s
}

// PercentWords shows a percentage as it is written in the config.
func PercentWords(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) + "%" }
