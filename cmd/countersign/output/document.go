package output

import (
	"fmt"
	"strconv"
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
			if err := p.Printf("\n%s\n", p.headOf(n, len(all)+d.Facts.File.Unlisted, s)); err != nil {
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
func (p Speech) headOf(n, of int, s model.EmbeddedSignature) string {
	if s.Kind == "timestamp" {
		return p.Say("cli.document.timestamp", "n", n+1, "of", of)
	}
	return p.Say("cli.document.signature", "n", n+1, "of", of)
}

// facts are lines of what is known: a name and a value each. What is empty is left out.
type facts struct {
	*layout.Table
	name func(string) string
}

func (f facts) add(name, value string) {
	if value != "" {
		f.AppendRow(table.Row{f.name(name), value})
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
	t := facts{p.Table(), p.Name}
	f := d.Facts
	t.add("kind", p.Word("documentkind", string(d.Kind)))
	t.add("state", p.StateWord(d.State))
	t.add("reason", Plain(d.Reason))
	t.add("signature", p.signatureWord(f.Signature))
	t.add("", Plain(f.Note))
	t.add("integrity", p.Word("integrity", string(f.Integrity)))
	t.add("coverage", p.covers(f.Coverage, f.File.Added, nil))
	t.each("changed", f.File.Changed)
	t.add("certification", p.certificationWords(f.File))
	t.add("trust", p.Word("trust", string(f.Trust)))
	t.add("seal", p.sealWords(d))
	t.add("sha256", d.SHA256)
	if d.StoredAt != nil {
		t.add("size", p.Bytes(d.Size))
		t.add("stored", p.moment(d.StoredAt)+" ("+p.Ago(d.StoredAt)+")")
	}
	t.add("path", Plain(d.Path))
	if d.State == model.DocumentQuarantined {
		t.add("what to do", p.Say("cli.document.look"))
		t.add("", fmt.Sprintf("countersign documents retry %s %s    %s", d.Account, Plain(d.Ref), p.Say("cli.document.retry")))
		t.add("", fmt.Sprintf("countersign documents release %s %s %s    %s", d.Account, Plain(d.Ref), d.ID,
			p.Say("cli.document.release")))
	}
	return t.Table
}

// signatureFacts is all that is known of a signature. later are those that follow it.
func (p *Printer) signatureFacts(s model.EmbeddedSignature, later []model.EmbeddedSignature) *layout.Table {
	t := facts{p.Table(), p.Name}
	t.add("signer", Plain(s.Signer))
	t.add("status", p.signatureWord(s.Status()))
	t.add("integrity", p.Word("integrity", string(s.Integrity)))
	t.add("coverage", p.covers(s.Coverage, s.Added, later))
	t.each("changed", s.Changed)
	t.add("claimed time", p.moment(s.Time))
	if s.ProvedTime != nil {
		t.add("proved time", p.Say("cli.document.proved", "at", p.moment(s.ProvedTime), "by", Plain(s.ProvedBy)))
	}
	t.add("reason", Plain(s.Reason))
	t.add("algorithm", Plain(s.Algorithm))
	t.each("weak", s.Weaknesses)
	t.add("note", Plain(s.Note))
	t.add("trust", p.Word("trust", string(s.Trust)))
	t.add("", Plain(s.TrustNote))
	for i, c := range s.Chain {
		t.add([]string{"certificate", "issued by"}[min(i, 1)], Plain(c.Subject))
		if i == len(s.Chain)-1 && c.Issuer != c.Subject {
			t.add("", p.Say("cli.document.issuer", "issuer", Plain(c.Issuer)))
		}
		t.add("", p.Say("cli.document.serial", "serial", Plain(c.Serial), "from", day(c.NotBefore), "to",
			day(c.NotAfter)))
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
	word := p.Word("signature", string(s))
	if s == model.SignatureAltered {
		return p.Paint(Bad, word)
	}
	return word
}

// covers is the word of coverage with what was added. later are the signatures that follow; nil where that says nothing.
func (p Speech) covers(c model.Coverage, added []model.Addition, later []model.EmbeddedSignature) string {
	var said []string
	for _, a := range added {
		said = append(said, p.additionWords(a, later))
	}
	if len(said) == 0 {
		return p.Word("coverage", string(c))
	}
	return p.Word("coverage", string(c)) + ": " + strings.Join(said, ", ")
}

// additionWords says what was added, with the number of signatures where it is known.
func (p Speech) additionWords(a model.Addition, later []model.EmbeddedSignature) string {
	signatures := 0
	for _, s := range later {
		if s.Kind != "timestamp" {
			signatures++
		}
	}
	if a == model.AddedSignature && signatures > 0 {
		return p.CountOf("cli.document.more_signatures", signatures)
	}
	return p.Word("cli.added", string(a))
}

// certificationWords says what a certification allows, and whether that was kept; "" where there is none.
func (p Speech) certificationWords(f model.FileFacts) string {
	if f.Certification == "" || f.Certification == model.CertificationNone {
		return ""
	}
	word, level := p.Word("cli.certification", string(f.Certification)), strconv.Itoa(f.CertificationLevel)
	allows := p.Word("cli.certified", level)
	if allows == level {
		return word
	}
	return p.Say("cli.document.certified", "certification", word, "level", level, "allows", allows)
}

// sealWords says how a document's seal compares with those of others.
func (p *Printer) sealWords(d model.Document) string {
	switch d.Facts.File.Seal {
	case model.SealOther:
		return p.Say("cli.sealed.other", "other", p.Paint(Bad, p.Say("cli.sealed.another")), "account", d.Account)
	case model.SealRenewed:
		return p.Say("cli.sealed.renewed")
	case model.SealNew:
		return p.Say("cli.sealed.new")
	case model.SealVaries:
		return p.Say("cli.sealed.varies")
	}
	return p.Word("cli.seal", string(d.Facts.File.Seal))
}
