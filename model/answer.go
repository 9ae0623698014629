package model

import "time"

// answer applies what the provider said when it was asked. It may move the row anywhere.
func answer(r Rules, t Transaction, o Observation) Decision {
	d := Decision{Next: t, Reason: Same}
	asked(&d.Next, o)
	named := t.ReportedStatus
	refutes := named.Final() && !o.Status.Final()
	if (refutes || reopens(r, t, o)) && reask(r, &d.Next, t, o) {
		d.Reason, d.Next.Confirmed = Held, t.Confirmed && t.Status.Final()
		return d
	}
	if refutes {
		d.Next.RefutedAs, d.Next.RefutedAt = named, at(o.At)
	}
	print := o.fingerprint()
	if print == t.Fingerprint && settled(t, o) && o.Asked != AskedVerify { // which has seen that the row differs all the same
		d.Touch = true
		if t.Status == Completed && t.DocsTotal == 0 {
			d.Documents = o.Documents
		}
		confirm(r, &d.Next, o)
		return d
	}
	d.Next.Fingerprint = print
	known := !t.FirstSeenAt.IsZero() && !t.Hidden
	d.FirstSight = !known || (t.Status == Unknown && t.ConfirmedAt == nil)
	if !known {
		arrive(&d.Next, t, o)
		d.Found = append(d.Found, Found{Change: ChangeCreated, From: string(Unknown), To: string(o.Status)})
	}
	facts(&d.Next, o)
	answerStatus(r, &d, t, o, known)
	answerFlags(&d, t, o, known)
	answerSigners(&d, t, o, known)
	mend(&d, o)
	lost := t.Version > o.Version // the third answer in a row that the row outran
	confirm(r, &d.Next, o)
	if lost {
		due(&d.Next, DueMoved, o.At, o.At)
	} else {
		followDelete(r, &d.Next, t, o)
	}
	if d.Next.Status == Completed && d.Next.Confirmed && !d.Next.Trashed {
		d.Documents = o.Documents
	}
	if d.Grew && !refutes {
		d.Next.RefutedAs, d.Next.RefutedAt = "", nil
	}
	finish(&d, o)
	return d
}

// reopens says whether an answer would take a row out of an end that the provider has confirmed just now, not longer
// ago than all pauses of rule 8 together. A copy that lags answers so, and what only a callback told of the end (Autosign:
// cancelled) no later answer would bring back. What verify is to repair it repairs.
func reopens(r Rules, t Transaction, o Observation) bool {
	if !t.Confirmed || !t.Status.Final() || t.Deleted || o.Status == "" || o.Status.Final() || o.Asked == AskedVerify || t.ConfirmedAt == nil {
		return false
	}
	lag := time.Duration(0)
	for _, pause := range r.RecheckAfter {
		lag += pause
	}
	return o.At.Sub(*t.ConfirmedAt) <= lag
}

// settled says whether an unchanged answer has nothing to do to the row but to note the time.
func settled(t Transaction, o Observation) bool {
	return t.Confirmed && t.ReportedStatus == "" && !t.NotFound && t.Deleted == (o.Deleted == Yes) && !t.Hidden && t.LostAnswers == 0 && !deleteStands(t, o.At)
}

// answerStatus writes the status that the answer tells and what became of the row by it.
func answerStatus(r Rules, d *Decision, t Transaction, o Observation, known bool) {
	if o.ProviderStatus != "" {
		d.Next.ProviderStatus = o.ProviderStatus
	}
	if o.Status == "" {
		d.Reason = Unreadable
		d.Next.Confirmed = t.Confirmed && t.Status.Final()
		return
	}
	to := o.Status
	if r.Confirms[to] == t.Status && t.Status != "" {
		to = t.Status
	}
	d.Next.Confirmed = true
	switch {
	case to != t.Status:
		d.Next.Status, d.Reason, d.Grew = to, Moved, true
		d.Changes = append(d.Changes, RowChange{Kind: KindStatus, From: string(t.Status), To: string(to)})
		if known {
			d.Found = append(d.Found, Found{Change: ChangeStatus, From: string(t.Status), To: string(to)})
		}
	case to.Final() && !t.Confirmed:
		d.Reason = Confirms
		d.Changes = append(d.Changes, RowChange{Kind: KindConfirmed, From: string(t.Status), To: string(to)})
	case !t.Confirmed:
		d.Reason = Confirms
	}
	if o.Reason != "" || !to.Final() {
		d.Next.Reason = o.Reason
	}
}

// answerFlags sets the flags; a row the provider shows is not lost, and deleted only where it says so.
func answerFlags(d *Decision, t Transaction, o Observation, known bool) {
	for _, f := range []struct {
		of     *bool
		to     Flag
		change GapChange
	}{
		{&d.Next.Archived, o.Archived, ChangeArchived},
		{&d.Next.Trashed, o.Trashed, ChangeTrashed},
	} {
		was := *f.of
		setFlag(d, f.of, f.to, string(f.change))
		if known && was != *f.of {
			d.Found = append(d.Found, Found{Change: f.change, From: string(t.Status), To: string(d.Next.Status), Off: was})
		}
	}
	if t.Deleted || o.Deleted == Yes {
		d.Next.DeleteAt = nil
	}
	setFlag(d, &d.Next.Deleted, FlagOf(o.Deleted == Yes), "deleted")
	setFlag(d, &d.Next.NotFound, No, "not_found")
	d.Next.NotFoundCount, d.Next.NotFoundAt = 0, nil
}

// arrive fills a row that an answer makes known.
func arrive(next *Transaction, t Transaction, o Observation) {
	if t.FirstSeenAt.IsZero() {
		next.FirstSeenAt = o.At
	}
	next.ChangedAt, next.Hidden = o.At, false
	switch {
	case t.Hidden:
		next.Origin = OriginHint
	case o.Asked == AskedBackfill:
		next.Origin = OriginBackfill
	default:
		next.Origin = OriginPoll
	}
}

// facts copies what is shown and never decides.
func facts(next *Transaction, o Observation) {
	next.Test = o.Test.over(next.Test)
	for _, s := range []struct {
		of *string
		to string
	}{{&next.ExternalID, o.ExternalID}, {&next.Name, o.Name}, {&next.Metadata, o.Metadata}, {&next.ProviderMark, o.Mark}} {
		if s.to != "" {
			*s.of = s.to
		}
	}
	for _, p := range []struct {
		of **time.Time
		to *time.Time
	}{{&next.SentAt, o.SentAt}, {&next.CreatedAt, o.CreatedAt}, {&next.ExpiresAt, o.ExpiresAt}} {
		if p.to != nil {
			*p.of = p.to
		}
	}
	next.ProviderTime = later(next.ProviderTime, o.ProviderTime)
}

// confirm notes a confirming answer and takes the row off the list of the due, unless a claim
// came after the question was sent.
func confirm(r Rules, next *Transaction, o Observation) {
	next.ConfirmedAt, next.AskedAt = at(o.At), at(o.AskedAt)
	next.ReportedStatus, next.Recheck, next.LostAnswers = "", 0, 0
	if next.DueSince != nil && next.DueSince.After(o.AskedAt) {
		if next.NextCheckAt == nil || !next.NextCheckAt.After(o.AskedAt) { // it was for this question
			next.NextCheckAt, next.DueReason = at(next.DueSince.Add(r.Debounce)), DueConfirm
		}
		return
	}
	if hintWaits(*next, o.AskedAt) {
		next.NextCheckAt, next.DueReason, next.DueSince = at(*next.HintedAt), DueHint, nil
		return
	}
	next.NextCheckAt, next.DueReason, next.DueSince = nil, DueNone, nil
}

// followDelete asks again after a delete event that an answer does not show yet.
func followDelete(r Rules, next *Transaction, t Transaction, o Observation) {
	if o.Absence != Present || next.DeleteAt == nil || next.NextCheckAt != nil || !deleteStands(*next, o.At) {
		return
	}
	if t.Recheck < len(r.RecheckAfter) {
		reask(r, next, t, o)
		return
	}
	next.DeleteAt = nil // the provider has had its time: the event was wrong, or undone
}

// asked takes the question off the row: it is due no longer, unless a claim came meanwhile.
func asked(next *Transaction, o Observation) {
	if next.DueSince != nil && next.DueSince.After(o.AskedAt) {
		return
	}
	next.DueSince = nil
}

// due makes the row due, never later than it already is. The pauses of rule 8 are nobody's to
// shorten, but a claim during one is noted: an answer that was on its way does not settle it.
func due(next *Transaction, why DueReason, since, when time.Time) {
	next.DueSince = later(next.DueSince, &since)
	if rechecked(*next) && why != DueMoved {
		return
	}
	if next.NextCheckAt == nil || when.Before(*next.NextCheckAt) {
		next.NextCheckAt, next.DueReason = at(when), why
	}
}

// setFlag moves a flag and notes the change.
func setFlag(d *Decision, of *bool, to Flag, name string) {
	is := to.over(*of)
	if is == *of {
		return
	}
	*of, d.Grew, d.Reason = is, true, Moved
	c := RowChange{Kind: KindFlag, To: name}
	if !is {
		c = RowChange{Kind: KindFlag, From: name}
	}
	d.Changes = append(d.Changes, c)
}

// finish stamps what grew. What has ended runs out no more.
func finish(d *Decision, o Observation) {
	if d.Next.Status.Final() {
		d.Next.ExpiresAt = nil
	}
	if d.Grew {
		d.Next.Version++
		d.Next.ChangedAt = o.At
	}
}

func at(t time.Time) *time.Time { return &t }

func later(a, b *time.Time) *time.Time {
	if a == nil || b != nil && b.After(*a) {
		return b
	}
	return a
}

func has[T comparable](list []T, v T) bool {
	for _, x := range list {
		if x == v {
			return true
		}
	}
	return false
}
