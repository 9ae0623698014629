package allsign

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/tmaxmax/go-sse"

	"countersign/provider"
	"countersign/provider/lenient"
	"countersign/provider/transport"
)

const (
	streamWait    = 10 * time.Second // before a stream that broke off is opened again, doubling
	streamWaitMax = 5 * time.Minute
	streamRetries = 5        // in a row without an answer, before Stream gives up
	streamBytes   = 64 << 20 // that a stream may bring before it is opened anew
	eventBytes    = 1 << 20
)

// Streams is how many streams may be open; none unless settings.sse_token_url is set, since the service documents
// no way to a token.
func (s *v2) Streams() int {
	if s.set.SSETokenURL == "" {
		return 0
	}
	return *s.set.SSEStreams
}

// Stream follows one document's stream of events, which says no more than that something happened. A token that
// is refused is asked for anew, once in a row; a stream that stands still for settings.sse_idle is opened again.
func (s *v2) Stream(ctx context.Context, ref, last string, on func(id string)) error {
	if s.Streams() == 0 {
		return errors.New("settings.sse_token_url is not set")
	}
	ctx = provider.WithCall(ctx, provider.Call{MaxBody: streamBytes, Idle: s.set.SSEIdle})
	for refused := 0; ; {
		token, err := s.streamToken(ctx, ref)
		if err != nil {
			return fmt.Errorf("stream token: %w", err)
		}
		heard := false
		err = s.follows(ctx, token, last, func(id string) {
			heard, last = true, id
			on(id)
		})
		code := refusedStream(0)
		if !errors.As(err, &code) {
			return err
		}
		if heard {
			refused = 0
		}
		if refused++; refused > 1 {
			return fmt.Errorf("stream: the token is refused: %s", http.StatusText(int(code)))
		}
	}
}

// streamToken asks for a token. The address is the operator's own and is told nothing but the document.
func (s *v2) streamToken(ctx context.Context, ref string) (string, error) {
	at, err := url.Parse(s.set.SSETokenURL)
	if err != nil {
		return "", errors.New("no address")
	}
	query := at.Query()
	query.Set("documentId", ref)
	at.RawQuery = query.Encode()
	ctx = provider.WithCall(ctx, provider.Call{JSON: true})
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, at.String(), nil)
	if err != nil {
		return "", errors.New("no address")
	}
	req.Header.Set("Accept", "application/json")
	resp, err := transport.Do(s.foreign, req)
	if err != nil {
		return "", err
	}
	var raw json.RawMessage
	var got struct {
		Token lenient.Text `json:"token"`
	}
	if err := transport.ReadJSON(resp, &raw); err != nil {
		return "", notOurs(err)
	}
	if lenient.Unmarshal(unwrapped(raw), &got) != nil || got.Token == "" {
		return "", errors.New("the answer holds no token")
	}
	return string(got.Token), nil
}

// notOurs is err without a meaning for our key: another host's 401 is not the service's.
func notOurs(err error) error {
	if h := (*transport.HTTPError)(nil); errors.As(err, &h) {
		return errors.New(h.Status)
	}
	return err
}

// refusedStream is an answer that opens no stream and that asking again would not change.
type refusedStream int

func (r refusedStream) Error() string { return http.StatusText(int(r)) }

// follows keeps one stream open until it is refused, fails too often, or ctx ends. It is called through the client
// for foreign hosts: the token is the proof, and what a stream costs is not taken from the account's budget.
func (s *v2) follows(ctx context.Context, token, last string, on func(id string)) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.base+"/v2/sse/stream?"+url.Values{"token": {token}}.Encode(), nil)
	if err != nil {
		return provider.Redact(err)
	}
	client := sse.Client{
		HTTPClient: &http.Client{Transport: streamTransport{s.foreign.Transport, last}, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }},
		Backoff:    sse.Backoff{InitialInterval: s.streamWait, Multiplier: 2, MaxInterval: streamWaitMax, MaxRetries: streamRetries},
		ResponseValidator: func(r *http.Response) error {
			if r.StatusCode != http.StatusOK {
				return refusedStream(r.StatusCode)
			}
			return sse.DefaultValidator(r)
		},
	}
	conn := client.NewConnection(req)
	conn.Buffer(nil, eventBytes)
	conn.SubscribeToAll(func(e sse.Event) { on(e.LastEventID) })
	err = conn.Connect()
	var lost *sse.ConnectionError
	if errors.As(err, &lost) { // it holds the request, and with it the token
		err = lost.Err
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	var code refusedStream
	if errors.As(err, &code) && code != http.StatusUnauthorized && code != http.StatusForbidden {
		return fmt.Errorf("stream: %d %s", int(code), code)
	}
	return fmt.Errorf("stream: %w", provider.Redact(err))
}

// streamTransport makes errors of answers that may pass, so that the client tries again: to it every answer but
// 200 is the last. It also keeps the id at which a stream begins, which the client forgets at its first retry.
type streamTransport struct {
	base http.RoundTripper
	last string
}

// RoundTrip is for http.RoundTripper.
func (t streamTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Header.Get("Last-Event-ID") == "" && t.last != "" {
		req = req.Clone(req.Context())
		req.Header.Set("Last-Event-ID", t.last)
	}
	base := t.base
	if base == nil {
		base = http.DefaultTransport
	}
	resp, err := base.RoundTrip(req)
	if err == nil && (resp.StatusCode == http.StatusTooManyRequests || resp.StatusCode >= http.StatusInternalServerError) {
		resp.Body.Close()
		return nil, fmt.Errorf("%w: %s", provider.ErrUnavailable, resp.Status)
	}
	return resp, err
}
