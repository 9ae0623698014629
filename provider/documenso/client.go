package documenso

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"countersign/model"
	"countersign/provider"
	"countersign/provider/lenient"
	"countersign/provider/transport"
)

// batch is the most ids that get-many takes: 21 are refused.
const batch = 20

// errAddress: the service has nothing at all where we asked. It says nothing of an envelope.
var errAddress = errors.New("the service does not know this address: is base_url right, and the server 2.0 or newer?")

// Fetch asks where an envelope stands. One that the service does not know, or not for this key, is not found. So
// is a template, and another team's envelope, which the service would tell about without giving its files.
func (s *service) Fetch(ctx context.Context, ref string) (model.Observation, error) {
	if isAlias(ref) {
		return s.fetchAlias(ctx, ref)
	}
	if !plausible(ref) {
		return notFound(ref), nil
	}
	var raw json.RawMessage
	err := s.get(ctx, provider.JoinPath("/envelope", ref), nil, &raw)
	if unknownRef(err) {
		return notFound(ref), nil
	}
	if err != nil {
		return model.Observation{}, err
	}
	o, ours, err := s.read(raw)
	switch {
	case err != nil:
		return model.Observation{}, fmt.Errorf("fetch: %w", err)
	case o.Ref != ref:
		return model.Observation{}, fmt.Errorf("fetch: %w", errNotAsked)
	case !ours:
		return notFound(ref), nil
	}
	return o, nil
}

func notFound(ref string) model.Observation {
	return model.Observation{Ref: ref, Evidence: model.Verified, Absence: model.NotFound}
}

// Batch is how many envelopes one call tells of.
func (s *service) Batch() int { return batch }

// usual is what ids were seen to look like. One odd id would have the whole batch refused.
var usual = regexp.MustCompile(`^` + refPrefix + `[A-Za-z0-9_-]+$`)

// FetchBatch is Fetch for several envelopes. The service leaves out in silence what it does not know.
func (s *service) FetchBatch(ctx context.Context, refs []string) ([]model.Observation, error) {
	var found []model.Observation
	asked := map[string]bool{}
	var ids []string
	for _, ref := range refs {
		switch {
		case asked[ref], isAlias(ref): // an alias is asked about by itself
		case !plausible(ref):
			found = append(found, notFound(ref))
		case usual.MatchString(ref):
			ids = append(ids, ref)
		}
		asked[ref] = true
	}
	for len(ids) > 0 {
		n := min(len(ids), batch)
		some, err := s.fetchBatch(ctx, ids[:n])
		if err != nil {
			return nil, err
		}
		found, ids = append(found, some...), ids[n:]
	}
	return found, nil
}

// fetchBatch makes one call.
func (s *service) fetchBatch(ctx context.Context, ids []string) ([]model.Observation, error) {
	refs := make([]any, len(ids))
	for i, id := range ids {
		refs[i] = id
	}
	got, err := s.getMany(ctx, "envelopeId", refs...)
	if err != nil {
		return nil, err
	}
	open := map[string]bool{}
	for _, id := range ids {
		open[id] = true
	}
	var found []model.Observation
	for _, raw := range got.Items {
		o, ours, err := s.read(raw)
		switch {
		case err != nil || !open[o.Ref]: // it is asked about by itself
			continue
		case !ours:
			o = notFound(o.Ref)
		}
		delete(open, o.Ref)
		found = append(found, o)
	}
	return found, nil
}

// Download writes one document. For an envelope that is not completed the service answers with the unsigned
// original under a signed one's name: call it only after a fetch that says completed, and trust no name.
func (s *service) Download(ctx context.Context, ref string, doc model.DocumentRef, w io.Writer) (
	provider.Declared, error,
) {
	var path string
	query := url.Values{}
	switch {
	case doc.Kind == model.SignedDocument && doc.ID != "":
		path = provider.JoinPath("/envelope/item", doc.ID, "download")
		query.Set("version", "signed")
	case doc.Kind == model.EvidenceDocument && doc.ID == certificateID && plausible(ref):
		path = provider.JoinPath("/envelope", ref, certificateID, "download")
	default:
		return provider.Declared{}, provider.ErrNotFound
	}
	resp, err := s.send(provider.WithClass(ctx, provider.ClassFiles), http.MethodGet, path, query, nil)
	if err != nil {
		return provider.Declared{}, err
	}
	return transport.Save(w, resp)
}

// Check reads one envelope of the list, or else one folder, for the team: no call tells it by itself. ID is ""
// where the team has neither.
func (s *service) Check(ctx context.Context) (provider.Identity, error) {
	var got envelopeList
	err := s.get(ctx, "/envelope", url.Values{"type": {"DOCUMENT"}, "page": {"1"}, "perPage": {"1"}}, &got)
	if h := refusal(err); h != nil && h.Code == http.StatusForbidden && !h.Page {
		return provider.Identity{}, fmt.Errorf("%w: %w", provider.ErrDenied, err)
	}
	if err != nil {
		return provider.Identity{}, err
	}
	var id provider.Identity
	if len(s.secrets) == 0 {
		id.Warnings = []string{"no webhook_secret is set: every callback is unverified, and only makes its transaction due for a question"}
	}
	ours := teams(got.Data.Items)
	if len(got.Data.Items) > 0 {
		var e envelope
		lenient.Unmarshal(got.Data.Items[0], &e) //nolint:errcheck // what cannot be read has no name
		id.Name = e.Team.URL.Plain()
	} else { // all may lie in folders
		folders, err := s.folders(ctx, "", 1)
		if err != nil && !errors.Is(err, provider.ErrNotFound) {
			return provider.Identity{}, err
		}
		for _, f := range folders.Data.Items {
			ours = append(ours, f.TeamID.Plain())
		}
	}
	if len(ours) > 0 {
		id.ID = ours[0]
	}
	return id, s.learn(ours)
}

// teams are those that the entries of a list name.
func teams(entries []json.RawMessage) []string {
	var list []string
	for _, raw := range entries {
		var e envelope
		if lenient.Unmarshal(raw, &e) == nil && e.TeamID != "" {
			list = append(list, e.TeamID.Plain())
		}
	}
	return list
}

// learn keeps the team that a list told. Only lists tell it: the details of another team's envelope are given to
// a key whose user belongs to both. Where the settings name another team, the key is refused.
func (s *service) learn(teams []string) error {
	if len(teams) == 0 {
		return nil
	}
	if s.teamID != "" && !slices.Contains(teams, s.teamID) {
		return fmt.Errorf("%w: the key is of team %.20s, settings.team_id is %s", provider.ErrDenied, teams[0], s.teamID)
	}
	s.learned.CompareAndSwap(nil, &teams[0])
	return nil
}

// get asks for JSON and decodes it.
func (s *service) get(ctx context.Context, path string, query url.Values, v any) error {
	resp, err := s.send(provider.WithCall(ctx, provider.Call{JSON: true}), http.MethodGet, path, query, nil)
	if err != nil {
		return err
	}
	return transport.ReadJSON(resp, v)
}

// send sends one request and returns a 200. The key goes bare: `bearer` in lower case would be refused.
func (s *service) send(ctx context.Context, method, path string, query url.Values, body []byte) (
	*http.Response, error,
) {
	address := s.base + path
	if len(query) > 0 {
		address += "?" + query.Encode()
	}
	ctx = provider.WithCall(ctx, provider.Call{Meaning: meaning})
	var sent io.Reader
	if body != nil {
		sent = bytes.NewReader(body)
	}
	req, err := http.NewRequestWithContext(ctx, method, address, sent)
	if err != nil {
		return nil, provider.Redact(err)
	}
	req.Header.Set("Authorization", s.key.Reveal())
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := transport.Do(s.client, req)
	if err == nil && resp.StatusCode != http.StatusOK {
		transport.Mean(ctx, resp)
		err = refused(resp)
	}
	if err != nil {
		return nil, unhurried(err)
	}
	return resp, nil
}

// unhurried makes what the service refused for its limits wait a minute at least where it names no wait: a monthly
// quota and the limits of downloads.
func unhurried(err error) error {
	after := (*provider.RetryAfter)(nil)
	if h := refusal(err); h != nil && errors.As(err, &after) && after.Unasked {
		return &provider.RetryAfter{Wait: max(after.Wait, time.Minute), Err: after.Err, Unasked: true}
	}
	return err
}

// meaning is the status that a refusal should have had: an expired key answers 400, a limit of the organisation 500
// on a download, and so does a certificate of an envelope that is not complete.
func meaning(code int, body []byte) int {
	var p problem
	if lenient.Unmarshal(body, &p) != nil {
		return code
	}
	switch word := p.word(); {
	case code == http.StatusBadRequest && word == "EXPIRED_CODE":
		return http.StatusUnauthorized
	case code == http.StatusInternalServerError && word == "TOO_MANY_REQUESTS":
		return http.StatusTooManyRequests
	case code == http.StatusInternalServerError && word == "DOCUMENT_NOT_COMPLETE":
		return http.StatusNotFound
	}
	return code
}

// word is what a service's own word for an error looks like. Anything else may be about a person.
var word = regexp.MustCompile(`^[A-Z_]{1,60}$`)

// refused says what an answer that is no 200 means here, and closes it.
func refused(resp *http.Response) error {
	raw, _ := io.ReadAll(io.LimitReader(resp.Body, 64<<10)) // what cannot be read tells nothing
	resp.Body.Close()
	resp.Body = io.NopCloser(bytes.NewReader(raw))
	var p problem
	lenient.Unmarshal(raw, &p) //nolint:errcheck // the same
	err := transport.StatusError(resp)
	if h := refusal(err); h != nil && word.MatchString(p.word()) {
		h.Key = p.word()
	}
	if resp.StatusCode == http.StatusNotFound && p.Code == "NOT_FOUND" && p.Data.Code == "NOT_FOUND" &&
		p.Data.Path == "" && p.Data.AppError == nil {
		return errAddress
	}
	return err
}

// refusal is the answer behind err that was no success, nil where there is none.
func refusal(err error) *transport.HTTPError {
	if h := (*transport.HTTPError)(nil); errors.As(err, &h) {
		return h
	}
	return nil
}

// unknownRef says whether a refusal means one envelope: not there, not for this key, or an id that is none. A page
// of something in between says nothing of an envelope.
func unknownRef(err error) bool {
	h := refusal(err)
	if h == nil || h.Page {
		return false
	}
	switch h.Code {
	case http.StatusNotFound, http.StatusGone, http.StatusForbidden:
		return true
	case http.StatusBadRequest:
		return strings.HasPrefix(h.Key, "INVALID_")
	}
	return false
}
