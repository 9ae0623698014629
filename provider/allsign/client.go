package allsign

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"

	"countersign/model"
	"countersign/provider"
	"countersign/provider/lenient"
	"countersign/provider/transport"
)

var errLink = errors.New("file link: no https address")

// absent is the answer about a document that is not there, or not for this key.
func absent(ref string) model.Observation {
	return model.Observation{Ref: ref, Evidence: model.Verified, Absence: model.NotFound}
}

// elsewhere says whether an id would lead to another endpoint than a document's.
func elsewhere(ref string) bool { return ref == "" || ref == "stats" }

// get asks for JSON and decodes it.
func (a *account) get(ctx context.Context, path string, query url.Values, v any) error {
	resp, err := a.send(provider.WithCall(ctx, provider.Call{JSON: true}), http.MethodGet, path, query, nil)
	if err != nil {
		return err
	}
	return transport.ReadJSON(resp, v)
}

// detail asks for one document, wrapped in `data` or not. Missing says that the service does not know it, or
// not for this key.
func (a *account) detail(ctx context.Context, path, ref string) (raw json.RawMessage, d document, missing bool, err error) {
	err = a.get(ctx, provider.JoinPath(path, ref), nil, &raw)
	if unknownRef(err) {
		return nil, d, true, nil
	}
	if err != nil {
		return nil, d, false, err
	}
	raw = unwrapped(raw)
	if lenient.Unmarshal(raw, &d) != nil || string(d.ID) != ref {
		return nil, d, false, errors.New("fetch: the answer is not the document that was asked for")
	}
	return raw, d, false, nil
}

// send sends one request with the key. A body is JSON. Writes are not sent twice unless ctx says that they may be.
func (a *account) send(ctx context.Context, method, path string, query url.Values, body any) (*http.Response, error) {
	var content io.Reader
	if body != nil {
		raw, err := json.Marshal(body)
		if err != nil {
			return nil, err
		}
		content = bytes.NewReader(raw)
	}
	address := a.base + path
	if len(query) > 0 {
		address += "?" + query.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, method, address, content)
	if err != nil {
		return nil, provider.Redact(err)
	}
	req.Header.Set("Authorization", "Bearer "+a.key.Reveal())
	req.Header.Set("Accept", "application/json, application/pdf;q=0.9")
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	return transport.Do(a.client, req)
}

// follow fetches a file by a link, without our key: the link is its own proof, and leads to another host.
func (a *account) follow(ctx context.Context, address string, w io.Writer) (provider.Declared, error) {
	at, err := url.Parse(address)
	if err != nil || at.Host == "" || at.Scheme != "https" && (at.Scheme != "http" || !insecure(a.base)) {
		return provider.Declared{}, errLink
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, at.String(), nil)
	if err != nil {
		return provider.Declared{}, errLink
	}
	resp, err := transport.Do(a.foreign, req)
	if err != nil {
		return provider.Declared{}, fmt.Errorf("file link: %w", err)
	}
	if resp.StatusCode != http.StatusOK {
		return provider.Declared{}, fmt.Errorf("file link: %w", transport.StatusError(resp))
	}
	return transport.Save(w, resp)
}

// insecure says whether the service itself is called without TLS, as a simulated one is.
func insecure(base string) bool {
	u, err := url.Parse(base)
	return err == nil && u.Scheme == "http"
}

// deadLink says whether a link has died: what its host refuses, it refuses in its own name, and the
// key of the account has nothing to do with it.
func deadLink(err error) bool {
	return slices.Contains([]int{http.StatusBadRequest, http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound, http.StatusGone}, statusOf(err))
}

// statusOf is the status of the answer behind err; 0 where there is none.
func statusOf(err error) int {
	if h := (*transport.HTTPError)(nil); errors.As(err, &h) {
		return h.Code
	}
	return 0
}

// unknownRef says whether a refusal means one document: not there, or not for this key. A web page says
// nothing of a document.
func unknownRef(err error) bool {
	h := (*transport.HTTPError)(nil)
	if !errors.As(err, &h) || h.Page {
		return false
	}
	return slices.Contains([]int{http.StatusNotFound, http.StatusGone, http.StatusForbidden}, h.Code)
}
