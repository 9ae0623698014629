package doctor

import (
	"fmt"
	"time"
	"unicode/utf8"

	"countersign/cmd/countersign/health"
	"countersign/cmd/countersign/output"
)

// topic is what a line is about: something of the installation's, or of an account's.
type topic struct{ key, account string }

func about(key string) topic { return topic{key: key} }

func of(key, account string) topic { return topic{key, account} }

// What stands in a place of a sentence and depends on the language.
type (
	ago     struct{ at *time.Time }
	size    int64
	named   string // the name of a problem
	counted struct {
		key string
		n   int
	}
	// said is a text, and a key of what is said where it is empty
	said struct{ text, key string }
	// excepted are the hosts for which no proxy is used
	excepted string
)

// in is what stands there in p's language.
func in(p *output.Printer, place any) any {
	switch v := place.(type) {
	case ago:
		return p.Ago(v.at)
	case size:
		return p.Bytes(int64(v))
	case named:
		return p.Name(string(v))
	case counted:
		return p.CountOf(v.key, v.n)
	case said:
		if v.text == "" {
			return p.Say(v.key)
		}
		return v.text
	case excepted:
		if v == "" {
			return ""
		}
		return p.Say("cli.doctor.proxy.except", "hosts", string(v))
	case health.Problem:
		return v.Words(p.Speech)
	}
	return place
}

// sentence is the finding in p's language.
func sentence(p *output.Printer, result string, t topic, key string, places []any) finding {
	there := make([]any, len(places))
	for i, place := range places {
		there[i] = in(p, place)
	}
	return finding{result, p.Say("cli.doctor.what."+t.key, "account", t.account), output.Plain(p.Say(key, there...))}
}

// say writes a line: the sentence of key about a topic. Programs read it in English.
func (d *examination) say(result string, t topic, key string, places ...any) {
	d.failed = d.failed || result == "FAIL"
	if d.err != nil {
		return
	}
	if d.json {
		english := d.Printer
		english.Speech = output.English()
		d.err = d.JSONLines().Write(sentence(&english, result, t, key, places))
		return
	}
	f := sentence(&d.Printer, result, t, key, places)
	colour := output.Good
	switch result {
	case "warn":
		colour = output.Warn
	case "FAIL":
		colour = output.Bad
	}
	d.err = d.Printf("%s  %-28s  %s\n", d.Paint(colour, fmt.Sprintf("%-4s", result)), f.What,
		d.Wrapped(f.Detail, 6+max(28, utf8.RuneCountInString(f.What))+2, 6))
}
