// Package life has what a transaction is at one time, and what happens to it.
package life

import (
	"slices"
	"time"
)

// Person is one who signs, as one service sees them.
type Person struct {
	ID, Role, RoleName string
	Name, Email        string
	Order              int
	Sender             bool
	Status             string // truth's word: waiting viewed signed declined locked removed
	Code               string // Dropbox Sign's status_code, where the status does not say it
	Consent            time.Time
	Signed             []time.Time // one per document, in the order of the documents
	ViewedAt, DoneAt   time.Time
	RemindedAt         time.Time
	Reason             string
	Replaced, By       string // the e-mail address replaced, and who did it
	Identity           string // knowledge-based authentication: "", FAILED, PASSED
	ErrorText          string
	Token              string    // Documenso: who has it can sign
	Expires, Notified  time.Time // Documenso: when the link runs out, and when that was found
}

// State is what a service knows of a transaction at one time. Only transaction.people is shared
// between two states, and only until one of them changes it.
type State struct {
	At        time.Time // when it came about
	Updated   time.Time // what the service says of that
	Word      string    // the service's own status, "" before birth
	Reason    string
	Trashed   bool
	Deleted   bool
	People    []Person
	Sent      time.Time
	Due       time.Time
	Completed time.Time
	Ready     time.Time // from then on the final files can be had
	Failed    string
	Seals     int       // Documenso: how often the files were replaced
	Erased    time.Time // Documenso: when it was deleted softly
	Gone      bool      // no answer speaks of it any more
	Changes   int       // how many changes led here
}

// Clone shares nothing with s.
func (s State) Clone() State {
	s.People = slices.Clone(s.People)
	for i := range s.People {
		s.People[i].Signed = slices.Clone(s.People[i].Signed)
	}
	return s
}

// Document is one file of a transaction.
type Document struct {
	ID, Name string
	Pages    int
	Sealed   bool // with an embedded signature
}

// Step is one thing that happens in a life, so long after the step before it.
type Step struct {
	After time.Duration
	Act   string
	Who   int // index among the people
}

// Then is one thing that happens so long after the thing before it; who is an index among the people.
func Then(after time.Duration, act string, who int) Step {
	return Step{After: after, Act: act, Who: who}
}

// News is one callback that a step causes, and which changes it tells of.
type News struct {
	Kind    string
	Tells   []string // kinds of change; signer means that of who, signers those of all
	Who     string   // the person's id
	Doc     string
	Message string
	Role    string
	Event   string // Autosign: the event's id, where two events share one
	After   time.Duration
}

// Person finds one who signs by id.
func (s *State) Person(id string) *Person {
	for i := range s.People {
		if s.People[i].ID == id {
			return &s.People[i]
		}
	}
	return nil
}

// Done counts who has signed, and how many there are to sign.
func (s *State) Done() (done, total int) {
	for _, p := range s.People {
		if p.Status == "removed" {
			continue
		}
		total++
		if p.Status == "signed" {
			done++
		}
	}
	return done, total
}

// Last says whether nobody is left to sign.
func (s *State) Last() bool {
	done, total := s.Done()
	return done == total
}
