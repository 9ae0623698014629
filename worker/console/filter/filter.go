// Package filter is what a list shows, in one type a list: as it stands in an address, as the store takes it, and
// within a cursor. Pages and API share it.
package filter

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"countersign/model"
	"countersign/model/store"
	"countersign/worker/console/problem"
)

// Reader is what turns words into a choice: the moment, what a SPAN means, and which accounts there are.
type Reader struct {
	Now      time.Time
	Span     func(text string, now time.Time) (time.Time, error)
	Accounts []string // those that the table knows
	In       string   // where the filter stands: query or body.filter

	faults []problem.Fault
}

// Err is what was wrong with what was read; nil if nothing was.
func (r *Reader) Err() error {
	if len(r.faults) == 0 {
		return nil
	}
	return problem.New(problem.Invalid, "", r.faults...)
}

// Fault notes that something is wrong with a member.
func (r *Reader) Fault(name, format string, args ...any) {
	r.faults = append(r.faults, problem.Fault{Location: r.In + "." + name, Message: fmt.Sprintf(format, args...)})
}

// Texts checks that what a filter says is text that a database can hold.
func (r *Reader) Texts(filter any) {
	for name, values := range Values(filter) {
		for _, v := range values {
			if !IsText(v) {
				r.Fault(name, "is not text: it has a NUL, or bytes that are not UTF-8")
			}
		}
	}
}

// IsText says whether a database can hold s.
func IsText(s string) bool { return utf8.ValidString(s) && !strings.ContainsRune(s, 0) }

// At reads a SPAN; nil where there is none.
func (r *Reader) At(name, text string) *time.Time {
	if text == "" {
		return nil
	}
	at, err := r.Span(text, r.Now)
	if err != nil {
		r.Fault(name, "is not a span such as 30d, 2w, 720h, 2026-01-31 or 2026-01-31T12:00:00Z")
		return nil
	}
	return &at
}

// known checks that words are of those that there are.
func known[T ~string](r *Reader, name string, words []string, of []T) {
	for _, w := range words {
		if !slices.Contains(of, T(w)) {
			r.Fault(name, "is not one of %s", join(of))
		}
	}
}

func join[T ~string](words []T) string {
	out := make([]string, len(words))
	for i, w := range words {
		out[i] = string(w)
	}
	return strings.Join(out, ", ")
}

// Words checks that words are of those that there are.
func (r *Reader) Words(name string, words, of []string) { known(r, name, words, of) }

// Known checks that accounts are known.
func (r *Reader) Known(names []string) {
	for _, a := range names {
		if !slices.Contains(r.Accounts, a) {
			r.Fault("account", "is not an account of this installation")
		}
	}
}

// yes reads true or false; nil where nothing is said.
func (r *Reader) yes(name, text string) *bool {
	switch text {
	case "":
		return nil
	case "true", "false":
		is := text == "true"
		return &is
	}
	r.Fault(name, "is not true or false")
	return nil
}

// Transactions chooses transactions.
type Transactions struct {
	Account       []string `query:"account,explode" json:"account,omitempty" doc:"only these accounts"`
	Provider      []string `query:"provider,explode" json:"provider,omitempty" doc:"only these providers"`
	Status        []string `query:"status,explode" json:"status,omitempty" doc:"only these statuses"`
	Flag          []string `query:"flag,explode" json:"flag,omitempty" doc:"with any of these: archived, trashed, deleted, not_found, test"`
	Confirmed     string   `query:"confirmed" json:"confirmed,omitempty" doc:"true: the provider's answer says so; false: only a callback does"`
	Checking      string   `query:"checking" json:"checking,omitempty" doc:"true: a callback says what no answer has confirmed yet"`
	Attention     string   `query:"attention" json:"attention,omitempty" doc:"true: somebody must act"`
	ChangedSince  string   `query:"changed_since" json:"changed_since,omitempty" doc:"changed since: 30d, 2w, 720h, a date or a time"`
	ChangedUntil  string   `query:"changed_until" json:"changed_until,omitempty" doc:"changed before"`
	ExpiresBefore string   `query:"expires_before" json:"expires_before,omitempty" doc:"expires before"`
	ExternalID    string   `query:"external_id" json:"external_id,omitempty" doc:"with this id of your own"`
	Search        string   `query:"search" json:"search,omitempty" maxLength:"200" doc:"in name, ref, own id, and signers' names and e-mails"`
	Order         string   `query:"order" json:"order,omitempty" doc:"newest (the default) or oldest change first"`
}

// Store is the filter as the store takes it.
func (f Transactions) Store(r *Reader) store.Filter {
	r.Known(f.Account)
	known(r, "status", f.Status, model.Statuses())
	known(r, "flag", f.Flag, store.Flags())
	if f.Order != "" {
		known(r, "order", []string{f.Order}, []string{"newest", "oldest"})
	}
	attention := r.yes("attention", f.Attention)
	if attention != nil && !*attention {
		r.Fault("attention", "can only be true")
	}
	out := store.Filter{
		Accounts: f.Account, Providers: f.Provider, Flags: f.Flag, Confirmed: r.yes("confirmed", f.Confirmed),
		Checking: r.yes("checking", f.Checking), Attention: attention != nil, ChangedSince: r.At("changed_since", f.ChangedSince),
		ChangedUntil: r.At("changed_until", f.ChangedUntil), ExpiresBefore: r.At("expires_before", f.ExpiresBefore),
		ExternalID: f.ExternalID, Search: f.Search, Oldest: f.Order == "oldest",
	}
	for _, s := range f.Status {
		out.Statuses = append(out.Statuses, model.Status(s))
	}
	return out
}

// Gaps chooses entries of the ledger.
type Gaps struct {
	Account []string `query:"account,explode" json:"account,omitempty" doc:"only these accounts"`
	Kind    []string `query:"kind,explode" json:"kind,omitempty" doc:"only these kinds: missed, late, refused, unsubscribed, no_event"`
	Change  []string `query:"change,explode" json:"change,omitempty" doc:"only these changes: created, status, archived, trashed, signer"`
	Since   string   `query:"since" json:"since,omitempty" doc:"found since: 30d, 2w, 720h, a date or a time"`
	Until   string   `query:"until" json:"until,omitempty" doc:"found before"`
}

// Store is the filter as the store takes it.
func (f Gaps) Store(r *Reader) store.PageFilter {
	r.Known(f.Account)
	known(r, "kind", f.Kind, []model.GapKind{model.GapMissed, model.GapLate, model.GapRefused, model.GapUnsubscribed,
		model.GapNoEvent})
	known(r, "change", f.Change, []model.GapChange{model.ChangeCreated, model.ChangeStatus, model.ChangeArchived,
		model.ChangeTrashed, model.ChangeSigner})
	return store.PageFilter{Accounts: f.Account, Kinds: f.Kind, Changes: f.Change, Since: r.At("since", f.Since),
		Until: r.At("until", f.Until)}
}
