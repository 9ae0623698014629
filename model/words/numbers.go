package words

import (
	"math"
	"strconv"
	"strings"
	"time"

	"golang.org/x/text/number"
)

// nothing stands where a value is not known.
const nothing = "–"

const day = 24 * time.Hour

// Number groups the digits of n as the language does.
func (p *Printer) Number(n int64) string {
	if 0 <= n && n < 1000 { // nothing to group, in any language that we have
		return strconv.Itoa(int(n))
	}
	return p.decimal(n)
}

func (p *Printer) decimal(n any) string { return p.numbers.Sprint(number.Decimal(n)) }

// Percent writes a share of 0 to 1 with at most one decimal, never rounded up to the whole: 97.5%.
func (p *Printer) Percent(share float64) string {
	if math.IsNaN(share) || math.IsInf(share, 0) {
		return nothing
	}
	tenths := math.Floor(share*1000 + 1e-6)
	return p.numbers.Sprint(number.Percent(tenths/1000, number.MaxFractionDigits(1)))
}

// Bytes says how large a file is.
func (p *Printer) Bytes(n int64) string {
	units := []string{"B", "KiB", "MiB", "GiB", "TiB"}
	size, unit := float64(n), 0
	for math.Abs(size) >= 1024 && unit < len(units)-1 {
		size, unit = size/1024, unit+1
	}
	decimals := 0
	if unit > 1 {
		decimals = 1
	}
	return p.numbers.Sprint(number.Decimal(size, number.Scale(decimals))) + " " + units[unit]
}

// Ago says when at was or will be, seen from now: how long ago where that is less than a day, the day of the week and
// the time within a week, else the date.
func (p *Printer) Ago(at, now time.Time) string {
	if at.IsZero() {
		return nothing
	}
	d := now.Sub(at)
	ago := d >= 0
	say := func(past, future string, n time.Duration) string {
		if ago {
			return p.Say(past, "n", int64(n))
		}
		return p.Say(future, "n", int64(n))
	}
	switch d = d.Abs(); {
	case d < time.Minute:
		return say("time.ago.seconds", "time.in.seconds", d/time.Second)
	case d < time.Hour:
		return say("time.ago.minutes", "time.in.minutes", d/time.Minute)
	case d < day:
		return say("time.ago.hours", "time.in.hours", d/time.Hour)
	case d < 7*day:
		return p.Say("time.weekday", "weekday", p.weekdays[at.Weekday()], "clock", at.Format("15:04"))
	}
	return p.Date(at)
}

// Exact is the date and time of at, with its zone, and what that is in UTC.
func (p *Printer) Exact(at time.Time) string {
	if at.IsZero() {
		return nothing
	}
	zone := at.Format("MST")
	if zone == "UTC" {
		return p.Say("time.exact.utc", "date", p.Date(at), "clock", p.Clock(at))
	}
	utc := p.Clock(at.UTC())
	if p.Date(at.UTC()) != p.Date(at) {
		utc = p.Date(at.UTC()) + ", " + utc
	}
	return p.Say("time.exact", "date", p.Date(at), "clock", p.Clock(at), "zone", zone, "utc", utc)
}

// Clock is the time of day of at, in its zone.
func (p *Printer) Clock(at time.Time) string {
	if at.IsZero() {
		return nothing
	}
	return at.Format(time.TimeOnly)
}

// Date is the date of at, in its zone.
func (p *Printer) Date(at time.Time) string {
	if at.IsZero() {
		return nothing
	}
	return p.Say("time.date", "day", at.Format("2"), "month", p.months[at.Month()-1], "year", at.Format("2006"))
}

// Span is a length of time, in its two largest units.
func (p *Printer) Span(d time.Duration) string {
	if d < 0 {
		return "-" + p.Span(-d)
	}
	if d < time.Second {
		return p.Say("time.span.milliseconds", "n", d.Milliseconds())
	}
	var parts []string
	for _, u := range []struct {
		key  string
		unit time.Duration
	}{
		{"time.span.days", day}, {"time.span.hours", time.Hour}, {"time.span.minutes", time.Minute},
		{"time.span.seconds", time.Second},
	} {
		if n := d / u.unit; n > 0 {
			parts = append(parts, p.Say(u.key, "n", int64(n)))
		} else if len(parts) > 0 {
			break
		}
		if d %= u.unit; len(parts) == 2 {
			break
		}
	}
	return strings.Join(parts, " ")
}
