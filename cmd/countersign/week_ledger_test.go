package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"
	"testing"
	"time"

	"countersign/model"
	"countersign/provider/simulator"
)

// papers is what a service's papers say about its events, written a second time beside the simulated service: the
// ledger is compared with this and with the simulator's truth, not with the provider's own table.
type papers struct {
	About string `json:"about"`
	// Tells lists, by "CHANGE TO", the callbacks that tell of a change; "*" stands for any status that is not listed.
	Tells map[string][]string `json:"tells"`
	// Implies lists in the same way further callbacks that put a row where a change leads, so that no answer finds it
	// there: they name the status themselves, or show the whole transaction. The callback "*" is any.
	Implies map[string][]string `json:"implies"`
	// Claims lists the callbacks that put a row that no answer has shown yet into a status.
	Claims map[string]string `json:"claims"`
}

// papersOf reads provider/simulator/NAME/testdata/tells.json.
func papersOf(provider string) (p papers) {
	raw, err := os.ReadFile(filepath.Join("..", "..", "provider", "simulator", provider, "testdata", "tells.json"))
	if err == nil {
		d := json.NewDecoder(bytes.NewReader(raw))
		d.DisallowUnknownFields()
		err = d.Decode(&p)
	}
	if err != nil || len(p.Tells) == 0 {
		panic(fmt.Sprintf("the papers of %s: %d changes have events (%v)", provider, len(p.Tells), err))
	}
	return p
}

func implying(provider, change, to string) []string {
	return listedFor(papersOf(provider).Implies, change, to)
}

func telling(provider, change, to string) []string {
	return listedFor(papersOf(provider).Tells, change, to)
}

func listedFor(by map[string][]string, change, to string) []string {
	if types, ok := by[change+" "+to]; ok {
		return types
	}
	return by[change+" *"]
}

// called is one callback that we acknowledged.
type called struct {
	typ string
	at  time.Time
}

// acknowledged are a transaction's callbacks that we answered well, each once, in order.
func acknowledged(t simulator.TruthTransaction) []called {
	var all []called
	callbacks := slices.DeleteFunc(slices.Clone(t.Callbacks),
		func(c simulator.TruthCallback) bool { return c.Forged || c.Document == "default-consent" })
	for _, c := range t.Changes {
		callbacks = append(callbacks, c.Callbacks...)
	}
	for _, cb := range callbacks {
		for _, a := range cb.Attempts {
			if a.Answer/100 == 2 {
				all = append(all, called{cb.Type, a.At})
			}
		}
	}
	sort.Slice(all, func(i, j int) bool { return all[i].at.Before(all[j].at) })
	return slices.CompactFunc(all, func(a, b called) bool { return a.typ == b.typ && a.at.Equal(b.at) })
}

// state is what an answer showed: each thing that can change, and its value.
type shownState map[string]string

// answersOf is what each answer about a transaction showed, in the order of the answers.
func answersOf(t simulator.TruthTransaction) (times []time.Time, states []shownState) {
	type answer struct {
		at time.Time
		is shownState
	}
	byNumber := map[int]answer{}
	for _, c := range t.Changes {
		key := c.Change
		switch c.Change {
		case "created":
			key = "status" // what a transaction is created as is its first status
		case "signer":
			key = "signer " + c.Signer
		}
		for _, a := range c.Answers {
			// OneSpan Sign's list only says that something was updated, and a part says nothing of the rest.
			if !a.Newest || a.Kind == "absent" || a.Kind == "part" || a.Kind == "list" && t.Provider == "onespan" {
				continue
			}
			if byNumber[a.N].is == nil {
				byNumber[a.N] = answer{a.At, shownState{}}
			}
			if s := byNumber[a.N].is; c.Change != "created" || s[key] == "" { // changes are in order: a later status overrides
				s[key] = c.To
			}
		}
	}
	for _, n := range slices.Sorted(maps.Keys(byNumber)) {
		if a := byNumber[n]; a.is["deleted"] != "true" { // else the answer was that there is no such thing
			times, states = append(times, a.at), append(states, a.is)
		}
	}
	return times, states
}

// expectedGaps is the ledger that follows from the truth alone: between two answers something changed, and
// no acknowledged callback of a telling type came after the first and before the second's grace had passed.
func expectedGaps(t simulator.TruthTransaction, grace time.Duration) []string {
	calls := acknowledged(t)
	told := func(change, to string, after, until time.Time) bool {
		types := telling(t.Provider, change, to)
		return slices.ContainsFunc(calls, func(c called) bool {
			return c.at.After(after) && !c.at.After(until) && slices.Contains(types, c.typ)
		})
	}
	times, states := answersOf(t)
	var out []string
	var before time.Time
	was := shownState{}
	for i, now := range states {
		at := times[i]
		first := i == 0
		known := !first || len(calls) > 0 && calls[0].at.Before(at)
		if first && !known {
			if !told("created", now["status"], before, at.Add(grace)) {
				out = append(out, gapText(t, "created", "", now["status"]))
			}
		}
		for key, to := range now {
			change, signer := key, ""
			if s, ok := cutSigner(key); ok {
				change, signer = "signer", s
			}
			if change == "signer" && t.Provider == "dropboxsign" && now["status"] == "cancelled" {
				continue // a cancelled request cannot be read any more: the answer is 410
			}
			from, had := was[key]
			if from == to || !known || change == "deleted" {
				continue
			}
			if !had && (first && change == "signer" || (change == "archived" || change == "trashed") && to == "false") {
				continue // first shown: nothing changed
			}
			if first && change == "status" && claimedAs(t.Provider, calls, to, at) {
				continue
			}
			if change == "status" && impliedBy(t.Provider, calls, to, before, at, !first) {
				continue
			}
			if change == "signer" && !had && firstOf(t, signer).From == "" {
				continue // one who joined is no change
			}
			if !told(change, to, before, at.Add(grace)) {
				if len(telling(t.Provider, change, to)) > 0 {
					out = append(out, gapText(t, change, signer, to))
				}
			}
		}
		before, was = at, now
	}
	sort.Strings(out)
	return out
}

// firstOf is the first change of a signer.
func firstOf(t simulator.TruthTransaction, signer string) simulator.TruthChange {
	i := slices.IndexFunc(t.Changes,
		func(c simulator.TruthChange) bool { return c.Change == "signer" && c.Signer == signer })
	return t.Changes[i]
}

func cutSigner(key string) (string, bool) {
	if len(key) > 7 && key[:7] == "signer " {
		return key[7:], true
	}
	return "", false
}

// claimedAs says whether a callback before the first answer already put the row where that answer found it.
func claimedAs(provider string, calls []called, to string, at time.Time) bool {
	claims := papersOf(provider).Claims
	return slices.ContainsFunc(calls, func(c called) bool { return c.at.Before(at) && claims[c.typ] == to })
}

// impliedBy says whether a callback between two answers put the row where the second found it, without being the one
// that tells of that change. A row that no answer has shown yet must have been put on its way by another callback.
func impliedBy(provider string, calls []called, to string, after, at time.Time, shown bool) bool {
	types := implying(provider, "status", to)
	return slices.ContainsFunc(calls, func(c called) bool {
		return c.at.After(after) && c.at.Before(at) && slices.Contains(types, c.typ) &&
			(shown || claimedAs(provider, calls, "draft", c.at))
	})
}

func gapText(t simulator.TruthTransaction, change, signer, to string) string {
	return fmt.Sprintf("%s/%s %s %s to %s", t.Account, t.Ref, change, signer, to)
}

// ledger is our ledger in the same words: what was missed, also where a callback told of it late.
func ledger(gaps []model.Gap) []string {
	var out []string
	for _, g := range gaps {
		if g.Kind == model.GapMissed || g.Kind == model.GapLate {
			to := g.To
			if g.Change == model.ChangeArchived || g.Change == model.ChangeTrashed {
				to = fmt.Sprint(!g.Off)
			}
			out = append(out, fmt.Sprintf("%s/%s %s %s to %s", g.Account, g.Ref, g.Change, g.Signer, to))
		}
	}
	sort.Strings(out)
	return out
}

// compareLedgers fails with each entry that only one side has, and the truth about its transaction.
func compareLedgers(t *testing.T, truth simulator.Truth, gaps []model.Gap, grace time.Duration) {
	t.Helper()
	var want []string
	for _, tx := range truth.Transactions {
		if !tx.Received {
			want = append(want, expectedGaps(tx, grace)...)
		}
	}
	sort.Strings(want)
	got := ledger(gaps)
	t.Logf("%d gaps follow from the truth, %d are in the ledger", len(want), len(got))
	for _, w := range want {
		if !slices.Contains(got, w) {
			tellTruth(t, truth, w)
			t.Errorf("the truth says missed, the ledger does not: %s", w)
		}
	}
	for _, g := range got {
		if !slices.Contains(want, g) {
			tellTruth(t, truth, g)
			t.Errorf("the ledger says missed, the truth does not: %s", g)
		}
	}
	if len(want) != len(got) {
		t.Errorf("%d gaps follow from the truth, %d are in the ledger", len(want), len(got))
	}
}

// tellTruth logs all that happened to one transaction, for an entry that only one side has.
func tellTruth(t *testing.T, truth simulator.Truth, entry string) {
	t.Helper()
	i := slices.IndexFunc(truth.Transactions,
		func(tx simulator.TruthTransaction) bool { return strings.Contains(entry, "/"+tx.Ref+" ") })
	if i < 0 {
		return
	}
	tx := truth.Transactions[i]
	for _, c := range tx.Changes {
		t.Logf("%s %s %s to %s %s, shown %d times, first %v", c.At.Format(time.DateTime), c.Change, c.From, c.To, c.Signer,
			len(c.Shown), slices.Clip(c.Shown[:min(1, len(c.Shown))]))
	}
	for _, c := range acknowledged(tx) {
		t.Logf("%s acknowledged %s", c.at.Format(time.DateTime), c.typ)
	}
}
