package autosign

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"countersign/model"
	"countersign/provider"
	"countersign/provider/lenient"
)

// The events (dossier: 2c).
const (
	transactionCreated   = "transaction_created"
	transactionStarted   = "transaction_started"
	recipientSubmitted   = "recipient_submitted"
	transactionCompleted = "transaction_completed"
	transactionRejected  = "transaction_rejected"
	transactionExpired   = "transaction_expired"
	transactionCancelled = "transaction_cancelled"
)

// canaryType is the type of the test callback that we sign ourselves.
const canaryType = "countersign_canary"

// mostBody is how many bytes of a callback are read: one has less than a few thousand.
const mostBody = 4 << 20

// types are the events that the service sends, in the order in which they happen.
func types() []string {
	return []string{
		transactionCreated, transactionStarted, recipientSubmitted, transactionCompleted, transactionRejected,
		transactionExpired, transactionCancelled,
	}
}

// meaning is the status that an event names by its type. Its data.status says less: it is expired for
// a cancelled transaction, and started while the last signer submits (dossier: 2d).
func meaning(typ string) model.Status {
	switch typ {
	case transactionCreated:
		return model.Draft
	case transactionStarted:
		return model.InProgress
	case transactionCompleted:
		return model.Completed
	case transactionRejected:
		return model.Declined
	case transactionExpired:
		return model.Expired
	case transactionCancelled:
		return model.Cancelled
	}
	return ""
}

// Receive says what a callback reports: a claim, since the signature covers the body. An unknown
// type that names a transaction makes it due for a fetch. Links to sealed documents are handed over
// and cut out of the body that is stored.
func (s *service) Receive(c provider.Callback) (provider.Received, error) {
	if err := s.verify(c); err != nil {
		return provider.Received{}, err
	}
	body, err := lenient.Bare(c.Body)
	if err != nil {
		return provider.Received{}, fmt.Errorf("%w: %w", provider.ErrNotUnderstood, err)
	}
	e, ok := readEvent(body)
	if !ok {
		return provider.Received{}, fmt.Errorf("%w: the body is no JSON object", provider.ErrNotUnderstood)
	}
	r := provider.Received{Type: string(e.Type), Clean: clean(body)}
	if r.Type == canaryType {
		r.Test = true
		return r, nil
	}
	ref := provider.Lookup(e.Data, "id")
	switch {
	case !plausible(r.Type):
		r.Type = ""
		return r, fmt.Errorf("%w: no readable type", provider.ErrNotUnderstood)
	case !plausible(ref):
		return r, fmt.Errorf("%w: no readable data.id", provider.ErrNotUnderstood)
	}
	r.Ref, r.DedupeKey = ref, dedupeKey("", string(c.Body)) // the signature covers the body: its retries have the same
	if id := string(e.ID); plausible(id) {
		r.EventID, r.DedupeKey = id, dedupeKey(id, r.Type)
	}
	r.Observations = []model.Observation{e.observe(ref)}
	r.Links = s.links(ref, s.sealed(e.Data, "sealed_documents"))
	return r, nil
}

// Peek reads ref and type of a callback that was refused.
func (s *service) Peek(c provider.Callback) (ref, typ string) {
	e, ok := readEvent(c.Body)
	if !ok {
		return "", ""
	}
	if id := provider.Lookup(e.Data, "id"); plausible(id) {
		ref = id
	}
	if plausible(string(e.Type)) {
		typ = string(e.Type)
	}
	return ref, typ
}

func readEvent(body []byte) (event, bool) {
	var e event
	body, err := lenient.Bare(body)
	if body = bytes.TrimSpace(body); err != nil || len(body) > mostBody || len(body) == 0 || body[0] != '{' {
		return e, false
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	if d.Decode(&e) != nil {
		return event{}, false
	}
	_, err = d.Token() // behind the object there is nothing
	return e, errors.Is(err, io.EOF)
}

// dedupeKey is equal for two deliveries of one event: two events of different types may share an id (dossier: 2d), and
// of an event without an id only the whole body is equal.
func dedupeKey(id, rest string) string {
	h := sha256.New()
	for _, s := range []string{id, rest} {
		h.Write(binary.BigEndian.AppendUint32(nil, uint32(len(s)))) //nolint:gosec // at most mostBody
		h.Write([]byte(s))
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// observe says what the event tells about its transaction. data.status is kept as it came.
func (e event) observe(ref string) model.Observation {
	typ := string(e.Type)
	o := model.Observation{
		Ref: ref, Evidence: model.Claim, Type: typ, Status: meaning(typ),
		ProviderStatus: e.said("status"), ProviderTime: e.Created.Time(),
	}
	o.Refetch = o.Status == "" // a recipient's last submission looks like any other
	o.Acted = typ == recipientSubmitted || typ == transactionCompleted || typ == transactionRejected
	switch typ {
	case transactionCancelled:
		o.Reason = e.said("cancelled_reason")
	case transactionRejected:
		if by := in(e.Data, "rejected_by"); plausible(provider.Lookup(by, "id")) {
			o.Signers = []model.Signer{signerOf(by, model.SignerDeclined)}
		}
	case recipientSubmitted:
		o.Signers = submitted(in(e.Data, "recipient"))
	case transactionCompleted:
		o.Signers = submitted(list(e.Data, "recipients")...)
	}
	return o
}

// said is the text at a path below data.
func (e event) said(path string) string { return lenient.Text(provider.Lookup(e.Data, path)).Plain() }

// submitted are the recipients who have signed. The time is shown and nothing else: two events tell
// two times of one signature (dossier: 2d).
func submitted(recipients ...any) []model.Signer {
	var out []model.Signer
	for _, r := range recipients {
		id, at := provider.Lookup(r, "id"), lenient.Text(provider.Lookup(r, "submitted_at"))
		if plausible(id) && at != "" {
			signer := signerOf(r, model.SignerSigned)
			signer.SignedAt = at.Time()
			out = append(out, signer)
		}
	}
	return out
}

// signerOf is a recipient as an event describes him.
func signerOf(recipient any, is model.SignerStatus) model.Signer {
	said := func(member string) string { return lenient.Text(provider.Lookup(recipient, member)).Plain() }
	return model.Signer{
		Ref: provider.Lookup(recipient, "id"), Name: said("name"), Email: said("email"), Role: said("role"), Status: is,
	}
}
