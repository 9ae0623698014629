package installed

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/cmd/countersign/installtest"
	"countersign/model"
	"countersign/provider/simulator"
)

// A service that takes questions and never answers holds up nobody but itself.
func TestHungServiceLeavesTheOthersAlone(t *testing.T) {
	t.Parallel()
	s, svc, in := installtest.Script(t, simulator.Options{Services: []string{"autosign", "allsign"}})
	key := svc.Setting(t, simulator.AccountAutosign, "webhook_secrets")
	in.Polling(t, simulator.AccountAllSign)
	hung, _ := installtest.Held(t, installtest.AnswerJSON(http.StatusOK, nil))
	s.On("GET "+autosignPath+"c1", hung)
	body := autosignEvent(t, "e1", "transaction_completed", "c1", "completed", nil)
	in.Came(t, simulator.AccountAutosign, autosigned(key, body), body, model.Accepted, model.Applied)
	installtest.Eventually(t, "a question that hangs", func() bool { return s.Count("GET "+autosignPath+"c1") > 0 })

	allSignIs(s, "doc_1", "voided")
	body = allSignBody(t, "evt_1", "document.voided", "doc_1", true)
	in.Came(t, simulator.AccountAllSign,
		allSigned(t, "evt_1", time.Now(), body,
			svc.Setting(t, simulator.AccountAllSign, "webhook_secrets")), body, model.Accepted, model.Applied)
	in.Becomes(t, "doc_1", installtest.Said{"status": "cancelled", "confirmed": true})
	in.Is(t, "c1", installtest.Said{"status": "completed", "confirmed": false})
	require.Equal(t, 1, s.Count("GET "+autosignPath+"c1"), "it hangs still")
}
