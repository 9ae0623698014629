// Package story tells what is known of one transaction and who says so: a timeline of all that happened, and the answer
// to "How do you know?", with what is not known. It is pure: it reads no clock and no table.
package story

import (
	"cmp"
	"net/url"
	"slices"
	"strings"
	"time"

	"countersign/model"
	"countersign/model/words"
	"countersign/worker/console/objects"
)

// Input is what a story is told of.
type Input struct {
	objects.Row                      // its gaps with those that a callback may still explain
	Runs        map[string]model.Run // those that sources name, as far as they are known
	Slots       map[string]time.Time // the account's next polls by tier; nil: it is not in the config
	Provider    string               // what people call the service
	Words       *words.Printer       // in which language
	Zone        *time.Location       // whose days
	Now         time.Time
	Exact       bool // times with their zone and in UTC, as on paper
}

// Source is who says something, and where more of it stands.
type Source struct {
	Kind  string // callback, run, operator, or the word of the history
	ID    string // of the callback or the run
	Label string // what the link is called
	Path  string // the address of more; "": there is none
}

// The kinds of source that have pages of their own.
const (
	fromCallback = "callback"
	fromRun      = "run"
	fromOperator = "operator"

	fromDownload = "download" // it has none
)

// SourceOf reads a source as the history names it.
func SourceOf(text string) Source {
	word, id, _ := strings.Cut(text, " ")
	switch {
	case word == "callback" && id != "":
		return Source{fromCallback, id, Short(id), "/callbacks/" + url.PathEscape(id)}
	case slices.Contains([]string{"poll", "backfill", "verify", "ref"}, word) && id != "":
		return Source{fromRun, id, Short(id), "/runs/" + url.PathEscape(id)}
	case word == "operator":
		return Source{Kind: fromOperator, ID: id}
	}
	return Source{Kind: text}
}

// Source reads a source and says in words what its link leads to: the callback, or the run by its kind.
func (in Input) Source(text string) Source {
	s, p := SourceOf(text), in.Words
	switch s.Kind {
	case fromCallback:
		s.Label = p.Say("story.link.callback", "id", Short(s.ID))
	case fromRun:
		word, _, _ := strings.Cut(text, " ")
		kind := p.Word("source", word)
		if r, known := in.Runs[s.ID]; known {
			kind = p.Word("tier", r.Kind)
		}
		s.Label = p.Say("story.link.run", "kind", kind, "id", ending(s.ID))
	}
	return s
}

// ending is the end of a long id, which tells ids of one day apart: they begin with the time.
func ending(id string) string {
	const whole, tail = 10, 4
	if runes := []rune(id); len(runes) > whole {
		return "…" + string(runes[len(runes)-tail:])
	}
	return id
}

// RunOf is the id of the run that a source names; "" where it names none.
func RunOf(source string) string {
	if s := SourceOf(source); s.Kind == fromRun {
		return s.ID
	}
	return ""
}

// Short is an id with its middle cut out.
func Short(id string) string {
	const whole, head, tail = 10, 4, 4
	if trimmed := strings.TrimLeft(id[min(1, len(id)):], "0"); len(id) > whole && len(id)-len(trimmed) > 4 {
		return id[:1] + "…" + trimmed // c000000000612
	}
	runes := []rune(id)
	if len(runes) <= whole {
		return id
	}
	return string(runes[:head]) + "…" + string(runes[len(runes)-tail:])
}

// Said is who says a change, in a sentence. Of a file that did not come nothing was fetched.
func (in Input) Said(c model.Change) string {
	if c.Kind == model.KindDocument && c.Source == fromDownload {
		switch model.DocumentState(c.To) {
		case model.DocumentWaiting:
			return in.Words.Say("story.said.file_due", "provider", in.Provider)
		case model.DocumentUnobtainable, model.DocumentFailed:
			return in.Words.Say("story.said.no_file", "provider", in.Provider)
		}
	}
	return in.said(c.Source, c.At)
}

// said is who says something, in a sentence. at is when, which tells the callback that an answer followed.
func (in Input) said(text string, at time.Time) string {
	p, s := in.Words, SourceOf(text)
	switch s.Kind {
	case fromCallback:
		return in.called(s.ID)
	case fromRun:
		return in.answered(text, s.ID)
	case fromOperator:
		if s.ID == "" {
			return p.Say("story.said.operator")
		}
		return p.Say("story.said.operator_name", "name", objects.Plain(s.ID))
	case string(model.AskedConfirm):
		if c := in.before(at); c != nil {
			return p.Say("story.said.confirm_after", "provider", in.Provider, "callback", Short(c.ID))
		}
		return p.Say("story.said.confirm", "provider", in.Provider)
	case fromDownload:
		return p.Say("story.said.download", "provider", in.Provider)
	case "newer rules":
		return p.Say("story.said.rules")
	}
	return objects.Plain(s.Kind)
}

// called says what a callback is worth.
func (in Input) called(id string) string {
	p := in.Words
	i := slices.IndexFunc(in.Callbacks, func(c model.Callback) bool { return c.ID == id })
	if i < 0 {
		return p.Say("story.said.callback_gone")
	}
	c := in.Callbacks[i]
	kind := objects.Plain(c.Type)
	switch {
	case c.Unproved:
		return p.Say("story.said.hint")
	case kind == "":
		return p.Say("story.said.callback_untyped")
	}
	return p.Say("story.said.callback", "type", kind)
}

// answered says which run asked.
func (in Input) answered(text, id string) string {
	p := in.Words
	r, known := in.Runs[id]
	word, _, _ := strings.Cut(text, " ")
	by := strings.TrimPrefix(objects.OfRun(r).By, "operator ")
	switch {
	case word == string(model.AskedBackfill):
		return p.Say("story.said.backfill", "provider", in.Provider)
	case word == string(model.AskedVerify):
		return p.Say("story.said.verify", "provider", in.Provider)
	case word == string(model.AskedRef) && known && by != "" && by != "operator":
		return p.Say("story.said.asked_by", "provider", in.Provider, "name", objects.Plain(by))
	case word == string(model.AskedRef):
		return p.Say("story.said.asked", "provider", in.Provider)
	case known:
		return p.Say("story.said.tier", "provider", in.Provider, "tier", p.Word("tier", r.Kind))
	}
	return p.Say("story.said.poll", "provider", in.Provider)
}

// before is the callback after which an answer of that time came: the newest accepted one since the answer before.
func (in Input) before(at time.Time) *model.Callback {
	var since time.Time
	for _, c := range in.History {
		if !isCallback(c.Source) && c.Confirmed && c.At.Before(at) {
			since = c.At
		}
	}
	var found *model.Callback
	for i, c := range in.Callbacks {
		proper := c.Verdict == model.Accepted && (c.Outcome == model.Applied || c.Outcome == model.Checking)
		if proper && !c.At.After(at) && c.At.After(since) && (found == nil || c.At.After(found.At)) {
			found = &in.Callbacks[i]
		}
	}
	return found
}

func isCallback(source string) bool { return strings.HasPrefix(source, "callback ") }

// who is what people call a signer.
func (in Input) who(ref string) string {
	for _, s := range in.Signers {
		if s.Ref == ref && s.Name+s.Email != "" {
			return objects.Plain(cmp.Or(s.Name, s.Email))
		}
	}
	return Short(objects.Plain(ref))
}

// Who is what people call a signer.
func (in Input) Who(ref string) string { return in.who(ref) }

// Exactly is a time with its zone and in UTC, as on paper; – where there is none.
func (in Input) Exactly(at any) string {
	switch v := at.(type) {
	case time.Time:
		return in.Words.Exact(v.In(in.Zone))
	case *time.Time:
		if v != nil {
			return in.Words.Exact(v.In(in.Zone))
		}
	}
	return in.Words.Say("common.unknown")
}

// file is what people call a document.
func (in Input) file(id string) string {
	for _, d := range in.Documents {
		if d.ID == id {
			return objects.FileName(d)
		}
	}
	return Short(id)
}

// when is a time as it stands in a sentence.
func (in Input) when(at time.Time) string {
	at = at.In(in.Zone)
	if in.Exact {
		return in.Words.Exact(at)
	}
	if day(at) == day(in.Now.In(in.Zone)) {
		return in.Words.Clock(at)
	}
	return in.Words.Say("story.when", "date", in.Words.Date(at), "clock", in.Words.Clock(at))
}

// moment is the time at which something was done, as it stands behind its verb: not every language has it bare.
func (in Input) moment(at time.Time) string {
	local := at.In(in.Zone)
	switch {
	case in.Exact:
		return in.when(at)
	case day(local) == day(in.Now.In(in.Zone)):
		return in.Words.Say("story.at", "clock", in.Words.Clock(local))
	}
	return in.Words.Say("story.at.day", "date", in.Words.Date(local), "clock", in.Words.Clock(local))
}

// until is the end of a span in a sentence that has named its beginning: of one day the date is said once.
func (in Input) until(from, to time.Time) string {
	to = to.In(in.Zone)
	if !in.Exact && day(from.In(in.Zone)) == day(to) {
		return in.Words.Clock(to)
	}
	return in.when(to)
}

// day is the day of a time in its zone.
func day(at time.Time) time.Time {
	y, m, d := at.Date()
	return time.Date(y, m, d, 0, 0, 0, 0, at.Location())
}
