// Package rules holds a provider's tables against what each must be.
package rules

import (
	"fmt"
	"slices"
	"time"

	"countersign/model"
)

// Faults says where a provider's tables speak of unknown statuses and changes, do not end where they must, or lead
// Decide astray for some status, claim or answer.
func Faults(r model.Rules) []error {
	f := &faults{}
	if r.Provider == "" {
		f.add("Rules name no provider")
	}
	if len(r.Forward) == 0 {
		f.add("Rules.Forward is empty: no claim could move anything")
	}
	known := func(where string, list ...model.Status) {
		for _, s := range list {
			if !s.Known() || s == model.Unknown && where != "Forward, from" {
				f.add("Rules.%s: %q is no status to move to", where, s)
			}
		}
	}
	for from, to := range r.Forward {
		known("Forward, from", from)
		known("Forward", to...)
		if from.Final() && len(to) > 0 {
			f.add("Rules.Forward lets a claim out of %q, which is final (see FinalMoves)", from)
		}
		if slices.Contains(to, from) {
			f.add("Rules.Forward moves %q to itself", from)
		}
	}
	for from, to := range r.FinalMoves {
		for _, s := range append([]model.Status{from}, to...) {
			if !s.Final() {
				f.add("Rules.FinalMoves: %q is not final", s)
			}
		}
	}
	if r.GoneIs != "" && !r.GoneIs.Final() {
		f.add("Rules.GoneIs: %q is not final", r.GoneIs)
	}
	known("GoneAfter", r.GoneAfter...)
	for answer, row := range r.Confirms {
		known("Confirms", answer, row)
	}
	f.tells(r)
	f.decide(r)
	return f.found
}

type faults struct{ found []error }

func (f *faults) add(format string, args ...any) {
	f.found = append(f.found, fmt.Errorf(format, args...))
}

// tells looks at the table of which callback tells of which change.
func (f *faults) tells(r model.Rules) {
	if len(r.Tells) == 0 {
		f.add("Rules.Tells is empty: every change would be a gap")
	}
	changes := []model.GapChange{model.ChangeCreated, model.ChangeStatus, model.ChangeArchived, model.ChangeTrashed,
		model.ChangeSigner}
	for change, by := range r.Tells {
		if !slices.Contains(changes, change) {
			f.add("Rules.Tells: %q is no change", change)
		}
		if slices.Contains(r.NoEvent, change) {
			f.add("Rules: %q has events in Tells and none by NoEvent", change)
		}
		for to, types := range by {
			// An empty list is a word of its own where it keeps a status from falling back to "".
			if len(types) == 0 && (to == "" || by[""] == nil) || slices.Contains(types, "") {
				f.add("Rules.Tells: %s %q lists no callback type", change, to)
			}
			flag := change == model.ChangeArchived || change == model.ChangeTrashed
			signer := []model.SignerStatus{model.SignerWaiting, model.SignerViewed, model.SignerSigned, model.SignerDeclined,
				model.SignerLocked, model.SignerRemoved}
			switch {
			case to == "", flag && to == "off", change == model.ChangeSigner &&
				slices.Contains(signer, model.SignerStatus(to)), !flag && change != model.ChangeSigner && to.Known():
			default:
				f.add("Rules.Tells: %s has no %q", change, to)
			}
		}
	}
	for _, change := range r.NoEvent {
		if !slices.Contains(changes, change) {
			f.add("Rules.NoEvent: %q is no change", change)
		}
	}
}

// decide lets Decide go through everything.
func (f *faults) decide(r model.Rules) {
	at := time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	for _, from := range model.Statuses() {
		for _, to := range append(model.Statuses(), "") {
			for _, e := range []model.Evidence{model.Hint, model.WeakClaim, model.Claim, model.Verified} {
				for _, absence := range []model.Absence{model.Present, model.NotFound, model.Gone} {
					t := model.Transaction{Account: "sales", Ref: "ref", Status: from, FirstSeenAt: at}
					o := model.Observation{Ref: "ref", Evidence: e, Status: to, Absence: absence, At: at.Add(time.Minute), AskedAt: at}
					d := model.Decide(r, t, o)
					if !d.Next.Status.Known() {
						f.add("Decide: %s from %s leads to %q", to, from, d.Next.Status)
					}
				}
			}
		}
	}
}
