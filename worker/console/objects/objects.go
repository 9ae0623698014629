// Package objects has the JSON objects that `--json` and the API print. Their keys are a promise: they are only added
// to.
package objects

import (
	"encoding/json"

	"countersign/model"
)

// Transaction is one row of the table.
type Transaction struct {
	Account         string      `json:"account"`
	Provider        string      `json:"provider"`
	Ref             string      `json:"ref"`
	ExternalID      string      `json:"external_id"`
	Name            string      `json:"name"`
	Status          string      `json:"status"`
	ProviderStatus  string      `json:"provider_status"`
	Confirmed       bool        `json:"confirmed"`
	ReportedStatus  string      `json:"reported_status"`
	Reason          string      `json:"reason"`
	Archived        bool        `json:"archived"`
	Trashed         bool        `json:"trashed"`
	Deleted         bool        `json:"deleted"`
	NotFound        bool        `json:"not_found"`
	Test            bool        `json:"test"`
	Attention       []Attention `json:"attention"`
	SignersDone     int         `json:"signers_done"`
	SignersTotal    int         `json:"signers_total"`
	DocumentsStored int         `json:"documents_stored"`
	DocumentsTotal  int         `json:"documents_total"`
	SentAt          Stamp       `json:"sent_at"`
	ProviderTime    Stamp       `json:"provider_time"`
	CreatedAt       Stamp       `json:"created_at"`
	ChangedAt       Stamp       `json:"changed_at"`
	ConfirmedAt     Stamp       `json:"confirmed_at"`
	NextCheckAt     Stamp       `json:"next_check_at"`
	ExpiresAt       Stamp       `json:"expires_at"`
	Seq             int64       `json:"seq"`
}

// Attention is something that a person must act on.
type Attention struct {
	Kind    string `json:"kind"`
	Signer  string `json:"signer"`
	Message string `json:"message"`
	Since   Stamp  `json:"since"`
}

// OfTransaction is what `list` prints of a row.
func OfTransaction(t model.Transaction) Transaction {
	return Transaction{
		Account: t.Account, Provider: t.Provider, Ref: t.Ref,
		ExternalID: t.ExternalID, Name: t.Name,
		Status: string(t.Status), ProviderStatus: t.ProviderStatus,
		Confirmed: t.Confirmed, ReportedStatus: string(t.ReportedStatus), Reason: t.Reason,
		Archived: t.Archived, Trashed: t.Trashed, Deleted: t.Deleted, NotFound: t.NotFound, Test: t.Test,
		Attention:   each(t.Attention, ofAttention),
		SignersDone: t.SignersDone, SignersTotal: t.SignersAll,
		DocumentsStored: t.DocsStored, DocumentsTotal: t.DocsTotal,
		SentAt: Stamp{t.SentAt}, ProviderTime: Stamp{t.ProviderTime}, CreatedAt: Stamp{t.CreatedAt},
		ChangedAt: At(t.ChangedAt), ConfirmedAt: Stamp{t.ConfirmedAt},
		NextCheckAt: Stamp{t.NextCheckAt}, ExpiresAt: Stamp{t.ExpiresAt},
		Seq: t.Seq,
	}
}

func ofAttention(a model.Attention) Attention {
	return Attention{string(a.Kind), a.Signer, a.Message, At(a.Since)}
}

// Whole is a row and all that belongs to it.
type Whole struct {
	Transaction
	Metadata  json.RawMessage `json:"metadata"`
	History   []RowChange     `json:"history"`
	Signers   []Signer        `json:"signers"`
	Callbacks []RowCallback   `json:"callbacks"`
	Documents []Document      `json:"documents"`
	Gaps      []Gap           `json:"gaps"`
	Progress  []Step          `json:"progress"`
	TrackedBy string          `json:"tracked_by"` // "operator", "operator NAME"; empty where nobody asked to follow it
	TrackedAt Stamp           `json:"tracked_at"` // when that was asked for last
}

// OfRow is what `show` prints of a row and all that belongs to it.
func OfRow(r Row) Whole {
	metadata := json.RawMessage(r.Metadata)
	if !json.Valid(metadata) {
		metadata = json.RawMessage("{}")
	}
	return Whole{
		Transaction: OfTransaction(r.Transaction),
		Metadata:    metadata,
		TrackedBy:   r.TrackedBy,
		TrackedAt:   Stamp{r.TrackedAt},
		History:     each(r.History, ofRowChange),
		Signers:     each(r.Signers, ofSigner),
		Callbacks:   each(r.Callbacks, OfRowCallback),
		Documents:   each(r.Documents, OfDocument),
		Gaps:        each(r.Gaps, OfGap),
		Progress:    each(r.Progress, ofStep),
	}
}

// Step is a step of a signer that a browser told of.
type Step struct {
	Name string `json:"name"`
	At   Stamp  `json:"at"`
}

func ofStep(s model.Step) Step { return Step{s.Name, At(s.At)} }

// RowChange is one change of a row, as its history has it.
type RowChange struct {
	Seq       int64  `json:"seq"`
	From      string `json:"from"`
	To        string `json:"to"`
	Confirmed bool   `json:"confirmed"`
	Source    string `json:"source"`
	At        Stamp  `json:"at"`
	Kind      string `json:"kind"`
	Signer    string `json:"signer"`
	Document  string `json:"document"`
}

func ofRowChange(c model.Change) RowChange {
	return RowChange{c.Seq, c.From, c.To, c.Confirmed, c.Source, At(c.At), string(c.Kind), c.Signer, c.Document}
}

// Signer is one signer of a row.
type Signer struct {
	Ref      string `json:"ref"`
	Name     string `json:"name"`
	Email    string `json:"email"`
	Role     string `json:"role"`
	Order    int    `json:"order"`
	Status   string `json:"status"`
	ViewedAt Stamp  `json:"viewed_at"`
	SignedAt Stamp  `json:"signed_at"`
	Reason   string `json:"reason"`
}

func ofSigner(s model.Signer) Signer {
	return Signer{s.Ref, s.Name, s.Email, s.Role, s.Order, string(s.Status), Stamp{s.ViewedAt}, Stamp{s.SignedAt},
		s.Reason}
}

// RowCallback is a callback, as its row has it.
type RowCallback struct {
	ID      string `json:"id"`
	Verdict string `json:"verdict"`
	Outcome string `json:"outcome"`
	Type    string `json:"type"`
	At      Stamp  `json:"at"`
}

// OfRowCallback is what is shown of a callback, within its row.
func OfRowCallback(c model.Callback) RowCallback {
	return RowCallback{c.ID, string(c.Verdict), string(c.Outcome), c.Type, At(c.At)}
}

// Document is one file that belongs to a row.
type Document struct {
	ID        string `json:"id"`
	Kind      string `json:"kind"`
	Name      string `json:"name"`
	State     string `json:"state"`
	Reason    string `json:"reason"`
	Signature string `json:"signature"`
	SHA256    string `json:"sha256"`
	Size      int64  `json:"size"`
	Integrity string `json:"integrity"`
	Coverage  string `json:"coverage"`
	Trust     string `json:"trust"`
	Path      string `json:"path"`
	StoredAt  Stamp  `json:"stored_at"`

	SignatureNote string      `json:"signature_note"`
	Signatures    []Signature `json:"signatures"`
	Facts         Facts       `json:"facts"`
}

// OfDocument is what is shown of a file, within its row.
func OfDocument(d model.Document) Document {
	return Document{
		ID: d.ID, Kind: string(d.Kind), Name: d.Name, State: string(d.State), Reason: d.Reason,
		Signature: string(d.Facts.Signature), SHA256: d.SHA256, Size: d.Size, Path: d.Path, StoredAt: Stamp{d.StoredAt},
		Integrity: string(d.Facts.Integrity), Coverage: string(d.Facts.Coverage), Trust: string(d.Facts.Trust),
		SignatureNote: d.Facts.Note, Signatures: each(d.Facts.Signatures, ofSignature), Facts: ofFacts(d.Facts.File),
	}
}

// ListedDocument is a document outside of its row.
type ListedDocument struct {
	Account string `json:"account"`
	Ref     string `json:"ref"`
	Document
}

// OfListedDocument is what lists of documents print of one.
func OfListedDocument(d model.Document) ListedDocument {
	return ListedDocument{d.Account, d.Ref, OfDocument(d)}
}

// Callback is one request to the public listener.
type Callback struct {
	ID      string `json:"id"`
	Account string `json:"account"`
	Ref     string `json:"ref"`
	Type    string `json:"type"`
	EventID string `json:"event_id"`
	Verdict string `json:"verdict"`
	Outcome string `json:"outcome"`
	At      Stamp  `json:"at"`
}

// OfCallback is what `callbacks list` prints of one.
func OfCallback(c model.Callback) Callback {
	return Callback{c.ID, c.Account, c.Ref, c.Type, c.EventID, string(c.Verdict), string(c.Outcome), At(c.At)}
}

// WholeCallback is what `callbacks show` adds.
type WholeCallback struct {
	Callback
	Headers map[string]string `json:"headers"`
	Body    string            `json:"body"`
}

// OfWholeCallback is what `callbacks show` prints: headers and body too.
func OfWholeCallback(c model.Callback) WholeCallback {
	headers := c.Headers
	if headers == nil {
		headers = map[string]string{}
	}
	return WholeCallback{OfCallback(c), headers, string(ShownBody(c))}
}

// Change is one entry of the change feed.
type Change struct {
	Seq       int64  `json:"seq"`
	Account   string `json:"account"`
	Ref       string `json:"ref"`
	Kind      string `json:"kind"`
	From      string `json:"from"`
	To        string `json:"to"`
	Status    string `json:"status"`
	Confirmed bool   `json:"confirmed"`
	Source    string `json:"source"`
	At        Stamp  `json:"at"`
	Signer    string `json:"signer"`
	Document  string `json:"document"`
}

// OfChange is what `changes` prints of one.
func OfChange(c model.Change) Change {
	return Change{
		c.Seq, c.Account, c.Ref, string(c.Kind), c.From, c.To, string(c.Status), c.Confirmed, c.Source, At(c.At),
		c.Signer, c.Document,
	}
}

// Gap is a change that a poll found and no callback explains.
type Gap struct {
	Account string   `json:"account"`
	Ref     string   `json:"ref"`
	Kind    string   `json:"kind"`
	Change  string   `json:"change"`
	From    string   `json:"from"`
	To      string   `json:"to"`
	After   Stamp    `json:"after"`
	Before  Stamp    `json:"before"`
	FoundBy string   `json:"found_by"`
	FoundAt Stamp    `json:"found_at"`
	Latency *float64 `json:"latency"` // seconds; null unless late
	Signer  string   `json:"signer"`
}

// OfGap is what `gaps` prints of one.
func OfGap(g model.Gap) Gap {
	o := Gap{
		Account: g.Account, Ref: g.Ref, Kind: string(g.Kind), Change: string(g.Change), From: g.From, To: g.To,
		After: Stamp{g.After}, Before: At(g.Before), FoundBy: g.FoundBy, FoundAt: At(g.FoundAt), Signer: g.Signer,
	}
	if g.Latency != nil {
		s := g.Latency.Seconds()
		o.Latency = &s
	}
	return o
}

// each turns a list into a list of objects, never null.
func each[T, O any](list []T, object func(T) O) []O {
	out := make([]O, len(list))
	for i, v := range list {
		out[i] = object(v)
	}
	return out
}

// Drift is one field in which the table and the truth differ.
type Drift struct {
	Account  string `json:"account"`
	Ref      string `json:"ref"`
	Field    string `json:"field"`
	Ours     string `json:"ours"`
	Theirs   string `json:"theirs"`
	Repaired bool   `json:"repaired"`
	Signer   string `json:"signer"`
	Document string `json:"document"`
}

// OfDrift is what `verify` prints of one line.
func OfDrift(l model.DriftLine) Drift {
	o := Drift{Account: l.Account, Ref: l.Ref, Field: l.Field, Ours: l.Ours, Theirs: l.Theirs, Repaired: l.Repaired}
	if l.Field == "signer" {
		o.Signer = l.About
	} else {
		o.Document = l.About
	}
	return o
}

// Row is one transaction with all that belongs to it.
type Row struct {
	model.Transaction
	History   []model.Change
	Callbacks []model.Callback
	Documents []model.Document
	Gaps      []model.Gap
	Progress  []model.Step
}

// Trial is one combination of secret, header, hash and encoding that was tried on a callback.
type Trial struct {
	Secret   string `json:"secret"`
	Header   string `json:"header"`
	Hash     string `json:"hash"`
	Encoding string `json:"encoding"`
	Over     string `json:"over"`
	Match    bool   `json:"match"`
	Note     string `json:"note"`
}

// Explained is why a callback was judged as it was.
type Explained struct {
	ID       string  `json:"id"`
	Verdict  string  `json:"verdict"`
	Sentence string  `json:"sentence"`
	Trials   []Trial `json:"trials"`
}

// Replayed is what became of a callback that was handed in again.
type Replayed struct {
	ID      string `json:"id"`
	Account string `json:"account"`
	Ref     string `json:"ref"`
	Before  string `json:"before"`
	After   string `json:"after"`
	Outcome string `json:"outcome"`
	Note    string `json:"note"`
}
