package onespan

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
	"strings"

	"countersign/model"
	"countersign/provider"
	"countersign/provider/lenient"
	"countersign/provider/transport"
)

// Fetch asks where a package stands. A package that the service does not know, or not for this
// key, is not found. So is a template or a layout: it is not a transaction and never becomes one,
// whatever named it, so that a row for it goes the way of every other name that nothing answers to.
func (s *service) Fetch(ctx context.Context, ref string) (model.Observation, error) {
	absent := model.Observation{Ref: ref, Evidence: model.Verified, Absence: model.NotFound}
	if ref == "" {
		return absent, nil
	}
	var raw json.RawMessage
	err := s.get(ctx, packagePath(ref), nil, &raw)
	if unknownRef(err) {
		return absent, nil
	}
	if err != nil {
		return model.Observation{}, err
	}
	var p pack
	if err := lenient.Unmarshal(raw, &p); err != nil || !strings.EqualFold(string(p.ID), ref) {
		return model.Observation{}, errors.New("fetch: the answer is not the package that was asked for")
	}
	if !p.tracked() {
		return absent, nil
	}
	o := p.whole(s.signed, s.evidence)
	o.Ref = ref
	if s.externalID != "" {
		o.ExternalID = provider.Lookup(raw, s.externalID)
	}
	return o, nil
}

// Download writes one document. The service also answers for unfinished packages: call it only
// after a fetch that says completed. A file that is not there may come yet.
func (s *service) Download(ctx context.Context, ref string, doc model.DocumentRef, w io.Writer) (
	provider.Declared, error,
) {
	path := packagePath(ref, "documents", doc.ID, "pdf")
	if doc.Kind == model.EvidenceDocument {
		path = packagePath(ref, "evidence", "summary")
	}
	resp, err := s.call(provider.WithClass(ctx, provider.ClassFiles), path, nil, "*/*")
	if err == nil {
		return transport.Save(w, resp)
	}
	switch h := refusal(err); {
	case h.Page || wholeAccount(h):
	case h.Code == http.StatusNotFound:
		err = fmt.Errorf("%w: %v", provider.ErrNotReady, err) //nolint:errorlint // it is not ErrNotFound yet
	case h.Code == http.StatusForbidden:
		err = fmt.Errorf("%w: %w", provider.ErrNotFound, err)
	}
	return provider.Declared{}, err
}

// Check reads the retention policy, which proves the credentials and tells how long a change can
// be seen. The service names no account of its own in what we may read.
func (s *service) Check(ctx context.Context) (provider.Identity, error) {
	var got policy
	err := s.get(ctx, "/api/dataRetentionSettings/dataManagementPolicy", nil, &got)
	switch refusal(err).Code {
	case http.StatusForbidden, http.StatusNotFound, http.StatusBadRequest:
		first := url.Values{"from": {"1"}, "to": {"1"}, "fields": {"id"}}
		if err := s.get(ctx, "/api/packages", first, &packList{}); err != nil {
			return provider.Identity{}, err
		}
		return provider.Identity{Warnings: []string{"the key may not read the retention policy: see to it that nothing is kept for less than two days"}}, nil
	}
	if err != nil {
		return provider.Identity{}, err
	}
	return provider.Identity{Warnings: got.warnings()}, nil
}

// warnings names what is kept no longer than the slowest poll takes to come round.
func (p policy) warnings() []string {
	var list []string
	r := p.Retention
	for _, kept := range []struct {
		what string
		days *lenient.Number
	}{
		{"draft", r.Draft}, {"sent", r.Sent}, {"completed", r.Completed}, {"archived", r.Archived}, {"declined", r.Declined},
		{"opted-out", r.OptedOut}, {"expired", r.Expired}, {"all", r.LifetimeTotal}, {"unfinished",
			r.LifetimeUntilCompletion},
	} {
		switch {
		case kept.days == nil || *kept.days < 0 || *kept.days > 1:
		case *kept.days == 0 && kept.days != r.LifetimeTotal && kept.days != r.LifetimeUntilCompletion:
			list = append(list, fmt.Sprintf("%s transactions are kept for 0 days, which the service may mean as for ever: a purge would come before the slowest poll (24 h)", kept.what))
		case *kept.days == 1:
			list = append(list, fmt.Sprintf("%s transactions are kept for 1 day, no longer than the slowest poll (24 h): some may be purged before they are seen", kept.what))
		}
	}
	return list
}

// packagePath is where a package lives. Ids hold = - and _ and are otherwise not to be trusted.
func packagePath(ref string, below ...string) string {
	return provider.JoinPath("/api/packages", append([]string{ref}, below...)...)
}

// get asks for JSON and decodes it.
func (s *service) get(ctx context.Context, path string, query url.Values, v any) error {
	resp, err := s.call(provider.WithCall(ctx, provider.Call{Class: provider.ClassRead, JSON: true}), path, query,
		"application/json")
	if err != nil {
		return err
	}
	return transport.ReadJSON(resp, v)
}

// call sends one GET and returns a 200.
func (s *service) call(ctx context.Context, path string, query url.Values, accept string) (*http.Response, error) {
	address := s.base + path
	if len(query) > 0 {
		address += "?" + query.Encode()
	}
	return s.send(ctx, http.MethodGet, address, nil, accept)
}

// send sends one request, with JSON if it has a body, and returns a 200. A refused token is renewed once;
// refused again, or without another to try, it is the credentials that are refused.
func (s *service) send(ctx context.Context, method, address string, body []byte, accept string) (
	*http.Response, error,
) {
	header, err := s.auth.header(ctx)
	if err != nil {
		return nil, err
	}
	for renewed := false; ; renewed = true {
		req, err := http.NewRequestWithContext(ctx, method, address, bytes.NewReader(body))
		if err != nil {
			return nil, err
		}
		if body != nil {
			req.Header.Set("Content-Type", "application/json")
		}
		req.Header.Set("Authorization", header)
		req.Header.Set("Accept", accept)
		resp, err := transport.Do(s.client, req)
		if err != nil {
			return nil, err
		}
		if resp.StatusCode == http.StatusOK {
			return resp, nil
		}
		refused := transport.StatusError(resp)
		if h := refusal(refused); wholeAccount(h) {
			return nil, fmt.Errorf("%w: %w", provider.ErrDenied, refused)
		} else if h.Code != http.StatusUnauthorized || renewed {
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

// token sends a request for a token. The service refuses it with 400, 401 or 403 alike. What it
// answers says nothing of what was to be asked with the token: no 404 of it may be taken for one.
func (s *service) token(req *http.Request, v any) error {
	req = req.WithContext(provider.WithCall(req.Context(),
		provider.Call{Class: provider.ClassRead, Retry: true, JSON: true}))
	req.Header.Set("Accept", "application/json")
	resp, err := transport.Do(s.client, req)
	if err != nil {
		return err
	}
	if resp.StatusCode == http.StatusOK {
		return transport.ReadJSON(resp, v)
	}
	err = transport.StatusError(resp)
	switch h := refusal(err); {
	case !h.Page && slices.Contains([]int{http.StatusBadRequest, http.StatusUnauthorized, http.StatusForbidden}, h.Code):
		return fmt.Errorf("access token: %w: %s", provider.ErrDenied, h.Status)
	case h.Code == http.StatusTooManyRequests, h.Code >= http.StatusInternalServerError:
		return fmt.Errorf("access token: %w", err)
	}
	return fmt.Errorf("access token: %v", err) //nolint:errorlint // see above
}

// refusal is the answer behind err that was no success; its Code is 0 where there is none.
func refusal(err error) *transport.HTTPError {
	if h := (*transport.HTTPError)(nil); errors.As(err, &h) {
		return h
	}
	return &transport.HTTPError{}
}

// unknownRef says whether a refusal means one package: not there, or not for this key. A page of the
// gateway, and a key that says that the account is gone, say nothing of a package.
func unknownRef(err error) bool {
	h := refusal(err)
	switch h.Code {
	case http.StatusNotFound, http.StatusGone, http.StatusForbidden:
		return !h.Page && !wholeAccount(h)
	}
	return false
}

// wholeAccount says whether it is the whole account that is refused.
func wholeAccount(h *transport.HTTPError) bool {
	return strings.HasPrefix(h.Key, "error.notFound.account") || strings.HasPrefix(h.Key, "error.forbidden.account")
}
