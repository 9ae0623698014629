package model

import (
	"cmp"
	"encoding/hex"
	"hash/fnv"
	"strconv"
	"time"
)

// rank orders what a claim may do to a signer: forward only.
var signerRank = map[SignerStatus]int{SignerWaiting: 0, SignerLocked: 0, SignerViewed: 1, SignerSigned: 2,
	SignerDeclined: 2, SignerRemoved: 3}

// claimSigners moves known signers forward as a claim says. It removes none, and it adds a signer that the claim
// describes only until an answer has listed the signers.
func claimSigners(d *Decision, t Transaction, o Observation) {
	if !d.Next.SignersSet || len(o.Signers) == 0 {
		return
	}
	next := append([]Signer(nil), d.Next.Signers...)
	place := make(map[string]int, len(next)) // a search for each of very many would block every other callback
	for i := len(next) - 1; i >= 0; i-- {
		place[next[i].Ref] = i
	}
	for _, said := range o.Signers {
		i, known := place[said.Ref]
		switch {
		case known && signerRank[said.Status] > signerRank[next[i].Status]:
			is := &next[i]
			is.Status, is.Reason = said.Status, cmp.Or(said.Reason, is.Reason)
			is.ViewedAt, is.SignedAt = later(is.ViewedAt, said.ViewedAt), later(is.SignedAt, said.SignedAt)
			d.Grew, d.Reason = true, Moved
		case !known && t.ConfirmedAt == nil && said.Ref != "" && (said.Name != "" || said.Email != ""):
			place[said.Ref] = len(next)
			next = append(next, said)
			d.Grew = true // a fact filled in, as a name is: the reason stays that of the claimed status
		}
	}
	d.Next.Signers = next
	count(&d.Next)
}

// answerSigners replaces the signers by the answer's, marks those that left as removed, and records who moved. The
// first answer replaces everything that claims said.
func answerSigners(d *Decision, t Transaction, o Observation, known bool) {
	if o.Signers == nil {
		return
	}
	before := make(map[string]Signer, len(d.Next.Signers))
	for _, s := range d.Next.Signers {
		before[s.Ref] = s
	}
	next := make([]Signer, 0, len(o.Signers))
	for _, s := range o.Signers {
		was, old := before[s.Ref]
		delete(before, s.Ref)
		s.ViewedAt, s.SignedAt = later(was.ViewedAt, s.ViewedAt), later(was.SignedAt, s.SignedAt)
		next = append(next, s)
		if !old || was.Status != s.Status {
			d.Grew = true
		}
		if old && was.Status != s.Status && known && t.ConfirmedAt != nil && d.Next.SignersSet {
			d.Found = append(d.Found, Found{Change: ChangeSigner, From: string(was.Status), To: string(s.Status), Signer: s.Ref})
		}
	}
	for _, s := range d.Next.Signers {
		if _, left := before[s.Ref]; !left {
			continue
		}
		if o.lacks(SkippedSigner) { // this may be the one that could not be read
			next = append(next, s)
			continue
		}
		if t.ConfirmedAt == nil {
			d.Grew = true
			continue
		}
		if s.Status != SignerRemoved {
			d.Grew = true
			d.Found = append(d.Found,
				Found{Change: ChangeSigner, From: string(s.Status), To: string(SignerRemoved), Signer: s.Ref})
		}
		s.Status = SignerRemoved
		next = append(next, s)
	}
	if d.Grew && d.Reason == Same {
		d.Reason = Moved
	}
	d.Next.Signers, d.Next.SignersSet = next, true
	count(&d.Next)
}

// count updates how many signers have signed, of those who still belong to the transaction.
func count(t *Transaction) {
	t.SignersDone, t.SignersAll = 0, 0
	for _, s := range t.Signers {
		if s.Status == SignerRemoved {
			continue
		}
		t.SignersAll++
		if s.Status == SignerSigned {
			t.SignersDone++
		}
	}
}

// raise sets the attention that a callback brings, once per kind and signer.
func raise(d *Decision, o Observation) {
	for _, a := range o.Attention {
		if a.Since.IsZero() {
			a.Since = o.At
		}
		if !stands(d.Next.Attention, a) {
			d.Next.Attention = append(append([]Attention(nil), d.Next.Attention...), a)
			d.Changes = append(d.Changes, RowChange{Kind: KindAttention, To: string(a.Kind), Signer: a.Signer})
			d.Reason = Moved
		}
	}
}

// mend updates the row's attention by an answer. The kinds that the answer can judge become what it says; any other is
// resolved when its signer has signed or left, or when the transaction has ended.
func mend(d *Decision, o Observation) {
	var kept []Attention
	for _, a := range d.Next.Attention {
		if stands(o.Attention, a) || !over(a, d.Next, o) {
			kept = append(kept, a)
			continue
		}
		d.Changes = append(d.Changes, RowChange{Kind: KindAttention, From: string(a.Kind), Signer: a.Signer})
	}
	changed := len(kept) != len(d.Next.Attention)
	d.Next.Attention = kept
	before := len(d.Changes)
	raise(d, o)
	if (changed || len(d.Changes) != before) && d.Reason == Same {
		d.Reason = Moved
	}
}

// over reports whether an entry of attention that the answer does not list is resolved by it.
func over(a Attention, next Transaction, o Observation) bool {
	if has(o.Judges, a.Kind) {
		return true
	}
	if a.Kind == FileError {
		return next.Status.Final() && next.Status != Failed
	}
	if next.Status.Final() {
		return true
	}
	for _, s := range next.Signers {
		if s.Ref == a.Signer && a.Signer != "" {
			return s.Status == SignerSigned || s.Status == SignerRemoved
		}
	}
	return false
}

func stands(list []Attention, a Attention) bool {
	for _, b := range list {
		if b.Kind == a.Kind && b.Signer == a.Signer {
			return true
		}
	}
	return false
}

// fingerprint sums up what an answer says, so that an unchanged one costs no write.
func (o Observation) fingerprint() string {
	said := make([]byte, 0, 512)
	for _, s := range []string{string(o.Status), o.ProviderStatus, o.ExternalID, o.Name, o.Reason, o.Metadata, o.Mark} {
		said = append(append(said, s...), 0)
	}
	said = append(said, byte(o.Archived), byte(o.Trashed), byte(o.Test), byte(o.Absence), byte(o.Deleted))
	for _, t := range []*time.Time{o.SentAt, o.CreatedAt, o.ExpiresAt} {
		said = sumTime(said, t)
	}
	for i := range o.Signers {
		s := &o.Signers[i]
		said = append(said, 1)
		for _, word := range []string{s.Ref, s.Name, s.Email, s.Role} {
			said = append(append(said, word...), 0)
		}
		said = append(strconv.AppendInt(said, int64(s.Order), 10), 0)
		said = append(append(said, s.Status...), 0)
		said = append(append(said, s.Reason...), 0)
		said = sumTime(sumTime(said, s.ViewedAt), s.SignedAt)
	}
	for _, a := range o.Attention {
		said = append(said, 2)
		for _, word := range []string{string(a.Kind), a.Signer, a.Message} {
			said = append(append(said, word...), 0)
		}
	}
	for _, d := range o.Documents {
		said = append(said, 3)
		for _, word := range []string{d.ID, string(d.Kind), d.Name, d.Mark} {
			said = append(append(said, word...), 0)
		}
	}
	h := fnv.New128a()
	h.Write(said) //nolint:errcheck // a hash never fails
	return hex.EncodeToString(h.Sum(nil))
}

func sumTime(said []byte, t *time.Time) []byte {
	if t != nil {
		said = strconv.AppendInt(said, t.UnixNano(), 10)
	}
	return append(said, 0)
}
