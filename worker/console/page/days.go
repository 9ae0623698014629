package page

import (
	"html/template"
	"slices"
	"time"

	"countersign/model"
	"countersign/worker/console/chart"
	"countersign/worker/console/objects"
	"countersign/worker/console/reads"
)

const day = 24 * time.Hour

// Days draws what callbacks told and did not tell on each day, UTC, from a day on: of some accounts, or of all where none
// is named. A bar leads to the gaps of its day. name says what the drawing
// shows.
func (s *Server) Days(r *Request, days reads.Days, from time.Time, accounts []string, name string) (template.HTML, error) {
	byDay := map[string]model.Share{}
	for _, one := range days.Shares {
		if len(accounts) == 0 || slices.Contains(accounts, one.Account) {
			byDay[one.Day] = objects.Plus(byDay[one.Day], one.Share)
		}
	}
	say := r.Words
	var bars []chart.Bar
	for at := from.UTC().Truncate(day); !at.After(days.At); at = at.Add(day) {
		sum := byDay[at.Format(time.DateOnly)]
		untold := objects.Unreported(sum)
		bars = append(bars, chart.Bar{
			Label: say.Date(at), Told: sum.Reported, Untold: untold,
			Sentence: say.Say("gaps.chart.day", "date", say.Date(at), "told", sum.Reported, "untold", untold),
			Href: s.Look.Base() + With("/gaps", map[string][]string{"account": accounts}, "since", at.Format(time.DateOnly),
				"until", at.Add(day).Format(time.DateOnly)),
		})
	}
	return chart.Bars(chart.Words{Name: name, Table: say.Say("gaps.chart.table"), Day: say.Say("gaps.chart.head"),
		Told: say.Say("gaps.told"), Untold: say.Say("gaps.untold"), Numbers: say.Number, Pattern: "untold"}, bars)
}
