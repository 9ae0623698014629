package main

import (
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
func (a *app) standing(t model.Transaction) string {
	return a.paint(statusColour(t.Status), string(t.Status)) + " (" + a.knowing(t) + ")"
}

// knowing says how the status of t is known.
func (a *app) knowing(t model.Transaction) string {
	switch {
	case t.ReportedStatus != "" && t.ReportedStatus != t.Status:
		return fmt.Sprintf("a callback says %s, checking", t.ReportedStatus)
	case t.Confirmed && t.ConfirmedAt != nil:
		return "confirmed " + a.ago(t.ConfirmedAt)
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
func (a *app) flags(t model.Transaction) []string {
	var all []string
	for _, f := range []struct {
		is   bool
		word string
	}{
		{t.Test, a.paint(warn, "TEST")},
		{t.Archived, "archived"},
		{t.Trashed, "trashed"},
		{t.Deleted, "deleted"},
		{t.NotFound, a.paint(warn, "not found")},
	} {
		if f.is {
			all = append(all, f.word)
		}
	}
	for _, m := range t.Attention {
		all = append(all, a.paint(evil, attentionWords(m.Kind)))
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

// due says when t is asked about next, and why.
func (a *app) due(t model.Transaction, slots *Account) string {
	if t.NextCheckAt != nil {
		when := a.ago(t.NextCheckAt)
		if !t.NextCheckAt.After(a.now()) {
			when = "now"
		}
		return when + ": " + dueWords(t.DueReason)
	}
	switch {
	case slots == nil:
		return "never: the account is not in the config"
	case t.Status.Final() && a.now().Sub(t.ChangedAt) > 30*day, t.Deleted:
		return "when a list, a callback or `verify` names it"
	case t.Status.Final():
		return a.nextOf(slots, "audit") + ": the audit looks at final rows for 30 days"
	case a.now().Sub(t.ChangedAt) <= 7*day, t.ExpiresAt != nil && t.ExpiresAt.Before(a.now().Add(48*time.Hour)):
		return a.nextOf(slots, "active") + ": the active poll"
	}
	return a.nextOf(slots, "idle") + ": the idle poll, there was no news in 7 days"
}

// nextOf says when a tier is polled next.
func (a *app) nextOf(account *Account, tier string) string {
	for _, s := range account.slots(a.now()) {
		if s.tier == tier {
			return a.ago(&s.next)
		}
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
