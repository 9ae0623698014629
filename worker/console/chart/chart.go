// Package chart draws bars and sparklines as SVG, with the words and the table that say the same. It is pure. What it
// draws has classes and attributes and no styles of its own, as the header of the pages demands.
package chart

import (
	"html/template"
	"math"
	"strings"
)

// The size of the drawings, in units of their view box. Bars are as wide as the page lets them be.
const (
	barsHeight  = 96
	barWidth    = 10
	barGap      = 2
	sparkHeight = 24
	sparkWidth  = 96
	margin      = 2 // above and below the line of a sparkline, so that its ends are whole
)

// Bar is one day: what callbacks told below, and what they did not tell hatched above.
type Bar struct {
	Label    string // the day, as the table says it
	Sentence string // what the bar says, for those who hear it
	Href     string // the list of its day; "": there is none
	Told     int
	Untold   int
}

// Words are what a chart says.
type Words struct {
	Name              string // one sentence that says what the chart shows
	Table             string // what opens the table; "": there is none
	Day, Told, Untold string // the heads of the table
	Numbers           func(int64) string
	Pattern           string // an id of its own on the page
}

// drawn is a bar with its place.
type drawn struct {
	Bar
	X, Width                 int
	ToldY, ToldHeight        float64
	UntoldY, UntoldHeight    float64
	ToldNumber, UntoldNumber string
}

// Bars draws a bar for each day, all to one scale, and their table.
func Bars(w Words, bars []Bar) (template.HTML, error) {
	most := 1
	for _, b := range bars {
		most = max(most, b.Told+b.Untold)
	}
	if w.Numbers == nil {
		w.Numbers = plainNumber
	}
	page := struct {
		Words
		Bars          []drawn
		Width, Height int
	}{w, nil, max(1, len(bars)*barWidth), barsHeight}
	for i, b := range bars {
		d := drawn{Bar: b, X: i*barWidth + barGap/2, Width: barWidth - barGap,
			ToldNumber: w.Numbers(int64(b.Told)), UntoldNumber: w.Numbers(int64(b.Untold))}
		d.UntoldHeight = height(b.Untold, most)
		d.ToldHeight = round(min(height(b.Told, most), barsHeight-d.UntoldHeight))
		d.ToldY = round(barsHeight - d.ToldHeight)
		d.UntoldY = round(d.ToldY - d.UntoldHeight)
		page.Bars = append(page.Bars, d)
	}
	return render("bars", page)
}

// height is how high a part of a bar stands. What is not nothing is seen: one of a thousand is a line.
func height(n, most int) float64 {
	if n <= 0 {
		return 0
	}
	return round(max(2, float64(n)/float64(most)*barsHeight))
}

// Unknown is a point of a sparkline at which nothing is known: the line has a hole there.
func Unknown() float64 { return math.NaN() }

// Ends are the first, the last and the lowest point that are known; false where none is.
func Ends(points []float64) (first, last, lowest float64, ok bool) {
	for _, p := range points {
		if math.IsNaN(p) {
			continue
		}
		if !ok {
			first, lowest, ok = p, p, true
		}
		last, lowest = p, min(lowest, p)
	}
	return first, last, lowest, ok
}

// Sparkline draws points as a line without axes, from floor to ceiling; what lies outside is drawn at the edge. name is
// a sentence with its first, last and lowest point. Without a point that is known it draws nothing.
func Sparkline(name string, points []float64, floor, ceiling float64) (template.HTML, error) {
	var lines []string
	var line []string
	end := func() {
		if len(line) == 1 {
			line = append(line, line[0]) // a point alone, which is seen as a dot
		}
		if len(line) > 0 {
			lines = append(lines, strings.Join(line, " "))
		}
		line = nil
	}
	for i, p := range points {
		if math.IsNaN(p) {
			end()
			continue
		}
		line = append(line, place(i, len(points), share(p, floor, ceiling)))
	}
	end()
	if len(lines) == 0 {
		return "", nil
	}
	return render("sparkline", struct {
		Name          string
		Lines         []string
		Width, Height int
	}{name, lines, sparkWidth, sparkHeight})
}

// share is where a value lies between floor and ceiling, 0 to 1.
func share(v, floor, ceiling float64) float64 {
	if ceiling <= floor {
		return 1
	}
	return min(1, max(0, (v-floor)/(ceiling-floor)))
}

func place(i, of int, share float64) string {
	x := 0.0
	if of > 1 {
		x = float64(i) / float64(of-1) * sparkWidth
	}
	y := margin + (1-share)*(sparkHeight-2*margin)
	return number(x) + "," + number(y)
}
