package main

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/text"

	"countersign/model"
)

// statusColour is how a status looks on a terminal.
func statusColour(s model.Status) text.Color {
	switch s {
	case model.Completed:
		return good
	case model.Declined, model.Expired, model.Cancelled, model.OptedOut:
		return warn
	case model.Failed:
		return evil
	case model.Unknown, model.Draft:
		return dull
	}
	return text.FgCyan
}

// standing is the status and how it is known:
// "completed (confirmed 3 min ago)", "in_progress (a callback says completed, checking)".
func (p *Printer) standing(t model.Transaction) string {
	return p.paint(statusColour(t.Status), string(t.Status)) + " (" + p.knowing(t) + ")"
}

// knowing says how the status of t is known.
func (p *Printer) knowing(t model.Transaction) string {
	switch {
	case t.ReportedStatus != "" && t.ReportedStatus != t.Status:
		return fmt.Sprintf("a callback says %s, checking", t.ReportedStatus)
	case t.Confirmed && t.ConfirmedAt != nil:
		return "confirmed " + p.ago(t.ConfirmedAt)
	case t.Confirmed:
		return "confirmed"
	case t.Status == model.Unknown && t.NotFound:
		return "the provider does not know it"
	case t.Status == model.Unknown:
		return "asking the provider"
	}
	return "a callback says so, checking"
}

// flags names what is true of t beside its status.
func (p *Printer) flags(t model.Transaction) []string {
	var all []string
	for _, f := range []struct {
		is   bool
		word string
	}{
		{t.Test, p.paint(warn, "TEST")},
		{t.Archived, "archived"},
		{t.Trashed, "trashed"},
		{t.Deleted, "deleted"},
		{t.NotFound, p.paint(warn, "not found")},
	} {
		if f.is {
			all = append(all, f.word)
		}
	}
	for _, m := range t.Attention {
		all = append(all, p.paint(evil, attentionWords(m.Kind)))
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
	return plain(strings.ReplaceAll(string(kind), "_", " "))
}

// due says when t is asked about next, and why. slots are its account's next polls, by tier; nil where the account is not
// in the config.
func (p *Printer) due(t model.Transaction, slots map[string]time.Time) string {
	if t.NextCheckAt != nil {
		when := p.ago(t.NextCheckAt)
		if !t.NextCheckAt.After(p.now()) {
			when = "now"
		}
		return when + ": " + dueWords(t.DueReason)
	}
	switch {
	case slots == nil:
		return "never: the account is not in the config"
	case t.Status.Final() && p.now().Sub(t.ChangedAt) > 30*oneDay, t.Deleted:
		return "when a list, a callback or `verify` names it"
	case t.Status.Final():
		return p.slot(slots, "audit") + ": the audit looks at final rows for 30 days"
	case p.now().Sub(t.ChangedAt) <= 7*oneDay, t.ExpiresAt != nil && t.ExpiresAt.Before(p.now().Add(48*time.Hour)):
		return p.slot(slots, "active") + ": the active poll"
	}
	return p.slot(slots, "idle") + ": the idle poll, there was no news in 7 days"
}

// slot says when a tier is polled next.
func (p *Printer) slot(slots map[string]time.Time, tier string) string {
	if at, ok := slots[tier]; ok {
		return p.ago(&at)
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
	case model.ChangeArchived, model.ChangeTrashed:
		what = string(g.Change)
		if g.Off {
			what = "no longer " + what
		}
	}
	return plain(what)
}

// gapKindWords says how a change stayed untold.
func gapKindWords(g model.Gap) string {
	switch g.Kind {
	case model.GapLate:
		if g.Latency != nil {
			return "late by " + lasting(*g.Latency)
		}
	case model.GapUnsubscribed:
		return "event not registered"
	case model.GapNoEvent:
		return "provider has no event"
	case model.GapPending:
		return "a callback may still come"
	}
	return plain(string(g.Kind))
}

// verdictColour is how a verdict looks on a terminal.
func verdictColour(v model.Verdict) text.Color {
	switch v {
	case model.Accepted:
		return good
	case model.Duplicate:
		return dull
	}
	return evil
}

// stateColour is how a document's state looks on a terminal.
func stateColour(s model.DocumentState) text.Color {
	switch s {
	case model.DocumentStored:
		return good
	case model.DocumentWaiting:
		return dull
	}
	return evil
}

// bytesShown says how large a file is.
func bytesShown(n int64) string {
	switch {
	case n < 1<<10:
		return fmt.Sprintf("%d B", n)
	case n < 1<<20:
		return fmt.Sprintf("%d KiB", n>>10)
	}
	return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20))
}

func because(reason string) string {
	if reason == "" {
		return ""
	}
	return ": " + plain(reason)
}

// words lists what may be said.
func words[S ~string](of []S) string {
	var all []string
	for _, w := range of {
		all = append(all, string(w))
	}
	return strings.Join(all, ", ")
}

func share(done, of int) string {
	if of == 0 {
		return ""
	}
	return fmt.Sprintf("%d/%d", done, of)
}

// quoted shows a ref as it can be typed.
func quoted(ref string) string {
	if plain(ref) != ref || strings.ContainsAny(ref, " \"'") {
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
	return plain(string(o))
}

// between says what is known of the time of a change that nobody told.
func between(g model.Gap) string {
	to := g.Before.UTC().Format(time.DateTime)
	if g.After == nil {
		return "before " + to
	}
	return g.After.UTC().Format(time.DateTime) + " and " + to
}

// percent shows a share, never rounded up to the whole.
func percent(part, of int) string {
	if of == 0 {
		return "-"
	}
	tenths := part * 1000 / of
	return fmt.Sprintf("%d.%d%%", tenths/10, tenths%10)
}

// changeWords says what became of what.
func changeWords(c model.Change) string {
	switch {
	case c.From == "", c.From == c.To:
		return plain(c.To)
	case c.To == "":
		return "no longer " + plain(c.From)
	}
	return plain(c.From) + " -> " + plain(c.To)
}

// documentName is the provider's name, with the version where there are more.
func documentName(d model.Document) string {
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
		lines[i] = plain(strings.TrimSuffix(line, "\r"))
	}
	return strings.Join(lines, "\n")
}
