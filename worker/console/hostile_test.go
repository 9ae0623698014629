package console

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/model"
	"countersign/model/store"
)

// Whatever a provider or a signer may fill in stands on the pages as text: each field of a row and of what belongs to it.
func TestNamesOfProvidersAreText(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "")
	now := time.Now().UTC()
	evil := func(field string) string {
		return `"><script>alert('` + field + `')</script><img src=x onerror=alert(1)>` + "\u202e\u2066\x01{{.}}" + field
	}
	key := model.Key{Account: "sales", Ref: "evil"}
	require.NoError(t, d.store.Do(t.Context(), store.Unit{Keys: []model.Key{key}, Apply: func(b *store.Batch) error {
		r := model.Transaction{Account: key.Account, Ref: key.Ref, Provider: "onespan", Status: model.InProgress,
			Name: evil("name"), ExternalID: evil("external"), ProviderStatus: evil("status"), Reason: evil("reason"),
			FirstSeenAt: now, ChangedAt: now, Origin: model.OriginClaim, SignersSet: true,
			Signers: []model.Signer{{Ref: "s1", Name: evil("signer"), Email: evil("email"), Role: evil("role"), Reason: evil("why")}}}
		b.Put(r, model.Decision{Next: r, Grew: true})
		b.AddChange(model.Change{Account: key.Account, Ref: key.Ref, Kind: model.KindStatus, To: "in_progress",
			Status: model.InProgress, Source: evil("source")})
		b.PutDocument(model.Document{ID: "evil-document", Account: key.Account, Ref: key.Ref, DocID: evil("doc"),
			Kind: model.SignedDocument, Name: evil("file"), State: model.DocumentQuarantined, Reason: evil("held")})
		return nil
	}}))
	row := "/accounts/sales/transactions/evil"
	for _, path := range []string{"/", "/transactions", "/transactions?external_id=" + "x", row, row + "?show=all",
		row + "?view=evidence", "/documents", "/transactions/ask?row=sales%2Fevil", "/gaps", "/runs", "/incidents", "/callbacks"} {
		for _, lang := range []string{"en", "es"} {
			resp := d.page(path, "Cookie", "cs_lang="+lang)
			text := bodyOf(t, resp)
			require.Equal(t, 200, resp.StatusCode, path)
			checkPage(t, path, lang, text)
			require.NotContains(t, text, "<script>alert", path)
			require.NotContains(t, text, "<img", path)
		}
	}
	require.True(t, strings.Contains(bodyOf(t, d.page(row)), "&lt;script&gt;"), "it is shown, as text")
}

// The provider's word stands in its mouth only once it has answered: before, a callback has brought it.
func TestAWordThatOnlyACallbackBrought(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "")
	now := time.Now().UTC()
	key := model.Key{Account: "sales", Ref: "called"}
	for _, answered := range []*time.Time{nil, &now} {
		require.NoError(t, d.store.Do(t.Context(), store.Unit{Keys: []model.Key{key}, Apply: func(b *store.Batch) error {
			r := model.Transaction{Account: key.Account, Ref: key.Ref, Provider: "onespan", Status: model.InProgress,
				ProviderStatus: "SENT", FirstSeenAt: now, ChangedAt: now, ConfirmedAt: answered, Origin: model.OriginClaim}
			b.Put(r, model.Decision{Next: r, Grew: true})
			return nil
		}}))
		text := bodyOf(t, d.page("/accounts/sales/transactions/called"))
		require.Equal(t, answered == nil, strings.Contains(text, "a callback of OneSpan Sign says SENT"))
		require.Equal(t, answered != nil, strings.Contains(text, "OneSpan Sign says SENT") && !strings.Contains(text, "of OneSpan Sign says"))
	}
}
