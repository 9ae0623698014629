package output

import (
	"fmt"
	"strconv"
	"strings"

	"countersign/model"
	"countersign/worker/console/objects"
)

// BudgetWords says what is left of the error budget, as a person would.
func (p *Printer) BudgetWords(n model.Share, wanted float64) string {
	share, ok := objects.Used(n, wanted)
	switch {
	case n.All() == 0:
		return "-"
	case !ok && objects.Unreported(n) == 0:
		return "nothing may be missed"
	case !ok, objects.Below(n, wanted):
		return p.Paint(Warn, "used up")
	}
	return fmt.Sprintf("%.0f%% left", (1-share)*100)
}

// BurnWords says how fast the budget is used since yesterday: at 1 it lasts just as long as the time that it is for.
func BurnWords(n model.Share, wanted float64) string {
	rate, ok := objects.Used(n, wanted)
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

// ShareWords shows the share of changes that callbacks told, marked where it is below what is wanted.
func (p *Printer) ShareWords(n model.Share, wanted float64) string {
	s := Percent(n.Reported, n.All())
	if objects.Below(n, wanted) {
		return p.Paint(Warn, s)
	}
	return s
}

// PercentWords shows a percentage as it is written in the config.
func PercentWords(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) + "%" }
