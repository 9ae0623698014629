package look

import (
	"fmt"
	"html"
	"html/template"
	"maps"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"

	"countersign/model"
	"countersign/model/words"
	"countersign/worker/console/objects"
)

// funcs are the functions of templates, in the words of one language.
func (l *Look) funcs(p *words.Printer) template.FuncMap {
	all := template.FuncMap{
		"say":     func(key string, places ...any) template.HTML { return sayMarkup(p, key, places) },
		"count":   func(key string, n int, places ...any) string { return p.Count(key, n, places...) },
		"word":    func(area string, w any) string { return p.Word(area, fmt.Sprint(w)) },
		"number":  func(n any) string { return number(p, n) },
		"seconds": func(n float64) string { return p.Span(time.Duration(n * float64(time.Second)).Round(time.Second)) },
		"percent": func(share any) string { return percent(p, share) },
		"bytes":   p.Bytes,
		"span":    func(d time.Duration) string { return p.Span(d) },
		"plain":   func(s any) string { return objects.Plain(fmt.Sprint(s)) },
		"stored":  p.Stored,
		"brief":   func(s any) string { return brief(objects.Plain(fmt.Sprint(s)), 160) },
		"middle":  func(s string) string { return middle(objects.Plain(s)) },
		"icon":    l.icon,
		"badge":   func(t model.Transaction) template.HTML { return l.badge(p, t.Status, !t.Confirmed) },
		"status":  func(s model.Status) template.HTML { return l.badge(p, s, false) },
		"mark": func(tone, icon string, text any) template.HTML {
			if markup, ok := text.(template.HTML); ok { // a sentence that is escaped already
				text = html.UnescapeString(string(markup))
			}
			return l.mark(tone, icon, fmt.Sprint(text), "")
		},
		"asset": func(name string) string { return l.base + l.Assets.Path(name) },
		"href":  l.href,
		"on":    on,
		"list":  func(all ...any) []any { return all },
		"quote": Quote,
	}
	maps.Copy(all, l.marks(p))
	return all
}

// on gives a part the page that it stands on, and what it is about.
func on(page, it any) (On, error) {
	switch p := page.(type) {
	case *Page:
		return On{p, it}, nil
	case On:
		return On{p.Page, it}, nil
	}
	return On{}, fmt.Errorf("a part stands on a page, not on %T", page)
}

// sayMarkup says a sentence in which places may be markup, which stays as it is; all else is escaped.
func sayMarkup(p *words.Printer, key string, places []any) template.HTML {
	markup := map[string]string{}
	safe := make([]any, len(places))
	for i, v := range places {
		switch v := v.(type) {
		case template.HTML:
			stands := fmt.Sprintf("\x01%d\x02", i)
			markup[stands] = string(v)
			safe[i] = stands
		case string:
			safe[i] = v
			if i%2 == 1 { // not a name
				safe[i] = objects.Plain(v)
			}
		default:
			safe[i] = v
		}
	}
	text := template.HTMLEscapeString(p.Say(key, safe...))
	for stands, m := range markup {
		text = strings.ReplaceAll(text, stands, m)
	}
	return template.HTML(code(text)) //nolint:gosec // escaped above
}

// code sets in the type of code what stands between backticks.
func code(text string) string {
	for {
		before, rest, open := strings.Cut(text, "`")
		inside, after, closed := strings.Cut(rest, "`")
		if !open || !closed {
			return text
		}
		text = before + "<code>" + inside + "</code>" + after
	}
}

// number groups the digits of a whole number.
func number(p *words.Printer, n any) string {
	switch v := n.(type) {
	case int:
		return p.Number(int64(v))
	case int64:
		return p.Number(v)
	case *int:
		if v == nil {
			return "–"
		}
		return p.Number(int64(*v))
	}
	return fmt.Sprint(n)
}

// percent writes a share of one; – where there is none.
func percent(p *words.Printer, share any) string {
	switch v := share.(type) {
	case float64:
		return p.Percent(v)
	case *float64:
		if v != nil {
			return p.Percent(*v)
		}
	}
	return "–"
}

// brief cuts a long text for a list.
func brief(s string, most int) string {
	if utf8.RuneCountInString(s) <= most {
		return s
	}
	return string([]rune(s)[:most-1]) + "…"
}

// middle cuts a long id in its middle.
func middle(s string) string {
	r := []rune(s)
	if len(r) <= 18 {
		return s
	}
	return string(r[:10]) + "…" + string(r[len(r)-6:])
}

// href is an address below the outside one; what follows the path are names and values, and empty values are left out.
func (l *Look) href(path string, query ...any) string {
	values := url.Values{}
	for i := 0; i+1 < len(query); i += 2 {
		if v := fmt.Sprint(query[i+1]); v != "" {
			values.Add(fmt.Sprint(query[i]), v)
		}
	}
	if len(values) == 0 {
		return l.base + path
	}
	return l.base + path + "?" + values.Encode()
}

// icon is one of icons.svg; it never stands alone.
func (l *Look) icon(name string) template.HTML {
	return template.HTML(`<svg class="icon" aria-hidden="true"><use href="` + l.base + l.Assets.Path("icons.svg") + //nolint:gosec // ours
		"#" + template.HTMLEscapeString(name) + `"></use></svg>`)
}

// tones are the colours of the statuses.
func tone(s model.Status) string {
	switch s {
	case model.Completed:
		return "good"
	case model.InProgress:
		return "busy"
	case model.Declined, model.Expired, model.OptedOut:
		return "warn"
	case model.Failed:
		return "bad"
	}
	return "quiet"
}

// badge is a status: what only a callback says has a dashed border.
func (l *Look) badge(p *words.Printer, s model.Status, claimed bool) template.HTML {
	class := tone(s)
	if claimed {
		class += " claimed"
	}
	return l.mark(class, string(s), p.Word("status", string(s)), string(s))
}

// mark is a badge: icon, word and border.
func (l *Look) mark(class, icon, text, title string) template.HTML {
	if title != "" {
		title = ` title="` + template.HTMLEscapeString(title) + `"`
	}
	return template.HTML(`<span class="badge `) + template.HTML(template.HTMLEscapeString(class)) + `"` + //nolint:gosec // escaped
		template.HTML(title) + ">" + l.icon(icon) + template.HTML(template.HTMLEscapeString(objects.Plain(text))) + "</span>" //nolint:gosec // escaped
}
