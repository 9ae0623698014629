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
	// which has seen that the row differs all the same
	if print == t.Fingerprint && settled(t, o) && o.Asked != AskedVerify {
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
	lost := t.Version > o.Version // the third answer in a row for an older version: it counts, and the row is asked again
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

// reopens reports whether an answer would take a row out of a final status that the provider confirmed recently:
// within the sum of all pauses of rule 8. A lagging copy of the service answers like that, and an end that only a
// callback told (Autosign: cancelled) would be lost for good. An answer that verify asked for, to repair the row, is
// exempt.
func reopens(r Rules, t Transaction, o Observation) bool {
	if !t.Confirmed || !t.Status.Final() || t.Deleted || o.Status == "" || o.Status.Final() || o.Asked == AskedVerify ||
		t.ConfirmedAt == nil {
		return false
	}
	lag := time.Duration(0)
	for _, pause := range r.RecheckAfter {
		lag += pause
	}
	return o.At.Sub(*t.ConfirmedAt) <= lag
}

// settled reports whether an unchanged answer leaves the row as it is, so that only its time is noted.
func settled(t Transaction, o Observation) bool {
	return t.Confirmed && t.ReportedStatus == "" && !t.NotFound && t.Deleted == (o.Deleted == Yes) && !t.Hidden &&
		t.LostAnswers == 0 && !deleteStands(t, o.At)
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

// facts copies the fields that people see and that never influence a decision.
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
		if next.NextCheckAt == nil || !next.NextCheckAt.After(o.AskedAt) { // the due time belonged to this question
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
	next.DeleteAt = nil // the provider had time to apply it: the event was wrong, or the deletion was undone
}

// asked clears the row's due time, unless a claim came after the question was sent.
func asked(next *Transaction, o Observation) {
	if next.DueSince != nil && next.DueSince.After(o.AskedAt) {
		return
	}
	next.DueSince = nil
}

// due makes the row due, never later than it already is. It does not shorten a pause of rule 8, but it notes a claim
// that comes during one, so that an answer already on its way does not settle that claim.
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

// finish stamps a row whose version grew, and clears the expiry of a row that has ended.
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
