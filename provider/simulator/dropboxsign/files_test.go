package dropboxsign_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"countersign/provider/simulator"
	"countersign/provider/simulator/simulatortest"
	"countersign/provider/simulator/world"
)

func TestDropboxSignFilesCanBeHadInAllThreeWays(t *testing.T) {
	t.Parallel()
	simulatortest.Play(t, world.Options{Seed: 6, Transactions: simulatortest.WholeDecks}, nil, 20*24*time.Hour,
		func(t *testing.T, w *simulator.World) {
			done, escaped := 0, 0
			for _, row := range w.Truth().Transactions {
				if row.Provider != "dropboxsign" || row.Status != "completed" || done == 4 {
					continue
				}
				done++
				base := "http://sim.example/dropboxsign/v3/signature_request/"
				_, body, _ := simulatortest.Get(t, w, base+"files_as_file_url/"+row.Ref, 1)
				var link struct {
					URL     string `json:"file_url"`
					Expires int64  `json:"expires_at"`
				}
				if err := json.Unmarshal(body, &link); err != nil {
					t.Fatal(err)
				}
				if strings.Contains(link.URL, "&amp;") {
					escaped++
					if status, _, _ := simulatortest.Get(t, w, link.URL, -1); status != http.StatusForbidden {
						t.Errorf("the link as it came: %d", status)
					}
					link.URL = strings.ReplaceAll(link.URL, "&amp;", "&")
				}
				if status, _, _ := simulatortest.Get(t, w, link.URL, 1); status != http.StatusBadRequest {
					t.Errorf("the link with our key: %d", status)
				}
				status, file, err := simulatortest.Get(t, w, link.URL, -1)
				if status != http.StatusOK || err != nil || simulatortest.Sum(file) != row.Documents[0].SHA256 {
					t.Errorf("%s: %d %v", link.URL, status, err)
				}
				time.Sleep(2 * time.Hour)
				if status, _, _ := simulatortest.Get(t, w, link.URL, -1); status != http.StatusForbidden {
					t.Errorf("the link after its life: %d", status)
				}
				if status, uri, _ := simulatortest.Get(t, w, base+"files_as_data_uri/"+row.Ref, 1); status != http.StatusOK ||
					!bytes.Contains(uri, []byte("data:application/pdf;base64,JVBERi0")) {
					t.Errorf("data URI: %d", status)
				}
			}
			if escaped == 0 || escaped == done {
				t.Errorf("%d of %d links are written as in HTML", escaped, done)
			}
		})
}
