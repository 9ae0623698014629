package providertest

import (
	"slices"
	"time"

	"countersign/model"
)

// acts holds that a recorded callback which the rules list for a signer who viewed, signed or declined takes a draft
// further, since only what was sent can be acted on; a hint never does.
func (b *bench) acts() {
	p, accepted := b.accepted()
	r := p.Rules()
	var types []string
	for _, to := range []model.SignerStatus{model.SignerViewed, model.SignerSigned, model.SignerDeclined} {
		types = append(types, r.Tells[model.ChangeSigner][model.Status(to)]...)
	}
	for _, s := range accepted {
		got, err := b.receive(p, s.Name, s.Callback)
		if err != nil {
			continue
		}
		for _, o := range got.Observations {
			if !slices.Contains(types, o.Type) || o.Alias != "" { // which row it is about, only an answer tells
				continue
			}
			o.At = b.ReceivedAt
			draft := model.Transaction{
				Account: "sales", Ref: o.Ref, Status: model.Draft, Confirmed: true, Version: 1,
				FirstSeenAt: b.ReceivedAt.Add(-time.Hour),
			}
			is := model.Decide(r, draft, o).Next.Status
			if hint := o.Evidence == model.Hint; hint != (is == model.Draft) {
				b.failf("%s: a %v of %s leaves a draft %s", s.Name, o.Evidence, o.Type, is)
			}
		}
	}
}
