package autosign

import (
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"countersign/provider"
	"countersign/provider/providertest"
)

func TestASignatureMayBeWrittenInAnyConfiguredForm(t *testing.T) {
	t.Parallel()
	const body = `{"id":"e","type":"transaction_started","data":{"id":"r","status":"started"}}`
	for _, hash := range []string{"sha256", "sha1", "sha512"} {
		for _, encoding := range encodings() {
			for _, prefix := range []string{"", "v1=", "sha256="} {
				s := plain(t, "", `{access_token: x, webhook_secrets: [old, new], signature_header: X-Sig, signature_hash: `+hash+
					`, signature_encoding: `+encoding+`, signature_prefix: "`+prefix+`"}`)
				sum := mac(hash, "new", []byte(body))
				printed := strings.ToUpper(hex.EncodeToString(sum))
				if encoding == "base64" {
					printed = base64.StdEncoding.EncodeToString(sum)
				}
				for given, want := range map[string]bool{
					prefix + printed: true, printed: prefix == "", prefix: false, "": false, prefix +
						printed[:len(printed)-4]: false, "no" + prefix + printed: false,
				} {
					c := provider.Callback{Header: http.Header{"X-Sig": {given}}, Body: []byte(body)}
					if _, err := s.Receive(c); (err == nil) != want {
						t.Errorf("%s %s %q: %q gives %v", hash, encoding, prefix, given, err)
					}
				}
			}
		}
	}
}

func TestOurOwnCanaryIsTakenForATest(t *testing.T) {
	t.Parallel()
	for _, block := range []string{
		keyed, `{access_token: x, webhook_secrets: [a, b], signature_hash: sha512, signature_encoding: base64, signature_prefix: "v1=", signature_header: X-Sig}`,
	} {
		s := plain(t, "", block)
		header, body, err := s.Canary("canary-42", noon)
		if err != nil || !strings.Contains(string(body), "canary-42") {
			t.Fatalf("%s, %v", body, err)
		}
		r, err := s.Receive(provider.Callback{Header: header, Body: body, ReceivedAt: noon})
		if err != nil || !r.Test || len(r.Observations) > 0 {
			t.Errorf("%+v, %v", r, err)
		}
	}
	if _, _, err := plain(t, "", "{access_token: x}").Canary("c", noon); err == nil ||
		!strings.Contains(err.Error(), "settings.webhook_secrets") {
		t.Errorf("without a secret: %v", err)
	}
}

func TestExplainFindsTheOneCombinationThatMatches(t *testing.T) {
	t.Parallel()
	s := plain(t, "", "{access_token: x, webhook_secrets: [wrong, right]}")
	body := []byte(`{"id":"e"}`)
	h := http.Header{}
	h.Set("autosign-signature", "t=5")
	h.Set("X-Other-Signature", "sha512="+base64.StdEncoding.EncodeToString(mac("sha512", "right", body)))
	var matches []provider.Trial
	trials := s.Explain(provider.Callback{Header: h, Body: body})
	for _, trial := range trials {
		if trial.Match {
			matches = append(matches, trial)
		}
		if strings.Contains(trial.Secret+trial.Note, "right") {
			t.Errorf("a secret is told: %+v", trial)
		}
	}
	providertest.Same(t, "matches", matches, []provider.Trial{{
		Secret: "webhook_secrets[1]", Header: "X-Other-Signature", Hash: "sha512", Encoding: "base64", Over: "body",
		Match: true,
		Note:  `with signature_prefix "sha512="; signature_header must be X-Other-Signature`,
	}})
	if len(trials) < 2*2*3*2 {
		t.Errorf("only %d were tried", len(trials))
	}
	if got := s.Explain(provider.Callback{Header: http.Header{}, Body: body}); len(got) != 2 ||
		got[0].Note != "no such header" {
		t.Errorf("without a header: %+v", got)
	}
	if got := plain(t, "", "{access_token: x}").Explain(provider.Callback{}); len(got) != 1 || got[0].Match ||
		!strings.Contains(got[0].Note, "none is set") {
		t.Errorf("without a secret: %+v", got)
	}
}

func TestPeekReadsRefAndTypeAndNothingElse(t *testing.T) {
	t.Parallel()
	s := plain(t, "", keyed)
	for body, want := range map[string][2]string{
		`{"type":"transaction_started","data":{"id":"r"}}`: {"r", "transaction_started"},
		`{"type":"x","data":[]}`:                           {"", "x"},
		`{"data":{"id":"a\u0000b"}}`:                       {"", ""},
		`no`:                                               {"", ""},
	} {
		ref, typ := s.Peek(provider.Callback{Body: []byte(body)})
		if ref != want[0] || typ != want[1] {
			t.Errorf("%s: %q %q", body, ref, typ)
		}
	}
}

func TestAHintNamesARefWhereverItStands(t *testing.T) {
	t.Parallel()
	s := plain(t, "", keyed)
	for body, want := range map[string]string{
		`{"id":"event","data":{"id":"r"}}`: "r", `{"id":"r"}`: "r", `{"transaction_id":"r"}`: "r",
		`{"transactionId":"r"}`: "r", `{"ref":"r"}`: "r",
		`{"data":7}`: "", `[]`: "", `x`: "", "": "",
	} {
		if got := s.Hint(provider.Hint{Body: []byte(body)}, noon); got.Ref != want || got.Steps != nil {
			t.Errorf("%s names %+v", body, got)
		}
	}
	if got := s.Hint(provider.Hint{Query: url.Values{"transaction_id": {"r"}}}, noon); got.Ref != "r" {
		t.Errorf("a return URL names %+v", got)
	}
}
