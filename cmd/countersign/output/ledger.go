package output

import (
	"fmt"
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
		return p.Say("cli.budget.nothing")
	case !ok, objects.Below(n, wanted):
		return p.Paint(Warn, p.Say("cli.budget.used_up"))
	}
	return p.Say("cli.budget.left", "percent", p.percent(fmt.Sprintf("%.0f", (1-share)*100)))
}

// BurnWords says how fast the budget is used since yesterday: at 1 it lasts just as long as the time that it is for.
func (p Speech) BurnWords(n model.Share, wanted float64) string {
	rate, ok := objects.Used(n, wanted)
	if !ok {
		return "-"
	}
	return p.Decimal(rate)
}

// ChannelWords lists which channels told first, the callbacks before the others.
func (p Speech) ChannelWords(firsts map[model.Channel]int) string {
	var parts []string
	for _, c := range model.Channels() {
		if n := firsts[c]; n > 0 {
			parts = append(parts, fmt.Sprintf("%s %d", p.Word("channel", string(c)), n))
		}
	}
	return strings.Join(parts, ", ")
}

// ShareWords shows the share of changes that callbacks told, marked where it is below what is wanted.
func (p *Printer) ShareWords(n model.Share, wanted float64) string {
	s := p.Percent(n.Reported, n.All())
	if objects.Below(n, wanted) {
		return p.Paint(Warn, s)
	}
	return s
}
