package documents

import (
	"fmt"
	"testing"

	"countersign/model"
	"countersign/worker/pdf"
	"countersign/worker/pdf/pdftest"
	"countersign/worker/seals"
)

// sealedBy are the facts of an intact file with a signature of a signer and, last, a seal; a time stamp stands behind it.
func sealedBy(key string, trust model.Trust) model.SignatureFacts {
	one := func(kind, key, subject string) model.EmbeddedSignature {
		return model.EmbeddedSignature{Kind: kind, Signer: subject, Integrity: model.IntegrityIntact,
			Coverage: model.CoverageExtended, Trust: trust, Chain: []model.Certificate{{Subject: subject, Key: key}}}
	}
	return model.SignatureFacts{
		Signature: model.SignatureIntact, Integrity: model.IntegrityIntact, Coverage: model.CoverageWhole, Trust: trust,
		Signatures: []model.EmbeddedSignature{one("signature", "person of "+key, "a person"),
			one("signature", key, "service"), one("timestamp", "clock of "+key, "a clock")},
	}
}

// comes lets a file come with a seal, and returns its document.
func (b *bench) comes(t *testing.T, n int, f model.SignatureFacts) model.Document {
	t.Helper()
	ref := fmt.Sprintf("r%d", n)
	b.says(pdf.Verdict{Facts: f})
	b.service.Files["1"] = pdftest.Plain(ref)
	b.answered(t, ref, completed(marked("")))
	check(t, b.downloadOnce(t.Context()))
	d := b.document(t, ref)
	same(t, "state", d.State, model.DocumentStored)
	return d
}

func (b *bench) told(t *testing.T) (kinds []string) {
	t.Helper()
	list, err := b.store.Incidents(t.Context(), true)
	check(t, err)
	for _, i := range list {
		kinds = append(kinds, i.Kind)
	}
	return kinds
}

func TestAnotherSealIsAnIncidentUntilItIsAccepted(t *testing.T) {
	both(t, func(t *testing.T, b *bench) {
		for n := range 10 {
			b.comes(t, n, sealedBy("service", model.TrustUnknown))
		}
		same(t, "usual", b.document(t, "r9").Facts.File.Seal, model.SealUsual)
		same(t, "nothing to tell", b.told(t), nil)

		d := b.comes(t, 10, sealedBy("stranger", model.TrustUnknown))
		same(t, "another's", d.Facts.File.Seal, model.SealOther)
		same(t, "told", b.told(t), []string{model.SealedByAnother})
		same(t, "the usual one does not end it", []any{b.comes(t, 11, sealedBy("service", model.TrustUnknown)).Facts.File.Seal,
			len(b.told(t))}, []any{model.SealUsual, 1})

		n, err := seals.Accept(t.Context(), b.store, b.incidents, "acc")
		check(t, err)
		same(t, "accepted", n, 1)
		same(t, "closed", b.told(t), nil)
		same(t, "usual now", b.comes(t, 12, sealedBy("stranger", model.TrustUnknown)).Facts.File.Seal, model.SealUsual)
		same(t, "and no incident", b.told(t), nil)
	})
}

// With certificates that the account trusts these decide, from the first file on.
func TestWhatTheAccountTrustsDecides(t *testing.T) {
	b := sqlite(t)
	b.account.Trusted = [][]byte{{0x30}}
	same(t, "trusted", b.comes(t, 0, sealedBy("a", model.TrustTrusted)).Facts.File.Seal, model.SealUsual)
	same(t, "trusted, another key", b.comes(t, 1, sealedBy("b", model.TrustTrusted)).Facts.File.Seal, model.SealUsual)
	same(t, "cannot be told", b.comes(t, 2, sealedBy("c", model.TrustUnknown)).Facts.File.Seal, model.Seal(""))
	same(t, "nothing to tell", b.told(t), nil)
	same(t, "not trusted", b.comes(t, 3, sealedBy("d", model.TrustUntrusted)).Facts.File.Seal, model.SealOther)
	same(t, "told", b.told(t), []string{model.SealedByAnother})
}

// Forgetting takes away a seal that no other file carries: it may be a person's.
func TestForgettingTakesASealAway(t *testing.T) {
	both(t, func(t *testing.T, b *bench) {
		b.comes(t, 0, sealedBy("service", model.TrustUnknown))
		b.comes(t, 1, sealedBy("service", model.TrustUnknown))
		b.comes(t, 2, sealedBy("a person", model.TrustUnknown))
		for _, c := range []struct{ ref, want string }{{"r2", "service 2"}, {"r1", "service 1"}} {
			_, _, err := b.Forget(t.Context(), key(c.ref))
			check(t, err)
			list, err := b.store.Sealers(t.Context(), "acc")
			check(t, err)
			same(t, "seals", len(list), 1)
			same(t, "what is left", fmt.Sprint(list[0].Key, " ", list[0].Documents), c.want)
		}
	})
}
