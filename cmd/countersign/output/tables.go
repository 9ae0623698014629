package output

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"

	"countersign/cmd/countersign/output/layout"
	"countersign/model"
	"countersign/worker/console/objects"
)

// facts is the head of `show`: what stands in the row itself.
func (p *Printer) facts(r objects.Row, slots map[string]time.Time) *layout.Table {
	t := p.Table()
	add := func(name, value string) {
		if value != "" {
			t.AppendRow(table.Row{p.Name(name), value})
		}
	}
	add("status", p.StatusWords(r.Transaction))
	add("", strings.Join(p.Flags(r.Transaction), ", "))
	add("reason", Plain(r.Reason))
	switch {
	case r.ProviderStatus == "":
		add("provider", r.Provider)
	case r.ConfirmedAt == nil:
		add("provider", p.Say("row.called", "provider", r.Provider, "word", Plain(r.ProviderStatus)))
	default:
		add("provider", p.Say("cli.provider_says", "provider", r.Provider, "status", Plain(r.ProviderStatus)))
	}
	add("own id", Plain(r.ExternalID))
	add("signers", Fraction(r.SignersDone, r.SignersAll))
	add("documents", Fraction(r.DocsStored, r.DocsTotal))
	for _, m := range r.Attention {
		add("attention", p.Paint(Bad, p.attentionWords(m.Kind))+" "+p.attentionRest(r.Signers, m))
	}
	for _, at := range []struct {
		name string
		time *time.Time
	}{{"created", r.CreatedAt}, {"sent", r.SentAt}, {"expires", r.ExpiresAt}, {"changed", &r.ChangedAt}, {"confirmed",
		r.ConfirmedAt}} {
		if at.time != nil && !at.time.IsZero() {
			add(at.name, p.moment(at.time)+" ("+p.Ago(at.time)+")")
		}
	}
	add("asked next", p.due(r.Transaction, slots))
	add("first seen", p.Word("cli.origin", string(r.Origin))+", "+p.Ago(&r.FirstSeenAt))
	if r.TrackedAt != nil {
		add("tracked", p.Say("cli.tracked", "by", Plain(r.TrackedBy), "ago", p.Ago(r.TrackedAt)))
	}
	return t
}

// attentionRest says who, since when and in which words.
func (p *Printer) attentionRest(signers []model.Signer, m model.Attention) string {
	who := Plain(m.Signer)
	for _, s := range signers {
		if s.Ref == m.Signer && s.Name != "" {
			who = Plain(s.Name)
		}
	}
	said := []string{p.Ago(&m.Since)}
	for _, s := range []string{who, Plain(m.Message)} {
		if s != "" {
			said = append(said, s)
		}
	}
	return "(" + strings.Join(said, ", ") + ")"
}

func (p *Printer) signersTable(list []model.Signer) *layout.Table {
	t := p.Table("order", "name", "e-mail", "role", "status", "when", "reason")
	for _, s := range list {
		when := s.SignedAt
		if when == nil {
			when = s.ViewedAt
		}
		at := ""
		if when != nil {
			at = p.Ago(when)
		}
		t.AppendRow(table.Row{s.Order, Plain(s.Name), Plain(s.Email), Plain(s.Role), p.Word("signerstatus", string(s.Status)), at,
			p.Cell(s.Reason, 60)})
	}
	return t
}

// documentsTable lists the documents of one row.
func (p *Printer) documentsTable(list []model.Document) *layout.Table {
	t := p.Table("kind", "name", "state", "signature", "size", "stored", "reason or path")
	for _, d := range list {
		t.AppendRow(append(p.DocumentCells(d), Plain(cmp.Or(d.Reason, d.Path))))
	}
	return t
}

// StateWord is a document's state as people see it.
func (p *Printer) StateWord(s model.DocumentState) string {
	return p.Paint(StateColour(s), p.Word("documentstate", string(s)))
}

// DocumentCells is what is shown of a document everywhere.
func (p *Printer) DocumentCells(d model.Document) table.Row {
	stored, size := "", ""
	if d.StoredAt != nil {
		stored, size = p.Ago(d.StoredAt), p.Bytes(d.Size)
	}
	return table.Row{p.Word("documentkind", string(d.Kind)), p.Cell(DocumentName(d), 40), p.StateWord(d.State),
		p.signatureWord(d.Facts.Signature), size, stored}
}

func (p *Printer) historyTable(r objects.Row) *layout.Table {
	t := p.Table("seq", "when", "what", "change", "by")
	for _, c := range r.History {
		signer, document := nameOf(r, c)
		c.Signer, c.Document = p.Cell(signer, 40), p.Cell(document, 40)
		change := p.ChangeWords(c)
		if c.Kind == model.KindStatus && !c.Confirmed {
			change = p.Say("cli.change.unconfirmed", "change", change)
		}
		t.AppendRow(table.Row{c.Seq, p.Ago(&c.At), p.Word("changekind", string(c.Kind)), change, p.SourceWords(c.Source)})
	}
	return t
}

// nameOf is what people call the signer and the document that a change is about.
func nameOf(r objects.Row, c model.Change) (signer, document string) {
	signer, document = c.Signer, c.Document
	for _, s := range r.Signers {
		if s.Ref == c.Signer && s.Name != "" {
			signer = s.Name
		}
	}
	for _, d := range r.Documents {
		if d.ID == c.Document {
			document = DocumentName(d)
		}
	}
	return signer, document
}

// CallbacksTable lists callbacks; with their rows, where they are not of one row. row is the row that a callback named,
// nil where there is none.
func (p *Printer) CallbacksTable(list []model.Callback, rows bool, row func(
	model.Callback,
) *model.Transaction) *layout.Table {
	heads := table.Row{"id", "came", "type", "verdict", "outcome", "note"}
	if rows {
		heads = append(table.Row{"id", "account", "ref"}, heads[1:]...)
	}
	t := p.Table(heads...)
	for _, c := range list {
		line := table.Row{c.ID, p.Ago(&c.At), p.Cell(c.Type, 40), p.verdictWord(c.Verdict), p.OutcomeWords(c, row(c)), p.Cell(c.Note, 60)}
		if rows {
			line = append(table.Row{c.ID, c.Account, p.Cell(c.Ref, 60)}, line[1:]...)
		}
		t.AppendRow(line)
	}
	return t
}

func (p *Printer) verdictWord(v model.Verdict) string {
	return p.Paint(VerdictColour(v), p.Word("verdict", string(v)))
}

// GapsTable lists gaps; with their rows, where they are not of one row.
func (p *Printer) GapsTable(list []model.Gap, rows bool) *layout.Table {
	heads := table.Row{"found", "change", "gap", "happened", "found by"}
	if rows {
		heads = append(table.Row{"account", "ref"}, heads...)
	}
	t := p.Table(heads...)
	for _, g := range list {
		line := table.Row{p.Ago(&g.FoundAt), p.gapWords(g), p.gapKindWords(g), p.between(g), Plain(g.FoundBy)}
		if rows {
			line = append(table.Row{g.Account, Plain(g.Ref)}, line...)
		}
		t.AppendRow(line)
	}
	return t
}

func (p *Printer) progressTable(list []model.Step) *layout.Table {
	t := p.Table("when", "step")
	for _, s := range list {
		t.AppendRow(table.Row{p.Ago(&s.At), Plain(s.Name)})
	}
	return t
}

// PrintRow prints a transaction with all that belongs to it. slots are its account's next polls, as due takes them.
func (p *Printer) PrintRow(r objects.Row, slots map[string]time.Time) error {
	if err := p.Printf("%s/%s  %s\n\n", r.Account, Plain(r.Ref), Plain(r.Name)); err != nil {
		return err
	}
	if err := p.Print(p.facts(r, slots)); err != nil {
		return err
	}
	for _, part := range []struct {
		title string
		table *layout.Table
	}{
		{p.Say("cli.show.signers"), p.signersTable(r.Signers)},
		{p.Say("cli.show.documents"), p.documentsTable(r.Documents)},
		{p.Say("cli.show.history"), p.historyTable(r)},
		{p.Say("cli.show.callbacks"), p.CallbacksTable(r.Callbacks, false,
			func(model.Callback) *model.Transaction { return &r.Transaction })},
		{p.Say("cli.show.gaps"), p.GapsTable(r.Gaps, false)},
		{p.Say("cli.show.progress"), p.progressTable(r.Progress)},
	} {
		if part.table.Length() == 0 {
			continue
		}
		if err := p.Printf("\n%s\n", part.title); err != nil {
			return err
		}
		if err := p.Print(part.table); err != nil {
			return err
		}
	}
	return nil
}

// PrintCallback prints a callback with headers and body.
func (p *Printer) PrintCallback(c model.Callback) error {
	t := p.Table()
	for _, line := range [][2]string{
		{"callback", c.ID}, {"account", c.Account}, {"ref", Plain(c.Ref)}, {"type", Plain(c.Type)}, {"event",
			Plain(c.EventID)},
		{"came", p.Say("cli.came", "at", c.At.UTC().Format("2006-01-02 15:04:05.000 MST"), "ago", p.Ago(&c.At),
			"from", Plain(c.RemoteAddr))},
		{"verdict", p.verdictWord(c.Verdict)}, {"outcome", p.Word("outcome", string(c.Outcome))}, {"note", Plain(c.Note)},
		{"sha256", c.BodyHash},
	} {
		if line[1] != "" {
			t.AppendRow(table.Row{p.Name(line[0]), line[1]})
		}
	}
	for _, name := range slices.Sorted(maps.Keys(c.Headers)) {
		t.AppendRow(table.Row{p.Name("header"), Plain(name) + ": " + Plain(c.Headers[name])})
	}
	if err := p.Print(t); err != nil {
		return err
	}
	body := string(objects.ShownBody(c))
	switch {
	case c.Body == nil:
		body = p.Say("cli.no_body")
	case p.Terminal:
		body = multiline(body)
	}
	return p.Printf("\n%s\n", strings.TrimRight(body, "\n"))
}
