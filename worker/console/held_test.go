package console

import (
	"fmt"
	"io"
	"testing"

	"github.com/stretchr/testify/require"

	"countersign/model"
	"countersign/model/store"
)

// The list and the page of a transaction say which files are kept apart or did not come, in icon, word and colour; of
// a file only its newest version counts. A list full of them stays small.
func TestFilesKeptApartAreMarked(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "")
	keys := make([]model.Key, 50)
	for i := range keys {
		keys[i] = model.Key{Account: "sales", Ref: fmt.Sprintf("held-%02d", i)}
	}
	require.NoError(t, d.store.Do(t.Context(), store.Unit{Keys: keys, Apply: func(b *store.Batch) error {
		for i, k := range keys {
			r := model.Transaction{Account: k.Account, Ref: k.Ref, Provider: "onespan", Status: model.Completed}
			b.Put(r, model.Decision{Next: r, Grew: true})
			state := []model.DocumentState{model.DocumentQuarantined, model.DocumentFailed, model.DocumentUnobtainable}[i%3]
			b.PutDocument(model.Document{Account: k.Account, Ref: k.Ref, DocID: "1", Kind: model.SignedDocument, State: state})
			if i == 49 {
				b.PutDocument(model.Document{Account: k.Account, Ref: k.Ref, DocID: "1", Kind: model.SignedDocument,
					Version: 2, State: model.DocumentWaiting})
			}
		}
		return nil
	}}))
	for ref, want := range map[string][2]string{
		"held-00": {"quarantined", "1 file in quarantine"}, "held-01": {"failed", "1 file could not be fetched"},
		"held-02": {"unobtainable", "1 file cannot be had"},
	} {
		text := bodyOf(t, d.page("/transactions?only=sales%2F"+ref))
		require.Contains(t, text, ` title="`+want[0]+`"><svg`)
		require.Contains(t, text, "</span> 0/1</td>")
		text = bodyOf(t, d.page("/accounts/sales/transactions/"+ref))
		require.Regexp(t, `<a href="#files"><span class="badge [a-z]+"><svg.*</svg>`+want[1]+`</span></a>`, text)
	}
	require.NotContains(t, bodyOf(t, d.page("/transactions?only=sales%2Fheld-49")), "</span> 0/1</td>")
	require.NotContains(t, bodyOf(t, d.page("/accounts/sales/transactions/held-49")), `id="held"`)
	r := d.page("/transactions", "Accept-Encoding", "gzip")
	size, err := io.Copy(io.Discard, r.Body)
	require.NoError(t, err)
	require.NoError(t, r.Body.Close())
	t.Logf("a list of files kept apart: %d bytes", size)
	require.LessOrEqual(t, size, int64(8<<10))
}

// A page says what kind of file it is about, and of a download that it is the suspect file.
func TestFilesAreCalledWhatTheyAre(t *testing.T) {
	t.Parallel()
	d := ledgerDesk(t, "")
	docs, err := d.store.Documents(t.Context(), store.DocumentFilter{State: model.DocumentStored})
	require.NoError(t, err)
	text := bodyOf(t, d.page("/documents/"+docs[0].ID))
	require.Contains(t, text, "signed copy")
	require.Contains(t, text, "download>Download</a>")
	require.NotContains(t, text, "0 times", "a file that came is not one that nobody asked for")
	docs, err = d.store.Documents(t.Context(), store.DocumentFilter{State: model.DocumentQuarantined})
	require.NoError(t, err)
	require.Contains(t, bodyOf(t, d.page("/documents/"+docs[0].ID)), "download>Download the suspect file</a>")
}

// What is harmless on the command line stands apart from what cannot be undone.
func TestHarmlessVerbsStandApart(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "")
	require.Regexp(t, `(?s)<summary>On the command line</summary>.*countersign verify.*<h3>Cannot be undone</h3>.*countersign forget`,
		bodyOf(t, d.page("/accounts/sales/transactions/c-1")))
}

// Beside an account whose callbacks are silent stands the newest change that none told, with its transaction.
func TestASilentAccountNamesWhatWasMissed(t *testing.T) {
	t.Parallel()
	d := ledgerDesk(t, "")
	require.NoError(t, d.store.Do(t.Context(), store.Unit{Apply: func(b *store.Batch) error {
		_, err := b.OpenIncident("sales", model.CallbacksSilent, "m")
		return err
	}}))
	for _, path := range []string{"/", "/incidents", "/accounts/sales"} {
		require.Regexp(t, `Change missed last, found <time [^>]*>[0-9:]+</time>: <a href="/accounts/sales/transactions/c-1">`,
			bodyOf(t, d.page(path)), path)
	}
}

// Where the system chooses the theme, the foot has both others: the style shows the one that it is not.
func TestTheFootOffersTheOtherTheme(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "")
	text := bodyOf(t, d.page("/hooks"))
	require.Contains(t, text, `class="plain to-dark" name="theme" value="dark"`)
	require.Contains(t, text, `class="plain to-light" name="theme" value="light"`)
	require.NotContains(t, bodyOf(t, d.page("/hooks", "Cookie", "cs_theme=dark")), `value="dark"`)
}
