package providertest

import (
	"bytes"
	"cmp"
	"encoding/json"
	"os"
	"reflect"
	"slices"
	"time"

	"countersign/model"
	"countersign/provider"
)

// rules holds that the tables speak of known statuses and changes, end where they must, and let
// Decide work for every status, claim and answer.
func (b *bench) rules() {
	p := b.offline(b.New)
	r := p.Rules()
	if !reflect.DeepEqual(r, p.Rules()) {
		b.failf("Rules are not the same each time")
	}
	if r.Provider == "" {
		b.failf("Rules name no provider")
	}
	if len(r.Forward) == 0 {
		b.failf("Rules.Forward is empty: no claim could move anything")
	}
	known := func(where string, list ...model.Status) {
		for _, s := range list {
			if !s.Known() || s == model.Unknown && where != "Forward, from" {
				b.failf("Rules.%s: %q is no status to move to", where, s)
			}
		}
	}
	for from, to := range r.Forward {
		known("Forward, from", from)
		known("Forward", to...)
		if from.Final() && len(to) > 0 {
			b.failf("Rules.Forward lets a claim out of %q, which is final (see FinalMoves)", from)
		}
		if slices.Contains(to, from) {
			b.failf("Rules.Forward moves %q to itself", from)
		}
	}
	for from, to := range r.FinalMoves {
		for _, s := range append([]model.Status{from}, to...) {
			if !s.Final() {
				b.failf("Rules.FinalMoves: %q is not final", s)
			}
		}
	}
	if r.GoneIs != "" && !r.GoneIs.Final() {
		b.failf("Rules.GoneIs: %q is not final", r.GoneIs)
	}
	known("GoneAfter", r.GoneAfter...)
	for answer, row := range r.Confirms {
		known("Confirms", answer, row)
	}
	b.tells(r)
	b.decide(r)
}

// recordedRules compares the rules with their file, or writes it. The tests of model read these files, so that they
// know the rules of every provider without naming one.
func (b *bench) recordedRules() {
	path := cmp.Or(b.Rules, "testdata/rules.json")
	now, err := json.MarshalIndent(b.offline(b.New).Rules(), "", "  ")
	if err != nil {
		b.failf("the rules are no JSON: %w", err)
		return
	}
	now = append(now, '\n')
	if b.Update {
		if err := os.WriteFile(path, now, 0o644); err != nil {
			b.failf("%w", err)
		}
		return
	}
	if recorded, err := os.ReadFile(path); err != nil || !bytes.Equal(recorded, now) {
		b.failf("%s differs from Rules: run the test with -update and read what changed", path)
	}
}

// tells looks at the table of which callback tells of which change.
func (b *bench) tells(r model.Rules) {
	if len(r.Tells) == 0 {
		b.failf("Rules.Tells is empty: every change would be a gap")
	}
	changes := []model.GapChange{model.ChangeCreated, model.ChangeStatus, model.ChangeArchived, model.ChangeTrashed, model.ChangeSigner}
	for change, by := range r.Tells {
		if !slices.Contains(changes, change) {
			b.failf("Rules.Tells: %q is no change", change)
		}
		if slices.Contains(r.NoEvent, change) {
			b.failf("Rules: %q has events in Tells and none by NoEvent", change)
		}
		for to, types := range by {
			// An empty list is a word of its own where it keeps a status from falling back to "".
			if len(types) == 0 && (to == "" || by[""] == nil) || slices.Contains(types, "") {
				b.failf("Rules.Tells: %s %q lists no callback type", change, to)
			}
			flag := change == model.ChangeArchived || change == model.ChangeTrashed
			signer := []model.SignerStatus{model.SignerWaiting, model.SignerViewed, model.SignerSigned, model.SignerDeclined, model.SignerLocked, model.SignerRemoved}
			switch {
			case to == "", flag && to == "off", change == model.ChangeSigner && slices.Contains(signer, model.SignerStatus(to)), !flag && change != model.ChangeSigner && to.Known():
			default:
				b.failf("Rules.Tells: %s has no %q", change, to)
			}
		}
	}
	for _, change := range r.NoEvent {
		if !slices.Contains(changes, change) {
			b.failf("Rules.NoEvent: %q is no change", change)
		}
	}
}

// decide lets Decide go through everything.
func (b *bench) decide(r model.Rules) {
	for _, from := range model.Statuses() {
		for _, to := range append(model.Statuses(), "") {
			for _, e := range []model.Evidence{model.Hint, model.WeakClaim, model.Claim, model.Verified} {
				for _, absence := range []model.Absence{model.Present, model.NotFound, model.Gone} {
					t := model.Transaction{Account: "sales", Ref: b.Ref, Status: from, FirstSeenAt: b.ReceivedAt}
					o := model.Observation{Ref: b.Ref, Evidence: e, Status: to, Absence: absence, At: b.ReceivedAt.Add(time.Minute), AskedAt: b.ReceivedAt}
					d := model.Decide(r, t, o)
					if !d.Next.Status.Known() {
						b.failf("Decide: %s from %s leads to %q", to, from, d.Next.Status)
					}
				}
			}
		}
	}
}

// reply holds that an acknowledgement, where the service insists on one, has a type and a body.
func (b *bench) reply() {
	if r := b.offline(b.New).Traits.Reply; r != (provider.Reply{}) && (r.ContentType == "" || r.Body == "") {
		b.failf("Traits.Reply is %q %q", r.ContentType, r.Body)
	}
}
