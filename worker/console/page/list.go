package page

import (
	"cmp"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"

	"countersign/worker/console/filter"
	"countersign/worker/console/objects"
)

// Counted is how many rows a filter fits.
type Counted struct {
	N     int
	Known bool // false: nobody has counted, it would take too long
	More  bool // there are more than N
}

// With is an address with values, and further names and values; empty ones are left out.
func With(path string, values url.Values, more ...string) string {
	q := maps.Clone(values)
	if q == nil {
		q = url.Values{}
	}
	for i := 0; i+1 < len(more); i += 2 {
		if q.Del(more[i]); more[i+1] != "" {
			q[more[i]] = []string{more[i+1]}
		}
	}
	if len(q) == 0 {
		return path
	}
	return path + "?" + q.Encode()
}

// Turns are the addresses of a list's other pages; "" where there is none. They hold the filter.
type Turns struct{ First, Newer, Older string }

// TurnsOf are the other pages of a list at path: cursor is this page's, next the one behind it.
func TurnsOf(path string, values url.Values, cursor, next string) (t Turns) {
	if cursor != "" {
		t.First = With(path, values)
	}
	if before, ok := filter.Before(cursor); ok && before != "" {
		t.Newer = With(path, values, "cursor", before)
	} else if ok {
		t.Newer = t.First
	}
	if next != "" {
		t.Older = With(path, values, "cursor", filter.Behind(cursor, next))
	}
	return t
}

// Exports are the addresses of a list as a file, by format.
func Exports(what string, values url.Values) map[string]string {
	out := map[string]string{}
	for _, format := range []string{"csv", "ndjson"} {
		out[format] = With("/api/v1/export/"+what, values, "format", format)
	}
	return out
}

// Chip is one filter that is set, and the address without it.
type Chip struct{ Name, Value, Without string }

// Chips are the filters that are set.
func Chips(r *Request, path string, f any) (out []Chip) {
	values := filter.Values(f)
	for _, name := range filter.Names(f) {
		for i, v := range values[name] {
			rest := maps.Clone(values)
			rest[name] = slices.Delete(slices.Clone(values[name]), i, i+1)
			shown := r.Words.Word(areaOf(name), v)
			out = append(out, Chip{r.Words.Word("filter", name), objects.Plain(shown), With(path, rest)})
		}
	}
	return out
}

// areaOf is where the words of a filter's values are.
func areaOf(name string) string {
	switch name {
	case "confirmed", "checking", "attention":
		return "filter.yes"
	case "kind":
		return "gapkind"
	case "change":
		return "gapchange"
	case "state":
		return "documentstate"
	}
	return name
}

// Range is a filter over time: spans to choose from, the one before and after, and the same as dates.
type Range struct {
	Since, Until   string // as they stand in the address
	SinceN, UntilN string // the names of the parameters
	Spans          []RangeSpan
	Earlier, Later string // addresses; "": none
	Fixed          string // the same with dates, which stays true; "": they are dates already
}

// RangeSpan is a span to choose.
type RangeSpan struct {
	Text, To string
	Now      bool
}

// Ranges makes the links of a filter over time.
func Ranges(r *Request, path string, values url.Values, since, until string, span func(string, time.Time) (time.Time, error)) Range {
	out := Range{Since: values.Get(since), Until: values.Get(until), SinceN: since, UntilN: until}
	for _, text := range []string{"24h", "7d", "30d", "90d", ""} {
		out.Spans = append(out.Spans, RangeSpan{r.Words.Word("filter.span", cmp.Or(text, "all")),
			With(path, values, since, text, until, "", "cursor", ""), out.Since == text && out.Until == ""})
	}
	from, err := span(out.Since, r.Now)
	if err != nil || out.Since == "" {
		return out
	}
	to := r.Now
	if out.Until != "" {
		if to, err = span(out.Until, r.Now); err != nil {
			return out
		}
	}
	text := func(at time.Time) string { return at.UTC().Format(time.RFC3339) }
	d := to.Sub(from)
	if d <= 0 {
		return out
	}
	out.Earlier = With(path, values, since, text(from.Add(-d)), until, text(from))
	if out.Until != "" {
		out.Later = With(path, values, since, text(to), until, text(to.Add(d)))
	}
	if !strings.Contains(out.Since, "T") {
		out.Fixed = With(path, values, since, text(from), until, text(to))
	}
	return out
}

// Text is how the number stands beside all: "312 of 1,284,203".
func (n Counted) Text(r *Request, all int) string {
	switch {
	case !n.Known:
		return ""
	case n.More:
		return r.Words.Say("list.more", "n", n.N, "all", all)
	case n.N == all:
		return r.Words.Number(int64(n.N))
	}
	return r.Words.Say("list.of", "n", n.N, "all", all)
}
