package installed

import (
	"net/http"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"countersign/cmd/countersign/installtest"
	"countersign/model"
	"countersign/provider/simulator"
)

// A body that nobody could read holds what nobody could cut: it lies encrypted, and is shown cut.
func TestWhatIsNotUnderstoodLiesEncrypted(t *testing.T) {
	t.Parallel()
	in := wired(t)
	link := "https://files.example.org/lease.pdf?signature=0123456789abcdef"
	code, _ := in.Post(simulator.AccountOneSpan, "application/json", "Basic "+recordedKey,
		[]byte(`{"name":"PACKAGE_COMPLETE","link":"`+link+`"}`))
	require.Equal(t, http.StatusOK, code)
	id := ids(t, in, model.NotUnderstood)[0]
	shown := installtest.ObjectsIn(t, in.Said(t, "callbacks", "show", "--json", id))[0]
	require.Equal(t, `{"name":"PACKAGE_COMPLETE","link":"<cut>"}`, shown["body"])
	require.NotContains(t, in.Said(t, "callbacks", "show", id), "signature=")
	for _, name := range []string{"countersign.db", "countersign.db-wal"} {
		raw, err := os.ReadFile(in.Dir + "/" + name)
		require.NoError(t, err)
		require.NotContains(t, string(raw), "0123456789abcdef", name)
	}
}
