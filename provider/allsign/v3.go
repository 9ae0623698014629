package allsign

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"

	"countersign/model"
	"countersign/provider"
	"countersign/provider/lenient"
	"countersign/provider/transport"
)

const (
	mostBody    = 1 << 20 // bytes of a callback that are read: an event has less than a thousand
	signerPages = 20      // the most pages of one document's signers
)

// v3 is one account at the generation of 2026.
type v3 struct {
	*account
	rest  provider.Tokens
	saved atomic.Pointer[endpoint] // what Register made; nil: nothing is known of one
}

// envelope is a v3 callback's body. Of data only documentId is attested.
type envelope struct {
	EventID    lenient.Text    `json:"eventId"`
	EventType  lenient.Text    `json:"eventType"`
	OccurredAt lenient.Text    `json:"occurredAt"`
	LiveMode   lenient.Bool    `json:"livemode"`
	Event      json.RawMessage `json:"event"` // v2's name for the type
	Data       json.RawMessage `json:"data"`
}

// documentID is the document that the event is about; "" where it names none.
func (e envelope) documentID() string {
	var d struct {
		DocumentID lenient.Text `json:"documentId"`
	}
	if lenient.Unmarshal(e.Data, &d) != nil {
		return ""
	}
	return string(d.DocumentID)
}

// Receive says what a callback reports: a claim about one document, with a status only where the event
// implies one. An event that nobody knows makes its document due for a fetch. A body of v2 is not read.
func (s *v3) Receive(c provider.Callback) (provider.Received, error) {
	if err := s.verify(c); err != nil {
		return provider.Received{}, err
	}
	var e envelope
	if len(c.Body) > mostBody {
		return provider.Received{}, fmt.Errorf("%w: a body too long to be one", provider.ErrNotUnderstood)
	}
	switch err := lenient.Unmarshal(c.Body, &e); {
	case errors.Is(err, lenient.ErrUTF16):
		return provider.Received{}, fmt.Errorf("%w: %w", provider.ErrNotUnderstood, err)
	case err != nil:
		return provider.Received{}, fmt.Errorf("%w: the body is no envelope of v3", provider.ErrNotUnderstood)
	}
	name, ref, id := string(e.EventType), e.documentID(), string(e.EventID)
	key := c.Header.Get(headerID)
	if id == "" {
		id = key
	}
	switch {
	case name == "" && e.Event != nil:
		return provider.Received{}, fmt.Errorf("%w: a body of v2 (profile: v3)", provider.ErrNotUnderstood)
	case !isName(name), !isName(id), !isName(key):
		return provider.Received{}, fmt.Errorf("%w: no eventType or id that could be one", provider.ErrNotUnderstood)
	}
	r := provider.Received{Ref: ref, Type: name, EventID: id, DedupeKey: key}
	switch {
	case name == canaryEvent:
		r.Ref, r.Test = "", true
		return r, nil
	case ref == "" && !ofDocument(name):
		r.Ignored = "the event names no document"
		return r, nil
	case !isName(ref):
		return provider.Received{}, fmt.Errorf("%w: no data.documentId that could be one", provider.ErrNotUnderstood)
	case e.LiveMode == lenient.No && !s.includeTest:
		r.Ignored = "a test document (include_test: false)"
		return r, nil
	}
	o := s.claim(name, ref)
	o.ProviderTime = e.OccurredAt.Time()
	if e.LiveMode != lenient.Missing {
		o.Test = model.FlagOf(e.LiveMode == lenient.No)
	}
	r.Observations = []model.Observation{o}
	return r, nil
}

// ofDocument says whether events of this name are about a document, so that one without an id is a
// fault and not another thing.
func ofDocument(name string) bool {
	return strings.HasPrefix(name, "document.") || strings.HasPrefix(name, "signer.")
}

// claim is what an event of this name says of a document.
func (a *account) claim(name, ref string) model.Observation {
	o := model.Observation{Ref: ref, Evidence: model.Claim, Type: name, Status: a.events[name]}
	o.Refetch = o.Status == ""
	o.Acted = slices.Contains([]string{signerSigned, signerDeclined, documentSigned, documentCompleted}, name)
	return o
}

// Peek reads ref and type of a callback that was refused.
func (s *v3) Peek(c provider.Callback) (ref, typ string) {
	var e envelope
	if len(c.Body) > mostBody || lenient.Unmarshal(c.Body, &e) != nil || !isName(string(e.EventType)) {
		return "", ""
	}
	if ref = e.documentID(); !isName(ref) {
		ref = ""
	}
	return ref, string(e.EventType)
}

// Fetch asks where a document stands, and who has signed: two calls, and for a completed one a third, which
// tells whether the NOM-151 certificate is there. A document that the service does not know, or not for this
// key, is not found.
func (s *v3) Fetch(ctx context.Context, ref string) (model.Observation, error) {
	if elsewhere(ref) {
		return absent(ref), nil
	}
	raw, d, missing, err := s.detail(ctx, "/v3/documents", ref)
	if err != nil || missing {
		return absent(ref), err
	}
	o := s.observe(d)
	if s.externalID != "" {
		o.ExternalID = provider.Lookup(raw, s.externalID)
	}
	list, err := s.signers(ctx, ref)
	switch {
	case unknownRef(err): // the document is there, its signers are not told: nothing is said of them
	case err != nil:
		return model.Observation{}, fmt.Errorf("signers: %w", err)
	default:
		o.Signers, o.Skipped = observeSigners(list, d)
	}
	if o.Status != model.Completed {
		return o, nil
	}
	o.Documents, err = s.documents(ctx, ref, d)
	return o, err
}

// observe is what a list or an answer shows of a document.
func (a *account) observe(d document) model.Observation {
	o := model.Observation{
		Ref: string(d.ID), Evidence: model.Verified, Name: d.Name.Plain(), Mark: d.mark(), ProviderTime: d.updated(),
		CreatedAt: d.created(),
		ExpiresAt: d.ExpiresAt.Time(),
	}
	o.ProviderStatus, o.Status = d.Status.Plain(), a.state(string(d.Status))
	if d.LiveMode != lenient.Missing {
		o.Test = model.FlagOf(d.LiveMode == lenient.No)
	}
	return o
}

// signers reads everybody who has to sign.
func (s *v3) signers(ctx context.Context, ref string) (all lenient.List[signer], err error) {
	query := url.Values{}
	for range signerPages {
		var page struct {
			Data       lenient.List[signer] `json:"data"`
			HasMore    lenient.Bool         `json:"hasMore"`
			NextCursor lenient.Text         `json:"nextCursor"`
		}
		if err := s.get(ctx, provider.JoinPath("/v3/documents", ref, "signers"), query, &page); err != nil {
			return all, err
		}
		if !page.Data.Present {
			return all, errors.New("the answer is no list")
		}
		all.Add(page.Data)
		next := string(page.NextCursor)
		if page.HasMore != lenient.Yes || next == "" || next == query.Get("startingAfter") {
			break
		}
		query.Set("startingAfter", next)
	}
	return all, nil
}

// documents are what can be fetched of a completed document. The signed file comes for certain, though later
// than the status; the certificate never comes for a test document, and perhaps never for another.
func (s *v3) documents(ctx context.Context, ref string, d document) ([]model.DocumentRef, error) {
	refs := []model.DocumentRef{}
	if s.signed {
		refs = append(refs, model.DocumentRef{ID: signedID, Kind: model.SignedDocument, Name: d.Name.Plain()})
	}
	if !s.evidence {
		return refs, nil
	}
	e, err := s.askEvidence(ctx, ref)
	switch {
	case unknownRef(err), errors.Is(err, provider.ErrNotReady): // nothing is shown yet
	case err != nil:
		return nil, fmt.Errorf("evidence: %w", err)
	case e.link(nom151ID) != "":
		refs = append(refs, model.DocumentRef{ID: nom151ID, Kind: model.EvidenceDocument, Name: nom151ID})
	}
	return refs, nil
}

// askEvidence reads what there is of a document's files. The links in it are worth as much as the files.
func (s *v3) askEvidence(ctx context.Context, ref string) (evidence, error) {
	var raw json.RawMessage
	var e evidence
	if err := s.get(ctx, provider.JoinPath("/v3/documents", ref, "evidence"), nil, &raw); err != nil {
		return e, err
	}
	if lenient.Unmarshal(unwrapped(raw), &e) != nil || e.DocumentID != "" && string(e.DocumentID) != ref {
		return e, errors.New("the answer is not the evidence that was asked for")
	}
	return e, nil
}

// Download writes the signed file or the NOM-151 certificate. The only way to either is the evidence
// endpoint, whose links live for minutes: each try asks for a new one. Completion comes before the file.
func (s *v3) Download(ctx context.Context, ref string, doc model.DocumentRef, w io.Writer) (provider.Declared, error) {
	if elsewhere(ref) {
		return provider.Declared{}, provider.ErrNotFound
	}
	e, err := s.askEvidence(provider.WithClass(ctx, provider.ClassFiles), ref)
	if err != nil {
		if statusOf(err) == http.StatusForbidden {
			return provider.Declared{}, fmt.Errorf("%w: %w", provider.ErrNotFound, err)
		}
		return provider.Declared{}, err
	}
	address := e.link(doc.ID)
	if address == "" {
		return provider.Declared{}, fmt.Errorf("%w: the evidence does not show the file", provider.ErrNotReady)
	}
	d, err := s.follow(ctx, address, w)
	if deadLink(err) {
		return d, fmt.Errorf("%w: %v", provider.ErrNotReady, asText(err)) // a new link the next time
	}
	return d, err
}

// asText is err without what it wraps: a foreign host's 401 says nothing of our key.
func asText(err error) string {
	if h := (*transport.HTTPError)(nil); errors.As(err, &h) {
		return "file link: " + h.Status
	}
	return err.Error()
}
