package onespan

import (
	"archive/zip"
	"bytes"
	"fmt"
	"net/http"
	"time"

	"countersign/provider/simulator/world"
	"countersign/provider/simulator/world/life"
	"countersign/provider/simulator/world/pdf"
	"countersign/provider/simulator/world/wire"
)

// evidenceFile is the id that the truth gives to the evidence summary.
const evidenceFile = "evidence"

func (o api) Files(t *world.Transaction) []world.TruthDocument {
	var all []world.TruthDocument
	for _, d := range t.Docs {
		all = append(all, world.TruthDocument{ID: d.ID, Kind: "signed", Name: d.Name, Sealed: d.Sealed})
	}
	return append(all, world.TruthDocument{ID: evidenceFile, Kind: "evidence", Name: "evidence summary.pdf"})
}

// File renders a file of a package: the same bytes each time, once the package is completed.
func (o api) File(t *world.Transaction, s *life.State, id string) []byte {
	at := t.Born
	if !s.Completed.IsZero() {
		at = s.Completed
	}
	p := pdf.File{Title: t.Name, Pages: 2, Filler: uint64(len(t.Ref)) + uint64(t.Born.UnixNano()), At: at}
	switch id {
	case evidenceFile:
		p.Title, p.Lines = "Evidence summary: "+t.Name, append([]string{"Transaction " + t.Ref}, signatures(s, -1)...)
		return o.desk.Render(p)
	case consentDocument:
		p.Title, p.Lines = "Consent", []string{"I agree to sign by electronic means."}
		return o.desk.Render(p)
	}
	for i, d := range t.Docs {
		if d.ID == id {
			p.Title, p.Pages, p.Sealed = t.Name+" / "+d.Name, d.Pages, d.Sealed && !s.Completed.IsZero()
			p.Lines = append([]string{"Transaction " + t.Ref, "Document " + d.ID}, signatures(s, i)...)
			return o.desk.Render(p)
		}
	}
	return nil
}

// signatures says who signed a document when; -1 means all of them.
func signatures(s *life.State, document int) []string {
	var lines []string
	for _, p := range s.People {
		for i, at := range p.Signed {
			if p.Status != "removed" && !at.IsZero() && (document < 0 || document == i) {
				lines = append(lines, fmt.Sprintf("Signed by %s <%s> on %s", p.Name, p.Email, at.UTC().Format(time.RFC1123)))
			}
		}
	}
	return lines
}

// pdf answers for unfinished packages too: a download proves nothing.
func (o api) pdf(c world.Call, t *world.Transaction) wire.Answer {
	id := c.PathValue("doc")
	body := o.File(t, o.current(t), id)
	if body == nil || id == evidenceFile || t.State.Trashed {
		return o.Refuse(http.StatusNotFound, "documentNotFound", "The document could not be found.")
	}
	name := id + ".pdf"
	for _, d := range t.Docs {
		if d.ID == id {
			name = d.Name
		}
	}
	a := wire.Download("application/octet-stream; esl-api-version=11", name, body)
	a.Sent = func() { t.Served[id]++ }
	return o.desk.World.Spoil(o.desk, a, http.StatusNotFound)
}

func (o api) evidence(_ world.Call, t *world.Transaction) wire.Answer {
	if t.State.Trashed {
		return o.Refuse(http.StatusNotFound, "packageNotFound", "The package is in the trash.")
	}
	a := wire.Download("application/pdf; esl-api-version=11", "evidence summary.pdf",
		o.File(t, o.current(t), evidenceFile))
	a.Sent = func() { t.Served[evidenceFile]++ }
	return o.desk.World.Spoil(o.desk, a, http.StatusNotFound)
}

// zip holds every document of a package, the consent too.
func (o api) zip(_ world.Call, t *world.Transaction) wire.Answer {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	ids := []string{consentDocument}
	for _, d := range t.Docs {
		ids = append(ids, d.ID)
	}
	for i, id := range ids {
		name := "consent.pdf"
		if i > 0 {
			name = t.Docs[i-1].Name
		}
		f, err := z.Create(name)
		if err == nil {
			_, err = f.Write(o.File(t, o.current(t), id))
		}
		if err != nil {
			return o.Refuse(http.StatusInternalServerError, "zip", err.Error())
		}
	}
	if err := z.Close(); err != nil {
		return o.Refuse(http.StatusInternalServerError, "zip", err.Error())
	}
	a := wire.Download("application/zip", t.Name+".zip", b.Bytes())
	return o.desk.World.Spoil(o.desk, a, http.StatusNotFound)
}

// current is the state that files are made from; they have no copies that lag.
func (o api) current(t *world.Transaction) *life.State { return &t.State }
