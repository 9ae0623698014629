package model

import "time"

// hint makes a known row due at most once a minute: a hint within a minute of the last hint's question makes the row
// due when that minute is over. An unknown ref becomes a hidden row and gets one question.
func hint(t Transaction, o Observation) Decision {
	d := Decision{Next: t, Reason: Nudged}
	when := hintDue(t, o.At)
	switch {
	case t.FirstSeenAt.IsZero():
		d.Next.FirstSeenAt, d.Next.ChangedAt = o.At, o.At
		d.Next.Origin, d.Next.Hidden = OriginHint, true
	case t.Hidden:
		d.Reason = Quiet
		return d
	case when.After(o.At) && t.NextCheckAt != nil && !t.NextCheckAt.After(when):
		if t.NextCheckAt.After(o.At) || t.HintedAt.Equal(when) { // a question that has not been sent yet covers it
			d.Reason = Quiet
			return d
		}
		d.Next.HintedAt = at(when) // the question may have been sent already, and its answer would not cover this hint
		return d
	case rechecked(t): // due already, and nobody may shorten the pauses of rule 8
		d.Reason = Quiet
	}
	d.Next.HintedAt = at(when)
	due(&d.Next, DueHint, o.At, when)
	return d
}

// hintDue returns when a hint that comes now may have its question: now, or a minute after the last hint's question.
func hintDue(t Transaction, now time.Time) time.Time {
	switch {
	case t.HintedAt == nil || now.Sub(*t.HintedAt) >= hintEvery:
		return now
	case t.HintedAt.After(now.Add(hintEvery)): // our clock was set back
		return now.Add(hintEvery)
	case t.HintedAt.After(now):
		return *t.HintedAt
	}
	return t.HintedAt.Add(hintEvery)
}

// hintWaits reports whether a hint still waits for its question after another one was sent at asked: the row was due
// by then, and the hint's question comes later.
func hintWaits(t Transaction, asked time.Time) bool {
	due := t.NextCheckAt == nil || !t.NextCheckAt.After(asked)
	return due && !t.Hidden && t.HintedAt != nil && t.HintedAt.After(asked) && !t.HintedAt.After(asked.Add(2*hintEvery))
}

// alias makes the row of an alias due. The row is hidden, and it is removed once an answer tells the real ref. Each
// callback that names the alias causes a question, since an answer to one callback does not settle the next.
func alias(r Rules, t Transaction, o Observation) Decision {
	d := Decision{Next: t, Reason: Nudged}
	if t.FirstSeenAt.IsZero() {
		d.Next.FirstSeenAt, d.Next.ChangedAt, d.Next.Hidden = o.At, o.At, true
		d.Next.Origin = OriginClaim
		if o.Evidence == Hint {
			d.Next.Origin = OriginHint
		}
	}
	d.Next.HintedAt = at(o.At)
	due(&d.Next, DueHint, o.At, o.At.Add(r.Debounce))
	return d
}
