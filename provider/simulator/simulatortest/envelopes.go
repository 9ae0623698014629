package simulatortest

import (
	"net/http"

	"countersign/provider/simulator"
	"countersign/provider/simulator/world"
)

// DocumensoWorld is enough envelopes for each kind of life, and nobody else's transactions.
func DocumensoWorld(more func(*world.Options)) world.Options {
	o := world.Options{Seed: 21, Transactions: 60, Services: []string{"documenso"}, QuotaScale: 1000}
	if more != nil {
		more(&o)
	}
	return o
}

// DocumensoHeader carries the key.
func DocumensoHeader(w *simulator.World) http.Header {
	return http.Header{"Authorization": {w.Accounts()[0].Settings["api_key"].(string)}}
}
