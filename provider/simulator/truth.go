package simulator

import (
	"slices"
	"time"

	"countersign/provider/simulator/world"
	"countersign/provider/simulator/world/pdf"
)

// Truth is what really happened, for comparing.
type Truth struct {
	// Transactions are those that the accounts may see, those that only callbacks or a summary show included.
	Transactions []TruthTransaction `json:"transactions"`
	world.Counts
}

// TruthTransaction is one transaction as it stands, in countersign's words.
type TruthTransaction struct {
	Account        string                `json:"account"`
	Provider       string                `json:"provider"`
	Ref            string                `json:"ref"`
	Name           string                `json:"name"`
	ExternalID     string                `json:"external_id"`
	Kind           string                `json:"kind"` // of life
	Status         string                `json:"status"`
	AlsoRight      []string              `json:"also_right"` // as right as Status: no answer tells them apart
	ProviderStatus string                `json:"provider_status"`
	Archived       bool                  `json:"archived"`
	Trashed        bool                  `json:"trashed"`
	Deleted        bool                  `json:"deleted"`
	Test           bool                  `json:"test"`
	Received       bool                  `json:"received"` // sent to us by others, so not tracked
	Listed         bool                  `json:"listed"`   // the key's list may show it now
	Acknowledged   bool                  `json:"told"`     // a callback about it was acknowledged
	Absent         bool                  `json:"absent"`   // the service answers as if it had never been
	Signers        []TruthSigner         `json:"signers"`
	SignersDone    int                   `json:"signers_done"`
	SignersTotal   int                   `json:"signers_total"`
	Documents      []world.TruthDocument `json:"documents"` // once completed
	CreatedAt      time.Time             `json:"created_at"`
	Changes        []world.TruthChange   `json:"changes"`
	Answers        []world.TruthAnswer   `json:"answers"` // all that were about it, Newest left out
	// Callbacks are all that were about it: those that tell of no change, and forged ones that name
	// its ref, included.
	Callbacks []world.TruthCallback `json:"callbacks"`
}

// TruthSigner is one who signs. Ref is the id that callbacks name.
type TruthSigner struct {
	Ref    string `json:"ref"`
	Role   string `json:"role"` // OneSpan: the role's id
	Name   string `json:"name"`
	Email  string `json:"email"`
	Status string `json:"status"`
}

// Truth says what really happened so far.
func (w *World) Truth() Truth {
	truth := Truth{Transactions: []TruthTransaction{}}
	w.Locked(func() {
		truth.Counts = w.Counts
		for _, t := range w.Transactions {
			if t.Alive() && (t.Form == "" || t.Form == "PACKAGE") {
				truth.Transactions = append(truth.Transactions, truthOf(t))
			}
		}
	})
	return truth
}

// truthOf is one transaction as it stands.
func truthOf(t *world.Transaction) TruthTransaction {
	s := &t.State
	is := t.Desk.Truth(s)
	done, total := s.Done()
	row := TruthTransaction{
		Account: t.Desk.Account.ID, Provider: t.Desk.Account.Provider,
		Ref: t.Ref, Name: t.Name, ExternalID: t.ExternalID, Kind: t.Kind,
		Status: is.Status, ProviderStatus: is.Provider, Archived: is.Archived,
		Trashed: s.Trashed, Deleted: s.Deleted, Test: t.Test, Received: t.Received,
		Listed: !t.Unlisted && t.Desk.Listable(s), Absent: s.Gone,
		SignersDone: done, SignersTotal: total, CreatedAt: t.Born.UTC(),
		Acknowledged: t.Acknowledged, AlsoRight: []string{},
		Signers: []TruthSigner{}, Documents: []world.TruthDocument{}, Changes: []world.TruthChange{},
		Answers: []world.TruthAnswer{}, Callbacks: copied(t.Calls),
	}
	for _, p := range s.People {
		row.Signers = append(row.Signers, TruthSigner{Ref: p.ID, Role: p.Role, Name: p.Name, Email: p.Email,
			Status: p.Status})
	}
	if is.Status == "completed" {
		row.Documents = finalFiles(t)
	}
	for i, c := range t.Changes {
		row.Changes = append(row.Changes, truthOfChange(c, sightings(t, i)))
	}
	for n, s := range t.Seen {
		row.Answers = append(row.Answers, world.TruthAnswer{N: n, At: s.At, Kind: s.Kind, Changes: s.Changes})
	}
	if r, some := t.Desk.Actor.(world.Refiner); some {
		also, unobtainable := r.Refine(t)
		row.AlsoRight = append(row.AlsoRight, also...)
		for i := range row.Documents {
			row.Documents[i].Unobtainable = unobtainable
		}
	}
	return row
}

// sightings are the answers whose state includes the i-th change.
func sightings(t *world.Transaction, i int) []TruthAnswer {
	overtaken, count := len(t.Changes), 0 // by the next change of the same thing
	for j := i + 1; j < len(t.Changes) && overtaken == len(t.Changes); j++ {
		if t.Changes[j].Change == t.Changes[i].Change && t.Changes[j].Signer == t.Changes[i].Signer {
			overtaken = j
		}
	}
	for _, s := range t.Seen {
		if s.Changes > i {
			count++
		}
	}
	all := make([]TruthAnswer, 0, count)
	for n, s := range t.Seen {
		if s.Changes > i {
			all = append(all, TruthAnswer{N: n, At: s.At, Kind: s.Kind, Changes: s.Changes, Newest: s.Changes <= overtaken})
		}
	}
	return all
}

// truthOfChange is a change with the answers that include it.
func truthOfChange(c *world.Change, answers []world.TruthAnswer) world.TruthChange {
	out := c.TruthChange
	out.At, out.Callbacks, out.Answers, out.Shown = out.At.UTC(), copied(c.Reports), answers, []time.Time{}
	for _, a := range answers {
		if a.Newest && a.Kind != "absent" && len(out.Shown) < 50 {
			out.Shown = append(out.Shown, a.At)
		}
	}
	return out
}

// copied are callbacks as they stand now.
func copied(records []*world.TruthCallback) []world.TruthCallback {
	all := []world.TruthCallback{}
	for _, c := range records {
		all = append(all, world.TruthCallback{Type: c.Type, Document: c.Document,
			Attempts: append([]world.Attempt{}, c.Attempts...), Forged: c.Forged})
	}
	return all
}

// finalFiles describes the final files of a completed transaction.
func finalFiles(t *world.Transaction) []world.TruthDocument {
	files := t.Desk.Files(t)
	for i := range files {
		f := &files[i]
		sum, known := t.Sums[f.ID]
		if !known {
			sum = pdf.SumOf(t.Desk.File(t, &t.State, f.ID))
			t.Sums[f.ID] = sum
		}
		f.SHA256, f.Size, f.Served = sum.Hash, sum.Size, t.Served[f.ID]
	}
	return slices.Clip(files)
}
