package world

import "time"

// Counts are what happened so far, counted.
type Counts struct {
	Dropped    int `json:"dropped"`
	Duplicated int `json:"duplicated"`
	Delayed    int `json:"delayed"`
	Reordered  int `json:"reordered"`
	Forged     int `json:"forged"`
	Sent       int `json:"sent"`       // requests out that were genuine, repeats included
	OverQuota  int `json:"over_quota"` // API requests above the documented limits
}

// TruthDocument is one final file.
type TruthDocument struct {
	ID     string `json:"id"`
	Kind   string `json:"kind"` // signed or evidence
	Name   string `json:"name"`
	SHA256 string `json:"sha256"`
	Size   int    `json:"size"`
	Sealed bool   `json:"sealed"` // carries an embedded signature
	Served int    `json:"served"` // how often it was sent out whole
	// Version names these bytes, where the service may replace them (Documenso); Served counts anew then.
	Version string `json:"version"`

	Unobtainable bool `json:"unobtainable"` // whoever asks now cannot have got it, nor get it: no link in time
}

// TruthChange is one change, the callbacks that tell of it and the answers that showed it.
type TruthChange struct {
	Change    string          `json:"change"` // created status archived trashed deleted signer
	From      string          `json:"from"`
	To        string          `json:"to"`
	Signer    string          `json:"signer"`
	At        time.Time       `json:"at"`
	Callbacks []TruthCallback `json:"callbacks"`
	Shown     []time.Time     `json:"shown"` // at most 50; an overtaken change is not shown
	Answers   []TruthAnswer   `json:"answers"`
}

// TruthAnswer is one API answer with a state that includes a change. A change that no answer shows
// as Newest was overtaken before anybody asked.
type TruthAnswer struct {
	N    int       `json:"n"` // which of the answers about the transaction, from nought; at most 10,000 are kept
	At   time.Time `json:"at"`
	Kind string    `json:"kind"` // detail, list, part (of the members), gone (410), absent (404, left out of a batch)
	// Changes is how many of the transaction's changes, from the first on, had led to the state.
	Changes int `json:"changes"`
	// Newest says that the change was the last of its thing in that state: the creation, the status,
	// one flag, or one signer. Then the answer shows it, unless it is absent.
	Newest bool `json:"newest"`
}

// TruthCallback is one callback with each attempt to deliver it.
type TruthCallback struct {
	Type     string    `json:"type"`
	Document string    `json:"document,omitempty"` // that it names
	Attempts []Attempt `json:"attempts"`
	Forged   bool      `json:"forged"`
}

// Attempt is one delivery. Answer is the HTTP status, 0 where there was none.
type Attempt struct {
	At       time.Time `json:"at"`
	Answer   int       `json:"answer"`
	Fault    string    `json:"fault"`    // "", dropped, duplicated, delayed, reordered, forged
	Answered time.Time `json:"answered"` // when the answer was there, or was given up; zero where nothing was sent
}
