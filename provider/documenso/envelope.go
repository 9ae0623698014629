package documenso

import (
	"cmp"
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"countersign/model"
	"countersign/provider"
	"countersign/provider/lenient"
)

const (
	refPrefix     = "envelope_"     // what the id of every envelope begins with
	certificateID = "certificate"   // names the signing certificate, which has no id of its own
	copyOnly      = "CC"            // a role that only gets a copy, and is SIGNED from the moment of sending
	template      = "TEMPLATE"      // a draft of nobody, under the same path
	longest       = provider.MaxRef // bytes of an id or a name that are one
	signingDone   = "SIGNED"        // what signingStatus says of who has finished
	signingNo     = "REJECTED"      // and of who refused
	opened        = "OPENED"        // what readStatus says of who has looked
)

var errNotAsked = errors.New("the answer is not the envelope that was asked for")

// plausible says whether ref may be an envelope's id. Any other is answered with 400 instead of 404.
func plausible(ref string) bool {
	return strings.HasPrefix(ref, refPrefix) && len(ref) > len(refPrefix) && len(ref) <= longest
}

// read makes an observation of an answer's envelope. It says whether the envelope is a transaction of this
// account: a template is none, nor is another team's, whose files the key cannot have.
func (s *service) read(raw json.RawMessage) (o model.Observation, ours bool, err error) {
	var e envelope
	if err := lenient.Unmarshal(raw, &e); err != nil || !plausible(string(e.ID)) {
		return model.Observation{}, false, errNotAsked
	}
	o = s.observe(e, raw)
	o.Ref, o.Evidence = string(e.ID), model.Verified
	o.Status, o.ProviderStatus = words[string(e.Status)], e.Status.Plain()
	if e.DeletedAt != "" {
		o.Deleted = model.Yes
	}
	if o.Status == model.Completed { // a rejected one's files are stamped and signed, and no documents
		o.Documents = s.documents(e.Items.Items)
	}
	return o, e.Type != template && !s.foreign(string(e.TeamID)), nil
}

// observe is what answers and payloads tell alike. raw is what e was read from.
func (s *service) observe(e envelope, raw json.RawMessage) model.Observation {
	o := model.Observation{
		ExternalID: e.ExternalID.Plain(), Name: e.Title.Plain(), Mark: e.mark(), ProviderTime: e.newest(),
		CreatedAt: e.CreatedAt.Time(), Signers: e.signers(), ExpiresAt: e.expires(), Skipped: e.skipped(),
	}
	if s.externalID != "" {
		o.ExternalID = ""
		clean := cut(raw) // a path may lead anywhere, but not to a signing token
		if clean == nil {
			clean = raw
		}
		o.ExternalID = provider.Lookup(clean, s.externalID)
	}
	if words[string(e.Status)] == model.Declined {
		for _, signer := range o.Signers {
			o.Reason = cmp.Or(o.Reason, signer.Reason)
		}
	}
	return o
}

// skipped is what could not be read of an envelope.
func (e envelope) skipped() []model.Skipped {
	return provider.Skip(provider.Skip(nil, model.SkippedSigner, e.Recipients.Skipped...), model.SkippedDocument,
		e.Items.Skipped...)
}

// mark is equal in a list and in an answer while a completed envelope stays as it is. It says nothing of an
// open one: updatedAt does not move when somebody opens or signs.
func (e envelope) mark() string {
	if e.UpdatedAt == "" {
		return ""
	}
	return strings.Join([]string{e.UpdatedAt.Plain(), e.Status.Plain(), e.CompletedAt.Plain(), e.DeletedAt.Plain()}, "|")
}

// newest is the newest time in the envelope. No single one will do: updatedAt is stale after a
// cancellation and does not move with a signature.
func (e envelope) newest() *time.Time {
	var newest *time.Time
	times := []lenient.Text{e.UpdatedAt, e.CompletedAt, e.DeletedAt}
	for _, r := range e.Recipients.Items {
		times = append(times, r.SignedAt)
	}
	for _, t := range times {
		if at := t.Time(); at != nil && (newest == nil || at.After(*newest)) {
			newest = at
		}
	}
	return newest
}

// signers are the recipients who have something to do, in the order in which they do it, by id: the
// service's order changes from event to event. Never nil.
func (e envelope) signers() []model.Signer {
	signers, taken := []model.Signer{}, map[string]bool{}
	for _, r := range e.Recipients.Items {
		ref := r.ID.Plain()
		if r.Role == copyOnly || ref == "" || taken[ref] {
			continue
		}
		taken[ref] = true
		s := model.Signer{Ref: ref, Name: r.Name.Plain(), Email: r.Email.Plain(), Role: r.Role.Plain(),
			Status: model.SignerWaiting}
		if r.Order != nil {
			s.Order = int(*r.Order)
		}
		switch {
		case r.Signing == signingDone:
			s.Status, s.SignedAt = model.SignerSigned, r.SignedAt.Time()
		case r.Signing == signingNo:
			s.Status, s.Reason = model.SignerDeclined, r.Reason.Plain()
		case r.Read == opened:
			s.Status = model.SignerViewed
		}
		signers = append(signers, s)
	}
	slices.SortFunc(signers, func(a, b model.Signer) int {
		return cmp.Or(cmp.Compare(a.Order, b.Order), compareIDs(a.Ref, b.Ref))
	})
	return signers
}

// compareIDs orders ids as the numbers that they are.
func compareIDs(a, b string) int {
	m, err := strconv.ParseInt(a, 10, 64)
	n, err2 := strconv.ParseInt(b, 10, 64)
	if err != nil || err2 != nil {
		return cmp.Compare(a, b)
	}
	return cmp.Compare(m, n)
}

// expires is when the first link of somebody who still has to act runs out, or has: the envelope stays
// PENDING then, and a resend renews the link.
func (e envelope) expires() *time.Time {
	if words[string(e.Status)].Final() {
		return nil
	}
	var first *time.Time
	for _, r := range e.Recipients.Items {
		if r.Role == copyOnly || r.Signing == signingDone || r.Signing == signingNo {
			continue
		}
		if at := r.ExpiresAt.Time(); at != nil && (first == nil || at.Before(*first)) {
			first = at
		}
	}
	return first
}

// documents are what can be fetched of a completed envelope: each item, and the certificate. The audit log's
// PDF is left out: it is made afresh each time, so that no two are equal.
func (s *service) documents(items []item) []model.DocumentRef {
	refs := []model.DocumentRef{}
	items = slices.Clone(items)
	slices.SortStableFunc(items, func(a, b item) int { return cmp.Compare(a.Order, b.Order) })
	for _, i := range items {
		same := func(d model.DocumentRef) bool { return d.ID == string(i.ID) }
		if s.signed && i.ID != "" && !slices.ContainsFunc(refs, same) {
			refs = append(refs, model.DocumentRef{ID: string(i.ID), Kind: model.SignedDocument, Name: i.Title.Plain(),
				Mark: i.DataID.Plain()})
		}
	}
	if s.evidence {
		refs = append(refs, model.DocumentRef{ID: certificateID, Kind: model.EvidenceDocument, Name: certificateID})
	}
	return refs
}
