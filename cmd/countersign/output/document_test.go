package output

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"countersign/model"
)

// shownDocument has one of everything that can be known of a signed file.
func shownDocument() model.Document {
	at := time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)
	from, to := at.AddDate(-1, 0, 0), at.AddDate(1, 0, 0)
	certificate := func(subject, issuer string) model.Certificate {
		return model.Certificate{Subject: subject, Issuer: issuer, Serial: "0a1b", SHA256: strings.Repeat("ab", 32),
			NotBefore: &from, NotAfter: &to}
	}
	signature := func(kind, signer string) model.EmbeddedSignature {
		return model.EmbeddedSignature{Kind: kind, Signer: signer, Time: &at, Integrity: model.IntegrityIntact,
			Coverage: model.CoverageWhole, Trust: model.TrustUnknown, Algorithm: "RSA 2048 with SHA-256"}
	}
	first, second, stamp := signature("signature", "Ana Pop"), signature("signature", "Signing Service"),
		signature("timestamp", "Clock")
	first.Coverage, first.Added = model.CoverageExtended,
		[]model.Addition{model.AddedForm, model.AddedSignature, model.AddedTimestamp}
	first.ProvedTime, first.ProvedBy, first.Weaknesses = &at, "Clock", []string{"SHA-1", "a key of 1024 bits"}
	first.Reason, first.Note = "agreed", "the certificate is self-signed"
	first.Trust, first.TrustNote = model.TrustUntrusted, "no chain leads to a certificate that the account trusts"
	first.Chain = []model.Certificate{certificate("CN=Ana Pop", "CN=Middle, O=An authority"),
		certificate("CN=Middle, O=An authority", "CN=Root of the authority, O=An authority, C=RO")}
	second.Coverage, second.Changed = model.CoverageChanged, []string{"page 2: its content", "page 3: a stamp on it"}
	return model.Document{
		ID: "d7", Account: "sales", Ref: "p-1", Kind: model.SignedDocument, Name: "Contract.pdf", Version: 1,
		State: model.DocumentQuarantined, Reason: "altered after it was signed: page 2 was changed", SHA256: "5f",
		Size: 2048, StoredAt: &at, Path: "quarantine/sales/p-1.pdf",
		Facts: model.SignatureFacts{
			Signature: model.SignatureAltered, Integrity: model.IntegrityIntact, Coverage: model.CoverageChanged,
			Trust: model.TrustUntrusted, Note: "page 2 was changed",
			Signatures: []model.EmbeddedSignature{first, second, stamp},
			File: model.FileFacts{Judge: 1, Changed: []string{"page 2: its content"}, Certification: model.CertificationBroken,
				CertificationLevel: 2, Seal: model.SealOther, Unlisted: 1},
		},
	}
}

func TestADocumentIsShownWhole(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	p := &Printer{Stdout: &b, Now: func() time.Time { return time.Date(2026, 1, 31, 14, 0, 0, 0, time.UTC) }, Terminal: true,
		Width: 80}
	if err := p.PrintDocuments([]model.Document{shownDocument()}); err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(b.String()) {
		if n := len([]rune(strings.TrimRight(line, "\n"))); n > 80 {
			t.Errorf("%d columns: %s", n, line)
		}
	}
	const want = `Contract.pdf  d7

kind           signed
state          quarantined
reason         altered after it was signed: page 2 was changed
signature      altered
               page 2 was changed
integrity      intact
coverage       changed
changed        page 2: its content
certification  broken (level 2: forms and signatures)
trust          untrusted
seal           another than always: see ` + "`" + `countersign documents seals sales` + "`" + `
sha256         5f
size           2 KiB
stored         2026-01-31 12:00:00 UTC (2 h ago)
path           quarantine/sales/p-1.pdf
what to do     look at it in a viewer kept apart, ask the provider, then
               countersign documents retry sales p-1    asks for it again
               countersign documents release sales p-1 d7    keeps it as it is

Signature (1 of 4)
signer        Ana Pop
status        intact
integrity     intact
coverage      extended: form filled by the next signer, 1 more signature, time
              stamp
claimed time  2026-01-31 12:00:00 UTC
proved time   2026-01-31 12:00:00 UTC, by the time stamp of Clock
reason        agreed
algorithm     RSA 2048 with SHA-256
weak          SHA-1
              a key of 1024 bits
note          the certificate is self-signed
trust         untrusted
              no chain leads to a certificate that the account trusts
certificate   CN=Ana Pop
              serial 0a1b, valid 2025-01-31 to 2027-01-31
sha256        abababababababababababababababababababababababababababababababab
issued by     CN=Middle, O=An authority
              issuer CN=Root of the authority, O=An authority, C=RO, whose
              certificate is not in the file
              serial 0a1b, valid 2025-01-31 to 2027-01-31
sha256        abababababababababababababababababababababababababababababababab

Signature (2 of 4)
signer        Signing Service
status        altered
integrity     intact
coverage      changed
changed       page 2: its content
              page 3: a stamp on it
claimed time  2026-01-31 12:00:00 UTC
algorithm     RSA 2048 with SHA-256
trust         unknown

Time stamp (3 of 4)
signer        Clock
status        intact
integrity     intact
coverage      whole
claimed time  2026-01-31 12:00:00 UTC
algorithm     RSA 2048 with SHA-256
trust         unknown
`
	if got := b.String(); got != want {
		t.Errorf("shown:\n%s\n%s", got, cmp.Diff(want, got))
	}
}
