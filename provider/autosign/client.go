package autosign

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"countersign/model"
	"countersign/provider"
	"countersign/provider/lenient"
	"countersign/provider/transport"
)

// sealing is how long after its end a transaction may still be without its sealed documents.
const sealing = time.Hour

// Fetch asks where a transaction stands. One that the service does not know, or not for the user
// who consented, is not found.
func (s *service) Fetch(ctx context.Context, ref string) (model.Observation, error) {
	absent := model.Observation{Ref: ref, Evidence: model.Verified, Absence: model.NotFound}
	if ref == "" {
		return absent, nil
	}
	d, raw, err := s.detail(ctx, ref)
	switch {
	case unknownRef(err):
		s.doubt()
		return absent, nil
	case err != nil:
		return model.Observation{}, err
	}
	return s.whole(d, raw), nil
}

// detail asks for a transaction.
func (s *service) detail(ctx context.Context, ref string) (d detail, raw json.RawMessage, err error) {
	if err := s.get(ctx, s.path(s.set.DetailPath, ref, ""), &raw); err != nil {
		return d, nil, err
	}
	if lenient.Unmarshal(raw, &d) != nil || string(d.ID) != ref || d.Status == "" {
		return d, nil, errors.New("fetch: the answer is not the transaction that was asked for")
	}
	s.found.Store(true)
	return d, raw, nil
}

// doubt warns once that the detail path may be wrong: it is inferred, and with a wrong one nothing
// would ever be found.
func (s *service) doubt() {
	if !s.found.Load() && !s.doubted.Swap(true) && s.log != nil {
		s.log.Warn("no transaction was found yet: see that settings.detail_path is right")
	}
}

// path fills a template. Both names are filled at once, so that neither can be smuggled in an id.
func (s *service) path(template, ref, doc string) string {
	return strings.NewReplacer("{id}", provider.PathEscape(ref), "{document}", provider.PathEscape(doc)).Replace(template)
}

// Download writes one sealed document: from sealed_path, or else by a link that the transaction
// shows, asked for anew. Where neither leads to it, only its callback could have: ErrUnobtainable.
func (s *service) Download(ctx context.Context, ref string, doc model.DocumentRef, w io.Writer) (
	provider.Declared, error,
) {
	if s.set.SealedPath != "" {
		return s.file(ctx, s.base+s.path(s.set.SealedPath, ref, doc.ID), w)
	}
	d, raw, err := s.detail(ctx, ref)
	if err != nil {
		return provider.Declared{}, fileRefused(err)
	}
	if s.status(string(d.Status)) != model.Completed {
		return provider.Declared{}, fmt.Errorf("%w: the transaction is not completed", provider.ErrNotReady)
	}
	for _, f := range s.shown(raw) {
		if (f.id == doc.ID || f.own == doc.ID) && f.link != "" {
			return s.follow(ctx, f.link, w)
		}
	}
	if at := d.CompletedAt.Time(); d.Sealed != lenient.Yes && at != nil && s.now().Sub(*at) < sealing {
		return provider.Declared{}, fmt.Errorf("%w: it is not sealed yet", provider.ErrNotReady)
	}
	return provider.Declared{},
		fmt.Errorf("%w: its callback did not come, and the transaction shows no link: set settings.sealed_path "+
			"or sealed_pointers if the service has told you one, or save the file from the dashboard", provider.ErrUnobtainable)
}

// DownloadLink is Download by a link that a callback told. Any refusal means that the link has died.
func (s *service) DownloadLink(ctx context.Context, _ string, _ model.DocumentRef, link provider.Secret, w io.Writer) (
	provider.Declared, error,
) {
	return s.follow(ctx, link.Reveal(), w)
}

// follow fetches a file: with our token where the link leads to the API itself, and without anything
// of ours where it leads elsewhere.
func (s *service) follow(ctx context.Context, link string, w io.Writer) (provider.Declared, error) {
	u, err := url.Parse(link)
	if err != nil || !s.usable(link) {
		return provider.Declared{}, fmt.Errorf("%w: the link leads nowhere that is allowed", provider.ErrNotFound)
	}
	if s.own(u) {
		return s.file(ctx, link, w)
	}
	return s.fetchForeign(ctx, link, w)
}

// fetchForeign fetches a file from another host. A 401 there is the link's, not our token's.
func (s *service) fetchForeign(ctx context.Context, link string, w io.Writer) (provider.Declared, error) {
	req, err := http.NewRequestWithContext(provider.WithClass(ctx, provider.ClassFiles), http.MethodGet, link, nil)
	if err != nil {
		return provider.Declared{}, provider.Redact(err)
	}
	resp, err := transport.Do(s.foreign, req)
	if err != nil {
		return provider.Declared{}, fmt.Errorf("file link: %w", err)
	}
	d, err := transport.Save(w, resp)
	if h := refusal(err); h.Code == http.StatusUnauthorized {
		return d, fmt.Errorf("%w: the link is refused: %s", provider.ErrNotFound, h.Status)
	}
	return d, fileRefused(err)
}

// file fetches a file from the API. It may come at once, by a redirect to another host, or by a
// link in JSON: which of them is not documented.
func (s *service) file(ctx context.Context, address string, w io.Writer) (provider.Declared, error) {
	resp, err := s.send(provider.WithClass(ctx, provider.ClassFiles), http.MethodGet, address, nil,
		"application/pdf, */*;q=0.5")
	if err != nil {
		return provider.Declared{}, fileRefused(err)
	}
	link := ""
	switch kind, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type")); { //nolint:errcheck // none is none
	case resp.StatusCode/100 == 3:
		if to, err := resp.Location(); err == nil {
			link = to.String()
		}
	case resp.StatusCode == http.StatusOK && kind == "application/json":
		var v any
		if err := transport.ReadJSON(resp, &v, 1<<20); err != nil {
			return provider.Declared{}, err
		}
		if link = s.link(v); link == "" {
			return provider.Declared{}, fmt.Errorf("%w: a message in JSON came in its place", provider.ErrInvalidFile)
		}
	}
	if u, err := url.Parse(link); link != "" && err == nil && s.usable(link) && !s.own(u) {
		resp.Body.Close()
		return s.fetchForeign(ctx, link, w)
	} else if link != "" && resp.StatusCode == http.StatusOK {
		return provider.Declared{}, fmt.Errorf("%w: a link that leads back came in its place", provider.ErrInvalidFile)
	}
	d, err := transport.Save(w, resp)
	return d, fileRefused(err)
}

// fileRefused makes of a refusal of one file that it is not there. 401 stays the account's.
func fileRefused(err error) error {
	switch h := refusal(err); {
	case h.Page:
	case h.Code == http.StatusForbidden, h.Code == http.StatusBadRequest: // what stores answer to a link that has ended
		return fmt.Errorf("%w: %w", provider.ErrNotFound, err)
	}
	return err
}

// get asks the API for JSON.
func (s *service) get(ctx context.Context, path string, v any) error {
	resp, err := s.send(provider.WithCall(ctx, provider.Call{Class: provider.ClassRead, JSON: true}), http.MethodGet,
		s.base+path, nil, "application/json")
	if err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		return transport.StatusError(resp)
	}
	return transport.ReadJSON(resp, v)
}

// send sends one request to the API and returns what it answers, but for 401. A refused token is
// renewed once; refused again, or without another to try, it is the credentials that are refused.
func (s *service) send(ctx context.Context, method, address string, body []byte, accept string) (
	*http.Response, error,
) {
	header, err := s.auth.header(ctx)
	if err != nil {
		return nil, err
	}
	for renewed := false; ; renewed = true {
		req, err := http.NewRequestWithContext(ctx, method, address, strings.NewReader(string(body)))
		if err != nil {
			return nil, provider.Redact(err)
		}
		if body == nil {
			req.Body, req.GetBody, req.ContentLength = nil, nil, 0
		} else {
			req.Header.Set("Content-Type", "application/json")
		}
		req.Header.Set("Authorization", header)
		req.Header.Set("Accept", accept)
		resp, err := transport.Do(s.client, req)
		if err != nil {
			return nil, err
		}
		if resp.StatusCode != http.StatusUnauthorized {
			return resp, nil
		}
		refused := transport.StatusError(resp)
		if renewed {
			return nil, refused
		}
		if header, err = s.auth.renew(ctx, header); err != nil {
			return nil, err
		}
		if header == "" {
			return nil, refused
		}
	}
}

// refusal is the answer behind err that was no success; its Code is 0 where there is none.
func refusal(err error) *transport.HTTPError {
	if h := (*transport.HTTPError)(nil); errors.As(err, &h) {
		return h
	}
	return &transport.HTTPError{}
}

// unknownRef says whether a refusal means one transaction: not there, or out of the user's reach. A
// page of something in between says nothing of it.
func unknownRef(err error) bool {
	h := refusal(err)
	return !h.Page && slices.Contains([]int{http.StatusNotFound, http.StatusGone, http.StatusForbidden}, h.Code)
}
