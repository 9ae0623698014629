package filter

import (
	"countersign/model"
	"countersign/model/store"
)

// Documents chooses documents.
type Documents struct {
	Account   []string `query:"account,explode" json:"account,omitempty" doc:"only these accounts"`
	State     []string `query:"state,explode" json:"state,omitempty" doc:"only these states: waiting, stored, quarantined, unobtainable, failed"`
	Signature []string `query:"signature,explode" json:"signature,omitempty" doc:"only these: intact, altered, unsigned, unknown"`
}

// Store is the filter as the store takes it.
func (f Documents) Store(r *Reader) store.PageFilter {
	r.Known(f.Account)
	known(r, "state", f.State, []model.DocumentState{model.DocumentWaiting, model.DocumentStored,
		model.DocumentQuarantined, model.DocumentUnobtainable, model.DocumentFailed})
	known(r, "signature", f.Signature, []model.Signature{model.SignatureIntact, model.SignatureAltered,
		model.SignatureUnsigned, model.SignatureUnknown})
	return store.PageFilter{Accounts: f.Account, States: f.State, Signatures: f.Signature}
}

// Callbacks chooses callbacks.
type Callbacks struct {
	Account string `query:"account" json:"account,omitempty" doc:"only this account"`
	Verdict string `query:"verdict" json:"verdict,omitempty" doc:"accepted, duplicate, refused or not_understood"`
	Outcome string `query:"outcome" json:"outcome,omitempty" doc:"applied, nothing_new, checking, ignored, unresolved or test"`
	Type    string `query:"type" json:"type,omitempty" doc:"the provider's word for the event"`
	Ref     string `query:"ref" json:"ref,omitempty" doc:"that named this ref"`
	Since   string `query:"since" json:"since,omitempty" doc:"came since: 30d, 2w, 720h, a date or a time"`
}

// Store is the filter as the store takes it.
func (f Callbacks) Store(r *Reader) store.CallbackFilter {
	if f.Account != "" {
		r.Known([]string{f.Account})
	}
	if f.Verdict != "" {
		known(r, "verdict", []string{f.Verdict}, []model.Verdict{model.Accepted, model.Duplicate, model.Refused,
			model.NotUnderstood})
	}
	if f.Outcome != "" {
		known(r, "outcome", []string{f.Outcome}, []model.Outcome{model.Applied, model.NothingNew, model.Checking,
			model.Ignored, model.ClaimUnresolved, model.TestEvent})
	}
	return store.CallbackFilter{Account: f.Account, Ref: f.Ref, Verdict: model.Verdict(f.Verdict),
		Outcome: model.Outcome(f.Outcome), Type: f.Type, Since: r.At("since", f.Since)}
}

// Runs chooses runs.
type Runs struct {
	Account []string `query:"account,explode" json:"account,omitempty" doc:"only these accounts"`
	Kind    []string `query:"kind,explode" json:"kind,omitempty" doc:"only these kinds: active, idle, audit, ref, backfill, verify, retry"`
	State   []string `query:"state,explode" json:"state,omitempty" doc:"only these states: queued, running, done, partial, failed"`
	Since   string   `query:"since" json:"since,omitempty" doc:"asked for since: 30d, 2w, 720h, a date or a time"`
}

// RunKinds are the kinds of run.
func RunKinds() []string {
	return []string{"active", "idle", "audit", "ref", "backfill", "verify", "retry"}
}

// Store is the filter as the store takes it.
func (f Runs) Store(r *Reader) store.PageFilter {
	r.Known(f.Account)
	known(r, "kind", f.Kind, RunKinds())
	known(r, "state", f.State, []model.RunState{model.RunQueued, model.RunActive, model.RunDone, model.RunPartial,
		model.RunFailed})
	return store.PageFilter{Accounts: f.Account, Kinds: f.Kind, States: f.State, Since: r.At("since", f.Since)}
}

// Incidents chooses incidents.
type Incidents struct {
	Account []string `query:"account,explode" json:"account,omitempty" doc:"only these accounts"`
	Kind    []string `query:"kind,explode" json:"kind,omitempty" doc:"only these kinds"`
	State   string   `query:"state" json:"state,omitempty" doc:"open or closed"`
	Since   string   `query:"since" json:"since,omitempty" doc:"opened since: 30d, 2w, 720h, a date or a time"`
}

// Store is the filter as the store takes it.
func (f Incidents) Store(r *Reader) store.PageFilter {
	r.Known(f.Account)
	known(r, "kind", f.Kind, model.IncidentKinds())
	out := store.PageFilter{Accounts: f.Account, Kinds: f.Kind, Since: r.At("since", f.Since)}
	if f.State != "" {
		known(r, "state", []string{f.State}, []string{"open", "closed"})
		out.States = []string{f.State}
	}
	return out
}

// Deliveries chooses announcements of a hook.
type Deliveries struct {
	State []string `query:"state,explode" json:"state,omitempty" doc:"only these states: waiting, sent, dead"`
}

// Store is the filter as the store takes it, for one hook.
func (f Deliveries) Store(r *Reader, hook string) store.DeliveryFilter {
	known(r, "state", f.State, []store.DeliveryState{store.DeliveryWaiting, store.DeliverySent, store.DeliveryDead})
	return store.DeliveryFilter{Hook: hook, States: f.State}
}

// Changes chooses entries of the change feed.
type Changes struct {
	Account []string `query:"account,explode" json:"account,omitempty" doc:"only these accounts"`
	Kind    []string `query:"kind,explode" json:"kind,omitempty" doc:"only these kinds: status, confirmed, flag, attention, document, gap, incident, forgotten"`
	Status  []string `query:"status,explode" json:"status,omitempty" doc:"only of rows with these statuses"`
}

// Store is the filter as the store takes it.
func (f Changes) Store(r *Reader) store.ChangeFilter {
	r.Known(f.Account)
	known(r, "kind", f.Kind, []model.ChangeKind{model.KindStatus, model.KindConfirmed, model.KindFlag, model.KindAttention,
		model.KindDocument, model.KindGap, model.KindIncident, model.KindForgotten})
	known(r, "status", f.Status, model.Statuses())
	return store.ChangeFilter{Accounts: f.Account, Kinds: f.Kind, Statuses: f.Status}
}
