package model

import "time"

// Reason names what Decide did with an observation, and why.
type Reason string

// The reasons.
const (
	Moved      Reason = "moved"    // status, a flag, a signer or attention changed
	Same       Reason = "same"     // it says what the row says already
	Confirms   Reason = "confirms" // the answer agrees with what callbacks said
	Doubted    Reason = "doubted"  // a claim that may not move the row: the provider is asked
	Held       Reason = "held"     // an answer that is behind what a claim named: asked again (rule 8)
	OutOfDate  Reason = "outdated" // the row moved while the question was out: asked again (rule 3)
	TooOld     Reason = "too_old"  // a claim older than the question that last confirmed the row
	Nudged     Reason = "nudged"   // a hint made the row due
	Quiet      Reason = "quiet"    // a hint that needs no question of its own: one is due already
	Absent     Reason = "absent"   // the provider does not know it; the row stays
	Unresolved Reason = "removed"  // only claims named it and the provider does not know it: the row goes
	Refuted    Reason = "refuted"  // a claim of a status that re-asking has already refuted
	Unreadable Reason = "unmapped" // an answer in a word that the provider's table lacks
)

// ChangeKind is the kind of one entry in the change feed.
type ChangeKind string

// The kinds of change.
const (
	KindStatus    ChangeKind = "status"
	KindConfirmed ChangeKind = "confirmed"
	KindFlag      ChangeKind = "flag"
	KindAttention ChangeKind = "attention"
	KindDocument  ChangeKind = "document"
	KindGap       ChangeKind = "gap"
	KindIncident  ChangeKind = "incident"
	KindForgotten ChangeKind = "forgotten" // its personal data was removed
)

// RowChange is one entry for history, the feed and the outbox.
type RowChange struct {
	Kind     ChangeKind
	From     string
	To       string
	Signer   string // the ref of the signer that it is about; ""
	Document string // our id of the document that it is about; ""
}

// Found is a change that an answer brought and that a callback should have told (rule 9).
type Found struct {
	Change GapChange
	From   string
	To     string
	Signer string
	Off    bool // a flag that went down: un-archived, restored
}

// key is where Rules.Tells lists the callback types that tell of the change: the status, for a
// flag "" or "off".
func (f Found) key() Status {
	switch {
	case f.Change != ChangeArchived && f.Change != ChangeTrashed:
		return Status(f.To)
	case f.Off:
		return "off"
	}
	return ""
}

// Decision is what becomes of the row.
type Decision struct {
	Next    Transaction
	Reason  Reason
	Grew    bool // status, flags or signers changed: the version grows
	Touch   bool // nothing but the times of confirmation moved
	Remove  bool // the row goes
	Changes []RowChange
	Found   []Found
	// FirstSight says that the answer made the row known: whether that is a gap depends on more
	// than the row (design: rule 9).
	FirstSight bool
	Documents  []DocumentRef // to be queued; only after an answer that says completed
}

const (
	hintEvery     = time.Minute
	refutedFor    = 24 * time.Hour
	deleteAgrees  = 30 * 24 * time.Hour
	lostAnswers   = 2
	notFoundFirst = 24 * time.Hour
	notFoundMost  = 30 * 24 * time.Hour
)

// Decide says what o does to t under a provider's rules. No other code chooses a status. A row
// that does not exist yet is a Transaction with its key, Status Unknown and a zero FirstSeenAt.
// Decide is pure and total: it never fails, and o.At is its only clock. See docs/grids.md.
func Decide(r Rules, t Transaction, o Observation) Decision {
	if t.Status == "" {
		t.Status = Unknown
	}
	if o.Status == Unknown { // a row is never moved to unknown
		o.Status = ""
	}
	switch {
	case o.Asked == AskedOperator:
		return resolve(t, o)
	case o.Alias != "" && !o.Fetched():
		return alias(r, t, o)
	case o.Evidence == Hint:
		return hint(t, o)
	case !o.Fetched():
		return claim(r, t, o)
	case t.Version > o.Version && t.LostAnswers < lostAnswers:
		return outdated(t, o)
	case o.Absence == Gone && goneEnds(r, t):
		o.Status, o.ProviderStatus = r.GoneIs, "gone"
		return answer(r, t, o)
	case o.Absence != Present:
		return absent(r, t, o)
	}
	return answer(r, t, o)
}

// resolve applies an operator's statement that a transaction is deleted, where no provider will ever say so.
func resolve(t Transaction, o Observation) Decision {
	d := Decision{Next: t, Reason: Same}
	setFlag(&d, &d.Next.Deleted, o.Deleted, "deleted")
	d.Next.NextCheckAt, d.Next.DueReason, d.Next.DueSince = nil, DueNone, nil
	d.Next.ReportedStatus, d.Next.Recheck = "", 0
	finish(&d, o)
	return d
}

// outdated discards an answer that is older than the row: the row changed after the question was sent.
func outdated(t Transaction, o Observation) Decision {
	d := Decision{Next: t, Reason: OutOfDate}
	d.Next.LostAnswers++
	due(&d.Next, DueMoved, o.At, o.At)
	return d
}

// goneEnds reports whether a 410 ends the row. It does so only for an open row, and not after a claim of an end that
// is usually followed by a removal. A row that ended by a 410 agrees with the next 410.
func goneEnds(r Rules, t Transaction) bool {
	if r.GoneIs == "" || t.Deleted {
		return false
	}
	return t.Status == r.GoneIs || !t.Status.Final() && !has(r.GoneAfter, t.ReportedStatus)
}

// absent notes that the provider does not know the transaction. It never changes a status.
func absent(r Rules, t Transaction, o Observation) Decision {
	d := Decision{Next: t, Reason: Absent}
	asked(&d.Next, o)
	unconfirmed := t.ReportedStatus != "" || (t.Status == Unknown && t.Origin == OriginClaim)
	if unconfirmed && !deleteStands(t, o.At) && reask(r, &d.Next, t, o) {
		d.Reason = Held
		return d
	}
	d.Next.ReportedStatus, d.Next.Recheck = "", 0
	switch {
	case t.Hidden:
		d.Next.NextCheckAt, d.Next.DueReason = nil, DueNone
		return d
	case t.Status == Unknown && t.Origin == OriginClaim && t.ConfirmedAt == nil:
		d.Reason, d.Remove = Unresolved, true
		return d
	}
	if !t.NotFound {
		d.Next.NotFound, d.Grew = true, true
		d.Changes = append(d.Changes, RowChange{Kind: KindFlag, To: "not_found"})
	}
	d.Next.NotFoundAt = at(o.At)
	d.Next.NotFoundCount = t.NotFoundCount + 1
	d.Next.LostAnswers = 0
	if d.Next.DueSince == nil { // else a claim came after the question was sent
		d.Next.NextCheckAt, d.Next.DueReason = at(o.At.Add(notFoundPause(t.NotFoundCount))), DueNotFound
		if hintWaits(t, o.AskedAt) {
			due(&d.Next, DueHint, *t.HintedAt, *t.HintedAt)
		}
	}
	if t.Deleted || deleteStands(t, o.At) {
		if to := r.DeletedIs; to != "" && !t.Status.Final() {
			d.Next.Status, d.Next.Confirmed, d.Grew = to, true, true
			d.Changes = append(d.Changes, RowChange{Kind: KindStatus, From: string(t.Status), To: string(to)})
		}
		setFlag(&d, &d.Next.Deleted, Yes, "deleted")
		d.Next.NextCheckAt, d.Next.DueReason, d.Next.DueSince = nil, DueNone, nil
	}
	if t.Version > o.Version {
		due(&d.Next, DueMoved, o.At, o.At)
	}
	finish(&d, o)
	return d
}

// deleteStands says whether a delete event came recently enough to agree with a 404.
func deleteStands(t Transaction, now time.Time) bool {
	return t.DeleteAt != nil && now.Sub(*t.DeleteAt) < deleteAgrees
}

// notFoundPause grows 1, 2, 4 … days, at most 30.
func notFoundPause(count int) time.Duration {
	if count > 5 {
		return notFoundMost
	}
	return min(notFoundFirst<<count, notFoundMost)
}

// rechecked says whether the row waits out a pause of rule 8.
func rechecked(t Transaction) bool { return t.DueReason == DueRecheck && t.NextCheckAt != nil }

// reask puts a decision off until another question is answered, as long as rule 8 has pauses left. An answer to no
// question of the row's own, such as a page of a list, uses up no pause.
func reask(r Rules, next *Transaction, t Transaction, o Observation) bool {
	if rechecked(t) && o.Asked != AskedRef && o.AskedAt.Before(*t.NextCheckAt) {
		next.NextCheckAt, next.DueReason, next.Recheck = t.NextCheckAt, DueRecheck, t.Recheck
		return true
	}
	if t.Recheck >= len(r.RecheckAfter) {
		return false
	}
	next.Recheck = t.Recheck + 1
	next.NextCheckAt, next.DueReason, next.DueSince = at(o.At.Add(r.RecheckAfter[t.Recheck])), DueRecheck, nil
	return true
}
