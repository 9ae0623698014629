package transport

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sirupsen/logrus"

	"countersign/provider"
)

func TestTheBreakerOpensAndTriesAgainLater(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := scripted(answer(502, ""))
		tr := s.transport(func(o *Options) { o.Attempts = 1 })
		for i := range 5 {
			if tr.BreakerOpen() {
				t.Fatalf("open after %d", i)
			}
			if resp, err := get(t, tr.Client()); err != nil || !errors.Is(StatusError(resp), provider.ErrUnavailable) {
				t.Fatal(err)
			}
		}
		for _, rest := range []time.Duration{30 * time.Second, time.Minute, 2 * time.Minute} {
			began := time.Now()
			if _, err := get(t, tr.Client()); !errors.Is(err, provider.ErrUnavailable) || !tr.BreakerOpen() ||
				time.Since(began) != 0 {
				t.Fatalf("not open: %v", err)
			}
			time.Sleep(rest - time.Millisecond)
			if !tr.BreakerOpen() {
				t.Errorf("closed before %s", rest)
			}
			time.Sleep(time.Millisecond)
			before := len(s.asked)
			get(t, tr.Client()) //nolint:errcheck,bodyclose // the trial
			if len(s.asked) != before+1 {
				t.Error("no trial")
			}
		}
		time.Sleep(4 * time.Minute)
		s.answers = append(s.answers, answer(200, ""))
		if resp, err := get(t, tr.Client()); err != nil || resp.StatusCode != 200 || tr.BreakerOpen() {
			t.Errorf("after it mended: %v", err)
		}
	})
}

func TestOnlyFaultsOfTheServiceOpenTheBreaker(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for _, code := range []int{400, 401, 403, 404, 409, 429} {
			s := scripted(answer(code, "", "Retry-After", "3600"))
			for range 10 {
				tr := s.transport()
				get(t, tr.Client()) //nolint:errcheck,bodyclose // what the breaker makes of it matters
				if tr.BreakerOpen() {
					t.Errorf("open after %d", code)
				}
			}
		}
		hang := scripted(func(r *http.Request) (*http.Response, error) {
			<-r.Context().Done()
			return nil,
				r.Context().Err()
		})
		tr := hang.transport()
		for range 10 {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			req, _ := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
			if _, err := tr.Client().Do(req); !errors.Is(err, context.DeadlineExceeded) ||
				errors.Is(err, provider.ErrUnavailable) {
				t.Errorf("got %v", err)
			}
			cancel()
		}
		if tr.BreakerOpen() || len(hang.asked) != 10 {
			t.Errorf("callers who gave up opened it, or were sent again: %d", len(hang.asked))
		}
	})
}

func TestTheLogSaysWhyAnAccountRests(t *testing.T) {
	t.Parallel()
	for want, s := range map[string]*script{"502 Bad Gateway": scripted(answer(502, "")),
		"connection reset by peer": scripted(broken)} {
		synctest.Test(t, func(t *testing.T) {
			var out bytes.Buffer
			log := logrus.New()
			log.SetOutput(&out)
			tr := s.transport(func(o *Options) { o.Attempts, o.Log = 1, logrus.NewEntry(log) })
			for range 5 {
				get(t, tr.Client()) //nolint:errcheck,bodyclose // what is logged of it matters
			}
			for _, part := range []string{"account rests", want, "wait=30s"} {
				if !strings.Contains(out.String(), part) {
					t.Errorf("the log lacks %q: %s", part, out.String())
				}
			}
			if strings.Contains(out.String(), "hush") {
				t.Errorf("the log has a secret of the address: %s", out.String())
			}
		})
	}
}
