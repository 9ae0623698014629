// Package words holds what people read, in English and Spanish: one file of sentences a language, and the printer that
// says them. A sentence is never glued from parts: what differs stands in it as a named place, {account}. What stands
// between backticks is typed at a terminal, and is the same in each language.
package words

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/text/feature/plural"
	"golang.org/x/text/language"
	"golang.org/x/text/message"
)

// english is the language of those whose own is not here.
const english = "en"

// Printer says things in one language. It never changes, and may be used by many at once.
type Printer struct {
	lang     string
	tag      language.Tag
	numbers  *message.Printer
	texts    map[string]text
	weekdays []string // Sunday first
	months   []string
}

// printers are the printers of all languages.
var printers = sync.OnceValue(func() map[string]*Printer {
	all := map[string]*Printer{}
	for _, lang := range Languages() {
		all[lang] = newPrinter(lang, lang, read(lang))
	}
	return all
})

// newPrinter makes the printer of texts; numbers are written as in the language of that tag.
func newPrinter(lang, numbers string, texts map[string]text) *Printer {
	tag := language.MustParse(numbers)
	p := &Printer{lang: lang, tag: tag, numbers: message.NewPrinter(tag), texts: texts}
	p.weekdays = strings.Fields(texts["time.weekdays"].other)
	p.months = strings.Fields(texts["time.months"].other)
	return p
}

// Languages are the languages that there are, English first.
func Languages() []string { return []string{english, "es"} }

// For is the printer of a language, such as Match gives; of English where there is no such language.
func For(lang string) *Printer {
	if p, ok := printers()[lang]; ok {
		return p
	}
	return printers()[english]
}

// Match is the language that serves best whoever states these preferences, the first that says anything going before
// the others: values of Accept-Language ("es-MX,es;q=0.9"), or of LC_ALL, LC_MESSAGES and LANG ("es_MX.UTF-8"). "C" and
// "POSIX" ask for English.
func Match(prefs ...string) string {
	tags := make([]language.Tag, len(Languages()))
	for i, lang := range Languages() {
		tags[i] = language.MustParse(lang)
	}
	matcher := language.NewMatcher(tags)
	for _, pref := range prefs {
		locale, _, _ := strings.Cut(pref, ".")
		if !strings.ContainsAny(pref, ",;") {
			pref, _, _ = strings.Cut(locale, "@")
		}
		switch pref = strings.TrimSpace(pref); {
		case pref == "":
			continue
		case pref == "C", pref == "POSIX":
			return english
		}
		wanted, weights, err := language.ParseAcceptLanguage(pref)
		if err != nil || len(wanted) == 0 || weights[0] == 0 {
			continue
		}
		if _, i, sure := matcher.Match(wanted...); sure != language.No {
			return Languages()[i]
		}
	}
	return english
}

// Lang is the printer's language, as it stands in the lang of a page.
func (p *Printer) Lang() string { return p.lang }

// Say is the sentence of key. places are pairs of a name and what stands there: numbers are written as the language
// writes them, lengths of time as Span does, all else as it prints itself. A key that there is not is shown between ⟦ and ⟧.
func (p *Printer) Say(key string, places ...any) string {
	t, ok := p.texts[key]
	if !ok {
		return "⟦" + key + "⟧"
	}
	return p.fill(t.other, places)
}

// Count is the sentence of key in the form that n wants; {n} in it is n, unless places say otherwise.
func (p *Printer) Count(key string, n int, places ...any) string {
	t, ok := p.texts[key]
	if !ok {
		return "⟦" + key + "⟧"
	}
	s := t.other
	if t.one != "" && plural.Cardinal.MatchPlural(p.tag, max(n, -n), 0, 0, 0, 0) == plural.One {
		s = t.one
	}
	return p.fill(s, append(slices.Clone(places), "n", n))
}

// Word is what people read for a word of the contract: Word("status", "completed"). A word without a translation comes
// back as it is.
func (p *Printer) Word(area, word string) string {
	if t, ok := p.texts[area+"."+word]; ok {
		return t.other
	}
	return word
}

// fill puts what belongs there into the places of s.
func (p *Printer) fill(s string, places []any) string {
	if !strings.Contains(s, "{") {
		return s
	}
	var b strings.Builder
	for {
		before, rest, open := strings.Cut(s, "{")
		b.WriteString(before)
		name, after, closed := strings.Cut(rest, "}")
		switch {
		case !open:
			return b.String()
		case !closed:
			b.WriteString("{" + rest)
			return b.String()
		}
		b.WriteString(p.place(name, places))
		s = after
	}
}

// place is what stands at the place of that name.
func (p *Printer) place(name string, places []any) string {
	for i := 0; i+1 < len(places); i += 2 {
		if places[i] == name {
			return p.show(places[i+1])
		}
	}
	return "{" + name + "}"
}

// show writes a value.
func (p *Printer) show(value any) string {
	switch v := value.(type) {
	case time.Duration:
		return p.Span(v)
	case fmt.Stringer:
		return v.String()
	}
	switch v := reflect.ValueOf(value); {
	case v.CanInt():
		return p.Number(v.Int())
	case v.CanUint():
		return p.decimal(v.Uint())
	case v.CanFloat():
		return p.decimal(v.Float())
	}
	return fmt.Sprint(value)
}
