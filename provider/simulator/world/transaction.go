package world

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"strconv"
	"time"

	"countersign/provider/simulator/world/life"
	"countersign/provider/simulator/world/pdf"
)

// Transaction is one transaction of the world, with its whole life.
type Transaction struct {
	Desk         *Desk
	Rand         *rand.Rand // chooses its life
	luck         *rand.Rand // chooses what befalls its callbacks, and when two of its steps share their time
	Kind         string     // of life
	Ref, Name    string
	ExternalID   string
	Text         string
	Form         string // OneSpan: PACKAGE, TEMPLATE or LAYOUT
	Test         bool
	Received     bool
	Unlisted     bool
	Quiet        bool // what signers do does not move updated
	Fraction     bool // times carry milliseconds
	Nulls        bool // what is unset is null, else absent
	Manual       bool // OneSpan: autocomplete is off
	ClientID     string
	Own          any // what only its service knows of it
	Sender       life.Person
	Docs         []life.Document
	Born         time.Time
	Steps        []life.Step
	Next         int
	State        life.State
	Past         []life.State
	Changes      []*Change
	Acknowledged bool // a callback about it was acknowledged
	Seen         []sighting
	Calls        []*TruthCallback // forged ones too
	busy         bool             // a delivery is under way
	queue        []*Delivery      // those that wait for it
	withheld     []*entry         // those that a fault holds back
	Served       map[string]int
	Sums         map[string]pdf.Sum
}

// Change is one change of truth, with what told of it and who saw it.
type Change struct {
	TruthChange
	Reports []*TruthCallback
}

// advance plays the next step of a life at the time that was planned for it, however late that is noticed, queues
// what it causes and plans the step after it.
func (w *World) advance(t *Transaction, at time.Time) {
	w.perform(t, at, true)
	for t.Next < len(t.Steps) && w.faults.SameSecond && t.luck.Float64() < 0.5 {
		w.perform(t, at, true)
	}
	w.plan(t, at)
}

// plan puts the next step of a life on the agenda.
func (w *World) plan(t *Transaction, from time.Time) {
	if t.Next >= len(t.Steps) {
		return
	}
	w.schedule(t, from.Add(w.Span(t.Steps[t.Next].After, 0)))
}

// schedule puts the next step of a life on the agenda, unless it comes after the end of all lives.
func (w *World) schedule(t *Transaction, at time.Time) {
	if end := w.Options.End; end > 0 && at.After(w.Epoch.Add(w.Span(end, 0))) {
		return
	}
	w.seq++
	w.lives.add(&entry{at: at, seq: w.seq, t: t})
}

// perform plays one step: the service changes its state, the difference becomes changes of truth,
// and, if it is loud, the callbacks go into the mail.
func (w *World) perform(t *Transaction, at time.Time, loud bool) {
	s := t.Steps[t.Next]
	t.Next++
	old := t.State
	t.State = old.Clone()
	t.State.At, t.State.Updated = at, t.Stamp(at)
	caused := t.Desk.Play(t, s)
	if t.Quiet && t.State.Word == old.Word && t.State.Trashed == old.Trashed && !old.Updated.IsZero() {
		t.State.Updated = old.Updated
	}
	fresh := w.differences(t, old, at)
	t.State.Changes = len(t.Changes)
	t.Past = append(t.Past, t.State.Clone())
	if !loud {
		return
	}
	for _, n := range caused {
		w.mail.post(t, n, fresh)
	}
}

// Stamp is a time as precisely as the service keeps it for t.
func (t *Transaction) Stamp(at time.Time) time.Time {
	if t.Fraction {
		return at.UTC().Truncate(time.Millisecond)
	}
	return at.UTC().Truncate(time.Second)
}

// differences records each change between the old state and the one now.
func (w *World) differences(t *Transaction, old life.State, at time.Time) []*Change {
	first := len(t.Changes)
	add := func(kind, from, to, who string) {
		if from == to {
			return
		}
		t.Changes = append(t.Changes, &Change{TruthChange: TruthChange{
			Change: kind, From: from, To: to, Signer: who, At: at,
		}})
		event := Event{Kind: "changed", Account: t.Desk.Account.ID, Ref: t.Ref, Name: t.Name, Type: kind, Detail: from +
			" " + to}
		if kind == "created" {
			event.Kind = "born"
		}
		w.note(event)
	}
	was, now := t.Desk.Truth(&old), t.Desk.Truth(&t.State)
	if old.Word == "" {
		add("created", "", now.Status, "")
	} else {
		add("status", was.Status, now.Status, "")
	}
	add("archived", strconv.FormatBool(was.Archived), strconv.FormatBool(now.Archived), "")
	add("trashed", strconv.FormatBool(old.Trashed), strconv.FormatBool(t.State.Trashed), "")
	add("deleted", strconv.FormatBool(old.Deleted), strconv.FormatBool(t.State.Deleted), "")
	if old.Word != "" {
		for _, p := range t.State.People {
			before := ""
			if b := old.Person(p.ID); b != nil {
				before = b.Status
			}
			add("signer", before, p.Status, p.ID)
		}
	}
	return t.Changes[first:]
}

// at finds the state that was current at a time; before birth it is the first.
func (t *Transaction) at(when time.Time) *life.State {
	i, found := slices.BinarySearchFunc(t.Past, when, func(s life.State, when time.Time) int {
		return cmp.Compare(s.At.UnixNano(), when.UnixNano())
	})
	for found && i+1 < len(t.Past) && t.Past[i+1].At.Equal(when) {
		i++
	}
	if !found {
		i--
	}
	return &t.Past[max(i, 0)]
}

// most is how many answers are remembered of each transaction; later ones are not.
const most = 10000

// sighting is one answer that spoke of a transaction, or had nothing to say of it.
type sighting struct {
	At      time.Time
	Kind    string
	Changes int // so many changes had led to the state that it showed
}

// Shown notes that an answer shows s. Without a kind it is one of a list. Its time is not the
// request's: what happened while the request waited is in the answer.
func (t *Transaction) Shown(s *life.State, _ time.Time, kind ...string) {
	what := append(kind, "list")[0]
	if s.Gone {
		what = "absent"
	}
	if len(t.Seen) < most {
		t.Seen = append(t.Seen, sighting{At: time.Now().UTC(), Kind: what, Changes: s.Changes})
	}
}

// Alive says whether a transaction can be seen at all.
func (t *Transaction) Alive() bool { return t.State.Word != "" }
