package worker

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"testing"
	"time"

	"countersign/model"
	"countersign/provider"
	"countersign/provider/providertest"
)

func TestHintsNameNoMoreUnknownRefsThanATenthOfTheBudgetCanAskAbout(t *testing.T) {
	both(t, func(t *testing.T, b *bench) {
		b.account.Budget = map[provider.Class]int{provider.ClassRead: 30}
		b.answered(t, "known", inProgress())
		flood := func(round string) {
			t.Helper()
			for i := range 200 {
				_, err := b.Hint(t.Context(), "acc", provider.Hinted{Ref: fmt.Sprintf("%s-%d", round, i)})
				check(t, err)
			}
		}
		hidden := func() int {
			t.Helper()
			n, err := b.Store.DueCount(t.Context(), b.Now())
			check(t, err)
			return n["acc"]
		}
		flood("first")
		same(t, "rows after a flood", hidden(), burstOfHints)
		b.move(time.Minute)
		flood("second")
		same(t, "rows a minute later", hidden(), burstOfHints+3)
		status, err := b.Hint(t.Context(), "acc", provider.Hinted{Ref: "known"})
		check(t, err)
		same(t, "a row that we know", status, model.InProgress)
		same(t, "and it is due", hidden(), burstOfHints+4)

		b.account.Budget = map[provider.Class]int{provider.ClassRead: 600}
		flood("third")
		same(t, "rows with a larger budget", hidden(), burstOfHints+4+60)
	})
}

// clocked notes until when a link's file may come.
type clocked struct {
	*service
	until time.Time
}

func (c *clocked) DownloadLink(ctx context.Context, ref string, doc model.DocumentRef, l provider.Secret, w io.Writer) (provider.Declared, error) {
	c.until, _ = ctx.Deadline()
	return c.service.DownloadLink(ctx, ref, doc, l, w)
}

func TestAFileThatNeverEndsIsBrokenOffBeforeItsLeaseIsOver(t *testing.T) {
	b := newBench(t, "sqlite:"+filepath.Join(t.TempDir(), "test.db"))
	c := &clocked{service: b.service}
	b.account.Provider = providertest.Able(c)
	b.service.links[link] = func(io.Writer) error { return context.DeadlineExceeded }
	b.called(t, claim("a", model.Completed), linkTo("a", link))
	check(t, b.downloadOnce(t.Context()))
	if left := time.Until(c.until); c.until.IsZero() || left >= leaseFor {
		t.Errorf("it may come for %s, the lease is for %s", left, leaseFor)
	}
	d := b.document(t, "a")
	same(t, "state, tries and link", []any{d.State, d.Attempts, d.Link}, []any{model.DocumentWaiting, 1, link})
}
