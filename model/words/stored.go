package words

import (
	"slices"
	"strings"
	"sync"
)

// storedArea has the sentences that the program says in English and once: they rest in the database (the reason of a
// document, the message of an incident, the note of a callback) or come as an error. In English such a key says what
// the source says.
const storedArea = "stored."

// pattern is an English sentence of the area, apart at its places.
type pattern struct {
	key    string
	texts  []string // one more than names; the first and the last may be empty
	names  []string
	length int // of its texts
}

// patterns are those with places, the most telling first; whole are the others.
var patterns, whole = sync.OnceValue(func() []pattern {
	var all []pattern
	for key, t := range read(english) {
		if strings.HasPrefix(key, storedArea) && strings.Contains(t.other, "{") {
			all = append(all, newPattern(key, t.other))
		}
	}
	slices.SortFunc(all, func(a, b pattern) int {
		if a.length != b.length {
			return b.length - a.length
		}
		return strings.Compare(a.key, b.key)
	})
	return all
}), sync.OnceValue(func() map[string]string {
	all := map[string]string{}
	for key, t := range read(english) {
		if strings.HasPrefix(key, storedArea) && !strings.Contains(t.other, "{") {
			all[t.other] = key
		}
	}
	return all
})

func newPattern(key, s string) pattern {
	p := pattern{key: key}
	for {
		before, rest, open := strings.Cut(s, "{")
		p.texts = append(p.texts, before)
		p.length += len(before)
		name, after, closed := strings.Cut(rest, "}")
		if !open || !closed {
			return p
		}
		p.names, s = append(p.names, name), after
	}
}

// match gives what stands at the places of s, as Say takes them; false where s is another sentence.
func (p pattern) match(s string) (places []any, ok bool) {
	s, ok = strings.CutPrefix(s, p.texts[0])
	if !ok {
		return nil, false
	}
	for i, name := range p.names {
		text := p.texts[i+1]
		var at int // where the place ends; the last one takes the rest
		switch last := i == len(p.names)-1; {
		case last && !strings.HasSuffix(s, text):
			return nil, false
		case last:
			at = len(s) - len(text)
		default:
			at = strings.Index(s, text)
		}
		if at <= 0 || !isSentence(name) && strings.Contains(s[:at], "; ") {
			return nil, false
		}
		places = append(places, name, s[:at])
		s = s[min(at+len(text), len(s)):]
	}
	return places, true
}

// isSentence says whether at a place of that name stands a sentence, which is looked up too.
func isSentence(name string) bool { return name == "why" || name == "what" }

// Stored is what people read for a sentence that the program keeps or gives in English; one that follows another behind
// "; " or ": " is looked up by itself. What is none of ours, such as the words of a provider, comes back as it is.
func (p *Printer) Stored(s string) string {
	if p.lang == english || s == "" {
		return s
	}
	if key, ok := whole()[s]; ok {
		return p.texts[key].other
	}
	for _, x := range patterns() {
		places, ok := x.match(s)
		if !ok {
			continue
		}
		for i := 1; i < len(places); i += 2 {
			switch name, value := places[i-1].(string), places[i].(string); {
			case isSentence(name):
				places[i] = p.Stored(value)
			case name == "verdict", name == "status":
				places[i] = p.Word(name, value)
			}
		}
		return p.fill(p.texts[x.key].other, places)
	}
	for _, between := range []string{"; ", ": "} {
		if first, rest, ok := strings.Cut(s, between); ok {
			return p.Stored(first) + between + p.Stored(rest)
		}
	}
	return s
}
