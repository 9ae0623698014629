package main

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/model"
	"countersign/provider/simulator"
)

// A service that takes questions and never answers holds up nobody but itself.
func TestWholeHungServiceLeavesTheOthersAlone(t *testing.T) {
	t.Parallel()
	s, svc, in := script(t, simulator.Options{Services: []string{"autosign", "allsign"}})
	key := svc.setting(t, simulator.AccountAutosign, "webhook_secrets")
	in.polling(t, simulator.AccountAllSign)
	hung, _ := held(t, answerJSON(http.StatusOK, nil))
	s.on("GET "+autosignPath+"c1", hung)
	body := autosignEvent(t, "e1", "transaction_completed", "c1", "completed", nil)
	in.came(t, simulator.AccountAutosign, autosigned(key, body), body, model.Accepted, model.Applied)
	eventually(t, "a question that hangs", func() bool { return s.count("GET "+autosignPath+"c1") > 0 })

	s.allSignIs("doc_1", "voided")
	body = allSignBody(t, "evt_1", "document.voided", "doc_1", true)
	in.came(t, simulator.AccountAllSign,
		allSigned(t, "evt_1", time.Now(), body,
			svc.setting(t, simulator.AccountAllSign, "webhook_secrets")), body, model.Accepted, model.Applied)
	in.becomes(t, "doc_1", said{"status": "cancelled", "confirmed": true})
	in.is(t, "c1", said{"status": "completed", "confirmed": false})
	require.Equal(t, 1, s.count("GET "+autosignPath+"c1"), "it hangs still")
}
