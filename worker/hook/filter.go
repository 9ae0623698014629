package hook

import (
	"slices"
	"strings"

	"countersign/model"
	"countersign/model/announced"
)

// Filter chooses what a hook announces. An empty list chooses all.
type Filter struct {
	Accounts  []string
	Providers []string
	Statuses  []model.Status // of the changes of a transaction
	Kinds     []model.ChangeKind
	Wait      Wait
	Tests     bool // what the provider marks as a test, too
	Backfills bool // what a backfill has found, too
}

// Wait says which statuses are announced only once the provider has confirmed them.
type Wait string

// The waits.
const (
	WaitFinal Wait = "final" // final ones; others are announced as callbacks tell them
	WaitAll   Wait = "all"   // every one
	WaitNone  Wait = "none"  // none: a callback's word will do
)

// DefaultKinds are what a hook announces that names no kinds: all that happens to a transaction, but not what the
// program makes of its provider (gap, incident).
func DefaultKinds() []model.ChangeKind {
	return []model.ChangeKind{
		model.KindStatus, model.KindConfirmed, model.KindFlag, model.KindAttention, model.KindDocument, model.KindForgotten,
	}
}

// Takes says whether a hook announces a change.
func (f *Filter) Takes(a *announced.Change) bool {
	backfilled := strings.HasPrefix(a.Source, "backfill ") && a.Status != model.Unknown
	switch {
	case !a.Marked && !(f.Backfills && backfilled),
		a.Test && !f.Tests,
		len(f.Accounts) > 0 && !slices.Contains(f.Accounts, a.Account),
		len(f.Providers) > 0 && !slices.Contains(f.Providers, a.Provider),
		len(f.Statuses) > 0 && ofTransaction(a) && !slices.Contains(f.Statuses, a.Status):
		return false
	}
	return f.takesKind(a)
}

// takesKind goes by kind and evidence. Who wants statuses and waits for the provider hears of one that a callback told
// first when the provider confirms it.
func (f *Filter) takesKind(a *announced.Change) bool {
	kinds := f.Kinds
	if len(kinds) == 0 {
		kinds = DefaultKinds()
	}
	wants := slices.Contains(kinds, a.Kind)
	switch a.Kind {
	case model.KindStatus:
		return wants && (a.Confirmed || !f.waits(a.Status))
	case model.KindConfirmed:
		return wants || f.waits(a.Status) && slices.Contains(kinds, model.KindStatus)
	}
	return wants
}

func (f *Filter) waits(s model.Status) bool {
	return f.Wait == WaitAll || f.Wait != WaitNone && s.Final()
}

// ofTransaction says whether a change has a status to choose by.
func ofTransaction(a *announced.Change) bool {
	return a.Kind != model.KindIncident && a.Kind != model.KindForgotten
}
