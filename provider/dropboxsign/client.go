package dropboxsign

import (
	"bytes"
	"context"
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

// Fetch asks where a request stands. 410 is how a canceled request answers, and a removed one.
func (s *service) Fetch(ctx context.Context, ref string) (model.Observation, error) {
	absent := model.Observation{Ref: ref, Evidence: model.Verified, Absence: model.NotFound}
	if !plausible(ref) || ref == "list" { // another endpoint
		return absent, nil
	}
	var got answer
	err := s.get(ctx, "/v3/signature_request/"+provider.PathEscape(ref), nil, &got)
	switch statusOf(err) {
	case http.StatusNotFound, http.StatusForbidden:
		return absent, nil
	case http.StatusGone:
		absent.Absence = model.Gone
		return absent, nil
	}
	if err != nil {
		return model.Observation{}, err
	}
	o, _, err := s.observe(got.Request)
	if err != nil {
		return model.Observation{}, fmt.Errorf("fetch: %w", err)
	}
	if o.Ref != ref {
		return model.Observation{}, errors.New("fetch: the answer is not the signature request that was asked for")
	}
	return o, nil
}

// Download writes the signed document. The service answers for unfinished requests too, with what
// is there: call it only after a fetch that says completed.
func (s *service) Download(ctx context.Context, ref string, doc model.DocumentRef, w io.Writer) (
	provider.Declared, error,
) {
	if !plausible(ref) || doc.Kind == model.EvidenceDocument { // the audit trail is in the signed document
		return provider.Declared{}, provider.ErrNotFound
	}
	if s.settings.DownloadVia == viaFileURL {
		var got fileURL
		if err := s.ask(ctx, provider.ClassFiles, "/v3/signature_request/files_as_file_url/"+provider.PathEscape(ref), nil,
			&got); err != nil {
			return provider.Declared{}, fileError(err)
		}
		return s.follow(ctx, string(got.URL), w)
	}
	resp, err := s.send(ctx, provider.ClassFiles, "/v3/signature_request/files/"+provider.PathEscape(ref),
		url.Values{"file_type": {"pdf"}})
	if err != nil {
		return provider.Declared{}, err
	}
	if at, err := resp.Location(); err == nil && resp.StatusCode/100 == 3 {
		resp.Body.Close()
		return s.follow(ctx, at.String(), w)
	}
	if resp.StatusCode != http.StatusOK {
		return provider.Declared{}, fileError(refused(resp))
	}
	return transport.Save(w, resp)
}

// fileError says what a refusal means for a file. 409, which has more than one cause, is ErrNotReady
// already.
func fileError(err error) error {
	if statusOf(err) == http.StatusForbidden {
		return fmt.Errorf("%w: %w", provider.ErrNotFound, err)
	}
	return err
}

// follow fetches a file from another host, without our credentials. The service writes &amp; into
// its JSON where & is meant; nothing else is unescaped, since &copy and the like may be parameters.
func (s *service) follow(ctx context.Context, link string, w io.Writer) (provider.Declared, error) {
	at, err := url.Parse(strings.ReplaceAll(link, "&amp;", "&"))
	if err != nil || at.Host == "" || at.Scheme != "https" && !strings.HasPrefix(s.base, at.Scheme+"://") {
		return provider.Declared{}, errors.New("file link: no https address")
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, at.String(), nil)
	if err != nil {
		return provider.Declared{}, errors.New("file link: no https address")
	}
	resp, err := transport.Do(s.foreign, req)
	if err != nil {
		return provider.Declared{}, fmt.Errorf("file link: %w", err)
	}
	if resp.StatusCode != http.StatusOK {
		resp.Body.Close()
		return provider.Declared{}, fmt.Errorf("file link: %s", resp.Status) // asked for anew the next time
	}
	return transport.Save(w, resp)
}

// Check reads the account, which proves the key.
func (s *service) Check(ctx context.Context) (provider.Identity, error) {
	got, err := s.account(ctx)
	if statusOf(err) == http.StatusForbidden {
		return provider.Identity{}, fmt.Errorf("%w: %w", provider.ErrDenied, err)
	}
	if err != nil {
		return provider.Identity{}, err
	}
	who := provider.Identity{ID: string(got.Account.ID)}
	if got.Account.Locked == lenient.Yes {
		who.Warnings = append(who.Warnings, "the account is locked")
	}
	if left := got.Account.Quotas.Requests; left != nil && *left < 10 {
		who.Warnings = append(who.Warnings,
			fmt.Sprintf("%d signature requests are left in the plan: beyond that, new ones cannot be sent through the API",
				*left))
	}
	for _, w := range got.Warnings.Items {
		who.Warnings = append(who.Warnings, strings.TrimSpace(w.Name.Plain()+" "+w.Message.Plain()))
	}
	return who, nil
}

// account reads the account behind the key and keeps who we are.
func (s *service) account(ctx context.Context) (accountReply, error) {
	var got accountReply
	if err := s.get(ctx, "/v3/account", nil, &got); err != nil {
		return got, err
	}
	s.me.Store(&identity{email: string(got.Account.Email), team: got.Account.Team != "" || got.Account.Role != ""})
	return got, nil
}

// get asks for JSON in the reads' budget.
func (s *service) get(ctx context.Context, path string, query url.Values, v any) error {
	return s.ask(ctx, provider.ClassRead, path, query, v)
}

func (s *service) ask(ctx context.Context, class provider.Class, path string, query url.Values, v any) error {
	resp, err := s.send(provider.WithCall(ctx, provider.Call{JSON: true}), class, path, query)
	if err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		return refused(resp)
	}
	return transport.ReadJSON(resp, v)
}

// send sends one GET.
func (s *service) send(ctx context.Context, class provider.Class, path string, query url.Values) (
	*http.Response, error,
) {
	address := s.base + path
	if len(query) > 0 {
		address += "?" + strings.ReplaceAll(query.Encode(), "+", "%20")
	}
	return s.request(provider.WithClass(ctx, class), http.MethodGet, address, nil)
}

// request sends one request, with JSON if it has a body. The key is the user name, with an empty password.
func (s *service) request(ctx context.Context, method, address string, body []byte) (*http.Response, error) {
	if s.settings.TestModeClass {
		ctx = provider.WithClass(ctx, provider.ClassTest)
	}
	req, err := http.NewRequestWithContext(ctx, method, address, bytes.NewReader(body))
	if err != nil {
		return nil, provider.Redact(err)
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	req.SetBasicAuth(s.key.Reveal(), "")
	req.Header.Set("Accept", "application/json, application/pdf;q=0.9")
	return transport.Do(s.client, req)
}

// refused says what an answer that is no 200 means here, and closes it.
func refused(resp *http.Response) error {
	err := transport.StatusError(resp)
	switch {
	case statusOf(err) == http.StatusPaymentRequired:
		return fmt.Errorf("%w: %w", provider.ErrDenied, err)
	case keyOf(err) == "exceeded_rate" && statusOf(err) != http.StatusTooManyRequests: // one page says 403
		return &provider.RetryAfter{Wait: time.Minute, Err: err}
	}
	return err
}

// statusOf is the HTTP status of a refusal; 0 for anything else, and for a web page of something in
// between, which says nothing of what was asked for.
func statusOf(err error) int {
	if wait := (*provider.RetryAfter)(nil); errors.As(err, &wait) {
		return http.StatusTooManyRequests
	}
	if e := (*transport.HTTPError)(nil); errors.As(err, &e) && !e.Page {
		return e.Code
	}
	return 0
}

// keyOf is the service's own word for a refusal, its error_name.
func keyOf(err error) string {
	if e := (*transport.HTTPError)(nil); errors.As(err, &e) {
		return e.Key
	}
	return ""
}
