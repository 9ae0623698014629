package autosign

import (
	"cmp"
	"encoding/json"
	"slices"
	"time"

	"countersign/model"
	"countersign/provider"
	"countersign/provider/lenient"
)

// completedWithout names the document of a completed transaction that lists none.
const completedWithout = "sealed"

// summary is what a list would show of a transaction. There is no change mark: updated_at was seen
// to stand still while recipients changed (dossier: 2d).
func (s *service) summary(d detail) model.Observation {
	return model.Observation{
		Ref: string(d.ID), Evidence: model.Verified, Status: s.status(string(d.Status)), ProviderStatus: d.Status.Plain(),
		Archived: model.FlagOf(d.Archived == lenient.Yes), Name: d.Template.Name.Plain(),
		CreatedAt: d.CreatedAt.Time(), SentAt: d.SentAt.Time(), ExpiresAt: d.ExpiresAt.Time(), ProviderTime: d.newest(),
	}
}

// whole is what the answer to a question says of a transaction. raw is the same, for what has no
// documented place.
func (s *service) whole(d detail, raw []byte) model.Observation {
	o := s.summary(d)
	if o.Status == model.Declined {
		o.Reason = d.RejectedReason.Plain()
	}
	o.Metadata = d.metadata()
	o.Signers, o.Skipped = d.signers(o.Status), d.skipped()
	if o.Status == model.Completed {
		o.Documents = s.documents(d, s.shown(raw))
	}
	if s.externalID != "" {
		o.ExternalID = provider.Lookup(raw, s.externalID)
	}
	return o
}

// newest is the newest of all times told of what has happened.
func (d detail) newest() *time.Time {
	var out *time.Time
	all := []lenient.Text{d.CreatedAt, d.UpdatedAt, d.SentAt, d.CompletedAt, d.ExpiredAt, d.RejectedAt,
		d.Template.UpdatedAt}
	for _, r := range d.Template.Recipients.Items {
		all = append(all, r.UpdatedAt, r.SubmittedAt)
	}
	for _, t := range all {
		if at := t.Time(); at != nil && (out == nil || at.After(*out)) {
			out = at
		}
	}
	return out
}

// metadata holds the id of the transaction behind this one, at the service that carries it out:
// a mirror of that service may be joined by it (dossier: 3).
func (d detail) metadata() string {
	if d.ProviderID == "" {
		return ""
	}
	raw, err := json.Marshal(map[string]string{"provider_id": d.ProviderID.Plain(),
		"provider_type": d.ProviderType.Plain()})
	if err != nil {
		return ""
	}
	return string(raw)
}

// signers are the recipients, in their order; the sender too, who has fields of his own to fill
// in. One who has submitted has signed.
func (d detail) signers(status model.Status) []model.Signer {
	out := []model.Signer{}
	taken := map[lenient.Text]bool{}
	list := slices.Clone(d.Template.Recipients.Items)
	slices.SortStableFunc(list, func(a, b recipient) int { return cmp.Compare(a.Index, b.Index) })
	for _, r := range list {
		if !plausible(string(r.ID)) || taken[r.ID] {
			continue
		}
		taken[r.ID] = true
		m := model.Signer{
			Ref: string(r.ID), Name: r.Name.Plain(), Email: r.Email.Plain(), Role: r.Role.Plain(), Order: int(r.Index),
			Status: model.SignerWaiting, SignedAt: r.SubmittedAt.Time(),
		}
		switch {
		case status == model.Declined && r.ID == d.RejectedByID:
			m.Status, m.Reason, m.SignedAt = model.SignerDeclined, d.RejectedReason.Plain(), nil
		case r.SubmittedAt != "":
			m.Status = model.SignerSigned
		}
		out = append(out, m)
	}
	return out
}

// skipped is what could not be read of a transaction.
func (d detail) skipped() []model.Skipped {
	all := provider.Skip(nil, model.SkippedSigner, d.Template.Recipients.Skipped...)
	for i, r := range d.Template.Recipients.Items {
		if !plausible(string(r.ID)) {
			all = provider.Skip(all, model.SkippedSigner, d.Template.Recipients.Raw[i])
		}
	}
	return provider.Skip(all, model.SkippedDocument, d.Template.Documents.Skipped...)
}

// shown are the sealed documents that an answer lists at the first pointer with any.
func (s *service) shown(raw []byte) []sealed {
	v := decoded(raw)
	for _, pointer := range s.set.SealedPointers {
		if docs := s.sealed(v, pointer); len(docs) > 0 {
			return docs
		}
	}
	return nil
}

// documents are those of a completed transaction: one sealed document for each source, under the
// source's id, as callbacks name them (dossier: 4). Where the answer shows none, there is one all the
// same: it must be found, or said to be unobtainable.
func (s *service) documents(d detail, shown []sealed) []model.DocumentRef {
	out := []model.DocumentRef{}
	if !s.signed {
		return out
	}
	taken := map[string]bool{}
	for _, f := range shown {
		taken[f.id] = true
		out = append(out, f.ref())
	}
	sources := slices.Clone(d.Template.Documents.Items)
	slices.SortStableFunc(sources, func(a, b document) int { return cmp.Compare(a.Index, b.Index) })
	for _, f := range sources {
		if id := string(f.ID); plausible(id) && !taken[id] {
			taken[id] = true
			out = append(out, model.DocumentRef{ID: id, Kind: model.SignedDocument, Name: f.File.OriginalName.Plain()})
		}
	}
	if len(out) == 0 {
		out = append(out, model.DocumentRef{ID: completedWithout, Kind: model.SignedDocument, Name: completedWithout})
	}
	return out
}
