package onespan

import (
	"encoding/json"
	"fmt"
	"testing"

	"countersign/model"
	"countersign/provider/providertest"
)

// statuses are the signers' refs and statuses, in order.
func statuses(list []model.Signer) map[string]model.SignerStatus {
	out := map[string]model.SignerStatus{}
	for _, s := range list {
		out[s.Ref] = s.Status
	}
	return out
}

func TestSignersAreDerivedFromApprovals(t *testing.T) {
	t.Parallel()
	type m = map[string]model.SignerStatus
	for name, want := range map[string]m{
		"sent":               {ada: "waiting", ben: "waiting"}, // neither the sender nor who gets a copy
		"sent_one_signed":    {ada: "signed", ben: "waiting"},  // an optional and a disabled approval hold nobody up
		"sent_signer_locked": {ada: "signed", ben: "locked"},
		"declined":           {ada: "signed", ben: "declined"},
		"opted_out":          {ada: "signed", ben: "declined"},
		"expired":            {ada: "signed", ben: "waiting"},
	} {
		providertest.Same(t, name, statuses(fetched(t, name).Signers), m(want))
	}
	if got := fetched(t, "declined").Signers[1].Reason; got != "The rent is not what we agreed on" {
		t.Errorf("the sender's own message is no reason: got %q", got)
	}
}

func TestSignerTraps(t *testing.T) {
	t.Parallel()
	const (
		one   = `"roles":[{"id":"r","name":"R","index":0,"signers":[{"id":"s","firstName":"Ada","lastName":"Example"}]}],`
		two   = `"roles":[{"id":"r2","index":2,"signers":[{"id":"s2"}]},{"id":"r1","index":1,"signers":[{"id":"s1"}]}],`
		owner = `"roles":[{"id":"o","type":"SENDER","index":0,"signers":[{"id":"me"}]}],`
	)
	type m = map[string]model.SignerStatus
	for name, c := range map[string]struct {
		pack string
		want m
	}{
		"accepted without signed is done": {one +
			`"documents":[{"id":"d","approvals":[{"role":"r","accepted":"2026-03-02T09:00:00Z"}]}]`, m{"s": "signed"}},
		"signed without accepted is done": {one +
			`"documents":[{"id":"d","approvals":[{"role":"r","accepted":null,"signed":"2026-03-02T09:00:00Z"}]}]`,
			m{"s": "signed"}},
		"one of two documents is not done": {one +
			`"documents":[{"id":"d","approvals":[{"role":"r","accepted":"2026-03-02T09:00:00Z"}]},{"id":"e","approvals":[{"role":"r"}]}]`, m{"s": "waiting"}},
		"signed but the consent open is not done": {one +
			`"documents":[{"id":"default-consent","approvals":[{"role":"r"}]},{"id":"d","approvals":[{"role":"r","accepted":"2026-03-02T09:00:00Z"}]}]`, m{"s": "waiting"}},
		"the consent alone makes no signer": {one +
			`"documents":[{"id":"default-consent","approvals":[{"role":"r"}]},{"id":"d","approvals":[]}]`, m{}},
		"a view document asks nobody": {one + `"documents":[{"id":"d","approvals":[]}]`, m{}},
		"only optional and not given is no signer": {one +
			`"documents":[{"id":"d","approvals":[{"role":"r","optional":true}]}]`, m{}},
		"only optional but given is one": {one +
			`"documents":[{"id":"d","approvals":[{"role":"r","optional":true,"signed":"2026-03-02T09:00:00Z"}]}]`,
			m{"s": "signed"}},
		"only disabled is no signer": {one +
			`"documents":[{"id":"d","approvals":[{"role":"r","disabled":true}]}]`, m{}},
		"a sender with approvals signs like any": {owner + `"documents":[{"id":"d","approvals":[{"role":"o"}]}]`,
			m{"me": "waiting"}},
		"a sender without is none":                   {owner + `"documents":[{"id":"d","approvals":[{"role":"x"}]}]`, m{}},
		"a place that nobody holds yet has its role": {`"roles":[{"id":"r","signers":[]}],"documents":[{"id":"d","approvals":[{"role":"r"}]}]`, m{"r": "waiting"}},
		"absent keys": {`"roles":null,"documents":null`, m{}},
	} {
		var p pack
		if err := json.Unmarshal([]byte(`{"status":"SENT",`+c.pack+`}`), &p); err != nil {
			t.Fatal(err)
		}
		o := p.whole(true, true)
		providertest.Same(t, name, statuses(o.Signers), c.want)
		if o.Signers == nil {
			t.Errorf("%s: an answer always tells its signers", name)
		}
	}
	var p pack
	if err := json.Unmarshal([]byte(`{"status":"SENT",`+two+
		`"documents":[{"id":"d","approvals":[{"role":"r2"},{"role":"r1"}]}]}`), &p); err != nil {
		t.Fatal(err)
	}
	if got := p.whole(true, true).Signers; got[0].Ref != "s1" || got[1].Ref != "s2" {
		t.Errorf("signers come in the order of their index: got %v", got)
	}
}

func TestAttentionThatAnAnswerShows(t *testing.T) {
	t.Parallel()
	kinds := func(o model.Observation) []model.Attention { return o.Attention }
	providertest.Same(t, "locked", kinds(fetched(t, "sent_signer_locked")),
		[]model.Attention{{Kind: model.SignerLockedOut, Signer: ben}})
	providertest.Same(t, "autocomplete off and all signed", kinds(fetched(t, "sent_sender_must_finish")),
		[]model.Attention{{Kind: model.SenderMustFinish}})
	for _, name := range []string{"draft", "sent", "sent_one_signed", "completed", "declined"} {
		if got := kinds(fetched(t, name)); got != nil {
			t.Errorf("%s: got %v", name, got)
		}
	}
	for body, want := range map[string]int{
		`{"status":"SENT","roles":[{"id":"r","signers":[{"id":"s","knowledgeBasedAuthentication":{"knowledgeBasedAuthenticationStatus":"FAILED"}}]}],"documents":[{"id":"d","approvals":[{"role":"r"}]}]}`:               1,
		`{"status":"EXPIRED","roles":[{"id":"r","locked":true,"signers":[{"id":"s"}]}],"documents":[{"id":"d","approvals":[{"role":"r"}]}]}`:                                                                             0,
		`{"status":"SENT","autocomplete":false,"roles":[],"documents":[]}`:                                                                                                                                               0,
		`{"status":"SENT","autocomplete":false,"roles":[{"id":"r","signers":[{"id":"s"}]}],"documents":[{"id":"d","approvals":[{"role":"r","accepted":"2026-03-02T09:00:00Z"}]},{"id":"e","approvals":[{"role":"r"}]}]}`: 0,
	} {
		var p pack
		if err := json.Unmarshal([]byte(body), &p); err != nil {
			t.Fatal(err)
		}
		if got := p.whole(true, true).Attention; len(got) != want {
			t.Errorf("%s: got %v", body, got)
		}
	}
	var p pack
	if err := json.Unmarshal([]byte(`{"status":"SENT"}`), &p); err != nil {
		t.Fatal(err)
	}
	providertest.Same(t, "without autocomplete nobody can tell", p.whole(true, true).Judges,
		[]model.AttentionKind{model.SignerLockedOut})
}

func TestMarkIsEmptyWithoutATime(t *testing.T) {
	t.Parallel()
	if got := (pack{Status: "SENT"}).mark(); got != "" {
		t.Errorf("got %q: status and trash alone would hide a signer's progress", got)
	}
}

func TestMetadata(t *testing.T) {
	t.Parallel()
	for data, want := range map[string]string{`{ "a": {"b":1} }`: `{"a":{"b":1}}`, `{}`: "", `null`: "", ``: "",
		`[1]`: "", `"x"`: ""} {
		if got := (pack{Data: json.RawMessage(data)}).metadata(); got != want {
			t.Errorf("%s: got %s", data, got)
		}
	}
}

func TestSenderWhoSignsAndDeclines(t *testing.T) {
	t.Parallel()
	const declined = `{"status":"DECLINED","sender":{"id":"owner"},"documents":[{"id":"d","approvals":[{"role":"r1"},{"role":"r2"}]}],"messages":[%s],` +
		`"roles":[{"id":"r1","index":1,"signers":[{"id":%q}]},{"id":"r2","index":2,"signers":[{"id":"ben"}]}]}`
	own, other := `{"content":"No.","from":{"id":"owner"}}`, `{"content":"Never.","from":{"id":"ben"}}`
	for name, c := range map[string]struct{ messages, first, reason, who string }{
		"the sender signs, and nobody else wrote": {own, "owner", "No.", "owner"},
		"somebody else wrote":                     {own + "," + other, "owner", "Never.", "ben"},
		"the sender wrote and signs nothing":      {own, "ada", "", ""},
	} {
		var p pack
		if err := json.Unmarshal(fmt.Appendf(nil, declined, c.messages, c.first), &p); err != nil {
			t.Fatal(err)
		}
		o, who := p.whole(true, true), ""
		for _, s := range o.Signers {
			if s.Status == model.SignerDeclined {
				who += s.Ref
			}
		}
		if o.Reason != c.reason || who != c.who {
			t.Errorf("%s: %q declined, because %q", name, who, o.Reason)
		}
	}
}
