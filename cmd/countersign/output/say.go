package output

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"

	"countersign/model"
	"countersign/model/words"
)

// LanguageOf is the language that the environment asks for, as POSIX orders its variables.
func LanguageOf(lookup func(string) (string, bool)) *words.Printer {
	for _, name := range []string{"LC_ALL", "LC_MESSAGES", "LANG"} {
		if v, _ := lookup(name); v != "" {
			return words.For(words.Match(v))
		}
	}
	return words.For("")
}

// Speech is what is said in a language, without a terminal.
type Speech struct {
	Words *words.Printer // nil is English
}

// English is for errors and for what programs read.
func English() Speech { return Speech{} }

// words are those of the printer's language.
func (p Speech) words() *words.Printer {
	if p.Words == nil {
		return words.For("")
	}
	return p.Words
}

// Say is the sentence of key, with what stands in its places. Numbers are not grouped, so that they can be copied.
func (p Speech) Say(key string, places ...any) string {
	return p.words().Say(key, ungrouped(places)...)
}

// CountOf is the sentence of key in the form that n wants.
func (p Speech) CountOf(key string, n int, places ...any) string {
	return p.words().Count(key, n, ungrouped(append(places, "n", n))...)
}

func ungrouped(places []any) []any {
	out := make([]any, len(places))
	for i, v := range places {
		switch n := v.(type) {
		case int:
			out[i] = strconv.Itoa(n)
		case int64:
			out[i] = strconv.FormatInt(n, 10)
		default:
			out[i] = v
		}
	}
	return out
}

// Tell writes the sentence of key on a line of its own.
func (p *Printer) Tell(key string, places ...any) error {
	return p.Printf("%s\n", p.Say(key, places...))
}

// TellCount writes the sentence of key, in the form that n wants, on a line of its own.
func (p *Printer) TellCount(key string, n int, places ...any) error {
	return p.Printf("%s\n", p.CountOf(key, n, places...))
}

// Name is what people read for the name of a column or of a fact: "last good poll".
func (p Speech) Name(name string) string {
	if name == "" {
		return ""
	}
	key := strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return r
		}
		return '_'
	}, name)
	if said := p.words().Word("cli.name", key); said != key {
		return said
	}
	return name
}

// Word is what people read for a word of the contract, safe for a terminal.
func (p Speech) Word(area, word string) string { return Plain(p.words().Word(area, word)) }

// Stored is what people read for a sentence that rests in the database or came as an error, safe for a terminal.
func (p Speech) Stored(s string) string { return Plain(p.words().Stored(s)) }

// List says "one", "one and two", "one, two and three".
func (p Speech) List(all []string) string {
	if len(all) < 2 {
		return strings.Join(all, "")
	}
	last := len(all) - 1
	return p.Say("cli.list.and", "some", strings.Join(all[:last], ", "), "last", all[last])
}

// NameOf names a row where people read it: account and ref, safe for a terminal.
func NameOf(k model.Key) string { return k.Account + "/" + Plain(k.Ref) }

// Ago says when t was or will be, as a person would; "never" where it was not.
func (p *Printer) Ago(t *time.Time) string {
	if t == nil || t.IsZero() {
		return p.Say("cli.never")
	}
	d := t.Sub(p.Now())
	size := d.Abs()
	say := func(past, future string, n int) string {
		if d > 0 {
			return p.CountOf(future, n)
		}
		return p.CountOf(past, n)
	}
	switch {
	case size < 5*time.Second:
		return p.Say("cli.just_now")
	case size < 90*time.Second:
		return say("time.ago.seconds", "time.in.seconds", int(size.Seconds()))
	case size < 90*time.Minute:
		return say("time.ago.minutes", "time.in.minutes", int(size.Minutes()+0.5))
	case size < 36*time.Hour:
		return say("time.ago.hours", "time.in.hours", int(size.Hours()+0.5))
	case size < 45*oneDay:
		return say("cli.ago.days", "cli.in.days", int(size/oneDay))
	}
	return t.UTC().Format(time.DateOnly)
}

// Lasting puts a length of time into words.
func (p Speech) Lasting(d time.Duration) string {
	switch {
	case d < 90*time.Second:
		return p.Say("time.span.seconds", "n", int(d.Seconds()+0.5))
	case d < 90*time.Minute:
		return p.Say("time.span.minutes", "n", int(d.Minutes()+0.5))
	case d < 36*time.Hour:
		return p.Say("time.span.hours", "n", int(d.Hours()+0.5))
	}
	return p.CountOf("cli.days", int(d/oneDay))
}

// Percent shows a share, never rounded up to the whole.
func (p Speech) Percent(part, of int) string {
	if of == 0 {
		return "-"
	}
	tenths := part * 1000 / of
	return p.percent(fmt.Sprintf("%d.%d", tenths/10, tenths%10))
}

// PercentOf shows a percentage as it is written in the config.
func (p Speech) PercentOf(v float64) string { return p.percent(strconv.FormatFloat(v, 'f', -1, 64)) }

func (p Speech) percent(n string) string { return p.Say("cli.percent", "n", p.decimal(n)) }

// Decimal shows v with one decimal.
func (p Speech) Decimal(v float64) string { return p.decimal(strconv.FormatFloat(v, 'f', 1, 64)) }

// decimal puts the language's decimal mark into a number.
func (p Speech) decimal(n string) string { return strings.Replace(n, ".", p.Say("cli.decimal"), 1) }

// Bytes says how large a file is.
func (p Speech) Bytes(n int64) string { return p.decimal(BytesShown(n)) }

// Count says "1 row", "2 rows".
func Count(n int, one string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %ss", n, one)
}
