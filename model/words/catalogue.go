package words

import (
	"embed"
	"encoding/json"
	"fmt"
	"maps"
	"strings"
	"unicode"
)

//go:embed *.json
var files embed.FS

// text is one sentence; where a number decides its form, both forms.
type text struct {
	one   string // "": the same for every number
	other string
}

// UnmarshalJSON reads a string, or an object of the forms.
func (t *text) UnmarshalJSON(data []byte) error {
	if err := json.Unmarshal(data, &t.other); err == nil {
		return nil
	}
	var forms struct{ One, Other string }
	if err := json.Unmarshal(data, &forms); err != nil {
		return err
	}
	t.one, t.other = forms.One, forms.Other
	return nil
}

// read reads the file of a language. It is part of the program, so that a fault in it is one of the program.
func read(lang string) map[string]text {
	data, err := files.ReadFile(lang + ".json")
	if err != nil {
		panic(err)
	}
	texts := map[string]text{}
	if err := json.Unmarshal(data, &texts); err != nil {
		panic(fmt.Errorf("%s.json: %w", lang, err))
	}
	return texts
}

// MadeUpLang is the language of MadeUp, as a page says it and as the cookie of the console asks for it.
const MadeUpLang = "xx"

// MadeUp is the printer of a language that nobody speaks: English with accents, two fifths longer. Tests lay out pages
// and tables with it. Its numbers and dates are those of English; the words of time are not lengthened.
func MadeUp() *Printer {
	texts := maps.Clone(For(english).texts)
	for key, t := range texts {
		if !strings.HasPrefix(key, "time.") {
			texts[key] = text{one: madeUp(t.one), other: madeUp(t.other)}
		}
	}
	return newPrinter(MadeUpLang, english, texts)
}

// madeUp lengthens and accents s, but for its places and what is typed at a terminal.
func madeUp(s string) string {
	accents := strings.NewReplacer("a", "á", "e", "ë", "i", "î", "o", "õ", "u", "ü", "c", "ç", "n", "ñ", "y", "ý",
		"A", "Å", "E", "É", "I", "Ì", "O", "Ø", "U", "Û", "C", "Ç", "N", "Ñ")
	var b strings.Builder
	var kept rune // what ends the part that stays as it is
	owed := 0     // tenths of a letter still to be added
	for _, r := range s {
		switch {
		case kept != 0:
			b.WriteRune(r)
			if r == kept {
				kept = 0
			}
			continue
		case r == '{':
			kept = '}'
		case r == '`':
			kept = '`'
		}
		letter := accents.Replace(string(r))
		b.WriteString(letter)
		owed += 4
		if unicode.IsLetter(r) && owed >= 10 {
			b.WriteString(strings.Repeat(letter, owed/10))
			owed %= 10
		}
	}
	return b.String()
}
