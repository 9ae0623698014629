package transport

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"countersign/provider"
)

// script is a service of a test, in process: it gives its answers one by one, the last for ever.
type script struct {
	mu      sync.Mutex
	answers []func(*http.Request) (*http.Response, error)
	asked   []*http.Request
	times   []time.Time
}

func (s *script) RoundTrip(r *http.Request) (*http.Response, error) {
	s.mu.Lock()
	s.asked = append(s.asked, r)
	s.times = append(s.times, time.Now())
	give := s.answers[min(len(s.asked), len(s.answers))-1]
	s.mu.Unlock()
	return give(r)
}

func (s *script) gaps() []time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []time.Duration
	for i := 1; i < len(s.times); i++ {
		list = append(list, s.times[i].Sub(s.times[i-1]))
	}
	return list
}

func answer(code int, body string, headers ...string) func(*http.Request) (*http.Response, error) {
	return func(*http.Request) (*http.Response, error) {
		h := http.Header{}
		for i := 0; i+1 < len(headers); i += 2 {
			h.Set(headers[i], headers[i+1])
		}
		return &http.Response{StatusCode: code, Header: h, Body: io.NopCloser(strings.NewReader(body)),
			ContentLength: int64(len(body))}, nil
	}
}

func broken(*http.Request) (*http.Response, error) {
	return nil, errors.New("connection reset by peer")
}

func scripted(answers ...func(*http.Request) (*http.Response, error)) *script {
	return &script{answers: answers}
}

func (s *script) transport(change ...func(*Options)) *Transport {
	o := Options{Account: "sales", Base: s, Now: time.Now}
	for _, c := range change {
		c(&o)
	}
	return New(o)
}

const address = "https://api.example.org/v1/packages/ref?token=hush"

func get(t *testing.T, c *http.Client) (*http.Response, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	return c.Do(req)
}

func TestWhatMayPassIsTriedAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := scripted(broken, answer(500, ""), answer(503, ""), answer(200, "done"))
		resp, err := get(t, s.transport().Client())
		if err != nil || resp.StatusCode != 200 || len(s.asked) != 4 {
			t.Fatalf("got %v, %v after %d", resp, err, len(s.asked))
		}
		if got := fmt.Sprint(s.gaps()); got != "[500ms 1s 2s]" {
			t.Errorf("pauses %s", got)
		}
		half := scripted(answer(500, ""), answer(200, ""))
		get(t, half.transport(func(o *Options) { o.Rand = func() float64 { return 0 } }).Client()) //nolint:errcheck,bodyclose // only the pause matters
		if got := fmt.Sprint(half.gaps()); got != "[250ms]" {
			t.Errorf("with the least chance, pauses %s", got)
		}
	})
}

func TestWhatWillNotPassIsNot(t *testing.T) {
	t.Parallel()
	for _, code := range []int{200, 204, 301, 400, 401, 403, 404, 409, 410, 422, 501} {
		s := scripted(answer(code, "x"))
		resp, err := get(t, s.transport().Client())
		if err != nil || resp.StatusCode != code || len(s.asked) != 1 {
			t.Errorf("%d: got %v after %d", code, err, len(s.asked))
		}
	}
}

func TestOnlyWhatMayBeSentTwiceIs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for _, c := range []struct {
			method string
			ctx    context.Context
			want   int
		}{{http.MethodPost, t.Context(), 1}, {http.MethodPut, t.Context(), 1}, {http.MethodHead, t.Context(),
			2}, {http.MethodPost, provider.WithCall(t.Context(), provider.Call{Retry: true}), 2}} {
			bodies := 0
			count := func(r *http.Request, code int) (*http.Response, error) {
				raw, _ := io.ReadAll(r.Body)
				if string(raw) == "the body" {
					bodies++
				}
				return answer(code, "")(r)
			}
			s := scripted(func(r *http.Request) (*http.Response, error) { return count(r, 502) },
				func(r *http.Request) (*http.Response, error) { return count(r, 200) })
			req, _ := http.NewRequestWithContext(c.ctx, c.method, address, strings.NewReader("the body"))
			if _, err := s.transport().Client().Do(req); err != nil || len(s.asked) != c.want || bodies != c.want { //nolint:bodyclose // no body
				t.Errorf("%s: %d attempts, %d bodies, %v", c.method, len(s.asked), bodies, err)
			}
		}
	})
}

func TestRetryAfterIsObeyed(t *testing.T) {
	t.Parallel()
	for name, header := range map[string]func(time.Time) string{
		"in seconds": func(time.Time) string { return "7" },
		"as a date":  func(now time.Time) string { return now.Add(7 * time.Second).UTC().Format(http.TimeFormat) },
	} {
		synctest.Test(t, func(t *testing.T) {
			s := scripted(answer(429, "", "Retry-After", header(time.Now())), answer(200, ""))
			tr := s.transport()
			other := make(chan time.Duration, 1)
			began := time.Now()
			go func() {
				time.Sleep(time.Second)
				get(t, tr.Client()) //nolint:errcheck,bodyclose // only when it leaves matters
				other <- time.Since(began)
			}()
			resp, err := get(t, tr.Client())
			if err != nil || resp.StatusCode != 200 || s.gaps()[0] != 7*time.Second {
				t.Errorf("%s: %v after %v", name, err, s.gaps())
			}
			if at := <-other; at < 7*time.Second {
				t.Errorf("%s: another call left after %s", name, at)
			}
		})
	}
}

func TestALongRetryAfterIsHandedBack(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		code  int
		asked string
		want  time.Duration
	}{{429, "3600", time.Hour}, {503, "120", 2 * time.Minute}, {429, "999999999", 24 * time.Hour}} {
		synctest.Test(t, func(t *testing.T) {
			s := scripted(answer(c.code, `{"error":{"error_name":"exceeded_rate","error_msg":"Ada"}}`, "Retry-After", c.asked))
			tr := s.transport(func(o *Options) {
				o.Budget = map[provider.Class]int{provider.ClassRead: 10,
					provider.ClassFiles: 5}
			})
			began := time.Now()
			_, err := get(t, tr.Client())
			var after *provider.RetryAfter
			if !errors.As(err, &after) || after.Wait != c.want || time.Since(began) != 0 ||
				!strings.Contains(err.Error(), "exceeded_rate") || strings.Contains(err.Error(), "Ada") {
				t.Errorf("got %v", err)
			}
			if until := tr.PausedUntil(provider.ClassRead); !until.Equal(began.Add(c.want)) {
				t.Errorf("paused until %s", until)
			}
			if _, err := get(t, tr.Client()); !errors.As(err, &after) || len(s.asked) != 1 {
				t.Errorf("another call: %v, %d sent", err, len(s.asked))
			}
			if !tr.PausedUntil(provider.ClassFiles).IsZero() || tr.BudgetLeft(provider.ClassFiles) != 5 ||
				tr.BudgetLeft(provider.ClassRead) != 0 || tr.BreakerOpen() {
				t.Error("another class is held too")
			}
		})
	}
}

func TestARefusalWithoutAWaitDoubles(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := scripted(answer(429, ""), answer(429, ""), answer(429, ""), answer(200, ""), answer(429, ""), answer(200, ""))
		tr := s.transport()
		for range 2 {
			if resp, err := get(t, tr.Client()); err != nil || resp.StatusCode != 200 {
				t.Fatal(err)
			}
		}
		if got := fmt.Sprint(s.gaps()); got != "[2s 4s 8s 0s 2s]" {
			t.Errorf("pauses %s", got)
		}
		never := scripted(answer(429, "")).transport()
		_, err := get(t, never.Client())
		var after *provider.RetryAfter
		if !errors.As(err, &after) || after.Wait != 16*time.Second || never.BreakerOpen() {
			t.Errorf("got %v", err)
		}
	})
}

func TestQuotaHeadersAreRead(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		now := time.Now()
		unix := func(d time.Duration) string { return fmt.Sprint(now.Add(d).Unix()) }
		date := func(d time.Duration) string { return now.Add(d).UTC().Format(http.TimeFormat) }
		for _, c := range []struct {
			headers []string
			want    time.Duration
		}{
			{[]string{"X-RateLimit-Remaining", "0", "X-Ratelimit-Reset", unix(20 * time.Second)}, 20 * time.Second},
			{[]string{"x-ratelimit-limit-remaining", "0", "X-Ratelimit-Reset", unix(20 * time.Second)}, 20 * time.Second},
			{[]string{"x-ratelimit-limit-remaining", "0", "X-Ratelimit-Reset", unix(0)}, time.Second},
			{[]string{"x-ratelimit-limit-remaining", "0", "X-Ratelimit-Reset", unix(-2 * time.Second)}, time.Second},
			{[]string{"x-ratelimit-limit-remaining", "0"}, time.Second},
			{[]string{"X-RateLimit-Remaining", "0", "X-Ratelimit-Reset", unix(time.Hour)}, time.Minute},
			{[]string{"X-RateLimit-Remaining", "0", "X-Ratelimit-Reset", unix(time.Hour + 5*time.Second), "Date",
				date(time.Hour)}, 5 * time.Second},
			{[]string{"X-RateLimit-Remaining", "1", "X-Ratelimit-Reset", unix(time.Hour)}, 0},
			{[]string{"X-RateLimit-Remaining", "", "X-Ratelimit-Reset", "soon"}, 0},
			{nil, 0},
		} {
			s := scripted(answer(200, "", c.headers...))
			tr := s.transport()
			if _, err := get(t, tr.Client()); err != nil { //nolint:bodyclose // no body
				t.Error(err)
			}
			got := time.Until(tr.PausedUntil(provider.ClassRead))
			if c.want == 0 && !tr.PausedUntil(provider.ClassRead).IsZero() || c.want > 0 && got != c.want {
				t.Errorf("%v: paused for %s, want %s", c.headers, got, c.want)
			}
		}
	})
}

func TestNoAnswerIsUnavailable(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		hang := func(r *http.Request) (*http.Response, error) { <-r.Context().Done(); return nil, r.Context().Err() }
		for name, s := range map[string]*script{"broken": scripted(broken), "slow": scripted(hang)} {
			began := time.Now()
			_, err := get(t, s.transport(func(o *Options) { o.Timeout = 10 * time.Second }).Client())
			if !errors.Is(err, provider.ErrUnavailable) || len(s.asked) != 4 {
				t.Errorf("%s: got %v after %d attempts and %s", name, err, len(s.asked), time.Since(began))
			}
			if text := provider.Redact(err).Error(); strings.Contains(text, "hush") || strings.Contains(text, "/v1") {
				t.Errorf("%s: the error tells %s", name, text)
			}
		}
	})
}

func TestEveryAttemptCountsAgainstTheBudget(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := scripted(answer(500, ""))
		tr := s.transport(func(o *Options) { o.Budget = map[provider.Class]int{provider.ClassRead: 3} })
		ctx := provider.WithWork(provider.WithClass(t.Context(), provider.ClassFiles), provider.WorkAudit)
		req, _ := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
		began := time.Now()
		resp, err := tr.Client().Do(req)
		if err != nil || resp.StatusCode != 500 || time.Since(began) < time.Minute {
			t.Errorf("four attempts took %s: %v", time.Since(began), err)
		}
		if n := tr.Calls()[Tally{provider.ClassFiles, provider.WorkAudit}]; n != 4 {
			t.Errorf("counted %v", tr.Calls())
		}
		if tr.BudgetLeft(provider.ClassFiles) != tr.BudgetLeft(provider.ClassRead) {
			t.Error("a class without a budget shares the read budget")
		}
	})
}

func TestAReloadKeepsWhatWasSpent(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		budget := func(o *Options) { o.Budget = map[provider.Class]int{provider.ClassRead: 3} }
		old := scripted(answer(200, "")).transport(budget)
		for range 2 {
			get(t, old.Client()) //nolint:errcheck,bodyclose // only the budget matters
		}
		fresh := scripted(answer(200, "")).transport(budget)
		fresh.Continue(old, true)
		if fresh.BudgetLeft(provider.ClassRead) != 1 {
			t.Errorf("%d left", fresh.BudgetLeft(provider.ClassRead))
		}
	})
}

// A service whose statuses do not say what happened: the provider's word for it counts everywhere.
func TestARefusalMeansWhatTheProviderSays(t *testing.T) {
	meant := func(code int, body []byte) int {
		switch {
		case code == 500 && strings.Contains(string(body), "SLOWER"):
			return http.StatusTooManyRequests
		case code == 500 && strings.Contains(string(body), "NOT_THERE"):
			return http.StatusNotFound
		}
		return code
	}
	synctest.Test(t, func(t *testing.T) {
		for _, c := range []struct {
			body  string
			asked int
			want  error
		}{{`{"code":"SLOWER"}`, 4, nil}, {`{"code":"NOT_THERE"}`, 1, provider.ErrNotFound}, {`{"code":"OTHER"}`, 4,
			provider.ErrUnavailable}} {
			s := scripted(answer(500, c.body))
			tr := s.transport()
			var err error
			for range breakAfter + 1 {
				var resp *http.Response
				s.asked = nil
				req, _ := http.NewRequestWithContext(provider.WithCall(t.Context(), provider.Call{Meaning: meant}),
					http.MethodGet, address, nil)
				if resp, err = tr.Client().Do(req); err == nil {
					Mean(req.Context(), resp) // as it is without a Transport: it says the same again
					err = StatusError(resp)
				}
				if c.want == nil {
					break
				}
				if len(s.asked) != c.asked && c.want == provider.ErrNotFound {
					t.Errorf("%s: asked %d times", c.body, len(s.asked))
				}
			}
			var after *provider.RetryAfter
			if c.want == nil && (!errors.As(err, &after) || after.Wait < 2*time.Second) || c.want != nil &&
				!errors.Is(err, c.want) {
				t.Errorf("%s: %v", c.body, err)
			}
			if tr.BreakerOpen() != (c.want == provider.ErrUnavailable) {
				t.Errorf("%s: the breaker is open: %v", c.body, tr.BreakerOpen())
			}
		}
	})
}
