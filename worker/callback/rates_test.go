package callback

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"countersign/model"
)

func TestRefusals(t *testing.T) {
	t.Parallel()
	r := newRefusals(2, 1000)
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	kept := 0
	for i := range 30 { // each address twice: the account's own bound is five times as much
		for range 2 {
			if r.admit(&model.Callback{Account: "sales", RemoteAddr: netip.AddrFrom4([4]byte{192, 0, 2, byte(i)}).String(),
				At: at, Body: make([]byte, 300)}) {
				kept++
			}
		}
	}
	if kept != 2*accountFactor {
		t.Errorf("%d are kept", kept)
	}
	full := model.Callback{Account: "sales", RemoteAddr: "x", At: at.Add(time.Minute), Body: make([]byte, 300),
		Note: "no key"}
	if !r.admit(&full) || full.Body != nil || !strings.HasPrefix(full.Note, "no key; ") {
		t.Errorf("a minute later one is kept, without its body: %+v", full)
	}
	late := model.Callback{Account: "sales", RemoteAddr: "x", At: at.Add(time.Hour), Body: make([]byte, 300)}
	if !r.admit(&late) || late.Body == nil {
		t.Errorf("an hour later with it: %+v", late)
	}
}
