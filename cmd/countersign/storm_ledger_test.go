package main

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/model"
	"countersign/model/store"
	"countersign/provider/simulator"
)

// grace is how long a callback may still tell of what a poll has found.
const grace = 5 * time.Minute

// ack is a callback that we acknowledged, and when it was sent and answered for the first time.
type ack struct {
	typ        string
	from, till time.Time
	forged     bool
}

// acks are the acknowledged callbacks of a transaction. A forged one counts too where it was taken: its type is not
// known to the truth, so it may tell of anything.
func acks(tx simulator.TruthTransaction) (all []ack) {
	for _, c := range tx.Callbacks {
		if c.Document == "default-consent" {
			continue // the consent to sign is told like a signature, and is none
		}
		for _, a := range c.Attempts {
			if a.Answer/100 == 2 {
				all = append(all, ack{c.Type, a.At, a.Answered, c.Forged})
				break
			}
		}
	}
	return all
}

// unanswered are the times of requests that we may have taken though the sender got no answer.
func unanswered(tx simulator.TruthTransaction) bool {
	for _, c := range tx.Callbacks {
		for _, a := range c.Attempts {
			if a.Answer == 0 && !a.Answered.IsZero() {
				return true
			}
		}
	}
	return false
}

// span of a value: from when on something was so, and until when.
type was struct {
	value      string
	from, till time.Time
}

// course is how one thing of a transaction went: its status, a flag or a signer.
func course(tx simulator.TruthTransaction, change, signer string) (all []was) {
	for _, c := range tx.Changes {
		kind := c.Change
		if kind == "created" {
			kind = "status"
		}
		if kind != change || c.Signer != signer {
			continue
		}
		if n := len(all); n > 0 {
			all[n-1].till = c.At
		} else if c.From != "" {
			all = append(all, was{c.From, tx.CreatedAt, c.At})
		}
		all = append(all, was{c.To, c.At, time.Time{}})
	}
	return all
}

// checkLedger holds the ledger of one transaction against the truth: each entry was so and was not told, and what
// nobody can have told us has an entry.
func (r *rig) checkLedger(t *testing.T, tx simulator.TruthTransaction, row model.Transaction, own []model.Change) {
	gaps, err := r.e.Store.Gaps(t.Context(), store.GapFilter{Account: tx.Account, Ref: tx.Ref})
	require.NoError(t, err)
	seen := map[string]bool{}
	for _, g := range gaps {
		g.Before = g.Before.Add(-r.plan.Ahead)
		if g.After != nil {
			after := g.After.Add(-r.plan.Ahead)
			g.After = &after
		}
		text := fmt.Sprintf("%s %s %s %s to %s (%s)", tx.Ref, g.Kind, g.Change, g.Signer, gapTo(g),
			g.Before.Format("02 15:04:05"))
		if id := fmt.Sprint(g.Change, g.Signer, gapTo(g), g.Before); seen[id] {
			t.Errorf("%s stands twice", text)
		} else {
			seen[id] = true
		}
		r.checkEntry(t, tx, g, text)
	}
	r.checkMissed(t, tx, row, own, gaps)
}

func gapTo(g model.Gap) string {
	if g.Change == model.ChangeArchived || g.Change == model.ChangeTrashed {
		return fmt.Sprint(!g.Off)
	}
	return g.To
}

// checkEntry holds one entry: that it was so between its bounds, or as far back as a copy may lag, and what callbacks
// that we acknowledged told of it.
func (r *rig) checkEntry(t *testing.T, tx simulator.TruthTransaction, g model.Gap, text string) {
	change, to := string(g.Change), gapTo(g)
	if change == "created" {
		change = "status"
	}
	var after time.Time
	if g.After != nil {
		after = g.After.Add(-r.plan.Usual.Lag - time.Minute)
	}
	so := slices.ContainsFunc(course(tx, change, g.Signer), func(w was) bool {
		return sameWord(w.value, to) && w.from.Before(g.Before) && (w.till.IsZero() || w.till.After(after))
	})
	if r.plan.Usual.Stale > 0 && g.Change == model.ChangeSigner && g.To == string(model.SignerRemoved) {
		so = true // a copy from before somebody joined shows him as one who has left
	}
	if !so {
		t.Errorf("%s: it never was so in that time", text)
	}
	types := telling(tx.Provider, string(g.Change), to)
	if counted := g.Kind == model.GapMissed || g.Kind == model.GapLate ||
		g.Kind == model.GapRefused; counted != (len(types) > 0) {
		t.Errorf("%s: %d types of callback tell of it", text, len(types))
		return
	}
	late, until := false, g.Before.Add(grace-time.Second)
	if g.Change == model.ChangeSigner {
		until = g.Before // what comes after it explains one signer, and there may be another
	}
	for _, a := range acks(tx) {
		if !slices.Contains(types, a.typ) || a.forged {
			continue
		}
		switch {
		case (g.After == nil || a.from.After(g.After.Add(time.Second))) && a.till.Before(until):
			t.Errorf("%s: %s told of it, %s", text, a.typ, a.till.Format("02 15:04:05"))
		case a.till.After(g.Before.Add(grace)):
			late = true
		}
	}
	if g.Kind == model.GapLate && !late && !unanswered(tx) && !forgedAck(tx) {
		t.Errorf("%s: no callback came late", text)
	}
}

func forgedAck(tx simulator.TruthTransaction) bool {
	return slices.ContainsFunc(acks(tx), func(a ack) bool { return a.forged })
}

// checkMissed holds that what happened while we knew of the transaction, was still so at the end, and was told by no
// callback, has an entry.
func (r *rig) checkMissed(t *testing.T, tx simulator.TruthTransaction, row model.Transaction, own []model.Change, gaps []model.Gap) {
	if tx.Deleted || tx.Absent || forgedAck(tx) || unanswered(tx) {
		return
	}
	all := acks(tx)
	if row.Origin == model.OriginPoll && len(all) == 0 &&
		!tx.CreatedAt.Add(time.Minute+max(0, -r.plan.Ahead)).Before(r.start) &&
		tx.CreatedAt.After(r.start.Add(5*time.Minute)) {
		if len(telling(tx.Provider, "created", string(row.Status))) > 0 &&
			!slices.ContainsFunc(gaps, func(g model.Gap) bool { return g.Change == model.ChangeCreated }) {
			t.Errorf("%s: no callback told that it was made, and the ledger does not say so", tx.Ref)
		}
	}
	answered := firstAnswer(own)
	for i, c := range tx.Changes {
		if c.Change == "created" || c.Change == "deleted" || c.From == "" || overtaken(tx, i) || answered.IsZero() ||
			!c.At.After(answered) {
			continue
		}
		if c.Change == "signer" && firstOf(tx, c.Signer).From == "" {
			continue // who joined may have been seen for the first time as he is now
		}
		if c.Change == "signer" && tx.Status == string(model.Cancelled) {
			continue // a cancelled request cannot be read any more
		}
		types := append(slices.Clone(telling(tx.Provider, c.Change, c.To)), implying(tx.Provider, c.Change, c.To)...)
		if len(telling(tx.Provider, c.Change, c.To)) == 0 || slices.ContainsFunc(all, func(a ack) bool {
			return slices.Contains(types, a.typ) || slices.Contains(types, "*") && a.till.After(c.At)
		}) {
			continue
		}
		if !slices.ContainsFunc(gaps, func(g model.Gap) bool {
			return string(g.Change) == c.Change && sameWord(c.To, gapTo(g)) && g.Signer == c.Signer
		}) {
			t.Errorf("%s: no callback told of %s %s to %s at %s, and the ledger does not say so", tx.Ref, c.Change, c.Signer,
				c.To, c.At.Format("02 15:04:05"))
		}
	}
}

// firstAnswer is when an answer had certainly been written, by what the history says; zero: never.
func firstAnswer(own []model.Change) time.Time {
	for _, c := range own {
		if c.Confirmed && !strings.HasPrefix(c.Source, "callback") &&
			(c.Kind == model.KindStatus || c.Kind == model.KindConfirmed) {
			return c.At
		}
	}
	return time.Time{}
}

// overtaken says whether the i-th change was not the last of its thing, or only brought back what was before.
func overtaken(tx simulator.TruthTransaction, i int) bool {
	c := tx.Changes[i]
	for j, o := range tx.Changes {
		status := c.Change == "status" && o.Change == "created"
		if (o.Change != c.Change || o.Signer != c.Signer) && !status {
			continue
		}
		if j > i || j < i && o.To == c.To || j < i && o.From == c.To {
			return true
		}
	}
	return false
}
