package model

import "time"

// claim moves the row along the provider's transitions or makes it due.
func claim(r Rules, t Transaction, o Observation) Decision {
	d := Decision{Next: t, Reason: Same}
	first := t.FirstSeenAt.IsZero()
	if first || t.Hidden {
		d.Next.Origin, d.Next.Hidden = OriginClaim, false
		if first {
			d.Next.FirstSeenAt, d.Next.ChangedAt = o.At, o.At
			d.Next.SignersSet = true
			d.Next.Test = o.Test == Yes
		}
	}
	if t.AskedAt != nil && o.At.Before(*t.AskedAt) {
		d.Reason = TooOld
		due(&d.Next, DueConfirm, o.At, o.At.Add(r.Debounce))
		return d
	}
	d.Next.ProviderTime = later(t.ProviderTime, o.ProviderTime)
	ask := o.Refetch || o.Status == "" || first || t.Status == Unknown || r.Confirm == ConfirmAll
	raise(&d, o)
	claimFlags(&d, t, o, &ask)
	if o.Status != "" {
		claimStatus(r, &d, t, o, &ask)
	}
	if d.Reason != Refuted && o.sent() {
		claimSent(r, &d, t, o)
	}
	if o.Evidence == Claim {
		claimFacts(&d.Next, t, o)
		if !t.Status.Final() {
			claimSigners(&d, t, o)
		}
	}
	if ask {
		why := DueConfirm
		if d.Next.Status == Unknown {
			why = DueNew
		}
		due(&d.Next, why, o.At, o.At.Add(r.Debounce))
		if t.HintedAt != nil && t.HintedAt.After(o.At.Add(r.Debounce)) { // this question answers the hint as well
			d.Next.HintedAt = at(o.At.Add(r.Debounce))
		}
		if d.Reason == Same {
			d.Reason = Doubted
		}
	}
	if len(d.Changes) > 0 || d.Grew {
		d.Next.Fingerprint = "" // forces the next answer to be compared with the row, not with the answer before it
	}
	finish(&d, o)
	return d
}

// claimStatus applies the status that a claim names, where it may.
func claimStatus(r Rules, d *Decision, t Transaction, o Observation, ask *bool) {
	want := o.Status
	switch {
	case want == t.Status:
		if o.Status.Final() && !t.Confirmed {
			*ask = true
		}
		return
	case want == t.RefutedAs && t.RefutedAt != nil && o.At.Sub(*t.RefutedAt) < refutedFor:
		d.Reason, *ask = Refuted, true
		return
	case t.Status.Final() && has(r.FinalMoves[t.Status], want) && o.Evidence == Claim,
		!t.Status.Final() && !t.Deleted && r.Allows(t.Status, want) && strongEnough(t, o):
		d.Next.Status, d.Next.Confirmed = want, false
		if o.Reason != "" {
			d.Next.Reason = o.Reason
		}
		if o.ProviderStatus != "" {
			d.Next.ProviderStatus = o.ProviderStatus
		}
		d.Changes = append(d.Changes, RowChange{Kind: KindStatus, From: string(t.Status), To: string(want)})
		d.Reason, d.Grew = Moved, true
		*ask = *ask || want.Final()
	default:
		d.Reason, *ask = Doubted, true
		if !t.Status.Final() {
			d.Next.Confirmed = false
		}
	}
	if want.Final() || !t.ReportedStatus.Final() {
		d.Next.ReportedStatus = want
	}
}

// claimSent moves a draft to in_progress when a claim reports a signer's act, since only a sent transaction can be
// acted on. The status that the claim itself names is handled apart: if the claim may not move the row there, that
// status stays in ReportedStatus.
func claimSent(r Rules, d *Decision, t Transaction, o Observation) {
	if d.Next.Status != Draft || t.Deleted || !r.Allows(Draft, InProgress) {
		return
	}
	d.Next.Status, d.Next.Confirmed = InProgress, false
	if o.Status == "" && o.ProviderStatus != "" {
		d.Next.ProviderStatus = o.ProviderStatus
	}
	if d.Next.ReportedStatus == "" || d.Next.ReportedStatus == Draft {
		d.Next.ReportedStatus = InProgress
	}
	d.Changes = append(d.Changes, RowChange{Kind: KindStatus, From: string(Draft), To: string(InProgress)})
	d.Reason, d.Grew = Moved, true
}

// strongEnough reports whether a claim's evidence is enough to move the row. A weak claim moves only a row that the
// provider has confirmed once, and only to a status that is not final (rule 6).
func strongEnough(t Transaction, o Observation) bool {
	return o.Evidence == Claim || (t.Status != Unknown && !o.Status.Final())
}

// claimFlags sets what a claim says of flags on a row that is not final, and notes delete events.
func claimFlags(d *Decision, t Transaction, o Observation, ask *bool) {
	if o.Deleted == Yes {
		d.Next.DeleteAt, *ask = at(o.At), true
	}
	if o.Trashed == Unsaid && o.Archived == Unsaid {
		return
	}
	*ask = true
	if t.Status.Final() || o.Evidence != Claim {
		return
	}
	setFlag(d, &d.Next.Trashed, o.Trashed, "trashed")
	setFlag(d, &d.Next.Archived, o.Archived, "archived")
}

// claimFacts fills in, from a claim whose content is proved, the fields that no answer has filled yet: the transaction
// may be gone before the first answer. Until an answer comes, the newest claim wins.
func claimFacts(next *Transaction, t Transaction, o Observation) {
	if t.ConfirmedAt == nil {
		o.Mark = "" // a list's mark says that the row is as listed
		facts(next, o)
		return
	}
	for _, s := range []struct {
		of *string
		to string
	}{{&next.ExternalID, o.ExternalID}, {&next.Name, o.Name}, {&next.Metadata, o.Metadata}} {
		if *s.of == "" {
			*s.of = s.to
		}
	}
	for _, p := range []struct {
		of **time.Time
		to *time.Time
	}{{&next.SentAt, o.SentAt}, {&next.CreatedAt, o.CreatedAt}} {
		if *p.of == nil {
			*p.of = p.to
		}
	}
	next.ExpiresAt = later(next.ExpiresAt, o.ExpiresAt) // sent again, it runs out later
}
