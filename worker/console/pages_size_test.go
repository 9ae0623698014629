package console

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/model"
	"countersign/model/store"
)

// Pages are small: 8 KB compressed, with 50 rows whose refs are as long as any provider's.
func TestPagesAreSmall(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "")
	now := time.Now().UTC().Truncate(time.Millisecond)
	keys := make([]model.Key, 60)
	for i := range keys {
		sum := sha256.Sum256([]byte{byte(i)})
		keys[i] = model.Key{Account: "sales", Ref: hex.EncodeToString(sum[:14])}
	}
	require.NoError(t, d.store.Do(t.Context(), store.Unit{Keys: keys, Apply: func(b *store.Batch) error {
		for i, k := range keys {
			at := now.Add(time.Duration(i*7919) * time.Millisecond)
			r := model.Transaction{Account: k.Account, Ref: k.Ref, Provider: "onespan", Status: model.Statuses()[i%9],
				Name: fmt.Sprintf("Loan agreement %d", i*7919%10_000), FirstSeenAt: at, Origin: model.OriginClaim,
				SignersSet: true, ChangedAt: at, Confirmed: i%3 > 0, ConfirmedAt: &at}
			b.Put(r, model.Decision{Next: r, Grew: true})
		}
		return nil
	}}))
	for _, path := range []string{"/", "/?view=wall", "/transactions", "/accounts", "/accounts/sales", "/settings", "/keys",
		"/transactions/ask?row=sales%2Fc-1"} {
		r := d.page(path, "Accept-Encoding", "gzip")
		size, err := io.Copy(io.Discard, r.Body)
		require.NoError(t, err)
		require.NoError(t, r.Body.Close())
		require.Equal(t, "gzip", r.Header.Get("Content-Encoding"))
		t.Logf("%s: %d bytes", path, size)
		require.LessOrEqual(t, size, int64(8<<10), path)
	}
}
