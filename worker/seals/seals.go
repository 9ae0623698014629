// Package seals learns whose seal the signed files of an account carry, and tells when always another's stood there.
package seals

import (
	"context"
	"slices"

	"countersign/model"
	"countersign/model/store"
	"countersign/worker/incidents"
)

const (
	// enough files for each owner of a seal, on the average, make a seal a usual one.
	enough = 10
	// fewOwners of seals are the provider's. Where each signer signs with a certificate of their own, they soon are more,
	// and another one says nothing.
	fewOwners = 3
	// mostSeals are remembered of an account.
	mostSeals = 50
)

// Learn compares the seal of a file that gets its place with those that the account's files carried before, and
// remembers it. trusts says that the account names certificates that it trusts: then these decide, and nothing is
// learned. The word belongs into the document's facts.
func Learn(b *store.Batch, d model.Document, trusts bool) (model.Seal, []incidents.Move, error) {
	seal, ok := d.Facts.SealOf()
	if d.Kind != model.SignedDocument || d.Facts.Signature != model.SignatureIntact || !ok && !trusts {
		return "", nil, nil
	}
	var moved []incidents.Move
	if trusts {
		word := judged(d.Facts.Trust)
		var err error
		if word == model.SealOther {
			err = open(b, &moved, d, "one that the account does not trust")
		}
		return word, moved, err
	}
	list, err := b.Sealers(d.Account)
	if err != nil {
		return "", nil, err
	}
	this := seal.Sealer(d.Account)
	this.Documents, this.Document, this.FirstAt = 1, d.ID, b.Now()
	word, next := compare(list, this)
	if err := b.PutSealers(d.Account, next); err != nil {
		return "", nil, err
	}
	if word == model.SealOther {
		err = open(b, &moved, d, "another than always")
	}
	return word, moved, err
}

// judged is the word where the account has said whom it trusts.
func judged(t model.Trust) model.Seal {
	switch t {
	case model.TrustTrusted:
		return model.SealUsual
	case model.TrustUntrusted, model.TrustRevoked:
		return model.SealOther
	}
	return ""
}

func open(b *store.Batch, moved *[]incidents.Move, d model.Document, by string) error {
	return incidents.Open(b, moved, d.Account, model.SealedByAnother,
		"a file was sealed by "+by+": `documents show "+d.Account+" "+d.Ref+" "+d.ID+"` says by whom")
}

// compare says how a seal stands to those that came before, and what is remembered then.
func compare(list []model.Sealer, this model.Sealer) (model.Seal, []model.Sealer) {
	files, owners := 0, map[[2]string]bool{}
	for _, s := range list {
		if !s.Other {
			files += s.Documents
			owners[ownerOf(s)] = true
		}
	}
	at := slices.IndexFunc(list, func(s model.Sealer) bool { return s.Key == this.Key })
	renewed := slices.ContainsFunc(list, func(s model.Sealer) bool {
		return !s.Other && s.IssuerKey != "" && ownerOf(s) == ownerOf(this)
	})
	word := model.SealNew
	switch {
	case at >= 0 && !list[at].Other:
		word = model.SealUsual
	case renewed:
		word = model.SealRenewed
	case len(owners) > fewOwners:
		word = model.SealVaries
	case files >= enough*max(len(owners), 1):
		word = model.SealOther
	}
	switch {
	case at >= 0:
		list[at].Documents++
		list[at].Other = list[at].Other && word == model.SealOther
	case len(list) < mostSeals:
		this.Other = word == model.SealOther
		list = append(list, this)
	}
	return word, list
}

// ownerOf tells seals apart by whose they are: a key that the issuer of an earlier one has certified for the same owner
// is the same owner's. Without the issuer's key the name alone says nothing, since anyone can write it.
func ownerOf(s model.Sealer) [2]string {
	if s.IssuerKey == "" {
		return [2]string{s.Key, ""}
	}
	return [2]string{s.Name, s.IssuerKey}
}

// Accept takes the seals of an account's files that were told as another's for usual ones, and closes the incident. It
// returns how many there were.
func Accept(ctx context.Context, s *store.Store, in *incidents.Table, account string) (accepted int, err error) {
	var moved []incidents.Move
	err = s.DoPatiently(ctx, store.Unit{Apply: func(b *store.Batch) error {
		accepted, moved = 0, nil
		list, err := b.Sealers(account)
		if err != nil {
			return err
		}
		for i := range list {
			if list[i].Other {
				list[i].Other = false
				accepted++
			}
		}
		if accepted > 0 {
			if err := b.PutSealers(account, list); err != nil {
				return err
			}
		}
		return incidents.Close(b, &moved, account, model.SealedByAnother)
	}})
	if err == nil {
		in.Note(moved)
	}
	return accepted, err
}
