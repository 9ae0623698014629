package main

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"

	"countersign/model"
	"countersign/model/store"
)

// facts is the head of `show`: what stands in the row itself.
func (p *Printer) facts(r row, slots map[string]time.Time) table.Writer {
	t := p.table()
	add := func(name, value string) {
		if value != "" {
			t.AppendRow(table.Row{name, value})
		}
	}
	add("status", p.standing(r.Transaction))
	add("", strings.Join(p.flags(r.Transaction), ", "))
	add("reason", plain(r.Reason))
	add("provider", strings.TrimSuffix(r.Provider+" says "+plain(r.ProviderStatus), " says "))
	add("own id", plain(r.ExternalID))
	add("signers", share(r.SignersDone, r.SignersAll))
	add("documents", share(r.DocsStored, r.DocsTotal))
	for _, m := range r.Attention {
		add("attention", p.paint(evil, attentionWords(m.Kind))+" "+p.attentionRest(r.Signers, m))
	}
	for _, at := range []struct {
		name string
		time *time.Time
	}{{"created", r.CreatedAt}, {"sent", r.SentAt}, {"expires", r.ExpiresAt}, {"changed", &r.ChangedAt}, {"confirmed", r.ConfirmedAt}} {
		if at.time != nil && !at.time.IsZero() {
			add(at.name, at.time.UTC().Format("2006-01-02 15:04:05 MST")+" ("+p.ago(at.time)+")")
		}
	}
	add("asked next", p.due(r.Transaction, slots))
	add("first seen", originWords(r.Origin)+", "+p.ago(&r.FirstSeenAt))
	return t
}

// attentionRest says who, since when and in which words.
func (p *Printer) attentionRest(signers []model.Signer, m model.Attention) string {
	who := plain(m.Signer)
	for _, s := range signers {
		if s.Ref == m.Signer && s.Name != "" {
			who = plain(s.Name)
		}
	}
	said := []string{p.ago(&m.Since)}
	for _, s := range []string{who, plain(m.Message)} {
		if s != "" {
			said = append(said, s)
		}
	}
	return "(" + strings.Join(said, ", ") + ")"
}

func (p *Printer) signersTable(list []model.Signer) table.Writer {
	t := p.table("order", "name", "e-mail", "role", "status", "when", "reason")
	for _, s := range list {
		when := s.SignedAt
		if when == nil {
			when = s.ViewedAt
		}
		at := ""
		if when != nil {
			at = p.ago(when)
		}
		t.AppendRow(table.Row{s.Order, plain(s.Name), plain(s.Email), plain(s.Role), string(s.Status), at, short(s.Reason, 60)})
	}
	return t
}

// documentsTable lists the documents of one row.
func (p *Printer) documentsTable(list []model.Document) table.Writer {
	t := p.table("kind", "name", "state", "signature", "size", "stored", "")
	for _, d := range list {
		t.AppendRow(append(p.documentCells(d), plain(cmp.Or(d.Reason, d.Path))))
	}
	return t
}

// documentCells is what is shown of a document everywhere.
func (p *Printer) documentCells(d model.Document) table.Row {
	stored, size := "", ""
	if d.StoredAt != nil {
		stored, size = p.ago(d.StoredAt), bytesShown(d.Size)
	}
	return table.Row{string(d.Kind), short(documentName(d), 40), p.paint(stateColour(d.State), string(d.State)), p.signatureWord(d.Facts.Signature), size, stored}
}

func (p *Printer) documentFacts(d model.Document) table.Writer {
	t := p.table()
	add := func(name, value string) {
		if value != "" {
			t.AppendRow(table.Row{name, value})
		}
	}
	add("kind", string(d.Kind))
	add("state", p.paint(stateColour(d.State), string(d.State)))
	add("reason", plain(d.Reason))
	add("signature", p.signatureWord(d.Facts.Signature))
	add("", plain(d.Facts.Note))
	add("integrity", string(d.Facts.Integrity))
	add("coverage", string(d.Facts.Coverage))
	add("trust", string(d.Facts.Trust))
	add("sha256", d.SHA256)
	if d.StoredAt != nil {
		add("size", bytesShown(d.Size))
		add("stored", d.StoredAt.UTC().Format("2006-01-02 15:04:05 MST")+" ("+p.ago(d.StoredAt)+")")
	}
	add("path", plain(d.Path))
	return t
}

// signatureWord is the word as people see it.
func (p *Printer) signatureWord(s model.Signature) string {
	if s == model.SignatureAltered {
		return p.paint(evil, string(s))
	}
	return string(s)
}

func (p *Printer) signaturesTable(list []model.EmbeddedSignature) table.Writer {
	t := p.table("what", "signer", "says it was made", "reason", "integrity", "coverage", "")
	for _, s := range list {
		at := ""
		if s.Time != nil {
			at = s.Time.UTC().Format("2006-01-02 15:04:05 MST")
		}
		t.AppendRow(table.Row{s.Kind, short(s.Signer, 40), at, short(s.Reason, 40), string(s.Integrity), string(s.Coverage), plain(s.Note)})
	}
	return t
}

func (p *Printer) historyTable(list []model.Change) table.Writer {
	t := p.table("seq", "when", "what", "change", "by")
	for _, c := range list {
		change := changeWords(c)
		if c.Kind == model.KindStatus && !c.Confirmed {
			change += " (a callback says)"
		}
		t.AppendRow(table.Row{c.Seq, p.ago(&c.At), string(c.Kind), change, plain(c.Source)})
	}
	return t
}

// callbacksTable lists callbacks; with their rows, where they are not of one row.
func (p *Printer) callbacksTable(list []model.Callback, rows bool) table.Writer {
	heads := table.Row{"id", "came", "type", "verdict", "outcome", "note"}
	if rows {
		heads = append(table.Row{"id", "account", "ref"}, heads[1:]...)
	}
	t := p.table(heads...)
	for _, c := range list {
		verdict := p.paint(verdictColour(c.Verdict), string(c.Verdict))
		line := table.Row{c.ID, p.ago(&c.At), short(c.Type, 40), verdict, string(c.Outcome), short(c.Note, 60)}
		if rows {
			line = append(table.Row{c.ID, c.Account, short(c.Ref, 60)}, line[1:]...)
		}
		t.AppendRow(line)
	}
	return t
}

// gapsTable lists gaps; with their rows, where they are not of one row.
func (p *Printer) gapsTable(list []model.Gap, rows bool) table.Writer {
	heads := table.Row{"found", "change", "gap", "happened between", "found by"}
	if rows {
		heads = append(table.Row{"account", "ref"}, heads...)
	}
	t := p.table(heads...)
	for _, g := range list {
		line := table.Row{p.ago(&g.FoundAt), gapWords(g), gapKindWords(g), between(g), plain(g.FoundBy)}
		if rows {
			line = append(table.Row{g.Account, plain(g.Ref)}, line...)
		}
		t.AppendRow(line)
	}
	return t
}

func (p *Printer) progressTable(list []store.Step) table.Writer {
	t := p.table("when", "step")
	for _, s := range list {
		t.AppendRow(table.Row{p.ago(&s.At), plain(s.Name)})
	}
	return t
}

// printRow prints a transaction with all that belongs to it. slots are its account's next polls, as due takes them.
func (p *Printer) printRow(r row, slots map[string]time.Time) error {
	if err := p.printf("%s/%s  %s\n\n", r.Account, plain(r.Ref), plain(r.Name)); err != nil {
		return err
	}
	if err := p.print(p.facts(r, slots)); err != nil {
		return err
	}
	for _, part := range []struct {
		title string
		table table.Writer
	}{
		{"Signers", p.signersTable(r.Signers)},
		{"Documents", p.documentsTable(r.documents)},
		{"History", p.historyTable(r.history)},
		{"Callbacks", p.callbacksTable(r.callbacks, false)},
		{"Gaps", p.gapsTable(r.gaps, false)},
		{"Progress (as browsers told, not checked)", p.progressTable(r.progress)},
	} {
		if part.table.Length() == 0 {
			continue
		}
		if err := p.printf("\n%s\n", part.title); err != nil {
			return err
		}
		if err := p.print(part.table); err != nil {
			return err
		}
	}
	return nil
}

func (p *Printer) printCallback(c model.Callback) error {
	t := p.table()
	for _, line := range [][2]string{
		{"callback", c.ID}, {"account", c.Account}, {"ref", plain(c.Ref)}, {"type", plain(c.Type)}, {"event", plain(c.EventID)},
		{"came", c.At.UTC().Format("2006-01-02 15:04:05.000 MST") + " (" + p.ago(&c.At) + ") from " + plain(c.RemoteAddr)},
		{"verdict", p.paint(verdictColour(c.Verdict), string(c.Verdict))}, {"outcome", string(c.Outcome)}, {"note", plain(c.Note)},
		{"sha256", c.BodyHash},
	} {
		if line[1] != "" {
			t.AppendRow(table.Row{line[0], line[1]})
		}
	}
	for _, name := range slices.Sorted(maps.Keys(c.Headers)) {
		t.AppendRow(table.Row{"header", plain(name) + ": " + plain(c.Headers[name])})
	}
	if err := p.print(t); err != nil {
		return err
	}
	body := string(shownBody(c))
	switch {
	case c.Body == nil:
		body = "(no body)"
	case p.terminal:
		body = multiline(body)
	}
	return p.printf("\n%s\n", strings.TrimRight(body, "\n"))
}

func (p *Printer) printDocuments(list []model.Document) error {
	for i, d := range list {
		if i > 0 {
			if err := p.printf("\n"); err != nil {
				return err
			}
		}
		if err := p.printf("%s  %s\n\n", plain(documentName(d)), plain(d.ID)); err != nil {
			return err
		}
		if err := p.print(p.documentFacts(d)); err != nil {
			return err
		}
		if len(d.Facts.Signatures) == 0 {
			continue
		}
		if err := p.printf("\nSignatures\n"); err != nil {
			return err
		}
		if err := p.print(p.signaturesTable(d.Facts.Signatures)); err != nil {
			return err
		}
	}
	return nil
}
