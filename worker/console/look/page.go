package look

import (
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"countersign/model"
	"countersign/model/words"
	"countersign/worker/console/access"
	"countersign/worker/console/objects"
)

// Page is what every template gets: `$` in a page's template, and in parts that were called with `on $ …`.
type Page struct {
	View
	*words.Printer
	look  *Look
	r     *http.Request
	Now   time.Time
	Prefs Prefs
	Who   access.Who
	Path  string // path and query of this page, for the way back
	Open  int    // incidents
}

// On is a part of a page: `{{template "row" on $ .}}` gives a part both the page and what it is about.
type On struct {
	*Page
	It any
}

// page is what a template gets.
func (l *Look) page(r *http.Request, v View) *Page {
	p := &Page{View: v, Printer: l.in(l.lang(r)).printer, look: l, r: r, Now: l.Now(), Prefs: prefsOf(r), Who: who(r),
		Path: r.URL.RequestURI()}
	p.Title = objects.Plain(v.Title)
	if l.Options.Open != nil && p.Who.Name != "" { // whoever is not known is told nothing
		p.Open = l.Options.Open(r.Context())
	}
	return p
}

// May says whether whoever looks may operate.
func (p *Page) May() bool { return p.Who.May() }

// Version is that of the program.
func (p *Page) Version() string { return p.look.Version }

// Release is the version without what stands in brackets after it.
func (p *Page) Release() string {
	name, _, _ := strings.Cut(p.look.Version, " (")
	return name
}

// Hash changes with the assets.
func (p *Page) Hash() string { return p.look.Assets.Hash() }

// Base is the path in front of every link.
func (p *Page) Base() string { return p.look.base }

// Local is a time in the zone of whoever looks.
func (p *Page) Local(at time.Time) time.Time { return at.In(p.Prefs.Zone) }

// moment is a time of any of the kinds in which rows and objects have it; zero where there is none.
func moment(at any) time.Time {
	switch v := at.(type) {
	case time.Time:
		return v
	case *time.Time:
		if v != nil {
			return *v
		}
	case objects.Stamp:
		if t := v.Time(); t != nil {
			return *t
		}
	}
	return time.Time{}
}

// Time is a time as it is read: how long ago it is, with the exact one as its title, or the other way round where
// exact times are wanted; – where there is none.
func (p *Page) Time(at any) template.HTML {
	t := moment(at)
	if t.IsZero() {
		return "–"
	}
	t = p.Local(t)
	text, title := p.Ago(t, p.Now), p.Exact(t)
	if p.Prefs.Exact {
		text, title = t.Format("2006-01-02 15:04:05"), text+", "+title
	}
	return p.time(t, "", text, title)
}

// Due is a time at which something is to be done; where that has come it says so.
func (p *Page) Due(at any) template.HTML {
	t := moment(at)
	if t.IsZero() || t.After(p.Now) || p.Prefs.Exact {
		return p.Time(at)
	}
	t = p.Local(t)
	return p.time(t, "due", p.Say("common.now"), p.Exact(t))
}

// When is the time of day, with the date where that is another day than today, and with the exact time as its title.
func (p *Page) When(at any) template.HTML {
	t := moment(at)
	if t.IsZero() {
		return "–"
	}
	t = p.Local(t)
	date, clock := p.Printer.Date(t), p.Printer.Clock(t)
	if date == p.Printer.Date(p.Local(p.Now)) {
		return p.Clock(at)
	}
	return p.time(t, "when", p.Say("story.when", "date", date, "clock", clock), p.Exact(t))
}

// Clock is the time of day, with the exact time as its title.
func (p *Page) Clock(at any) template.HTML {
	t := moment(at)
	if t.IsZero() {
		return "–"
	}
	t = p.Local(t)
	return p.time(t, "clock", p.Printer.Clock(t), p.Exact(t))
}

// Date is the date, with the exact time as its title.
func (p *Page) Date(at any) template.HTML {
	t := moment(at)
	if t.IsZero() {
		return "–"
	}
	t = p.Local(t)
	return p.time(t, "date", p.Printer.Date(t), p.Exact(t))
}

// time is the element; kind "" is one that a script keeps counting.
func (p *Page) time(t time.Time, kind, text, title string) template.HTML {
	live := " data-ago"
	if kind != "" || p.Prefs.Exact || t.After(p.Now) || p.Now.Sub(t) >= 24*time.Hour {
		live = ""
	}
	return template.HTML(`<time datetime="` + t.UTC().Format(time.RFC3339) + `" title="` + //nolint:gosec // escaped
		template.HTMLEscapeString(title) + `"` + live + `>` + template.HTMLEscapeString(text) + `</time>`)
}

// Row is where a transaction's page is. Refs that proxies trip over are found instead.
func (p *Page) Row(account, ref string) string { return p.look.RowPath(account, ref) }

// RowPath is where a transaction's page is, below the outside address.
func (l *Look) RowPath(account, ref string) string { return l.base + l.Local(account, ref) }

// Local is the same without the path of the outside address.
func (l *Look) Local(account, ref string) string {
	if ref == "." || ref == ".." || ref == "" || strings.ContainsAny(ref, `/\%?#`) {
		return "/find?" + url.Values{"account": {account}, "ref": {ref}}.Encode()
	}
	return "/accounts/" + url.PathEscape(account) + "/transactions/" + url.PathEscape(ref)
}

// Known says how we know the status of a row: confirmed since when, or what a callback says.
func (p *Page) Known(t model.Transaction) template.HTML {
	switch {
	case t.ReportedStatus != "":
		return p.say("common.checking", "status", p.Word("status", string(t.ReportedStatus)))
	case t.Confirmed:
		return p.say("common.confirmed", "ago", p.Time(t.ConfirmedAt))
	}
	return p.say("common.called")
}

// say is Say where places may be markup.
func (p *Page) say(key string, places ...any) template.HTML { return sayMarkup(p.Printer, key, places) }

// Curl is the call of the API that gives what the page shows.
func (p *Page) Curl() string {
	at := url.URL{Scheme: "http", Host: p.r.Host}
	if p.look.URL != nil {
		at = *p.look.URL
	}
	token := ` -H "Authorization: Bearer $COUNTERSIGN_TOKEN"`
	if p.Who.Name == access.LocalName {
		token = ""
	}
	return "curl -s" + token + " " + Quote(at.Scheme+"://"+at.Host+p.look.base+p.JSON)
}

// Quote is a text as a shell takes it for one word.
func Quote(s string) string {
	if s != "" && strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:@=,+") == "" {
		return s
	}
	return "'" + strings.ReplaceAll(objects.Plain(s), "'", `'\''`) + "'"
}

// Has says whether a list of words holds one.
func (p *Page) Has(all []string, one any) bool { return slices.Contains(all, fmt.Sprint(one)) }

// Is says whether a filter's value is this.
func (p *Page) Is(values url.Values, name, value string) bool { return values.Get(name) == value }

// Source is who says something, with a link to more of it.
func (p *Page) Source(source string) template.HTML {
	word, id, _ := strings.Cut(source, " ")
	text := template.HTMLEscapeString(objects.Plain(p.Word("source", word)))
	if word == "operator" && id != "" {
		return template.HTML(text + " " + template.HTMLEscapeString(objects.Plain(id))) //nolint:gosec // escaped
	}
	folder := map[string]string{"callback": "/callbacks/", "poll": "/runs/", "backfill": "/runs/", "verify": "/runs/",
		"ref": "/runs/"}[word]
	if folder == "" || id == "" {
		return template.HTML(text) //nolint:gosec // escaped
	}
	return template.HTML(`<a href="` + template.HTMLEscapeString(p.look.base+folder+url.PathEscape(id)) + `">` + text + "</a>") //nolint:gosec // escaped
}

// Lines is a text of several lines, each of them made plain.
func (p *Page) Lines(text string) string {
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		lines[i] = objects.Plain(line)
	}
	return strings.Join(lines, "\n")
}
