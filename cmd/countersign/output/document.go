package output

import (
	"fmt"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"

	"countersign/cmd/countersign/output/layout"
	"countersign/model"
)

// PrintDocuments prints all that is known of each document.
func (p *Printer) PrintDocuments(list []model.Document) error {
	for i, d := range list {
		if i > 0 {
			if err := p.Printf("\n"); err != nil {
				return err
			}
		}
		if err := p.Printf("%s  %s\n\n", Plain(DocumentName(d)), Plain(d.ID)); err != nil {
			return err
		}
		if err := p.Print(p.documentFacts(d)); err != nil {
			return err
		}
		all := d.Facts.Signatures
		for n, s := range all {
			if err := p.Printf("\n%s\n", headOf(n, len(all)+d.Facts.File.Unlisted, s)); err != nil {
				return err
			}
			if err := p.Print(p.signatureFacts(s, all[n+1:])); err != nil {
				return err
			}
		}
	}
	return nil
}

// headOf names a signature by its place. Where some are not listed, the last that is listed is the last of all.
func headOf(n, of int, s model.EmbeddedSignature) string {
	what := "Signature"
	if s.Kind == "timestamp" {
		what = "Time stamp"
	}
	return fmt.Sprintf("%s (%d of %d)", what, n+1, of)
}

// facts are lines of what is known: a name and a value each. What is empty is left out.
type facts struct{ *layout.Table }

func (f facts) add(name, value string) {
	if value != "" {
		f.AppendRow(table.Row{name, value})
	}
}

// each adds a line for each text, the name beside the first.
func (f facts) each(name string, texts []string) {
	for _, text := range texts {
		f.add(name, Plain(text))
		name = ""
	}
}

func (p *Printer) documentFacts(d model.Document) *layout.Table {
	t := facts{p.Table()}
	f := d.Facts
	t.add("kind", string(d.Kind))
	t.add("state", p.Paint(StateColour(d.State), string(d.State)))
	t.add("reason", Plain(d.Reason))
	t.add("signature", p.signatureWord(f.Signature))
	t.add("", Plain(f.Note))
	t.add("integrity", string(f.Integrity))
	t.add("coverage", covers(f.Coverage, f.File.Added, nil))
	t.each("changed", f.File.Changed)
	t.add("certification", certificationWords(f.File))
	t.add("trust", string(f.Trust))
	t.add("seal", p.sealWords(d))
	t.add("sha256", d.SHA256)
	if d.StoredAt != nil {
		t.add("size", BytesShown(d.Size))
		t.add("stored", p.moment(d.StoredAt)+" ("+p.Ago(d.StoredAt)+")")
	}
	t.add("path", Plain(d.Path))
	if d.State == model.DocumentQuarantined {
		t.add("what to do", "look at it in a viewer kept apart, ask the provider, then")
		t.add("", fmt.Sprintf("countersign documents retry %s %s    asks for it again", d.Account, Plain(d.Ref)))
		t.add("", fmt.Sprintf("countersign documents release %s %s %s    keeps it as it is", d.Account, Plain(d.Ref), d.ID))
	}
	return t.Table
}

// signatureFacts is all that is known of a signature. later are those that follow it.
func (p *Printer) signatureFacts(s model.EmbeddedSignature, later []model.EmbeddedSignature) *layout.Table {
	t := facts{p.Table()}
	t.add("signer", Plain(s.Signer))
	t.add("status", p.signatureWord(s.Status()))
	t.add("integrity", string(s.Integrity))
	t.add("coverage", covers(s.Coverage, s.Added, later))
	t.each("changed", s.Changed)
	t.add("claimed time", p.moment(s.Time))
	if s.ProvedTime != nil {
		t.add("proved time", p.moment(s.ProvedTime)+", by the time stamp of "+Plain(s.ProvedBy))
	}
	t.add("reason", Plain(s.Reason))
	t.add("algorithm", Plain(s.Algorithm))
	t.each("weak", s.Weaknesses)
	t.add("note", Plain(s.Note))
	t.add("trust", string(s.Trust))
	t.add("", Plain(s.TrustNote))
	for i, c := range s.Chain {
		t.add([]string{"certificate", "issued by"}[min(i, 1)], Plain(c.Subject))
		if i == len(s.Chain)-1 && c.Issuer != c.Subject {
			t.add("", "issuer "+Plain(c.Issuer)+", whose certificate is not in the file")
		}
		t.add("", fmt.Sprintf("serial %s, valid %s to %s", Plain(c.Serial), day(c.NotBefore), day(c.NotAfter)))
		t.add("sha256", Plain(c.SHA256))
	}
	return t.Table
}

func (p *Printer) moment(t *time.Time) string {
	if t == nil {
		return ""
	}
	return t.UTC().Format("2006-01-02 15:04:05 MST")
}

func day(t *time.Time) string {
	if t == nil {
		return "?"
	}
	return t.UTC().Format("2006-01-02")
}

// signatureWord is the word as people see it.
func (p *Printer) signatureWord(s model.Signature) string {
	if s == model.SignatureAltered {
		return p.Paint(Bad, string(s))
	}
	return string(s)
}

// covers is the word of coverage with what was added. later are the signatures that follow; nil where that says nothing.
func covers(c model.Coverage, added []model.Addition, later []model.EmbeddedSignature) string {
	var said []string
	for _, a := range added {
		said = append(said, additionWords(a, later))
	}
	if len(said) == 0 {
		return string(c)
	}
	return string(c) + ": " + strings.Join(said, ", ")
}

// additionWords says what was added, with the number of signatures where it is known.
func additionWords(a model.Addition, later []model.EmbeddedSignature) string {
	signatures := 0
	for _, s := range later {
		if s.Kind != "timestamp" {
			signatures++
		}
	}
	switch {
	case a == model.AddedSignature && signatures > 0:
		return Count(signatures, "more signature")
	case a == model.AddedSignature:
		return "a further signature"
	}
	words := map[model.Addition]string{
		model.AddedValidation: "validation data", model.AddedTimestamp: "time stamp",
		model.AddedForm: "form filled by the next signer", model.AddedComment: "comments", model.AddedMetadata: "metadata",
		model.AddedNothing: "a revision that changes nothing",
	}
	if w := words[a]; w != "" {
		return w
	}
	return Plain(string(a))
}

// certificationWords says what a certification allows, and whether that was kept; "" where there is none.
func certificationWords(f model.FileFacts) string {
	if f.Certification == "" || f.Certification == model.CertificationNone {
		return ""
	}
	allows := map[int]string{1: "no changes", 2: "forms and signatures", 3: "forms, signatures and comments"}[f.CertificationLevel]
	if allows == "" {
		return string(f.Certification)
	}
	return fmt.Sprintf("%s (level %d: %s)", f.Certification, f.CertificationLevel, allows)
}

// sealWords says how a document's seal compares with those of others.
func (p *Printer) sealWords(d model.Document) string {
	switch d.Facts.File.Seal {
	case model.SealOther:
		return p.Paint(Bad, "another") + " than always: see `countersign documents seals " + d.Account + "`"
	case model.SealRenewed:
		return "renewed: another key of the same owner, by the same issuer"
	case model.SealNew:
		return "new: too few came before to compare with"
	case model.SealVaries:
		return "varies: many seal this account's files"
	}
	return string(d.Facts.File.Seal)
}
