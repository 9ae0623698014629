package tables

import (
	"fmt"
	"math"
	"strings"
)

// The picture's measures, in pixels.
const (
	width, height            = 720, 360
	left, right, top, bottom = 70, 20, 40, 50
)

// SVG draws what an event costs by the size of the table: the processor time, and 1.3 times that at a hundred thousand
// callbacks, which is what the design allows. It is readable on light and on dark ground.
func (g Growth) SVG() string {
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" role="img" font-family="sans-serif" `+
		"font-size=\"13\">\n", width, height)
	b.WriteString(`<title>Processor time of the daemon for an event, by callbacks in the table</title>
<style>
.ink { fill: #222; } .line { stroke: #0969da; fill: none; stroke-width: 2; } .dot { fill: #0969da; }
.grid { stroke: #8888; stroke-width: 1; } .goal { stroke: #bf5700; stroke-dasharray: 6 4; fill: none; }
@media (prefers-color-scheme: dark) { .ink { fill: #ddd; } .line { stroke: #58a6ff; } .dot { fill: #58a6ff; }
.goal { stroke: #ffa657; } }
</style>
`)
	if len(g.Points) == 0 {
		return b.String() + "</svg>\n"
	}
	low, high, most := g.bounds()
	x := func(n float64) float64 {
		return left + (math.Log10(n)-low)/max(high-low, 1)*(width-left-right)
	}
	y := func(v float64) float64 { return height - bottom - v/most*(height-top-bottom) }
	text := func(at, up float64, anchor, s string) {
		fmt.Fprintf(&b, "<text class=\"ink\" x=\"%.0f\" y=\"%.0f\" text-anchor=\"%s\">%s</text>\n", at, up, anchor, s)
	}
	text(left, 22, "start", "microseconds of processor time for an event, 64 connections")
	for i := range 5 {
		v := most * float64(i) / 4
		fmt.Fprintf(&b, "<path class=\"grid\" d=\"M%d %.1fH%d\"/>\n", left, y(v), width-right)
		text(left-8, y(v)+4, "end", fmt.Sprintf("%.0f", v))
	}
	for p := low; p <= high; p++ {
		text(x(math.Pow(10, p)), height-bottom+20, "middle", thousands(int(math.Pow(10, p))))
	}
	text((width+left-right)/2, height-8, "middle", "callbacks in the table")
	var path []string
	for _, p := range g.Points {
		at, up := x(float64(max(p.Callbacks, 1))), y(p.CPU)
		path = append(path, fmt.Sprintf("%.1f %.1f", at, up))
		fmt.Fprintf(&b, "<circle class=\"dot\" cx=\"%.1f\" cy=\"%.1f\" r=\"4\"/>\n", at, up)
		text(at, up-10, "middle", fmt.Sprintf("%.0f", p.CPU))
		if p.Callbacks >= 90_000 && p.Callbacks <= 110_000 {
			fmt.Fprintf(&b, "<path class=\"goal\" d=\"M%.1f %.1fH%d\"/>\n", at, y(1.3*p.CPU), width-right)
			text(width-right, y(1.3*p.CPU)-6, "end", "1.3 times that at 100,000")
		}
	}
	fmt.Fprintf(&b, "<path class=\"line\" d=\"M%s\"/>\n</svg>\n", strings.Join(path, "L"))
	return b.String()
}

// bounds are the powers of ten that the sizes lie between, and the top of the scale.
func (g Growth) bounds() (low, high, most float64) {
	low, high = math.Inf(1), 0
	for _, p := range g.Points {
		n := math.Log10(float64(max(p.Callbacks, 1)))
		low, high, most = min(low, math.Floor(n)), max(high, math.Ceil(n)), max(most, p.CPU)
	}
	step := math.Pow(10, math.Floor(math.Log10(max(most*1.5, 1))))
	return low, high, math.Ceil(most*1.5/step) * step
}

// thousands writes a number with commas.
func thousands(n int) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
