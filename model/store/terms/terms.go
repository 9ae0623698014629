// Package terms is the rule by which a search finds a transaction: what the words of a row are, and when a query fits
// them. Both databases index these words, and rows that no index knows yet are judged by the same rule.
package terms

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

const (
	// Shortest is how many characters a word of a query must have for an index to be asked.
	Shortest = 3

	longest = 64       // characters of a word, the rest is cut off
	most    = 64 << 10 // bytes of words of one row: a row may have thousands of signers
)

// Row is what is searched of a transaction.
type Row struct {
	Ref, ExternalID, Name string
	Signers               []string // names and e-mails
}

// Words are a row's words, each once: runs of letters and digits, without case and accents.
func (r Row) Words() []string {
	out := appendWords(nil, r.Ref)
	out = appendWords(out, r.ExternalID)
	out = appendWords(out, r.Name)
	for _, s := range r.Signers {
		out = appendWords(out, s)
	}
	slices.Sort(out)
	out = slices.Compact(out)
	size := 0
	for i, w := range out {
		if size += len(w) + 1; size > most {
			return out[:i]
		}
	}
	return out
}

// Query is what is searched for.
type Query struct {
	Text  string   // as it was given: a ref or an own id that is exactly this comes first
	Words []string // each once; none: nothing but Text itself is found
}

// Read takes a query apart.
func Read(text string) Query {
	words := appendWords(nil, text)
	slices.Sort(words)
	return Query{strings.TrimSpace(text), slices.Compact(words)}
}

// Indexed are the words that an index is asked for; none: it cannot help.
func (q Query) Indexed() (out []string) {
	for _, w := range q.Words {
		if utf8.RuneCountInString(w) >= Shortest {
			out = append(out, w)
		}
	}
	return out
}

// Start is the beginning of a word that is as short as an index takes it.
func Start(word string) string {
	n := 0
	for i := range word {
		if n++; n > Shortest {
			return word[:i]
		}
	}
	return word
}

// Exactly says whether the text is the ref or the own id of a row.
func (q Query) Exactly(r *Row) bool { return r.Ref == q.Text || r.ExternalID == q.Text && q.Text != "" }

// Begins says whether each word of the query begins a word of the row.
func (q Query) Begins(words []string) bool { return q.all(words, strings.HasPrefix) }

// Inside says whether each word of the query stands in a word of the row, at its beginning or further in.
func (q Query) Inside(words []string) bool { return q.all(words, strings.Contains) }

func (q Query) all(words []string, fits func(word, part string) bool) bool {
	for _, part := range q.Words {
		if !slices.ContainsFunc(words, func(w string) bool { return fits(w, part) }) {
			return false
		}
	}
	return len(q.Words) > 0
}

// appendWords adds the words of a text.
func appendWords(to []string, text string) []string {
	text = fold(text)
	begin, chars := -1, 0
	for i, c := range text {
		switch {
		case !unicode.IsLetter(c) && !unicode.IsNumber(c) && !unicode.IsMark(c):
			if begin >= 0 {
				to = append(to, text[begin:i])
			}
			begin, chars = -1, 0
		case begin < 0 && chars == 0:
			begin, chars = i, 1
		default:
			if chars++; chars == longest+1 && begin >= 0 { // the rest of it is passed over
				to = append(to, text[begin:i])
				begin = -1
			}
		}
	}
	if begin >= 0 {
		to = append(to, text[begin:])
	}
	return to
}

// fold takes case and accents away.
func fold(text string) string {
	for i := range len(text) {
		if text[i] >= utf8.RuneSelf {
			return foldAny(text)
		}
	}
	return strings.ToLower(text)
}

func foldAny(text string) string {
	var b strings.Builder
	for _, c := range norm.NFKD.String(text) {
		if !unicode.Is(unicode.Mn, c) {
			b.WriteRune(c)
		}
	}
	return cases.Fold().String(b.String())
}
