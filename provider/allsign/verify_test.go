package allsign

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"countersign/provider"
)

// The signature covers the time, so that each of these is one of the service's own faults, or somebody who has the
// secret.
func TestATimeFarOffIsRefusedInWords(t *testing.T) {
	t.Parallel()
	s := openV3(t, "")
	body := []byte(`{"eventId":"evt_1","eventType":"document.completed","data":{"documentId":"` + testDoc + `"}}`)
	for stamp, want := range map[string]string{
		strconv.FormatInt(noon.UnixMilli(),
			10): "it may be in milliseconds", "9223372036854775807": "is no time in seconds",
		"99999999999999999999": "is no time in seconds",
		"-9223372036854775808": "is no time in seconds", "": "is no time in seconds", "soon": "is no time in seconds",
		"0": "is no time in seconds",
		strconv.FormatInt(noon.AddDate(400, 0, 0).Unix(), 10): "signed in 2426, it says", "1": "signed in 1970, it says",
		strconv.FormatInt(noon.Add(-time.Hour).Unix(), 10): "signed 3600 s before it came, beyond the replay window of 300 s",
		strconv.FormatInt(noon.Add(time.Hour).Unix(), 10):  "signed 3600 s after it came",
	} {
		mac := hmac.New(sha256.New, secretKey(secret))
		fmt.Fprintf(mac, "evt_1.%s.%s", stamp, body)
		c := provider.Callback{Header: http.Header{}, Body: body, ReceivedAt: noon}
		c.Header.Set(headerID, "evt_1")
		c.Header.Set(headerTimestamp, stamp)
		c.Header.Set(headerSignature, "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)))
		_, err := s.Receive(c)
		if signed := matches(secret, c); signed &&
			(!errors.Is(err, provider.ErrUnverified) || !strings.Contains(err.Error(), want)) || err == nil {
			t.Errorf("%q: %v, want %q", stamp, err, want)
		}
		if trials := s.Explain(c); stamp != "" && !strings.Contains(trials[0].Note, want) {
			t.Errorf("%q: explained as %+v", stamp, trials[0])
		}
	}
}
