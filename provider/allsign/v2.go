package allsign

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"countersign/model"
	"countersign/provider"
	"countersign/provider/lenient"
	"countersign/provider/transport"
)

// v2 is one account at the generation that the public pages describe.
type v2 struct {
	*account
	streamWait time.Duration // before a stream that broke off is opened again
}

// Receive says what a callback reports. Where the document's id stands is a list of candidates; a link to the
// signed file is handed on and cut out of what is stored. There is no event id: equal bodies are one event.
// A body of v3 is not read.
func (s *v2) Receive(c provider.Callback) (provider.Received, error) {
	evidence, err := s.verify(c)
	if err != nil {
		return provider.Received{}, err
	}
	body, err := readBody(c.Body)
	if err != nil {
		return provider.Received{}, fmt.Errorf("%w: %w", provider.ErrNotUnderstood, err)
	}
	name, _ := body["event"].(string)
	_, other := body["eventType"]
	switch {
	case other:
		return provider.Received{}, fmt.Errorf("%w: a body of v3 (profile: v2)", provider.ErrNotUnderstood)
	case !isName(name):
		return provider.Received{}, fmt.Errorf("%w: no event that could be one", provider.ErrNotUnderstood)
	case name == canaryEvent:
		return provider.Received{Type: name, Test: true}, nil
	}
	ref := s.ref(body)
	if ref == "" {
		return provider.Received{}, fmt.Errorf("%w: no document id at any of document_id_paths", provider.ErrNotUnderstood)
	}
	r := provider.Received{Ref: ref, Type: name}
	if evidence != model.Hint { // equality of what anyone may send proves nothing
		sum := sha256.Sum256(c.Body)
		r.DedupeKey = hex.EncodeToString(sum[:])
	}
	o := s.claim(name, ref)
	o.Evidence = evidence
	o.ProviderTime = cmp.Or(at(body, "data.completed_at"), at(body, "data.updated_at"))
	r.Observations = []model.Observation{o}
	if o.Status == model.Completed && s.signed {
		r.Links = s.links(body, ref)
	}
	r.Clean = cleaned(body)
	return r, nil
}

// readBody decodes a body; numbers stay as they were written.
func readBody(raw []byte) (map[string]any, error) {
	raw, err := lenient.Bare(raw)
	if err != nil {
		return nil, err
	}
	if len(raw) > mostBody {
		return nil, errNoObject
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var body map[string]any
	if d.Decode(&body) != nil || body == nil {
		return nil, errNoObject
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errNoObject
	}
	return body, nil
}

var errNoObject = errors.New("the body is no JSON object")

// ref is the document's id: the first of the paths at which one stands.
func (s *v2) ref(body map[string]any) string {
	for _, path := range s.set.DocumentIDPaths {
		if id := provider.Lookup(body, path); isName(id) {
			return id
		}
	}
	return ""
}

func at(body map[string]any, path string) *time.Time {
	return lenient.Text(provider.Lookup(body, path)).Time()
}

// links are the links to the signed file, which die within minutes for all that is known.
func (s *v2) links(body map[string]any, ref string) []provider.Link {
	for _, path := range s.set.PDFLinkPaths {
		if u := provider.Lookup(body, path); isLink(u) {
			return []provider.Link{{Ref: ref, Document: model.DocumentRef{ID: signedID, Kind: model.SignedDocument}, URL: provider.Secret(u)}}
		}
	}
	return nil
}

func isLink(s string) bool {
	return strings.HasPrefix(s, "https://") || strings.HasPrefix(s, "http://")
}

// cleaned is the body without links, since whoever holds one holds the file; nil where there is none.
func cleaned(body map[string]any) []byte {
	if !cutLinks(body) {
		return nil
	}
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	if e.Encode(body) != nil {
		return nil
	}
	return bytes.TrimSpace(out.Bytes())
}

// cutLinks replaces each text that is a link, wherever it stands, and says whether there was one.
func cutLinks(v any) (cut bool) {
	replace := func(in any, set func(any)) {
		if s, ok := in.(string); ok && isLink(strings.TrimSpace(s)) {
			set("<cut>")
			cut = true
			return
		}
		cut = cutLinks(in) || cut
	}
	switch v := v.(type) {
	case map[string]any:
		for k := range v {
			replace(v[k], func(x any) { v[k] = x })
		}
	case []any:
		for i := range v {
			replace(v[i], func(x any) { v[i] = x })
		}
	}
	return cut
}

// Peek reads ref and type of a callback that was refused.
func (s *v2) Peek(c provider.Callback) (ref, typ string) {
	body, err := readBody(c.Body)
	if err != nil {
		return "", ""
	}
	if typ, _ = body["event"].(string); !isName(typ) {
		return "", ""
	}
	return s.ref(body), typ
}

// Fetch asks where a document stands. A 404 is an observation and closes nothing: the service gave one for
// documents that its list shows.
func (s *v2) Fetch(ctx context.Context, ref string) (model.Observation, error) {
	if elsewhere(ref) {
		return absent(ref), nil
	}
	raw, d, missing, err := s.detail(ctx, "/v2/documents", ref)
	if err != nil || missing {
		return absent(ref), err
	}
	o := s.observe(d)
	if s.externalID != "" {
		o.ExternalID = provider.Lookup(raw, s.externalID)
	}
	for _, in := range []json.RawMessage{d.SignersData, d.Signers} {
		var list lenient.List[signer]
		if o.Signers == nil && json.Unmarshal(in, &list) == nil && list.Present {
			o.Signers, o.Skipped = observeSigners(list, d)
		}
	}
	if o.Status == model.Completed {
		o.Documents = []model.DocumentRef{}
		if s.signed {
			o.Documents = append(o.Documents, model.DocumentRef{ID: signedID, Kind: model.SignedDocument, Name: o.Name})
		}
	}
	return o, nil
}

// observe is what a list or an answer shows of a document. The status stood in different places at different
// times: the first word that the table has counts, else the first word.
func (s *v2) observe(d document) model.Observation {
	o := s.account.observe(d)
	words := []lenient.Text{d.EnvelopeStatus, d.SigningStatus, d.Status}
	o.ProviderStatus, o.Status = cmp.Or(words...).Plain(), ""
	for _, w := range words {
		if status := s.state(string(w)); status != "" {
			o.ProviderStatus, o.Status = w.Plain(), status
			break
		}
	}
	return o
}

// Download writes the signed file from a path that is a setting, since no page says where it is.
func (s *v2) Download(ctx context.Context, ref string, _ model.DocumentRef, w io.Writer) (provider.Declared, error) {
	if elsewhere(ref) {
		return provider.Declared{}, provider.ErrNotFound
	}
	path := strings.ReplaceAll(s.set.DownloadPath, "{id}", provider.PathEscape(ref))
	resp, err := s.send(provider.WithClass(ctx, provider.ClassFiles), http.MethodGet, path, nil, nil)
	if err != nil {
		return provider.Declared{}, err
	}
	if to, err := resp.Location(); err == nil && resp.StatusCode/100 == 3 { // to where the file lies, without our key
		resp.Body.Close()
		d, err := s.follow(ctx, to.String(), w)
		if deadLink(err) {
			return d, fmt.Errorf("%w: %v", provider.ErrNotReady, asText(err))
		}
		return d, err
	}
	if resp.StatusCode != http.StatusOK {
		return provider.Declared{}, transport.StatusError(resp)
	}
	return transport.Save(w, resp)
}

// DownloadLink writes the signed file by a link of a callback. A link that has died is ErrDenied or
// ErrNotFound: then Download is another way.
func (s *v2) DownloadLink(ctx context.Context, _ string, _ model.DocumentRef, link provider.Secret, w io.Writer) (provider.Declared, error) {
	d, err := s.follow(ctx, link.Reveal(), w)
	if deadLink(err) && !errors.Is(err, provider.ErrNotFound) {
		return d, fmt.Errorf("%w: %s", provider.ErrDenied, asText(err))
	}
	return d, err
}

// Check reads one document, which proves the key.
func (s *v2) Check(ctx context.Context) (provider.Identity, error) {
	var got struct {
		Data []json.RawMessage `json:"data"`
	}
	if err := s.get(ctx, "/v2/documents", url.Values{"limit": {"1"}}, &got); err != nil {
		return provider.Identity{}, err
	}
	var who provider.Identity
	if s.set.AllowUnsigned {
		who.Warnings = append(who.Warnings, "callbacks without a signature are taken from anybody, as hints: each only has its document asked about (allow_unsigned)")
	}
	return who, nil
}
