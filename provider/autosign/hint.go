package autosign

import (
	"time"

	"countersign/provider"
)

// Hint reads what a transaction's notification_endpoint was sent, or a return URL. Neither is
// documented nor signed (dossier: 2a): the first member that looks like the ref is tried.
func (s *service) Hint(h provider.Hint, _ time.Time) provider.Hinted {
	var body any
	if len(h.Body) > 0 && len(h.Body) <= mostBody {
		body = decoded(h.Body)
	}
	for _, name := range []string{"data.id", "id", "transaction_id", "transactionId", "ref"} {
		for _, v := range []string{provider.Lookup(body, name), h.Query.Get(name)} {
			if plausible(v) {
				return provider.Hinted{Ref: v}
			}
		}
	}
	return provider.Hinted{}
}
