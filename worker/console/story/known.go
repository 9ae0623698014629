package story

import (
	"strconv"
	"time"

	"countersign/model"
	"countersign/worker/console/objects"
)

// Sentence is something that is known, with the address of what says so.
type Sentence struct {
	Text  string
	Label string // of the link; "": there is none
	Path  string
}

// Knowledge is how the state of a transaction is known.
type Knowledge struct {
	Known    []Sentence
	NotKnown []string
	Due      string // when the provider is asked next, and why
}

// Know answers "How do you know?".
func Know(in Input) Knowledge {
	var k Knowledge
	for _, part := range []func() []Sentence{
		in.standing, in.cause, in.doubts, in.origin, in.callbacksSaid, in.files, in.ledger,
	} {
		k.Known = append(k.Known, part()...)
	}
	k.NotKnown, k.Due = in.unknown(), in.due()
	return k
}

func one(text string) []Sentence { return []Sentence{{Text: text}} }

// at is a sentence whose source is a change of the timeline.
func (in Input) at(text string, c model.Change) Sentence {
	s := in.Source(c.Source)
	if s.Path != "" {
		return Sentence{text, s.Label, s.Path}
	}
	n := strconv.FormatInt(c.Seq, 10)
	return Sentence{text, in.Words.Say("story.link.change", "n", n), "#change-" + n}
}

// standing says who says that the row stands as it does.
func (in Input) standing() []Sentence {
	p, t := in.Words, in.Transaction
	status := p.Word("status", string(t.Status))
	switch {
	case t.Deleted:
		return in.deleted()
	case t.Status == model.Unknown && t.NotFound:
		return one(p.Count("story.know.never_found", t.NotFoundCount, "provider", in.Provider, "when", in.maybe(t.NotFoundAt)))
	case t.Status == model.Unknown:
		return one(p.Say("story.know.named", "provider", in.Provider))
	case t.ReportedStatus != "" && t.ReportedStatus != t.Status:
		return append(one(p.Say("story.know.checking", "provider", in.Provider, "status", status,
			"reported", p.Word("status", string(t.ReportedStatus)))), in.lastAnswer()...)
	case !t.Confirmed && t.ConfirmedAt == nil:
		return one(p.Say("story.know.never_confirmed", "provider", in.Provider, "status", status))
	case !t.Confirmed:
		return append(one(p.Say("story.know.only_called", "provider", in.Provider, "status", status)), in.lastAnswer()...)
	}
	out := in.lastAnswer()
	if t.NotFound {
		out = append(out, Sentence{Text: p.Count("story.know.not_found", t.NotFoundCount, "provider", in.Provider,
			"when", in.maybe(t.NotFoundAt))})
	}
	return out
}

// deleted says who says that the transaction is deleted.
func (in Input) deleted() []Sentence {
	p := in.Words
	for i := len(in.History) - 1; i >= 0; i-- {
		c := in.History[i]
		if c.Kind != model.KindFlag || c.To != "deleted" {
			continue
		}
		if s := SourceOf(c.Source); s.Kind == fromOperator {
			return append([]Sentence{in.at(p.Say("story.know.resolved", "who", in.said(c.Source, c.At),
				"when", in.when(c.At), "provider", in.Provider), c)}, in.lastAnswer()...)
		}
		return append([]Sentence{in.at(p.Say("story.know.deleted", "provider", in.Provider, "when", in.when(c.At)), c)},
			in.lastAnswer()...)
	}
	return one(p.Say("story.know.deleted_once", "provider", in.Provider))
}

// lastAnswer says what the provider answered last about the status.
func (in Input) lastAnswer() []Sentence {
	p, t := in.Words, in.Transaction
	if t.ConfirmedAt == nil {
		return one(p.Say("story.know.no_answer", "provider", in.Provider))
	}
	asked := t.ConfirmedAt
	if t.AskedAt != nil {
		asked = t.AskedAt
	}
	switch {
	case !t.Confirmed:
		return one(p.Say("story.know.answered_before", "provider", in.Provider, "when", in.moment(*asked)))
	case t.ProviderStatus == "":
		return one(p.Say("story.know.confirmed", "provider", in.Provider, "when", in.moment(*asked),
			"status", p.Word("status", string(t.Status))))
	}
	return one(p.Say("story.know.answered", "provider", in.Provider, "when", in.moment(*asked),
		"word", objects.Plain(t.ProviderStatus), "status", p.Word("status", string(t.Status))))
}

// cause says by what the status came to be what it is.
func (in Input) cause() (out []Sentence) {
	p, t := in.Words, in.Transaction
	var became *model.Change
	for i, c := range in.History {
		switch {
		case c.Kind == model.KindStatus && c.To == string(t.Status):
			became = &in.History[i]
		case c.Kind == model.KindStatus:
			became = nil
		}
	}
	if became == nil || t.Status == model.Unknown {
		return nil
	}
	out = append(out, in.at(p.Say("story.know.became", "status", p.Word("status", became.To), "when", in.moment(became.At),
		"said", in.said(became.Source, became.At)), *became))
	for _, c := range in.History {
		if c.Kind == model.KindConfirmed && c.Seq > became.Seq && isCallback(became.Source) {
			return append(out, in.at(p.Say("story.know.agreed", "provider", in.Provider, "wait",
				p.Span(c.At.Sub(became.At))), c))
		}
	}
	return out
}

// doubts says what was said and taken back.
func (in Input) doubts() (out []Sentence) {
	p, t := in.Words, in.Transaction
	for _, c := range in.History {
		if c.Kind == model.KindStatus && model.Status(c.From).Final() {
			out = append(out, in.at(p.Say("story.know.reversed", "from", p.Word("status", c.From), "to",
				p.Word("status", c.To), "when", in.moment(c.At), "said", in.said(c.Source, c.At)), c))
		}
	}
	if t.RefutedAt != nil && t.RefutedAs != "" && t.RefutedAs != t.Status {
		out = append(out, Sentence{Text: p.Say("story.know.refuted", "status", p.Word("status", string(t.RefutedAs)),
			"provider", in.Provider, "when", in.when(*t.RefutedAt))})
	}
	return out
}

// origin says how the row came to be.
func (in Input) origin() []Sentence {
	p, t := in.Words, in.Transaction
	when := in.when(t.FirstSeenAt)
	switch t.Origin {
	case model.OriginClaim:
		return one(p.Say("story.know.origin.callback", "when", when))
	case model.OriginPoll:
		return one(p.Say("story.know.origin.poll", "when", when))
	case model.OriginBackfill:
		return one(p.Say("story.know.origin.backfill", "when", when, "provider", in.Provider))
	case model.OriginTrack:
		return one(p.Say("story.know.origin.track", "when", when))
	case model.OriginHint:
		return one(p.Say("story.know.origin.hint", "when", when))
	}
	return nil
}

// callbacksSaid counts the callbacks that named it, by what they prove.
func (in Input) callbacksSaid() (out []Sentence) {
	p := in.Words
	proved, unproved, refused := 0, 0, 0
	for _, c := range in.Callbacks {
		switch {
		case c.Verdict == model.Refused:
			refused++
		case c.Verdict != model.Accepted:
		case c.Unproved:
			unproved++
		default:
			proved++
		}
	}
	if len(in.Callbacks) == 0 {
		return one(p.Say("story.know.no_callback"))
	}
	for _, n := range []struct {
		of   int
		text string
	}{
		{proved, p.Count("story.know.proved", proved)},
		{unproved, p.Count("story.know.unproved", unproved)},
		{refused, p.Count("story.know.refused", refused)},
	} {
		if n.of > 0 {
			out = append(out, Sentence{Text: n.text, Path: "#callbacks", Label: p.Count("story.link.callbacks", n.of)})
		}
	}
	return out
}

// files says what is known of each file.
func (in Input) files() (out []Sentence) {
	p := in.Words
	for _, d := range in.Documents {
		name, reason := objects.FileName(d), objects.Plain(p.Stored(d.Reason))
		var text string
		switch d.State {
		case model.DocumentStored:
			text = p.Say("story.know.stored", "name", name, "sum", Short(d.SHA256),
				"signature", p.Word("signature", string(d.Facts.Signature)))
			if reason == "" && d.Facts.Signature == model.SignatureUnsigned {
				reason = p.Say("documents.unsigned")
			}
			if reason != "" {
				text = p.Say("story.know.stored_because", "name", name, "sum", Short(d.SHA256), "reason", reason)
			}
		case model.DocumentQuarantined:
			text = p.Say("story.know.quarantined", "name", name, "reason", reason)
		case model.DocumentUnobtainable:
			text = p.Say("story.know.unobtainable", "name", name, "reason", reason)
		case model.DocumentFailed:
			text = p.Say("story.know.failed", "name", name, "reason", reason)
		default:
			text = p.Say("story.know.waiting", "name", name)
		}
		out = append(out, Sentence{text, p.Say("story.link.file"), "/documents/" + d.ID})
	}
	return out
}

// ledger counts the changes that no callback told.
func (in Input) ledger() (out []Sentence) {
	p, settled := in.Words, 0
	var pending []model.Gap
	for _, g := range in.Gaps {
		switch g.Kind {
		case model.GapPending:
			pending = append(pending, g)
		case model.GapMissed, model.GapLate, model.GapRefused:
			settled++
		}
	}
	switch {
	case settled > 0:
		out = append(out, Sentence{p.Count("story.know.gaps", settled), p.Count("story.link.gaps", settled), "#gaps"})
	case len(pending) == 0 && in.ConfirmedAt != nil:
		out = append(out, Sentence{Text: p.Say("story.know.no_gap")})
	}
	if len(pending) > 0 {
		last := pending[0].SettleAt
		for _, g := range pending {
			if g.SettleAt.After(last) {
				last = g.SettleAt
			}
		}
		out = append(out, Sentence{p.Count("story.know.pending", len(pending), "until", in.when(last)),
			p.Count("story.link.gaps", len(pending)), "#gaps"})
	}
	return out
}

// maybe is a time that need not be known.
func (in Input) maybe(at *time.Time) string {
	if at == nil {
		return in.Words.Say("common.unknown")
	}
	return in.when(*at)
}

// due says when the provider is asked next, and why.
func (in Input) due() string {
	p := in.Words
	at, why := objects.NextQuestion(in.Transaction, in.Slots, in.Now)
	because := p.Word("due", why)
	switch {
	case at == nil && (why == objects.NextNamed || why == objects.NextRemoved):
		return because
	case at == nil:
		return p.Say("story.due.slot", "why", because)
	case !at.After(in.Now):
		return p.Say("story.due.now", "why", because)
	}
	return p.Say("story.due.at", "when", in.when(*at), "ago", p.Ago(*at, in.Now), "why", because)
}
