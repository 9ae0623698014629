package output

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/text"

	"countersign/model"
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
	return p.Paint(StatusColour(t.Status), string(t.Status)) + " (" + p.knowing(t) + ")"
}

// knowing says how the status of t is known.
func (p *Printer) knowing(t model.Transaction) string {
	switch {
	case t.ReportedStatus != "" && t.ReportedStatus != t.Status:
		return fmt.Sprintf("a callback says %s, checking", t.ReportedStatus)
	case t.Confirmed && t.ConfirmedAt != nil:
		return "confirmed " + p.Ago(t.ConfirmedAt)
	case t.Confirmed:
		return "confirmed"
	case t.Status == model.Unknown && t.NotFound:
		return "the provider does not know it"
	case t.Status == model.Unknown:
		return "asking the provider"
	}
	return "a callback says so, checking"
}

// Flags names what is true of t beside its status.
func (p *Printer) Flags(t model.Transaction) []string {
	var all []string
	for _, f := range []struct {
		is   bool
		word string
	}{
		{t.Test, p.Paint(Warn, "TEST")},
		{t.Archived, "archived"},
		{t.Trashed, "trashed"},
		{t.Deleted, "deleted"},
		{t.NotFound, p.Paint(Warn, "not found")},
	} {
		if f.is {
			all = append(all, f.word)
		}
	}
	for _, m := range t.Attention {
		all = append(all, p.Paint(Bad, attentionWords(m.Kind)))
	}
	return all
}

// attentionWords says what somebody must act on.
func attentionWords(kind model.AttentionKind) string {
	switch kind {
	case model.SignerLockedOut:
		return "signer locked out"
	case model.IdentityCheckFailed:
		return "identity check failed"
	case model.EmailBounced:
		return "e-mail bounced"
	case model.SenderMustFinish:
		return "the sender must finish it"
	case model.FileError:
		return "file error"
	}
	return Plain(strings.ReplaceAll(string(kind), "_", " "))
}

// due says when t is asked about next, and why. slots are its account's next polls, by tier; nil where the account is
// not in the config.
func (p *Printer) due(t model.Transaction, slots map[string]time.Time) string {
	if t.NextCheckAt != nil {
		when := p.Ago(t.NextCheckAt)
		if !t.NextCheckAt.After(p.Now()) {
			when = "now"
		}
		return when + ": " + dueWords(t.DueReason)
	}
	switch {
	case slots == nil:
		return "never: the account is not in the config"
	case t.Status.Final() && p.Now().Sub(t.ChangedAt) > 30*oneDay, t.Deleted:
		return "when a list, a callback or `verify` names it"
	case t.Status.Final():
		return p.slot(slots, "audit") + ": the audit looks at final rows for 30 days"
	case p.Now().Sub(t.ChangedAt) <= 7*oneDay, t.ExpiresAt != nil && t.ExpiresAt.Before(p.Now().Add(48*time.Hour)):
		return p.slot(slots, "active") + ": the active poll"
	}
	return p.slot(slots, "idle") + ": the idle poll, there was no news in 7 days"
}

// slot says when a tier is polled next.
func (p *Printer) slot(slots map[string]time.Time, tier string) string {
	if at, ok := slots[tier]; ok {
		return p.Ago(&at)
	}
	return "with its slot"
}

// dueWords says why a row is due.
func dueWords(why model.DueReason) string {
	switch why {
	case model.DueConfirm:
		return "a callback waits for the provider's word"
	case model.DueRecheck:
		return "the provider did not show yet what a callback said; asking again"
	case model.DueNew:
		return "it is new here, and the provider has not been asked"
	case model.DueHint:
		return "a browser or an unproved callback named it"
	case model.DueStream:
		return "an event of the provider's stream named it"
	case model.DueMoved:
		return "the row changed while the question was out"
	case model.DueNotFound:
		return "the provider did not know it; asked again with growing pauses"
	case model.DueAsked:
		return "an operator asked for it"
	}
	return "its time has come"
}

// gapWords says what a gap is about: "completed, missed", "signer signed, late by 3 min".
func gapWords(g model.Gap) string {
	what := string(g.To)
	switch g.Change {
	case model.ChangeCreated:
		what = "creation"
	case model.ChangeSigner:
		what = "signer " + g.To
		if g.Signer != "" {
			what += " (" + g.Signer + ")"
		}
	case model.ChangeArchived, model.ChangeTrashed:
		what = string(g.Change)
		if g.Off {
			what = "no longer " + what
		}
	}
	return Plain(what)
}

// gapKindWords says how a change stayed unreported.
func gapKindWords(g model.Gap) string {
	switch g.Kind {
	case model.GapLate:
		if g.Latency != nil {
			return "late by " + Lasting(*g.Latency)
		}
	case model.GapUnsubscribed:
		return "event not registered"
	case model.GapNoEvent:
		return "provider has no event"
	case model.GapPending:
		return "a callback may still come"
	}
	return Plain(string(g.Kind))
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
func OutcomeWords(c model.Callback, t *model.Transaction) string {
	switch {
	case c.Outcome != model.Checking || t == nil:
		return string(c.Outcome)
	case t.NotFound:
		return "checked: not found"
	case t.Confirmed && t.ReportedStatus == "" && t.ConfirmedAt != nil && t.ConfirmedAt.After(c.At):
		return "checked: " + string(t.Status)
	}
	return string(c.Outcome)
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

// originWords says how a row came to be.
func originWords(o model.Origin) string {
	switch o {
	case model.OriginClaim:
		return "in a callback"
	case model.OriginPoll:
		return "in a poll"
	case model.OriginBackfill:
		return "in a backfill"
	case model.OriginTrack:
		return "by `track`"
	case model.OriginHint:
		return "by a browser's hint"
	}
	return Plain(string(o))
}

// between says what is known of the time of a change that nobody told.
func between(g model.Gap) string {
	to := g.Before.UTC().Format(time.DateTime)
	if g.After == nil {
		return "before " + to
	}
	return "between " + g.After.UTC().Format(time.DateTime) + " and " + to
}

// Percent shows a share, never rounded up to the whole.
func Percent(part, of int) string {
	if of == 0 {
		return "-"
	}
	tenths := part * 1000 / of
	return fmt.Sprintf("%d.%d%%", tenths/10, tenths%10)
}

// ChangeWords says what became of what, and of which signer or document of the transaction.
func ChangeWords(c model.Change) string {
	subject := ""
	switch {
	case c.Signer != "":
		subject = " (signer " + Plain(c.Signer) + ")"
	case c.Document != "":
		subject = " (" + Plain(c.Document) + ")"
	}
	switch {
	case c.From == "", c.From == c.To:
		return Plain(c.To) + subject
	case c.To == "":
		return "no longer " + Plain(c.From) + subject
	}
	return Plain(c.From) + " -> " + Plain(c.To) + subject
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
