package trust

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"countersign/worker/pdf/cert"
	"countersign/worker/pdf/cms"
	"countersign/worker/pdf/cms/cmstest"
	"countersign/worker/pdf/digest"
)

var noon = time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)

const day = 24 * time.Hour

func read(t testing.TB, s *cmstest.Signer) *cert.Certificate {
	t.Helper()
	c, err := cert.Parse(s.Cert)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// house is a root, an issuer below it, a signer, and others.
type house struct{ root, issuer, signer, stamper, responder, stranger *cmstest.Signer }

const (
	certSign = 0x06 // certificates and lists of revoked ones
	signs    = 0xc0
)

func newHouse(t testing.TB) (h house) {
	t.Helper()
	h.root = cmstest.New(t, cmstest.Certificate{Name: "Root", CA: true, Usage: certSign})
	h.issuer = h.root.Issue(t, cmstest.Certificate{Name: "Issuer", Kind: cmstest.P256, CA: true, Usage: certSign})
	h.signer = h.issuer.Issue(t, cmstest.Certificate{Kind: cmstest.P384, Usage: signs})
	h.stamper = h.issuer.Issue(t, cmstest.Certificate{Name: "Clock", Extended: []string{"1.3.6.1.5.5.7.3.8"}})
	h.responder = h.issuer.Issue(t, cmstest.Certificate{Name: "Answers", Extended: []string{"1.3.6.1.5.5.7.3.9"}})
	h.stranger = cmstest.New(t, cmstest.Certificate{Name: "Stranger", CA: true, Usage: certSign})
	return h
}

// proof is what comes with a file, and how the question about it must end.
type proof struct {
	name           string
	signer         *cmstest.Signer
	trusted, certs []*cmstest.Signer
	at             time.Time
	proved         bool
	stamper        bool
	ocsp, crls     [][]byte
	want           Outcome
	reason         string
	checked        bool
	chain          string
}

func (p proof) judge(t testing.TB) Answer {
	var trusted []*cert.Certificate
	for _, s := range p.trusted {
		trusted = append(trusted, read(t, s))
	}
	certs := [][]byte{[]byte("no certificate")}
	for _, s := range p.certs {
		certs = append(certs, s.Cert)
	}
	q := Question{At: p.at, Proved: p.proved, Stamper: p.stamper}
	if p.signer != nil {
		q.Signer = read(t, p.signer)
	}
	return NewStore(trusted, certs, append(p.ocsp, []byte("no answer")), append(p.crls, []byte("no list"))).Judge(q)
}

func (p proof) hold(t *testing.T) {
	t.Helper()
	a := p.judge(t)
	var names []string
	for _, l := range a.Chain {
		name := l.Subject[strings.Index(l.Subject, "CN=")+3:]
		if l.Trusted {
			name += "!"
		}
		names = append(names, name)
		if l.Serial == "" || len(l.SHA256) != 64 || l.NotAfter.IsZero() || l.Issuer == "" {
			t.Errorf("%s: a link lacks what is printed of it: %+v", p.name, l)
		}
	}
	if chain := strings.Join(names, " < "); a.Outcome != p.want || !strings.Contains(a.Reason, p.reason) ||
		a.Reason == "" || a.Checked != p.checked || p.chain != "" && chain != p.chain {
		t.Errorf("%s: %s (%s), checked %v, %s; want %s (%s), %v, %s", p.name, a.Outcome, a.Reason, a.Checked, chain,
			p.want, p.reason, p.checked, p.chain)
	}
}

func TestAChainEndsInAllItsWays(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	root, all := []*cmstest.Signer{h.root}, []*cmstest.Signer{h.issuer, h.root, h.stranger}
	full := "Ana Lima < Issuer < Root!"
	leaf := h.signer.Issue(t, cmstest.Certificate{Name: "Leaf"})
	plain := h.root.Issue(t, cmstest.Certificate{Name: "Plain",
		Extensions: [][]byte{cmstest.Extension("2.5.29.19", true, []byte{0x30, 0})}})
	server := h.issuer.Issue(t, cmstest.Certificate{Name: "Server", Usage: 0x20})
	limits := cmstest.Extension("2.5.29.30", true, []byte{0x30, 0})
	limited := h.root.Issue(t, cmstest.Certificate{Name: "Limited", CA: true, Extensions: [][]byte{limits}})
	short := cmstest.Extension("2.5.29.19", true, []byte{0x30, 6, 1, 1, 0xff, 2, 1, 0})
	narrow := cmstest.New(t, cmstest.Certificate{Name: "Narrow", Extensions: [][]byte{short}})
	below := narrow.Issue(t, cmstest.Certificate{Name: "Below", CA: true})
	seal := cmstest.New(t, cmstest.Certificate{Name: "Seal", Usage: signs})
	forger := cmstest.New(t, cmstest.Certificate{Name: "Issuer", CA: true, Usage: certSign})
	forged := forger.Issue(t, cmstest.Certificate{Name: "Forged"})
	for _, p := range []proof{
		{name: "a root is trusted", signer: h.signer, trusted: root, certs: all, at: noon, want: Trusted,
			reason: "leads to Root", chain: full},
		{name: "an issuer is trusted", signer: h.signer, trusted: all[:1], at: noon, want: Trusted,
			chain: "Ana Lima < Issuer!"},
		{name: "the seal itself is trusted", signer: seal, trusted: []*cmstest.Signer{seal}, at: noon, want: Trusted,
			checked: true, reason: "is one that", chain: "Seal!"},
		{name: "nothing is trusted", signer: h.signer, certs: all, at: noon, want: Unknown,
			reason: "no certificates are named", chain: "Ana Lima < Issuer < Root"},
		{name: "another is trusted", signer: h.signer, trusted: []*cmstest.Signer{h.stranger}, certs: all[:2], at: noon,
			want: Untrusted, reason: "leads to Root, which this account does not", chain: "Ana Lima < Issuer < Root"},
		{name: "the issuer is not at hand", signer: h.signer, trusted: root, at: noon, want: Untrusted,
			reason: "that of Issuer, who issued the last, is not in the file", chain: "Ana Lima"},
		{name: "another's self-signed seal", signer: seal, trusted: root, certs: all, at: noon, want: Untrusted,
			reason: "self-signed", chain: "Seal"},
		{name: "no signer", trusted: root, want: Unknown, reason: "not in the file"},
		{name: "no time", signer: h.signer, trusted: root, certs: all, want: Unknown, reason: "when it was signed"},
		{name: "after its end", signer: h.signer, trusted: root, certs: all, at: noon.AddDate(20, 0, 0), want: Expired,
			reason: "Ana Lima was expired", chain: full},
		{name: "before its start", signer: h.signer, trusted: root, certs: all, at: noon.AddDate(-20, 0, 0), want: Expired,
			reason: "not valid yet"},
		{name: "an issuer of the same name", signer: forged, trusted: root, certs: append(all, forger), at: noon,
			want: Untrusted, reason: "leads to Issuer", chain: "Forged < Issuer"},
		{name: "issued by who may not", signer: leaf, trusted: root, certs: append(all, h.signer), at: noon,
			want: Untrusted, reason: "may not issue any"},
		{name: "issued by who says that it may not", signer: plain.Issue(t, cmstest.Certificate{}), trusted: root,
			certs: append(all, plain), at: noon, want: Untrusted, reason: "may not issue any"},
		{name: "issued by a trusted seal that may not", signer: leaf, trusted: []*cmstest.Signer{h.signer}, at: noon,
			want: Untrusted, reason: "may not issue any"},
		{name: "not made for signing", signer: server, trusted: root, certs: all, at: noon, want: Untrusted,
			reason: "not made for signing"},
		{name: "a condition that must be understood", signer: limited.Issue(t, cmstest.Certificate{}), trusted: root,
			certs: append(all, limited), at: noon, want: Unknown, reason: "condition"},
		{name: "as many below as allowed", signer: narrow.Issue(t, cmstest.Certificate{}),
			trusted: []*cmstest.Signer{narrow}, at: noon, want: Trusted},
		{name: "more below than allowed", signer: below.Issue(t, cmstest.Certificate{}), certs: []*cmstest.Signer{below},
			trusted: []*cmstest.Signer{narrow}, at: noon, want: Untrusted, reason: "than it allows"},
		{name: "a stamper", signer: h.stamper, trusted: root, certs: all, at: noon, stamper: true, want: Trusted},
		{name: "no stamper", signer: h.signer, trusted: root, certs: all, at: noon, stamper: true, want: Untrusted,
			reason: "time stamp authority"},
	} {
		p.hold(t)
	}
}

func TestRevocationDataIsHonouredAndNeverTakenOnItsWord(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	trusted, certs := []*cmstest.Signer{h.root}, []*cmstest.Signer{h.issuer}
	after, before, week := noon.Add(day), noon.Add(-day), noon.Add(7*day)
	never := time.Time{}
	scope := func(what ...byte) []byte {
		return cmstest.Extension("2.5.29.28", true, append([]byte{0x30, byte(len(what))}, what...))
	}
	type gone = map[*cmstest.Signer]time.Time
	rootList := h.root.CRL(t, before, week, nil)
	goodOCSP := h.issuer.OCSP(t, h.issuer, h.signer, after, week, never)
	for _, p := range []proof{
		{name: "good by a list and an answer", ocsp: [][]byte{goodOCSP}, crls: [][]byte{rootList}, want: Trusted,
			checked: true},
		{name: "nothing about the issuer", ocsp: [][]byte{goodOCSP}, want: Trusted},
		{name: "good by a responder", ocsp: [][]byte{h.responder.OCSP(t, h.issuer, h.signer, after, week, never)},
			crls: [][]byte{rootList}, want: Trusted, checked: true},
		{name: "good by a stranger", ocsp: [][]byte{h.stranger.OCSP(t, h.issuer, h.signer, after, week, never)},
			crls: [][]byte{rootList}, want: Trusted},
		{name: "good before it was signed", ocsp: [][]byte{h.issuer.OCSP(t, h.issuer, h.signer, before.Add(-day),
			before, never)}, crls: [][]byte{rootList}, want: Trusted},
		{name: "an answer about another", ocsp: [][]byte{h.issuer.OCSP(t, h.issuer, h.stamper, after, week, before)},
			crls: [][]byte{rootList}, want: Trusted},
		{name: "revoked before", ocsp: [][]byte{h.issuer.OCSP(t, h.issuer, h.signer, after, week, before)}, want: Revoked,
			reason: "2026-01-30", checked: true},
		{name: "revoked before, by a list", crls: [][]byte{h.issuer.CRL(t, after, week, gone{h.signer: before})},
			want: Revoked, reason: "Ana Lima", checked: true},
		{name: "the issuer revoked", crls: [][]byte{h.root.CRL(t, after, week, gone{h.issuer: before})}, want: Revoked,
			reason: "Issuer", checked: true},
		{name: "revoked in one list of two", ocsp: [][]byte{goodOCSP},
			crls: [][]byte{rootList, h.issuer.CRL(t, after, week, gone{h.signer: before})}, want: Revoked, checked: true},
		{name: "revoked by a stranger", ocsp: [][]byte{h.stranger.OCSP(t, h.issuer, h.signer, after, week, before)},
			want: Trusted},
		{name: "revoked by a responder that nobody made one",
			ocsp: [][]byte{h.stamper.OCSP(t, h.issuer, h.signer, after, week, before)}, want: Trusted},
		{name: "another one revoked", crls: [][]byte{rootList, h.issuer.CRL(t, after, week, gone{h.stamper: before})},
			want: Trusted, checked: true},
		{name: "revoked later, and the time only claimed",
			crls: [][]byte{h.issuer.CRL(t, week, week, gone{h.signer: after})}, want: Revoked, checked: true},
		{name: "revoked later, and the time proved", proved: true,
			crls: [][]byte{rootList, h.issuer.CRL(t, week, week, gone{h.signer: after})}, want: Trusted, checked: true},
		{name: "a list for users", crls: [][]byte{rootList, h.issuer.CRL(t, after, week, nil, scope(0x81, 1, 0xff))},
			want: Trusted, checked: true},
		{name: "a list for issuers", crls: [][]byte{rootList, h.issuer.CRL(t, after, week, nil, scope(0x82, 1, 0xff))},
			want: Trusted},
		{name: "a list of others' certificates",
			crls: [][]byte{rootList, h.issuer.CRL(t, after, week, nil, scope(0x84, 1, 0xff))}, want: Trusted},
		{name: "a list of another place",
			crls: [][]byte{rootList, h.issuer.CRL(t, after, week, nil, scope(0xa0, 4, 0xa0, 2, 0x86, 0))}, want: Trusted},
		{name: "what changed since a list", crls: [][]byte{rootList, h.issuer.CRL(t, after, week, nil,
			cmstest.Extension("2.5.29.27", true, []byte{2, 1, 1}))}, want: Trusted},
		{name: "a broken list", crls: [][]byte{bytes.Replace(h.issuer.CRL(t, after, week, gone{h.signer: before}),
			[]byte("Issuer"), []byte("issuer"), 1)}, want: Trusted},
	} {
		p.signer, p.trusted, p.certs, p.at = h.signer, trusted, certs, noon
		p.hold(t)
	}
}

func TestASignersStampCountsOnlyWhereItIsTrusted(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	after, week := noon.Add(day), noon.Add(7*day)
	covered := []byte("what is signed")
	list := h.issuer.CRL(t, week, week, map[*cmstest.Signer]time.Time{h.signer: after})
	stranger := cmstest.New(t, cmstest.Certificate{Name: "Clock", Extended: []string{"1.3.6.1.5.5.7.3.8"}})
	late := noon.AddDate(20, 0, 0) // its certificate has ended
	for _, test := range []struct {
		name    string
		stamper *cmstest.Signer
		claimed time.Time
		lists   [][]byte
		want    Outcome
	}{
		{"stamped before it was revoked", h.stamper, noon, [][]byte{list}, Trusted},
		{"stamped by a stranger", stranger, noon, [][]byte{list}, Revoked},
		{"not stamped", nil, noon, [][]byte{list}, Revoked},
		{"stamped before it ended", h.stamper, late, nil, Trusted},
		{"stamped before it ended, by a stranger", stranger, late, nil, Expired},
		{"stamped by a stranger, and nothing claimed", stranger, time.Time{}, nil, Trusted},
		{"neither stamped nor claimed", nil, time.Time{}, nil, Unknown},
	} {
		m := cmstest.Message{Time: test.claimed, Stamp: test.stamper, StampTime: noon, CRLs: test.lists}
		r := cms.Verify(cms.Signature{SubFilter: "adbe.pkcs7.detached", Contents: h.signer.Sign(t, covered, m),
			Covered: digest.NewFile(bytes.NewReader(covered), int64(len(covered))).Part(0, int64(len(covered)))})
		if r.Status != cms.Verified {
			t.Fatalf("%s: %s", test.name, r.Reason)
		}
		a := NewStore([]*cert.Certificate{read(t, h.root)}, nil, nil, nil).Signer(r.First(), r)
		if a.Outcome != test.want {
			t.Errorf("%s: %s (%s), want %s", test.name, a.Outcome, a.Reason, test.want)
		}
	}
}

func TestManyCertificatesOfOneNameCostLittle(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	var certs []*cmstest.Signer
	crowd := cmstest.New(t, cmstest.Certificate{Name: "Crowd", Kind: cmstest.Ed25519})
	for range 510 {
		certs = append(certs, crowd.Issue(t, cmstest.Certificate{Name: "Issuer", Kind: cmstest.P256, CA: true}))
	}
	proof{name: "a crowd", signer: h.signer, trusted: []*cmstest.Signer{h.root}, certs: certs, at: noon, want: Unknown,
		reason: "too many"}.hold(t)
}

func FuzzRevocationData(f *testing.F) {
	h := newHouse(f)
	f.Add(h.issuer.OCSP(f, h.issuer, h.signer, noon, noon, noon), h.issuer.CRL(f, noon, noon,
		map[*cmstest.Signer]time.Time{h.signer: noon}), h.issuer.Cert)
	f.Add(h.responder.OCSP(f, h.issuer, h.signer, noon, noon, time.Time{}), h.root.CRL(f, noon, noon, nil,
		cmstest.Extension("2.5.29.28", true, []byte{0x30, 3, 0x81, 1, 0xff})), h.responder.Cert)
	root, signer, issuer := read(f, h.root), read(f, h.signer), read(f, h.issuer)
	fine := h.issuer.OCSP(f, h.issuer, h.signer, noon, noon, time.Time{})
	f.Fuzz(func(t *testing.T, answer, list, certificate []byte) {
		s := NewStore([]*cert.Certificate{root, issuer}, [][]byte{certificate}, [][]byte{answer, fine}, [][]byte{list})
		a := s.Judge(Question{Signer: signer, At: noon})
		if a.Outcome != Trusted && a.Outcome != Revoked || a.Reason == "" || len(a.Chain) != 2 {
			t.Errorf("%+v", a)
		}
	})
}
