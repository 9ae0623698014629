package output

import (
	"encoding/json"

	"countersign/model"
)

// The objects below are what `--json` prints. Their keys are a promise: they are only added to.

type transactionJSON struct {
	Account         string          `json:"account"`
	Provider        string          `json:"provider"`
	Ref             string          `json:"ref"`
	ExternalID      string          `json:"external_id"`
	Name            string          `json:"name"`
	Status          string          `json:"status"`
	ProviderStatus  string          `json:"provider_status"`
	Confirmed       bool            `json:"confirmed"`
	ReportedStatus  string          `json:"reported_status"`
	Reason          string          `json:"reason"`
	Archived        bool            `json:"archived"`
	Trashed         bool            `json:"trashed"`
	Deleted         bool            `json:"deleted"`
	NotFound        bool            `json:"not_found"`
	Test            bool            `json:"test"`
	Attention       []attentionJSON `json:"attention"`
	SignersDone     int             `json:"signers_done"`
	SignersTotal    int             `json:"signers_total"`
	DocumentsStored int             `json:"documents_stored"`
	DocumentsTotal  int             `json:"documents_total"`
	SentAt          stamp           `json:"sent_at"`
	ProviderTime    stamp           `json:"provider_time"`
	CreatedAt       stamp           `json:"created_at"`
	ChangedAt       stamp           `json:"changed_at"`
	ConfirmedAt     stamp           `json:"confirmed_at"`
	NextCheckAt     stamp           `json:"next_check_at"`
	ExpiresAt       stamp           `json:"expires_at"`
	Seq             int64           `json:"seq"`
}

type attentionJSON struct {
	Kind    string `json:"kind"`
	Signer  string `json:"signer"`
	Message string `json:"message"`
	Since   stamp  `json:"since"`
}

// TransactionObject is what `list` prints of a row.
func TransactionObject(t model.Transaction) transactionJSON {
	return transactionJSON{
		Account: t.Account, Provider: t.Provider, Ref: t.Ref,
		ExternalID: t.ExternalID, Name: t.Name,
		Status: string(t.Status), ProviderStatus: t.ProviderStatus,
		Confirmed: t.Confirmed, ReportedStatus: string(t.ReportedStatus), Reason: t.Reason,
		Archived: t.Archived, Trashed: t.Trashed, Deleted: t.Deleted, NotFound: t.NotFound, Test: t.Test,
		Attention:   each(t.Attention, attentionObject),
		SignersDone: t.SignersDone, SignersTotal: t.SignersAll,
		DocumentsStored: t.DocsStored, DocumentsTotal: t.DocsTotal,
		SentAt: stamp{t.SentAt}, ProviderTime: stamp{t.ProviderTime}, CreatedAt: stamp{t.CreatedAt},
		ChangedAt: StampOf(t.ChangedAt), ConfirmedAt: stamp{t.ConfirmedAt},
		NextCheckAt: stamp{t.NextCheckAt}, ExpiresAt: stamp{t.ExpiresAt},
		Seq: t.Seq,
	}
}

func attentionObject(a model.Attention) attentionJSON {
	return attentionJSON{string(a.Kind), a.Signer, a.Message, StampOf(a.Since)}
}

type showJSON struct {
	transactionJSON
	Metadata  json.RawMessage   `json:"metadata"`
	History   []historyJSON     `json:"history"`
	Signers   []signerJSON      `json:"signers"`
	Callbacks []rowCallbackJSON `json:"callbacks"`
	Documents []documentJSON    `json:"documents"`
	Gaps      []gapJSON         `json:"gaps"`
	Progress  []stepJSON        `json:"progress"`
}

// ShowObject is what `show` prints of a row and all that belongs to it.
func ShowObject(r Row) showJSON {
	metadata := json.RawMessage(r.Metadata)
	if !json.Valid(metadata) {
		metadata = json.RawMessage("{}")
	}
	return showJSON{
		transactionJSON: TransactionObject(r.Transaction),
		Metadata:        metadata,
		History:         each(r.History, historyObject),
		Signers:         each(r.Signers, signerObject),
		Callbacks:       each(r.Callbacks, rowCallbackObject),
		Documents:       each(r.Documents, documentObject),
		Gaps:            each(r.Gaps, GapObject),
		Progress:        each(r.Progress, stepObject),
	}
}

type stepJSON struct {
	Name string `json:"name"`
	At   stamp  `json:"at"`
}

func stepObject(s model.Step) stepJSON { return stepJSON{s.Name, StampOf(s.At)} }

type historyJSON struct {
	Seq       int64  `json:"seq"`
	From      string `json:"from"`
	To        string `json:"to"`
	Confirmed bool   `json:"confirmed"`
	Source    string `json:"source"`
	At        stamp  `json:"at"`
	Kind      string `json:"kind"`
	Signer    string `json:"signer"`
	Document  string `json:"document"`
}

func historyObject(c model.Change) historyJSON {
	return historyJSON{c.Seq, c.From, c.To, c.Confirmed, c.Source, StampOf(c.At), string(c.Kind), c.Signer, c.Document}
}

type signerJSON struct {
	Ref      string `json:"ref"`
	Name     string `json:"name"`
	Email    string `json:"email"`
	Role     string `json:"role"`
	Order    int    `json:"order"`
	Status   string `json:"status"`
	ViewedAt stamp  `json:"viewed_at"`
	SignedAt stamp  `json:"signed_at"`
	Reason   string `json:"reason"`
}

func signerObject(s model.Signer) signerJSON {
	return signerJSON{s.Ref, s.Name, s.Email, s.Role, s.Order, string(s.Status), stamp{s.ViewedAt}, stamp{s.SignedAt},
		s.Reason}
}

type rowCallbackJSON struct {
	ID      string `json:"id"`
	Verdict string `json:"verdict"`
	Outcome string `json:"outcome"`
	Type    string `json:"type"`
	At      stamp  `json:"at"`
}

func rowCallbackObject(c model.Callback) rowCallbackJSON {
	return rowCallbackJSON{c.ID, string(c.Verdict), string(c.Outcome), c.Type, StampOf(c.At)}
}

type documentJSON struct {
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
	StoredAt  stamp  `json:"stored_at"`

	SignatureNote string                    `json:"signature_note"`
	Signatures    []model.EmbeddedSignature `json:"signatures"`
	Facts         model.FileFacts           `json:"facts"`
}

func asItIs(s model.EmbeddedSignature) model.EmbeddedSignature { return s }

func documentObject(d model.Document) documentJSON {
	return documentJSON{
		ID: d.ID, Kind: string(d.Kind), Name: d.Name, State: string(d.State), Reason: d.Reason,
		Signature: string(d.Facts.Signature), SHA256: d.SHA256, Size: d.Size, Path: d.Path, StoredAt: stamp{d.StoredAt},
		Integrity: string(d.Facts.Integrity), Coverage: string(d.Facts.Coverage), Trust: string(d.Facts.Trust),
		SignatureNote: d.Facts.Note, Signatures: each(d.Facts.Signatures, asItIs), Facts: d.Facts.File,
	}
}

// listedDocumentJSON is a document outside of its row.
type listedDocumentJSON struct {
	Account string `json:"account"`
	Ref     string `json:"ref"`
	documentJSON
}

// ListedDocumentObject is what lists of documents print of one.
func ListedDocumentObject(d model.Document) any {
	return listedDocumentJSON{d.Account, d.Ref, documentObject(d)}
}

type callbackJSON struct {
	ID      string `json:"id"`
	Account string `json:"account"`
	Ref     string `json:"ref"`
	Type    string `json:"type"`
	EventID string `json:"event_id"`
	Verdict string `json:"verdict"`
	Outcome string `json:"outcome"`
	At      stamp  `json:"at"`
}

// CallbackObject is what `callbacks list` prints of one.
func CallbackObject(c model.Callback) callbackJSON {
	return callbackJSON{c.ID, c.Account, c.Ref, c.Type, c.EventID, string(c.Verdict), string(c.Outcome), StampOf(c.At)}
}

// wholeCallbackJSON is what `callbacks show` adds.
type wholeCallbackJSON struct {
	callbackJSON
	Headers map[string]string `json:"headers"`
	Body    string            `json:"body"`
}

// WholeCallbackObject is what `callbacks show` prints: headers and body too.
func WholeCallbackObject(c model.Callback) wholeCallbackJSON {
	headers := c.Headers
	if headers == nil {
		headers = map[string]string{}
	}
	return wholeCallbackJSON{CallbackObject(c), headers, string(shownBody(c))}
}

type changeJSON struct {
	Seq       int64  `json:"seq"`
	Account   string `json:"account"`
	Ref       string `json:"ref"`
	Kind      string `json:"kind"`
	From      string `json:"from"`
	To        string `json:"to"`
	Status    string `json:"status"`
	Confirmed bool   `json:"confirmed"`
	Source    string `json:"source"`
	At        stamp  `json:"at"`
	Signer    string `json:"signer"`
	Document  string `json:"document"`
}

// ChangeObject is what `changes` prints of one.
func ChangeObject(c model.Change) changeJSON {
	return changeJSON{
		c.Seq, c.Account, c.Ref, string(c.Kind), c.From, c.To, string(c.Status), c.Confirmed, c.Source, StampOf(c.At),
		c.Signer, c.Document,
	}
}

type gapJSON struct {
	Account string   `json:"account"`
	Ref     string   `json:"ref"`
	Kind    string   `json:"kind"`
	Change  string   `json:"change"`
	From    string   `json:"from"`
	To      string   `json:"to"`
	After   stamp    `json:"after"`
	Before  stamp    `json:"before"`
	FoundBy string   `json:"found_by"`
	FoundAt stamp    `json:"found_at"`
	Latency *float64 `json:"latency"` // seconds; null unless late
	Signer  string   `json:"signer"`
}

// GapObject is what `gaps` prints of one.
func GapObject(g model.Gap) gapJSON {
	o := gapJSON{
		Account: g.Account, Ref: g.Ref, Kind: string(g.Kind), Change: string(g.Change), From: g.From, To: g.To,
		After: stamp{g.After}, Before: StampOf(g.Before), FoundBy: g.FoundBy, FoundAt: StampOf(g.FoundAt), Signer: g.Signer,
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

// DriftJSON is one field in which the table and the truth differ.
type DriftJSON struct {
	Account  string `json:"account"`
	Ref      string `json:"ref"`
	Field    string `json:"field"`
	Ours     string `json:"ours"`
	Theirs   string `json:"theirs"`
	Repaired bool   `json:"repaired"`
	Signer   string `json:"signer"`
	Document string `json:"document"`
}

// DriftObject is what `verify` prints of one line.
func DriftObject(l model.DriftLine) DriftJSON {
	o := DriftJSON{Account: l.Account, Ref: l.Ref, Field: l.Field, Ours: l.Ours, Theirs: l.Theirs, Repaired: l.Repaired}
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
