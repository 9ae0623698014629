package onespan

import (
	"bytes"
	"cmp"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"countersign/model"
	"countersign/provider"
	"countersign/provider/lenient"
)

// A package of this type is a transaction; templates and layouts are drafts of nobody.
const transaction = "PACKAGE"

// evidenceID names the evidence summary, which has no document id of its own.
const evidenceID = "evidence-summary"

// tracked says whether the package is a transaction. Where no type is told, it is one.
func (p pack) tracked() bool { return p.Type == "" || p.Type == transaction }

// summary is what a list shows of a package.
func (p pack) summary() model.Observation {
	o := model.Observation{
		Ref: string(p.ID), Evidence: model.Verified, Status: p.status(), ProviderStatus: p.Status.Plain(),
		Archived: model.FlagOf(p.Status == archived), Name: p.Name.Plain(), Mark: p.mark(),
		ProviderTime: moment(p.Updated), CreatedAt: moment(p.Created),
	}
	if p.Trashed != lenient.Missing {
		o.Trashed = model.FlagOf(p.Trashed == lenient.Yes)
	}
	return o
}

func (p pack) status() model.Status { return words[string(p.Status)] }

// mark is equal in a list and in an answer while nothing has changed; "" where no time is told,
// since status and trash alone say nothing of the signers.
func (p pack) mark() string {
	updated := string(p.Updated)
	if t := moment(p.Updated); t != nil {
		updated = t.Format(time.RFC3339Nano)
	}
	if updated == "" {
		return ""
	}
	trashed := "false"
	if p.Trashed == lenient.Yes {
		trashed = "true"
	}
	return updated + "|" + string(p.Status) + "|" + trashed
}

// whole is what the answer to GET says of a package.
func (p pack) whole(signed, evidence bool) model.Observation {
	o := p.summary()
	o.ExpiresAt = moment(p.Due)
	o.Metadata = p.metadata()
	o.Documents = p.documents(signed, evidence)
	declined := p.declining()
	if declined != nil {
		o.Reason = declined.Content.Plain()
	}
	o.Signers, o.Attention = p.signers(declined)
	if o.Skipped = p.skipped(); p.vague() {
		o.Signers = nil
	}
	o.Judges = []model.AttentionKind{model.SignerLockedOut}
	if p.Autocomplete != lenient.Missing {
		o.Judges = append(o.Judges, model.SenderMustFinish)
		if p.Autocomplete == lenient.No && o.Status == model.InProgress && allSigned(o.Signers) {
			o.Attention = append(o.Attention, model.Attention{Kind: model.SenderMustFinish})
		}
	}
	return o
}

// metadata is `data`, the account's own free map; "" where it is empty.
func (p pack) metadata() string {
	var out bytes.Buffer
	if !bytes.HasPrefix(bytes.TrimSpace(p.Data), []byte("{")) || json.Compact(&out, p.Data) != nil ||
		out.Len() == len("{}") {
		return ""
	}
	return out.String()
}

// documents are what can be fetched once the package is completed: each document but the consent.
func (p pack) documents(signed, evidence bool) []model.DocumentRef {
	refs := []model.DocumentRef{}
	list := slices.Clone(p.Documents.Items)
	slices.SortStableFunc(list, func(a, b document) int { return cmp.Compare(a.Index, b.Index) })
	for _, d := range list {
		if signed && d.ID != "" && d.ID != consentID {
			refs = append(refs, model.DocumentRef{ID: string(d.ID), Kind: model.SignedDocument, Name: d.Name.Plain()})
		}
	}
	if evidence {
		refs = append(refs, model.DocumentRef{ID: evidenceID, Kind: model.EvidenceDocument, Name: evidenceID})
	}
	return refs
}

// declining is the newest message with words that somebody other than the sender wrote into a
// package that was declined or opted out of, or else the sender, where the sender signs too; nil where there is none.
func (p pack) declining() *message {
	if s := p.status(); s != model.Declined && s != model.OptedOut {
		return nil
	}
	if m := p.newest(func(m message) bool { return !m.From.is(p.Sender) }); m != nil {
		return m
	}
	signs := slices.ContainsFunc(p.Roles.Items, func(r role) bool {
		who := r.signer()
		return p.Sender.is(person{ID: who.ID, Email: who.Email})
	})
	if !signs {
		return nil
	}
	return p.newest(func(message) bool { return true })
}

// newest is the newest message with words of those that count.
func (p pack) newest(counts func(message) bool) *message {
	var newest *message
	for i, m := range p.Messages.Items {
		if strings.TrimSpace(string(m.Content)) == "" || !counts(m) {
			continue
		}
		if at := moment(m.Created); newest == nil || at != nil &&
			(moment(newest.Created) == nil || at.After(*moment(newest.Created))) {
			newest = &p.Messages.Items[i]
		}
	}
	return newest
}

// is says whether two people are one: by id, or where one has none by e-mail address.
func (a person) is(b person) bool {
	if a.ID != "" && b.ID != "" {
		return a.ID == b.ID
	}
	return a.Email != "" && strings.EqualFold(string(a.Email), string(b.Email))
}

// signers are the roles that have something to do, in the order in which they do it. A role with
// nothing to approve but the consent only gets a copy; the sender's counts like any other. No
// answer is ever nil: a package without signers has none.
func (p pack) signers(declined *message) ([]model.Signer, []model.Attention) {
	signers := []model.Signer{}
	var attention []model.Attention
	roles := slices.Clone(p.Roles.Items)
	slices.SortStableFunc(roles, func(a, b role) int { return cmp.Compare(a.Index, b.Index) })
	taken := map[string]bool{}
	for _, r := range roles {
		w := p.work(r.ID)
		if !w.any {
			continue
		}
		who := r.signer()
		s := model.Signer{
			Ref: string(who.ID), Name: who.name(), Email: cmp.Or(who.Email, who.Group.Email).Plain(), Role: cmp.Or(r.Name,
				r.ID).Plain(), Order: int(r.Index),
		}
		if s.Ref == "" || taken[s.Ref] { // a place that nobody holds yet
			s.Ref = string(r.ID)
		}
		taken[s.Ref] = true
		s.Status, s.SignedAt = model.SignerWaiting, w.at
		open := !p.status().Final()
		switch {
		case w.done:
			s.Status = model.SignerSigned
		case declined != nil && declined.From.is(person{ID: who.ID, Email: who.Email}):
			s.Status, s.Reason = model.SignerDeclined, declined.Content.Plain()
		case r.Locked == lenient.Yes:
			s.Status = model.SignerLocked
			if open {
				attention = append(attention, model.Attention{Kind: model.SignerLockedOut, Signer: s.Ref})
			}
		}
		if failed := who.KBA.Status; open && !w.done && (failed == "FAILED" || failed == "INVALID_SIGNER") {
			attention = append(attention, model.Attention{Kind: model.IdentityCheckFailed, Signer: s.Ref})
		}
		signers = append(signers, s)
	}
	return signers, attention
}

// signer is who stands in the role; a zero one where nobody does yet.
func (r role) signer() signer {
	if len(r.Signers.Items) == 0 {
		return signer{}
	}
	return r.Signers.Items[0]
}

// vague says whether a document or an approval could not be read, so that nobody knows who has signed.
func (p pack) vague() bool {
	return len(p.Documents.Skipped) > 0 ||
		slices.ContainsFunc(p.Documents.Items, func(d document) bool { return len(d.Approvals.Skipped) > 0 })
}

// skipped is what could not be read of a package.
func (p pack) skipped() []model.Skipped {
	all := provider.Skip(nil, model.SkippedSigner, p.Roles.Skipped...)
	for _, r := range p.Roles.Items {
		all = provider.Skip(all, model.SkippedSigner, r.Signers.Skipped...)
	}
	all = provider.Skip(all, model.SkippedDocument, p.Documents.Skipped...)
	for _, d := range p.Documents.Items {
		all = provider.Skip(all, model.SkippedSigner, d.Approvals.Skipped...) // who has to do it is not known
	}
	return provider.Skip(all, model.SkippedOther, p.Messages.Skipped...)
}

// work is what one role has to do.
type work struct {
	any  bool       // something besides the consent, that must be done or was
	done bool       // all that must be done
	at   *time.Time // when the last of it was; nil while it is not
}

// work reads a role's approvals over all documents. Optional and disabled ones hold nobody up; an
// optional one counts where it was given. The consent alone makes nobody a signer.
func (p pack) work(roleID lenient.Text) work {
	w := work{done: true}
	for _, d := range p.Documents.Items {
		for _, a := range d.Approvals.Items {
			if a.Role != roleID || a.Disabled == lenient.Yes {
				continue
			}
			given := cmp.Or(a.Accepted, a.Signed)
			if given == "" && a.Optional == lenient.Yes {
				continue
			}
			w.any = w.any || d.ID != consentID
			w.done = w.done && given != ""
			if at := moment(given); at != nil && (w.at == nil || at.After(*w.at)) {
				w.at = at
			}
		}
	}
	if !w.done {
		w.at = nil
	}
	return w
}

// name is what people call the signer.
func (s signer) name() string {
	return cmp.Or(strings.TrimSpace(s.FirstName.Plain()+" "+s.LastName.Plain()), s.Name.Plain(), s.Group.Name.Plain())
}

func allSigned(list []model.Signer) bool {
	for _, s := range list {
		if s.Status != model.SignerSigned {
			return false
		}
	}
	return len(list) > 0
}
