package transport

import (
	"errors"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"countersign/provider"
)

// asksJSON makes one call for JSON.
func asksJSON(t *testing.T, tr *Transport, method string, v any) error {
	t.Helper()
	ctx := provider.WithCall(t.Context(), provider.Call{JSON: true})
	req, err := http.NewRequestWithContext(ctx, method, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := Do(tr.Client(), req)
	if err != nil {
		return err
	}
	return ReadJSON(resp, v)
}

func TestAPageInThePlaceOfJSONIsTriedAgainLikeA503(t *testing.T) {
	t.Parallel()
	for _, odd := range [][2]string{
		{"<html>down for maintenance</html>", "text/html"}, {"<!doctype html>", "application/json"}, {"503 back soon",
			"text/plain"}, {"", "application/json"},
	} {
		synctest.Test(t, func(t *testing.T) {
			var got struct{ A int }
			page := answer(200, odd[0], "Content-Type", odd[1])
			s := scripted(page, page, answer(200, "\xef\xbb\xbf{\"a\":1}", "Content-Type", "application/json"))
			if err := asksJSON(t, s.transport(), http.MethodGet, &got); err != nil || got.A != 1 || len(s.asked) != 3 {
				t.Errorf("%q: %v after %d, read %d", odd, err, len(s.asked), got.A)
			}
			ever := scripted(page)
			tr := ever.transport()
			for call := range 5 {
				if tr.BreakerOpen() {
					t.Errorf("%q: the breaker is open after %d calls", odd, call)
				}
				err := asksJSON(t, tr, http.MethodGet, &got)
				var h *HTTPError
				if !errors.Is(err, provider.ErrUnavailable) || !errors.As(err, &h) || h.Code != 200 || h.Odd == "" ||
					len(ever.asked) != 4*(call+1) {
					t.Errorf("%q: %v after %d", odd, err, len(ever.asked))
				}
			}
			if !tr.BreakerOpen() {
				t.Errorf("%q: the breaker is closed after five failed calls", odd)
			}
			once := scripted(page)
			if err := asksJSON(t, once.transport(), http.MethodPost, &got); !errors.Is(err, provider.ErrUnavailable) ||
				len(once.asked) != 1 {
				t.Errorf("%q: what may not be sent twice: %v after %d", odd, err, len(once.asked))
			}
			file := scripted(page)
			if _, err := get(t, file.transport().Client()); err != nil || len(file.asked) != 1 {
				t.Errorf("%q: where no JSON is due: %v after %d", odd, err, len(file.asked))
			}
		})
	}
}

// A call that was admitted before the breaker opened says nothing to it afterwards.
func TestOnlyCallsOfTheRoundCountForTheBreaker(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		tr := scripted(answer(200, "")).transport()
		b := tr.breaker
		admit := func() func(error) {
			done, err := b.allow()
			if err != nil {
				t.Fatal(err)
			}
			return done
		}
		early := admit()
		for range breakAfter {
			admit()(errBroken)
		}
		if early(nil); !b.resting() {
			t.Error("a call of before closed it")
		}
		time.Sleep(restFirst)
		trial := admit()
		if _, err := b.allow(); !errors.Is(err, provider.ErrUnavailable) {
			t.Errorf("two calls try at once: %v", err)
		}
		trial(errBeside)
		if again := admit(); b.resting() {
			t.Error("a trial that says nothing counts")
		} else {
			again(nil)
		}
		if b.open() {
			t.Error("open after a trial that succeeded")
		}
	})
}
