package simulator

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"time"
)

// Truth is what really happened, for comparing.
type Truth struct {
	// Transactions are those that the accounts may see, those that only callbacks or a summary show included.
	Transactions []TruthTransaction `json:"transactions"`
	Dropped      int                `json:"dropped"`
	Duplicated   int                `json:"duplicated"`
	Delayed      int                `json:"delayed"`
	Reordered    int                `json:"reordered"`
	Forged       int                `json:"forged"`
	Sent         int                `json:"sent"`       // requests out that were genuine, repeats included
	OverQuota    int                `json:"over_quota"` // API requests above the documented limits
}

// TruthTransaction is one transaction as it stands, in countersign's words.
type TruthTransaction struct {
	Account        string          `json:"account"`
	Provider       string          `json:"provider"`
	Ref            string          `json:"ref"`
	Name           string          `json:"name"`
	ExternalID     string          `json:"external_id"`
	Kind           string          `json:"kind"` // of life
	Status         string          `json:"status"`
	AlsoRight      []string        `json:"also_right"` // statuses that are right too: no answer tells them from Status
	ProviderStatus string          `json:"provider_status"`
	Archived       bool            `json:"archived"`
	Trashed        bool            `json:"trashed"`
	Deleted        bool            `json:"deleted"`
	Test           bool            `json:"test"`
	Received       bool            `json:"received"` // sent to us by others, so not tracked
	Listed         bool            `json:"listed"`   // the key's list may show it now
	Told           bool            `json:"told"`     // a callback about it was acknowledged
	Signers        []TruthSigner   `json:"signers"`
	SignersDone    int             `json:"signers_done"`
	SignersTotal   int             `json:"signers_total"`
	Documents      []TruthDocument `json:"documents"` // once completed
	CreatedAt      time.Time       `json:"created_at"`
	Changes        []TruthChange   `json:"changes"`
	Callbacks      []TruthCallback `json:"callbacks"` // those that tell of no change
}

// TruthSigner is one who signs. Ref is the id that callbacks name.
type TruthSigner struct {
	Ref    string `json:"ref"`
	Role   string `json:"role"` // OneSpan: the role's id
	Name   string `json:"name"`
	Email  string `json:"email"`
	Status string `json:"status"`
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
}

// TruthCallback is one callback with each attempt to deliver it.
type TruthCallback struct {
	Type     string    `json:"type"`
	Document string    `json:"document,omitempty"` // that it names
	Attempts []Attempt `json:"attempts"`
}

// Attempt is one delivery. Answer is the HTTP status, 0 where there was none.
type Attempt struct {
	At     time.Time `json:"at"`
	Answer int       `json:"answer"`
	Fault  string    `json:"fault"` // "", dropped, duplicated, delayed, reordered
}

// standing is the truth about a state, in countersign's words.
type standing struct {
	status   string
	provider string
	archived bool
}

// refiner is the further half of an actor whose truth depends on what callbacks arrived.
type refiner interface {
	refine(t *transaction, row *TruthTransaction)
}

// fileSum is what is known of a file without its bytes.
type fileSum struct {
	hash string
	size int
}

// Truth says what really happened so far.
func (w *World) Truth() Truth {
	w.mu.Lock()
	defer w.unlock()
	truth := w.counts
	truth.Transactions = []TruthTransaction{}
	for _, t := range w.txs {
		if t.alive() && (t.form == "" || t.form == "PACKAGE") {
			truth.Transactions = append(truth.Transactions, w.truthOf(t))
		}
	}
	return truth
}

func (w *World) truthOf(t *transaction) TruthTransaction {
	s := &t.state
	is := t.desk.truth(s)
	done, total := s.done()
	row := TruthTransaction{
		Account: t.desk.account.ID, Provider: t.desk.account.Provider,
		Ref: t.ref, Name: t.name, ExternalID: t.externalID, Kind: t.kind,
		Status: is.status, ProviderStatus: is.provider, Archived: is.archived,
		Trashed: s.trashed, Deleted: s.deleted, Test: t.test, Received: t.received,
		Listed:      !t.unlisted && t.desk.listable(s),
		SignersDone: done, SignersTotal: total, CreatedAt: t.born.UTC(),
		Told: t.told, AlsoRight: []string{}, Callbacks: records(t.others),
		Signers: []TruthSigner{}, Documents: []TruthDocument{}, Changes: []TruthChange{},
	}
	for _, p := range s.people {
		row.Signers = append(row.Signers, TruthSigner{Ref: p.id, Role: p.role, Name: p.name, Email: p.email, Status: p.status})
	}
	if is.status == "completed" {
		row.Documents = w.finalFiles(t)
	}
	for _, c := range t.changes {
		row.Changes = append(row.Changes, c.truth())
	}
	if r, some := t.desk.actor.(refiner); some {
		r.refine(t, &row)
	}
	return row
}

func (c *change) truth() TruthChange {
	out := c.TruthChange
	out.Shown = append([]time.Time{}, c.Shown...)
	out.At, out.Callbacks = out.At.UTC(), records(c.told)
	return out
}

// records copies what is known of callbacks.
func records(of []*TruthCallback) []TruthCallback {
	out := []TruthCallback{}
	for _, r := range of {
		out = append(out, TruthCallback{Type: r.Type, Document: r.Document, Attempts: append([]Attempt{}, r.Attempts...)})
	}
	return out
}

// finalFiles describes the final files of a completed transaction.
func (w *World) finalFiles(t *transaction) []TruthDocument {
	files := t.desk.files(t)
	for i := range files {
		f := &files[i]
		sum, known := t.sums[f.ID]
		if !known {
			sum = sumOf(t.desk.file(t, &t.state, f.ID))
			t.sums[f.ID] = sum
		}
		f.SHA256, f.Size, f.Served = sum.hash, sum.size, t.served[f.ID]
	}
	return slices.Clip(files)
}

func sumOf(b []byte) fileSum {
	h := sha256.Sum256(b)
	return fileSum{hash: hex.EncodeToString(h[:]), size: len(b)}
}
