package demo

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
	"github.com/stretchr/testify/require"

	"countersign/cmd/countersign/output"
)

// The demo's receiver shows what it verified, counts copies and what is out of order, and refuses what is forged.
func TestTheReceiverOfADemo(t *testing.T) {
	t.Parallel()
	var shown bytes.Buffer
	env := output.NewPrinter(&shown, &shown, time.Now, func(string) (string, bool) { return "", false })
	r, err := newReceiver(&env, false)
	require.NoError(t, err)
	require.NoError(t, r.socket.Close())
	tell := func(secret string, seq int) int {
		body := fmt.Appendf(nil, `{"id":"chg_%d","data":{"seq":%d,"account":"a","ref":"r","kind":"status","to":"completed"}}`, seq, seq)
		wh, err := standardwebhooks.NewWebhook(secret)
		require.NoError(t, err)
		now := time.Now()
		proof, err := wh.Sign("chg", now, body)
		require.NoError(t, err)
		req := httptest.NewRequest(http.MethodPost, "/", bytes.NewReader(body))
		req.Header.Set("webhook-id", "chg")
		req.Header.Set("webhook-timestamp", strconv.FormatInt(now.Unix(), 10))
		req.Header.Set("webhook-signature", proof)
		w := httptest.NewRecorder()
		r.ServeHTTP(w, req)
		return w.Code
	}
	require.Equal(t, 204, tell(demoSecret, 2))
	require.Equal(t, 204, tell(demoSecret, 2))
	require.Equal(t, 204, tell(demoSecret, 1))
	require.Equal(t, 401, tell("whsec_bm90IHRoZSBkZW1vJ3Mgc2VjcmV0LCBhbm90aGVy", 3))
	require.Equal(t, "2 announcements verified by the receiver, 1 sent again under the same id, 1 refused, 1 out of order",
		r.summary())
	require.Contains(t, shown.String(), "verified chg_2  a/r  status:  > completed")
}
