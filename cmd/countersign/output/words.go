package output

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/text"

	"countersign/model"
	"countersign/worker/console/objects"
)

// StatusColour is how a status looks on a terminal.
func StatusColour(s model.Status) text.Color {
	switch s {
	case model.Completed:
		return Good
	case model.Declined, model.Expired, model.Cancelled, model.OptedOut:
		return Warn
	case model.Failed:
		return Bad
	case model.Unknown, model.Draft:
		return Dull
	}
	return text.FgCyan
}

// StatusWords is the status and how it is known:
// "completed (confirmed 3 min ago)", "in_progress (a callback says completed, checking)".
func (p *Printer) StatusWords(t model.Transaction) string {
	status := p.Paint(StatusColour(t.Status), p.Word("status", string(t.Status)))
	switch {
	case t.ReportedStatus != "" && t.ReportedStatus != t.Status:
		return p.Say("cli.status.reported", "status", status, "reported", p.Word("status", string(t.ReportedStatus)))
	case t.Confirmed && t.ConfirmedAt != nil:
		return p.Say("cli.status.confirmed_at", "status", status, "ago", p.Ago(t.ConfirmedAt))
	case t.Confirmed:
		return p.Say("cli.status.confirmed", "status", status)
	case t.Status == model.Unknown && t.NotFound:
		return p.Say("cli.status.not_found", "status", status)
	case t.Status == model.Unknown:
		return p.Say("cli.status.asking", "status", status)
	}
	return p.Say("cli.status.claimed", "status", status)
}

// Flags names what is true of t beside its status.
func (p *Printer) Flags(t model.Transaction) []string {
	var all []string
	for _, f := range []struct {
		is   bool
		word string
	}{
		{t.Test, p.Paint(Warn, p.Word("flag", "test"))},
		{t.Archived, p.Word("flag", "archived")},
		{t.Trashed, p.Word("flag", "trashed")},
		{t.Deleted, p.Word("flag", "deleted")},
		{t.NotFound, p.Paint(Warn, p.Word("flag", "not_found"))},
	} {
		if f.is {
			all = append(all, f.word)
		}
	}
	for _, m := range t.Attention {
		all = append(all, p.Paint(Bad, p.attentionWords(m.Kind)))
	}
	return all
}

// attentionWords says what somebody must act on.
func (p Speech) attentionWords(kind model.AttentionKind) string {
	if said := p.Word("attention", string(kind)); said != string(kind) {
		return said
	}
	return Plain(strings.ReplaceAll(string(kind), "_", " "))
}

// due says when t is asked about next, and why. slots are its account's next polls, by tier; nil where the account is
// not in the config.
func (p *Printer) due(t model.Transaction, slots map[string]time.Time) string {
	at, why := objects.NextQuestion(t, slots, p.Now())
	when := p.Say("cli.due.slot")
	switch {
	case at != nil && t.NextCheckAt != nil && !at.After(p.Now()):
		when = p.Say("cli.now")
	case at != nil:
		when = p.Ago(at)
	}
	switch why {
	case objects.NextRemoved:
		return p.Say("cli.due.no_account")
	case objects.NextNamed:
		return p.Say("cli.due.named")
	case objects.NextAudit:
		return p.Say("cli.due.audit", "when", when)
	case objects.NextActive:
		return p.Say("cli.due.active", "when", when)
	case objects.NextIdle:
		return p.Say("cli.due.idle", "when", when)
	}
	return p.Say("cli.due.at", "when", when, "why", p.dueWords(t.DueReason))
}

// dueWords says why a row is due.
func (p Speech) dueWords(why model.DueReason) string {
	if said := p.Word("cli.why", string(why)); said != string(why) {
		return said
	}
	return p.Say("cli.due.time")
}

// gapWords says what a gap is about: "completed, missed", "signer signed, late by 3 min".
func (p Speech) gapWords(g model.Gap) string {
	switch g.Change {
	case model.ChangeCreated:
		return p.Word("gapchange", string(g.Change))
	case model.ChangeSigner:
		status := p.Word("signerstatus", g.To)
		if g.Signer != "" {
			return p.Say("cli.gap.signer_named", "status", status, "signer", Plain(g.Signer))
		}
		return p.Say("cli.gap.signer", "status", status)
	case model.ChangeArchived, model.ChangeTrashed:
		if g.Off {
			return p.Say("cli.no_longer", "what", p.Word("gapchange", string(g.Change)))
		}
		return p.Word("gapchange", string(g.Change))
	}
	return p.Word("status", g.To)
}

// gapKindWords says how a change stayed unreported.
func (p Speech) gapKindWords(g model.Gap) string {
	if g.Kind == model.GapLate && g.Latency != nil {
		return p.Say("cli.gap.late_by", "span", p.Lasting(*g.Latency))
	}
	return p.Word("gapkind", string(g.Kind))
}

// VerdictColour is how a verdict looks on a terminal.
func VerdictColour(v model.Verdict) text.Color {
	switch v {
	case model.Accepted:
		return Good
	case model.Duplicate:
		return Dull
	}
	return Bad
}

// OutcomeWords says what c did to row t, and what the provider said where c had it asked.
func (p Speech) OutcomeWords(c model.Callback, t *model.Transaction) string {
	switch {
	case c.Outcome != model.Checking || t == nil:
	case t.NotFound:
		return p.Say("cli.outcome.not_found")
	case t.Confirmed && t.ReportedStatus == "" && t.ConfirmedAt != nil && t.ConfirmedAt.After(c.At):
		return p.Say("cli.outcome.checked", "status", p.Word("status", string(t.Status)))
	}
	return p.Word("outcome", string(c.Outcome))
}

// StateColour is how a document's state looks on a terminal.
func StateColour(s model.DocumentState) text.Color {
	switch s {
	case model.DocumentStored:
		return Good
	case model.DocumentWaiting:
		return Dull
	}
	return Bad
}

// BytesShown says how large a file is.
func BytesShown(n int64) string {
	switch {
	case n < 1<<10:
		return fmt.Sprintf("%d B", n)
	case n < 1<<20:
		return fmt.Sprintf("%d KiB", n>>10)
	case n < 1<<30:
		return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20))
	}
	return fmt.Sprintf("%.1f GiB", float64(n)/(1<<30))
}

// Because is a reason as it follows a statement: ": reason"; nothing where there is none.
func Because(reason string) string {
	if reason == "" {
		return ""
	}
	return ": " + Plain(reason)
}

// Words lists what may be said.
func Words[S ~string](of []S) string {
	var all []string
	for _, w := range of {
		all = append(all, string(w))
	}
	return strings.Join(all, ", ")
}

// Fraction is how many are done of how many: 1/2; nothing where there are none.
func Fraction(done, of int) string {
	if of == 0 {
		return ""
	}
	return fmt.Sprintf("%d/%d", done, of)
}

// Quoted shows a ref as it can be typed.
func Quoted(ref string) string {
	if Plain(ref) != ref || strings.ContainsAny(ref, " \"'") {
		return fmt.Sprintf("%q", ref)
	}
	return ref
}

// between says what is known of the time of a change that nobody told.
func (p Speech) between(g model.Gap) string {
	to := g.Before.UTC().Format(time.DateTime)
	if g.After == nil {
		return p.Say("cli.gap.before", "before", to)
	}
	return p.Say("cli.gap.between", "after", g.After.UTC().Format(time.DateTime), "before", to)
}

// ChangeWords says what became of what, and of which signer or document of the transaction.
func (p Speech) ChangeWords(c model.Change) string {
	from, to := p.changed(c.Kind, c.From), p.changed(c.Kind, c.To)
	what := p.Say("cli.change", "from", from, "to", to)
	switch {
	case c.From == "", c.From == c.To:
		what = to
	case c.To == "":
		what = p.Say("cli.no_longer", "what", from)
	}
	switch {
	case c.Signer != "":
		return p.Say("cli.change.signer", "what", what, "signer", Plain(c.Signer))
	case c.Document != "":
		return p.Say("cli.change.document", "what", what, "document", Plain(c.Document))
	}
	return what
}

// changed is what people read for a word of a change of that kind.
func (p Speech) changed(kind model.ChangeKind, word string) string {
	switch kind {
	case model.KindStatus, model.KindConfirmed:
		return p.Word("status", word)
	case model.KindDocument:
		return p.Word("documentstate", word)
	}
	return p.Word("cli.changed", word)
}

// SourceWords says who brought a change about: a word, and an id or a name.
func (p Speech) SourceWords(source string) string {
	kind, rest, named := strings.Cut(source, " ")
	said := p.Word("cli.source", kind)
	if !named {
		return said
	}
	return said + " " + Plain(rest)
}

// DocumentName is the provider's name, with the version where there are more.
func DocumentName(d model.Document) string {
	name := cmp.Or(d.Name, d.DocID)
	if d.Version > 1 {
		name += fmt.Sprintf(" (v%d)", d.Version)
	}
	return name
}

// multiline is plain for text of several lines.
func multiline(s string) string {
	lines := strings.Split(s, "\n")
	for i, line := range lines {
		lines[i] = Plain(strings.TrimSuffix(line, "\r"))
	}
	return strings.Join(lines, "\n")
}
