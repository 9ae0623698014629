package documenso_test

import (
	"bytes"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"countersign/provider/simulator"
	"countersign/provider/simulator/simulatortest"
)

// documensoFile downloads below /envelope.
func documensoFile(t *testing.T, w *simulator.World, path string) (int, http.Header, []byte) {
	t.Helper()
	req, _ := http.NewRequestWithContext(t.Context(), http.MethodGet,
		"http://sim.example/documenso/api/v2/envelope/"+path, nil)
	req.Header = simulatortest.DocumensoHeader(w)
	req.Header.Set("Range", "bytes=0-9")
	resp, err := w.Transport().RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, resp.Header, body
}

func TestADownloadedEnvelopeProvesNothing(t *testing.T) {
	t.Parallel()
	simulatortest.Play(t, simulatortest.DocumensoWorld(nil), nil, 20*24*time.Hour, func(t *testing.T, w *simulator.World) {
		for _, row := range w.Truth().Transactions {
			if row.Absent {
				continue
			}
			_, _, e := simulatortest.Asks(t, w, "GET", "/api/v2/envelope/"+row.Ref, "", simulatortest.DocumensoHeader(w))
			item := e.(map[string]any)["envelopeItems"].([]any)[0].(map[string]any)
			path := "item/" + item["id"].(string) + "/download"
			status, h, signed := documensoFile(t, w, path)
			_, _, original := documensoFile(t, w, path+"?version=original")
			sealed := slices.Contains([]string{"COMPLETED", "REJECTED"}, row.ProviderStatus)
			if status != 200 || h.Get("Etag") != simulatortest.Sum(signed) ||
				bytes.Contains(signed, []byte("/ByteRange")) != sealed || bytes.Equal(signed, original) == sealed {
				t.Errorf("%s: %d, %v, sealed %v", row.ProviderStatus, status, h, bytes.Contains(signed, []byte("/ByteRange")))
			}
			if bytes.Contains(original, []byte("/ByteRange")) || !strings.Contains(h.Get("Content-Disposition"), "_signed.pdf") {
				t.Errorf("%s: %v", row.ProviderStatus, h)
			}
			if row.Status == "completed" && (row.Documents[0].SHA256 != simulatortest.Sum(signed) ||
				row.Documents[0].Version != item["documentDataId"]) {
				t.Errorf("%s: the truth has another file", row.Kind)
			}
			pending, _, _ := documensoFile(t, w, path+"?version=pending")
			certificate, _, pdf := documensoFile(t, w, row.Ref+"/certificate/download")
			log, _, _ := documensoFile(t, w, row.Ref+"/audit-log/download")
			if (pending == 200) != (row.ProviderStatus == "PENDING") || (certificate == 200) != sealed || log != 200 {
				t.Errorf("%s: pending %d, certificate %d, audit log %d", row.ProviderStatus, pending, certificate, log)
			}
			if certificate != 200 && (certificate != 500 || !bytes.Contains(pdf, []byte("DOCUMENT_NOT_COMPLETE"))) {
				t.Errorf("%s: certificate %d %s", row.ProviderStatus, certificate, pdf)
			}
		}
	})
}
