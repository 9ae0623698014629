package model

import "time"

// hint makes a known row due, at most once a minute: a hint within a minute of the last one's question makes it due when
// the minute is over. An unknown ref gets one question, in hiding.
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
		d.Next.HintedAt = at(when) // the question may be out already: its answer does not cover the hint
		return d
	case rechecked(t): // due already, and nobody may shorten the pauses of rule 8
		d.Reason = Quiet
	}
	d.Next.HintedAt = at(when)
	due(&d.Next, DueHint, o.At, when)
	return d
}

// hintDue is when a hint of now may have a question: now, or a minute after the question of the last one.
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

// hintWaits says whether a hint that came while a row was due, its question perhaps out, waits for one of its own.
func hintWaits(t Transaction, asked time.Time) bool {
	due := t.NextCheckAt == nil || !t.NextCheckAt.After(asked)
	return due && !t.Hidden && t.HintedAt != nil && t.HintedAt.After(asked) && !t.HintedAt.After(asked.Add(2*hintEvery))
}

// alias makes the row of another name due: it is hidden, and goes once an answer tells the ref. Each callback that names
// the alias is asked about, since the answer to one tells nothing of the next.
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
