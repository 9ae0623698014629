package hook

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

// HTTP is how events are sent to a URL.
type HTTP struct {
	URL     string
	Secrets []string          // each signs; the first is the one that receivers should know by now
	Headers map[string]string // beside ours
	Agent   string            // User-Agent
	Timeout time.Duration     // of the whole exchange
	Through http.RoundTripper // dials; it bounds the head of an answer and follows no redirect
	Now     func() time.Time
}

// mostAnswer is how much of an answer is read. A connection whose answer is longer is closed.
const mostAnswer = 64 << 10

// leastSecret is the length of the shortest word that may be a secret.
const leastSecret = 8

// longest is how long a receiver may have us wait.
const longest = 24 * time.Hour

// Sender signs with each secret, posts, and reads the answer as far as it matters.
func (h HTTP) Sender() (Sender, error) {
	if len(h.Secrets) == 0 {
		return nil, errors.New("no secret")
	}
	var keys []*standardwebhooks.Webhook
	for _, s := range h.Secrets {
		k, err := standardwebhooks.NewWebhook(s)
		if err != nil {
			return nil, errors.New("a secret is not whsec_ and base64") // the library's error repeats a part of it
		}
		keys = append(keys, k)
	}
	hidden := h.hidden()
	return func(ctx context.Context, e Event) Answer {
		ctx, cancel := context.WithTimeout(ctx, h.Timeout)
		defer cancel()
		req, err := h.request(ctx, e, keys)
		if err != nil {
			return Answer{Note: Plain(err.Error())}
		}
		return h.post(req, hidden)
	}, nil
}

func (h HTTP) request(ctx context.Context, e Event, keys []*standardwebhooks.Webhook) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, h.URL, bytes.NewReader(e.Body))
	if err != nil {
		return nil, errors.New("the URL cannot be read")
	}
	for name, value := range h.Headers {
		req.Header.Set(name, value)
	}
	at := h.Now()
	proofs := make([]string, len(keys))
	for i, k := range keys {
		if proofs[i], err = k.Sign(e.ID, at, e.Body); err != nil {
			return nil, errors.New("the event could not be signed")
		}
	}
	req.Header.Set("Content-Type", ContentType)
	req.Header.Set("User-Agent", h.Agent)
	req.Header.Set(standardwebhooks.HeaderWebhookID, e.ID)
	req.Header.Set(standardwebhooks.HeaderWebhookTimestamp, strconv.FormatInt(at.Unix(), 10))
	req.Header.Set(standardwebhooks.HeaderWebhookSignature, strings.Join(proofs, " "))
	return req, nil
}

func (h HTTP) post(req *http.Request, hidden *strings.Replacer) Answer {
	res, err := h.Through.RoundTrip(req)
	if err != nil {
		return Answer{Note: Plain(hidden.Replace(h.reason(req.Context(), err)))}
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, mostAnswer))
	a := Answer{Note: fmt.Sprintf("%d %s", res.StatusCode, http.StatusText(res.StatusCode))}
	switch said := res.StatusCode; {
	case said >= 200 && said < 300:
		a.Taken = true // the head says so, whatever becomes of the rest
		return a
	case said == http.StatusGone:
		a.Gone = true
	case said >= 300 && said < 400:
		a.Note += ": redirects are not followed"
		return a
	}
	a.Wait = retryAfter(res.Header.Get("Retry-After"), h.Now())
	a.Busy = res.StatusCode == http.StatusTooManyRequests ||
		res.StatusCode == http.StatusServiceUnavailable && a.Wait > 0
	if text := Plain(hidden.Replace(string(body))); text != "" && err == nil {
		a.Note += ": " + text
	}
	a.Note = Plain(a.Note)
	return a
}

// reason says why nothing was answered, without the URL.
func (h HTTP) reason(ctx context.Context, err error) string {
	var dns *net.DNSError
	var late net.Error
	switch {
	case errors.Is(ctx.Err(), context.DeadlineExceeded), ctx.Err() == nil && errors.As(err, &late) && late.Timeout():
		return fmt.Sprintf("no answer within %s", h.Timeout)
	case ctx.Err() != nil:
		return "the daemon stopped before it was answered"
	case errors.As(err, &dns) && dns.IsNotFound:
		return "the host's name is not known"
	}
	return err.Error()
}

// hidden takes out of an answer what only the receiver is to know, for many repeat what they were asked: the values of
// headers, the secrets, and the path and query of the URL. Words too short to be a secret stay.
func (h HTTP) hidden() *strings.Replacer {
	words := slices.Clone(h.Secrets)
	for _, v := range h.Headers {
		words = append(append(words, v), strings.Fields(v)...)
	}
	if u, err := url.Parse(h.URL); err == nil {
		words = append(words, u.RequestURI(), u.EscapedPath(), u.Path, u.RawQuery)
		for _, values := range u.Query() {
			words = append(words, values...)
		}
	}
	slices.SortFunc(words, func(a, b string) int { return cmp.Compare(len(b), len(a)) }) // the longer first: it may hold others
	var pairs []string
	for _, w := range words {
		if len(w) >= leastSecret {
			pairs = append(pairs, w, "[hidden]")
		}
	}
	return strings.NewReplacer(pairs...)
}

// retryAfter reads the header as seconds or as a time; 0 where it says nothing that can be read.
func retryAfter(text string, now time.Time) time.Duration {
	text = strings.TrimSpace(text)
	if text == "" {
		return 0
	}
	wait := time.Duration(0)
	if n, err := strconv.ParseInt(text, 10, 64); err == nil && n > 0 {
		wait = time.Duration(min(n, int64(longest/time.Second))) * time.Second
	} else if at, err := http.ParseTime(text); err == nil {
		wait = at.Sub(now)
	}
	return min(max(wait, 0), longest)
}
