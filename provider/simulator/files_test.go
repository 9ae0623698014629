package simulator_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"testing"
	"time"

	"countersign/model"
	"countersign/provider/simulator"
	"countersign/provider/simulator/simulatortest"
	"countersign/provider/simulator/world"
	"countersign/worker/pdf"
)

// fileLink is where a final file is fetched.
func fileLink(row simulator.TruthTransaction, d world.TruthDocument) (string, int) {
	switch {
	case row.Provider == "dropboxsign":
		return "http://sim.example/dropboxsign/v3/signature_request/files/" + row.Ref, 1
	case d.Kind == "evidence":
		return "http://sim.example/onespan/api/packages/" + url.PathEscape(row.Ref) + "/evidence/summary", 0
	default:
		return "http://sim.example/onespan/api/packages/" + url.PathEscape(row.Ref) + "/documents/" + url.PathEscape(d.ID) +
			"/pdf", 0
	}
}

func TestFinalFilesAreRealPDFsAndStayTheSame(t *testing.T) {
	t.Parallel()
	var sealed, plain [][]byte
	simulatortest.Play(t, world.Options{Seed: 6, Transactions: simulatortest.WholeDecks, QuotaScale: 1000}, nil,
		20*24*time.Hour, func(t *testing.T, w *simulator.World) {
			for _, row := range w.Truth().Transactions {
				for _, d := range row.Documents {
					if row.Trashed || row.Deleted {
						continue
					}
					link, account := fileLink(row, d)
					status, one, err := simulatortest.Get(t, w, link, account)
					if err != nil || status != http.StatusOK {
						t.Fatalf("%s: %d %v %.200s", link, status, err, one)
					}
					if _, two, _ := simulatortest.Get(t, w, link, account); !bytes.Equal(one, two) {
						t.Errorf("%s: two downloads differ", link)
					}
					if simulatortest.Sum(one) != d.SHA256 || len(one) != d.Size {
						t.Errorf("%s: the truth has another sum or size", link)
					}
					if v := pdf.Inspect(one); v.Fault != "" {
						t.Errorf("%s: %s", link, v.Fault)
					}
					if d.Sealed {
						sealed = append(sealed, one)
					} else {
						plain = append(plain, one)
					}
				}
			}
		})
	if len(sealed) < 5 || len(plain) < 5 {
		t.Fatalf("%d sealed and %d plain files", len(sealed), len(plain))
	}
	checkSeals(t, sealed[0], plain[0])
}

// checkSeals looks at a sealed file, at the same file with a byte changed, and at a plain one.
func checkSeals(t *testing.T, sealed, plain []byte) {
	t.Helper()
	altered := bytes.Clone(sealed)
	at := bytes.Index(altered, []byte("Signed by ")) // of a line on the first page
	altered[at] = 's'
	for file, want := range map[*[]byte]model.Signature{
		&sealed: model.SignatureIntact, &altered: model.SignatureAltered, &plain: model.SignatureUnsigned,
	} {
		if v := pdf.Inspect(*file); v.Fault != "" || v.Facts.Signature != want {
			t.Errorf("%s%s, want %s: %s", v.Fault, v.Facts.Signature, want, v.Facts.Note)
		}
	}
	if bytes.Contains(plain, []byte("/ByteRange")) {
		t.Error("a plain file has a signature")
	}
	var open, end, rest int
	text := sealed[bytes.Index(sealed, []byte("/ByteRange [0 ")):]
	if _, err := fmt.Sscanf(string(text), "/ByteRange [0 %d %d %d]", &open, &end, &rest); err != nil ||
		end+rest != len(sealed) {
		t.Errorf("the signature covers up to %d of %d bytes: %v", end+rest, len(sealed), err)
	}
}

func TestBadFilesAreBadInEachWay(t *testing.T) {
	t.Parallel()
	simulatortest.Play(t, world.Options{Seed: 6, Transactions: simulatortest.WholeDecks, QuotaScale: 1000}, nil,
		20*24*time.Hour, func(t *testing.T, w *simulator.World) {
			var row simulator.TruthTransaction
			for _, r := range w.Truth().Transactions {
				if r.Provider == "onespan" && r.Kind == "completed" {
					row = r
				}
			}
			w.SetFaults(world.Faults{BadFiles: 1})
			link, account := fileLink(row, row.Documents[0])
			seen := map[string]bool{}
			for range 60 {
				status, body, err := simulatortest.Get(t, w, link, account)
				switch {
				case errors.Is(err, io.ErrUnexpectedEOF):
					seen["cut off"] = true
				case status == http.StatusNotFound:
					seen["not there"] = true
				case bytes.HasPrefix(body, []byte("<!DOCTYPE")):
					seen["html"] = true
				case !bytes.Contains(body, []byte("%%EOF")):
					seen["short"] = true
				default:
					t.Error("a good file")
				}
			}
			if len(seen) != 4 {
				t.Errorf("seen: %v", seen)
			}
			for _, r := range w.Truth().Transactions {
				if r.Ref == row.Ref && r.Documents[0].Served != 0 {
					t.Error("a bad file counts as served")
				}
			}
		})
}
