package documents

import (
	"context"
	"io"
	"testing"
	"time"

	"countersign/model"
	"countersign/provider"
	"countersign/provider/providertest"
)

// clocked notes until when a link's file may come.
type clocked struct {
	*service
	until time.Time
}

func (c *clocked) DownloadLink(ctx context.Context, ref string, doc model.DocumentRef, l provider.Secret, w io.Writer) (
	provider.Declared, error,
) {
	c.until, _ = ctx.Deadline()
	return c.service.DownloadLink(ctx, ref, doc, l, w)
}

func TestAFileThatNeverEndsIsBrokenOffBeforeItsLeaseIsOver(t *testing.T) {
	b := sqlite(t)
	c := &clocked{service: b.service}
	b.account.Provider = providertest.Able(c)
	b.service.Links[link] = func(io.Writer) error { return context.DeadlineExceeded }
	b.called(t, claim("a", model.Completed), linkTo("a", link))
	check(t, b.downloadOnce(t.Context()))
	if left := time.Until(c.until); c.until.IsZero() || left >= leaseFor {
		t.Errorf("it may come for %s, the lease is for %s", left, leaseFor)
	}
	d := b.document(t, "a")
	same(t, "state, tries and link", []any{d.State, d.Attempts, d.Link}, []any{model.DocumentWaiting, 1, link})
}
