package model

import "slices"

// Rest tells rows apart that an answer may leave as they are: by their status, whether they are deleted, and whether
// they have documents. It is how they stand in the table.
type Rest int

// Restless is of a row that waits for an answer, or owes one: what it is told has to be decided.
const Restless Rest = 0

// Rest is of a row that the same answer once more would not change, but for the times of its confirmation.
func (t Transaction) Rest() Rest {
	waits := t.ReportedStatus != "" || t.NextCheckAt != nil || t.DueSince != nil || t.DeleteAt != nil || t.NotFound
	if waits || !t.Confirmed || t.ConfirmedAt == nil || t.Fingerprint == "" || t.Hidden || t.LostAnswers+t.Recheck > 0 {
		return Restless
	}
	return rest(t.Status, t.Deleted, t.DocsTotal > 0)
}

// Unchanged is what a row must be for an answer to leave it as it is: its fingerprint, and how it may rest. wants
// says that the row must have documents, since the answer names some. ok: there may be such rows. All this is what
// Decide says by Touch, known without reading the row.
func (o Observation) Unchanged(wants bool) (print string, least, most Rest, ok bool) {
	if !o.Fetched() || o.Absence != Present || o.Alias != "" && o.Alias != o.Ref || o.Asked == AskedVerify ||
		o.Status == "" || o.Status == Unknown {
		return "", 0, 0, false
	}
	deleted := o.Deleted == Yes
	return o.fingerprint(), rest(o.Status, deleted, wants && o.Status == Completed), rest(o.Status, deleted, true), true
}

// rest is even where there are no documents.
func rest(s Status, deleted, documents bool) Rest {
	r := Rest(slices.Index(Statuses(), s)+1) * 4
	if deleted {
		r += 2
	}
	if documents {
		r++
	}
	return r
}
