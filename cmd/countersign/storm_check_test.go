package main

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/cmd/countersign/demo"
	"countersign/model"
	"countersign/model/store"
	"countersign/model/store/database"
	"countersign/provider/simulator"
)

// check holds what must be so after the calm.
func (r *rig) check(t *testing.T) {
	ctx := t.Context()
	s := &demo.Session{Env: r.e.Env, World: r.world, Engine: r.e}
	report, err := s.Report(ctx)
	require.NoError(t, err)
	for _, d := range report.Differences {
		t.Errorf("%s/%s %s: ours %s, theirs %s", d.Account, d.Ref, d.Field, d.Ours, d.Theirs)
	}
	settled, err := s.Settled(ctx)
	require.NoError(t, err)
	if !settled {
		t.Errorf("something is still due, pending or waited for")
	}
	truth := r.world.Truth()
	changes, err := r.e.Store.Changes(ctx, 0, 1<<20)
	require.NoError(t, err)
	for i := range changes {
		changes[i].At = changes[i].At.Add(-r.plan.Ahead)
	}
	r.checkFeed(t, changes)
	r.checkCallbacks(t, truth)
	r.checkHooks(t)
	for _, tx := range truth.Transactions {
		own := slices.DeleteFunc(slices.Clone(changes),
			func(c model.Change) bool { return c.Account != tx.Account || c.Ref != tx.Ref })
		row, err := r.e.Store.Transaction(ctx, model.Key{Account: tx.Account, Ref: tx.Ref})
		if err != nil {
			continue // whether there ought to be one was asked above
		}
		r.checkHistory(t, tx, row, own)
		if !tx.Received {
			r.checkLedger(t, tx, row, own)
		}
		if t.Failed() && *stormSeed >= 0 {
			tellTransaction(t, tx, own)
		}
	}
}

// checkFeed holds that every change stands once, in the feed and in the outbox.
func (r *rig) checkFeed(t *testing.T, changes []model.Change) {
	seqs := map[int64]bool{}
	for i, c := range changes {
		if i > 0 && c.Seq <= changes[i-1].Seq || seqs[c.Seq] {
			t.Errorf("seq %d stands twice or out of order", c.Seq)
		}
		seqs[c.Seq] = true
	}
	var announced []model.Change
	require.NoError(t, r.e.Store.View(t.Context(), func(q *database.Tx) error {
		return q.Find(&announced, `SELECT h.* FROM outbox o JOIN history h ON h.seq = o.seq ORDER BY o.seq`)
	}))
	twice := map[int64]bool{}
	for _, c := range announced {
		if twice[c.Seq] || !seqs[c.Seq] {
			t.Errorf("seq %d is announced twice, or is no change", c.Seq)
		}
		twice[c.Seq] = true
		if c.Kind == model.KindStatus && c.Status.Final() && !c.Confirmed && c.Account == simulator.AccountDropboxSign {
			t.Errorf("seq %d announces %s on a weak claim", c.Seq, c.Status)
		}
	}
}

// checkHistory holds that a row's history is a chain that ends with the row, and that what an answer wrote was so.
func (r *rig) checkHistory(t *testing.T, tx simulator.TruthTransaction, row model.Transaction, own []model.Change) {
	for _, fault := range unchained(own, row.Status) {
		t.Errorf("%s: %s", tx.Ref, fault)
	}
	var claimed time.Time // when a callback last moved the status
	for _, c := range own {
		switch {
		case c.Kind != model.KindStatus:
		case byCallback(c):
			claimed = c.At
		case r.plan.Usual.Stale == 0 && !wasSo(tx, c.To, claimed, c.At):
			t.Errorf("%s: an answer of %s wrote %s, which it was not since the callback of %s (seq %d)",
				tx.Ref, c.At.Format(time.TimeOnly), c.To, claimed.Format(time.TimeOnly), c.Seq)
		}
	}
}

func byCallback(c model.Change) bool { return strings.HasPrefix(c.Source, "callback") }

// unchained says where the history of one row is no chain of statuses and flags from the unknown to what the row is
// now: a change that stands twice, a claim that leads out of a final status, or answers short of a final status that
// won before they had been asked for often enough.
func unchained(own []model.Change, is model.Status) (faults []string) {
	fault := func(c model.Change, format string, args ...any) {
		faults = append(faults, fmt.Sprintf("seq %d: ", c.Seq)+fmt.Sprintf(format, args...))
	}
	status, confirmed, flags := string(model.Unknown), "", map[string]bool{}
	var last model.Change // of the status
	for _, c := range own {
		switch c.Kind {
		case model.KindFlag:
			name, up := c.From+c.To, c.To != ""
			if flags[name] == up {
				fault(c, "flag %q goes to %v twice", name, up)
			}
			flags[name] = up
			if !byCallback(c) && (name == "not_found" || name == "deleted") {
				last.Confirmed = true // that it is not there has settled what was claimed
			}
		case model.KindConfirmed:
			if c.To == confirmed || c.To != status {
				fault(c, "%s is confirmed twice, or in vain: it is %s", c.To, status)
			}
			confirmed, last.Confirmed = c.To, true
		case model.KindStatus:
			if c.From != status || c.From == c.To {
				fault(c, "from %s to %s, where it was %s", c.From, c.To, status)
			}
			switch from := model.Status(c.From); {
			case !from.Final():
			case (byCallback(c) || !c.Confirmed) && c.From+" "+c.To != "expired cancelled":
				fault(c, "from %s to %s by %s, which is no answer", c.From, c.To, c.Source)
			case !last.Confirmed && !model.Status(c.To).Final() && c.At.Sub(last.At) < 11*time.Minute:
				fault(c, "the first answers won against %s, which a callback claimed %s before", c.From, c.At.Sub(last.At))
			}
			status, confirmed, last = c.To, "", c
		}
	}
	if status != string(is) {
		faults = append(faults, fmt.Sprintf("the history ends with %s, the row is %s", status, is))
	}
	return faults
}

// wasSo says whether a status was a transaction's at some time between two.
func wasSo(tx simulator.TruthTransaction, status string, from, to time.Time) bool {
	from = from.Add(-2 * time.Millisecond) // as exactly as times are kept
	is, since := "", time.Time{}
	for _, c := range tx.Changes {
		if c.Change != "created" && c.Change != "status" {
			continue
		}
		if sameWord(is, status) && since.Before(to) && !c.At.Before(from) {
			return true
		}
		is, since = c.To, c.At
	}
	return sameWord(is, status) && since.Before(to)
}

// sameWord says whether an answer's word may stand for a status: a cancelled transaction may be shown as expired.
func sameWord(is, shown string) bool { return is == shown || is == "cancelled" && shown == "expired" }

// checkCallbacks holds that each callback that we acknowledged stands once among those accepted, and that nothing
// else was.
func (r *rig) checkCallbacks(t *testing.T, truth simulator.Truth) {
	type name struct{ account, ref, typ string }
	accepted, stored := map[name]int{}, map[string]int{}
	for f := (store.CallbackFilter{Limit: 1000}); ; {
		page, next, err := r.e.Store.Callbacks(t.Context(), f)
		require.NoError(t, err)
		for _, c := range page {
			if c.Verdict == model.Accepted {
				accepted[name{c.Account, c.Ref, c.Type}]++
			}
			if c.Verdict != model.Refused {
				stored["/callbacks/"+c.Account]++
			}
		}
		if f.Cursor = next; next == "" {
			break
		}
	}
	for path, n := range r.door.taken {
		if stored[path] != n {
			t.Errorf("%s: %d callbacks were taken, %d are stored", path, n, stored[path])
		}
	}
	for _, tx := range truth.Transactions {
		if tx.Received {
			continue // what is ignored takes no dedupe key there
		}
		most, least, forged := map[name]int{}, map[name]int{}, false
		for _, c := range tx.Callbacks {
			n := name{tx.Account, tx.Ref, c.Type}
			forged = forged || c.Forged
			most[n]++
			if !c.Forged && slices.ContainsFunc(c.Attempts, func(a simulator.Attempt) bool { return a.Answer/100 == 2 }) {
				least[n]++
			}
		}
		for n, k := range most {
			switch have := accepted[n]; {
			case least[n] > 0 && have == 0:
				t.Errorf("%s %s was acknowledged and is not stored", n.ref, n.typ)
			case have > k && !forged:
				t.Errorf("%s %s happened %d times and was accepted %d times", n.ref, n.typ, k, have)
			}
		}
	}
}

// tellTransaction logs all that happened to one transaction.
func tellTransaction(t *testing.T, tx simulator.TruthTransaction, own []model.Change) {
	t.Helper()
	t.Logf("%s %s, a life of the kind %s, is %s", tx.Account, tx.Ref, tx.Kind, tx.Status)
	for _, c := range tx.Changes {
		t.Logf("  %s %s %q to %q %s", c.At.Format("02 15:04:05.000"), c.Change, c.From, c.To, c.Signer)
	}
	for _, c := range tx.Callbacks {
		t.Logf("  callback %s forged %v: %+v", c.Type, c.Forged, c.Attempts)
	}
	for _, c := range own {
		t.Logf("  %s seq %d %s %q to %q confirmed %v by %s", c.At.Format("02 15:04:05.000"), c.Seq, c.Kind, c.From, c.To,
			c.Confirmed, c.Source)
	}
}
