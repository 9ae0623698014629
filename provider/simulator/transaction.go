package simulator

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"time"
)

// person is one who signs, as one service sees them.
type person struct {
	id, role, roleName string
	name, email        string
	order              int
	sender             bool
	status             string // truth's word: waiting viewed signed declined locked removed
	code               string // Dropbox Sign's status_code, where the status does not say it
	consent            time.Time
	signed             []time.Time // one per document, in the order of the documents
	viewedAt, doneAt   time.Time
	remindedAt         time.Time
	reason             string
	replaced, by       string // the e-mail address replaced, and who did it
	identity           string // knowledge-based authentication: "", FAILED, PASSED
	errorText          string
	token              string    // Documenso: who has it can sign
	expires, notified  time.Time // Documenso: when the link runs out, and when that was found
}

// state is what a service knows of a transaction at one time. Only transaction.people is shared
// between two states, and only until one of them changes it.
type state struct {
	at        time.Time // when it came about
	updated   time.Time // what the service says of that
	word      string    // the service's own status, "" before birth
	reason    string
	trashed   bool
	deleted   bool
	people    []person
	sent      time.Time
	due       time.Time
	completed time.Time
	ready     time.Time // from then on the final files can be had
	failed    string
	seals     int       // Documenso: how often the files were replaced
	erased    time.Time // Documenso: when it was deleted softly
	gone      bool      // no answer speaks of it any more
	changes   int       // how many changes led here
}

func (s state) clone() state {
	s.people = slices.Clone(s.people)
	for i := range s.people {
		s.people[i].signed = slices.Clone(s.people[i].signed)
	}
	return s
}

// document is one file of a transaction.
type document struct {
	id, name string
	pages    int
	sealed   bool // with an embedded signature
}

// step is one thing that happens in a life, so long after the step before it.
type step struct {
	after time.Duration
	act   string
	who   int // index among the people
}

// then is one thing that happens so long after the thing before it; who is an index among the people.
func then(after time.Duration, act string, who int) step { return step{after: after, act: act, who: who} }

// news is one callback that a step causes, and which changes it tells of.
type news struct {
	kind    string
	tells   []string // kinds of change; signer means that of who, signers those of all
	who     string   // the person's id
	doc     string
	message string
	role    string
	event   string // Autosign: the event's id, where two events share one
	after   time.Duration
}

// transaction is one transaction of the world, with its whole life.
type transaction struct {
	desk       *desk
	rng        *rand.Rand
	kind       string // of life
	ref, name  string
	externalID string
	text       string
	form       string // OneSpan: PACKAGE, TEMPLATE or LAYOUT
	test       bool
	received   bool
	unlisted   bool
	quiet      bool // what signers do does not move updated
	fraction   bool // times carry milliseconds
	nulls      bool // what is unset is null, else absent
	manual     bool // OneSpan: autocomplete is off
	clientID   string
	paper      *documensoPaper // Documenso: the rest of an envelope
	sender     person
	docs       []document
	born       time.Time
	steps      []step
	next       int
	state      state
	past       []state
	changes    []*change
	told       bool // a callback about it was acknowledged
	seen       []sighting
	calls      []*TruthCallback // forged ones too
	busy       bool             // a delivery is under way
	queue      []*delivery      // those that wait for it
	held       []*entry         // those that a fault holds back
	served     map[string]int
	sums       map[string]fileSum
}

// change is one change of truth, with what told of it and who saw it.
type change struct {
	TruthChange
	told []*TruthCallback
}

// person finds one who signs by id.
func (s *state) person(id string) *person {
	for i := range s.people {
		if s.people[i].id == id {
			return &s.people[i]
		}
	}
	return nil
}

// done counts who has signed, and how many there are to sign.
func (s *state) done() (done, total int) {
	for _, p := range s.people {
		if p.status == "removed" {
			continue
		}
		total++
		if p.status == "signed" {
			done++
		}
	}
	return done, total
}

// last says whether nobody is left to sign.
func (s *state) last() bool {
	done, total := s.done()
	return done == total
}

// advance plays the next step of a life now, queues what it causes and plans the step after it.
func (w *World) advance(t *transaction, at time.Time) {
	w.perform(t, at, true)
	for t.next < len(t.steps) && w.faults.SameSecond && w.rng.Float64() < 0.5 {
		w.perform(t, at, true)
	}
	w.plan(t, at)
}

// plan puts the next step of a life on the agenda.
func (w *World) plan(t *transaction, from time.Time) {
	if t.next >= len(t.steps) {
		return
	}
	w.seq++
	w.lives.add(&entry{at: from.Add(w.span(t.steps[t.next].after, 0)), seq: w.seq, t: t})
}

// perform plays one step: the service changes its state, the difference becomes changes of truth,
// and, if it is loud, the callbacks go into the mail.
func (w *World) perform(t *transaction, at time.Time, loud bool) {
	s := t.steps[t.next]
	t.next++
	old := t.state
	t.state = old.clone()
	t.state.at, t.state.updated = at, t.stamp(at)
	told := t.desk.play(t, s)
	if t.quiet && t.state.word == old.word && t.state.trashed == old.trashed && !old.updated.IsZero() {
		t.state.updated = old.updated
	}
	fresh := w.differences(t, old, at)
	t.state.changes = len(t.changes)
	t.past = append(t.past, t.state.clone())
	if !loud {
		return
	}
	for _, n := range told {
		w.post(t, n, fresh)
	}
}

// stamp is a time as precisely as the service keeps it for t.
func (t *transaction) stamp(at time.Time) time.Time {
	if t.fraction {
		return at.UTC().Truncate(time.Millisecond)
	}
	return at.UTC().Truncate(time.Second)
}

// differences records each change between the old state and the one now.
func (w *World) differences(t *transaction, old state, at time.Time) []*change {
	first := len(t.changes)
	add := func(kind, from, to, who string) {
		if from == to {
			return
		}
		t.changes = append(t.changes, &change{TruthChange: TruthChange{
			Change: kind, From: from, To: to, Signer: who, At: at,
		}})
		event := Event{Kind: "changed", Account: t.desk.account.ID, Ref: t.ref, Name: t.name, Type: kind, Detail: from + " " + to}
		if kind == "created" {
			event.Kind = "born"
		}
		w.note(event)
	}
	was, now := t.desk.truth(&old), t.desk.truth(&t.state)
	if old.word == "" {
		add("created", "", now.status, "")
	} else {
		add("status", was.status, now.status, "")
	}
	add("archived", word(was.archived), word(now.archived), "")
	add("trashed", word(old.trashed), word(t.state.trashed), "")
	add("deleted", word(old.deleted), word(t.state.deleted), "")
	if old.word != "" {
		for _, p := range t.state.people {
			before := ""
			if b := old.person(p.id); b != nil {
				before = b.status
			}
			add("signer", before, p.status, p.id)
		}
	}
	return t.changes[first:]
}

func word(flag bool) string {
	if flag {
		return "true"
	}
	return "false"
}

// at finds the state that was current at a time; before birth it is the first.
func (t *transaction) at(when time.Time) *state {
	i, found := slices.BinarySearchFunc(t.past, when, func(s state, when time.Time) int {
		return cmp.Compare(s.at.UnixNano(), when.UnixNano())
	})
	for found && i+1 < len(t.past) && t.past[i+1].at.Equal(when) {
		i++
	}
	if !found {
		i--
	}
	return &t.past[max(i, 0)]
}

// most is how many answers are remembered of each transaction; later ones are not.
const most = 10000

// sighting is one answer that spoke of a transaction, or had nothing to say of it.
type sighting struct {
	at      time.Time
	kind    string
	changes int // so many changes had led to the state that it showed
}

// shown notes that an answer shows s. Without a kind it is one of a list. Its time is not the
// request's: what happened while the request waited is in the answer.
func (t *transaction) shown(s *state, _ time.Time, kind ...string) {
	what := append(kind, "list")[0]
	if s.gone {
		what = "absent"
	}
	if len(t.seen) < most {
		t.seen = append(t.seen, sighting{at: time.Now().UTC(), kind: what, changes: s.changes})
	}
}

// sightings are the answers whose state includes the i-th change.
func (t *transaction) sightings(i int) []TruthAnswer {
	overtaken, count := len(t.changes), 0 // by the next change of the same thing
	for j := i + 1; j < len(t.changes) && overtaken == len(t.changes); j++ {
		if t.changes[j].Change == t.changes[i].Change && t.changes[j].Signer == t.changes[i].Signer {
			overtaken = j
		}
	}
	for _, s := range t.seen {
		if s.changes > i {
			count++
		}
	}
	all := make([]TruthAnswer, 0, count)
	for n, s := range t.seen {
		if s.changes > i {
			all = append(all, TruthAnswer{N: n, At: s.at, Kind: s.kind, Changes: s.changes, Newest: s.changes <= overtaken})
		}
	}
	return all
}

// alive says whether a transaction can be seen at all.
func (t *transaction) alive() bool { return t.state.word != "" }
