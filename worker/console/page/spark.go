package page

import (
	"html/template"
	"time"

	"countersign/model"
	"countersign/worker/console/chart"
	"countersign/worker/console/objects"
	"countersign/worker/console/reads"
)

// Spark is the share that callbacks told by day, of the days that are counted, with its first, lowest and last in words.
type Spark struct {
	Line template.HTML // nothing where fewer than two days are known
	Text string
}

// lowestSpark is where a line begins whose lowest day is above it.
const lowestSpark = 0.8

// Spark draws what callbacks told of an account by day. A day on which nothing changed is a hole.
func (s *Server) Spark(r *Request, days reads.Days, account string) (out Spark, err error) {
	shares := map[string]model.Share{}
	for _, one := range days.Shares {
		if one.Account == account {
			shares[one.Day] = objects.Plus(shares[one.Day], one.Share)
		}
	}
	known := 0
	var points []float64
	for at := days.Since; !at.After(days.At); at = at.Add(day) {
		point := chart.Unknown()
		if told := shares[at.Format(time.DateOnly)]; told.All() > 0 {
			point = told.Fraction()
			known++
		}
		points = append(points, point)
	}
	if known < 2 {
		return out, nil
	}
	say := r.Words
	first, last, lowest, _ := chart.Ends(points)
	out.Text = say.Say("accounts.spark", "first", say.Percent(first), "lowest", say.Percent(lowest), "last", say.Percent(last))
	out.Line, err = chart.Sparkline(out.Text, points, min(lowest, lowestSpark), 1)
	return out, err
}
