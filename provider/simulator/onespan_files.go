package simulator

import (
	"archive/zip"
	"bytes"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// evidenceFile is the id that the truth gives to the evidence summary.
const evidenceFile = "evidence"

func (o *oneSpan) files(t *transaction) []TruthDocument {
	var all []TruthDocument
	for _, d := range t.docs {
		all = append(all, TruthDocument{ID: d.id, Kind: "signed", Name: d.name, Sealed: d.sealed})
	}
	return append(all, TruthDocument{ID: evidenceFile, Kind: "evidence", Name: "evidence summary.pdf"})
}

// file renders a file of a package: the same bytes each time, once the package is completed.
func (o *oneSpan) file(t *transaction, s *state, id string) []byte {
	at := t.born
	if !s.completed.IsZero() {
		at = s.completed
	}
	p := paper{title: t.name, pages: 2, filler: uint64(len(t.ref)) + uint64(t.born.UnixNano()), at: at}
	switch id {
	case evidenceFile:
		p.title, p.lines = "Evidence summary: "+t.name, append([]string{"Transaction " + t.ref}, signatures(s, -1)...)
		return p.render(o.desk.world.keys)
	case consentDocument:
		p.title, p.lines = "Consent", []string{"I agree to sign by electronic means."}
		return p.render(o.desk.world.keys)
	}
	for i, d := range t.docs {
		if d.id == id {
			p.title, p.pages, p.sealed = t.name+" / "+d.name, d.pages, d.sealed && !s.completed.IsZero()
			p.lines = append([]string{"Transaction " + t.ref, "Document " + d.id}, signatures(s, i)...)
			return p.render(o.desk.world.keys)
		}
	}
	return nil
}

// signatures says who signed a document when; -1 means all of them.
func signatures(s *state, document int) []string {
	var lines []string
	for _, p := range s.people {
		for i, at := range p.signed {
			if p.status != "removed" && !at.IsZero() && (document < 0 || document == i) {
				lines = append(lines, fmt.Sprintf("Signed by %s <%s> on %s", p.name, p.email, at.UTC().Format(time.RFC1123)))
			}
		}
	}
	return lines
}

// pdf answers for unfinished packages too: a download proves nothing.
func (o *oneSpan) pdf(c call, t *transaction) answer {
	id := c.PathValue("doc")
	body := o.file(t, o.current(t), id)
	if body == nil || id == evidenceFile || t.state.trashed {
		return o.refuse(http.StatusNotFound, "documentNotFound", "The document could not be found.")
	}
	name := id + ".pdf"
	for _, d := range t.docs {
		if d.id == id {
			name = d.name
		}
	}
	a := download("application/octet-stream; esl-api-version=11", name, body)
	a.sent = func() { t.served[id]++ }
	return o.desk.world.spoil(o.desk, a, http.StatusNotFound)
}

func (o *oneSpan) evidence(_ call, t *transaction) answer {
	if t.state.trashed {
		return o.refuse(http.StatusNotFound, "packageNotFound", "The package is in the trash.")
	}
	a := download("application/pdf; esl-api-version=11", "evidence summary.pdf", o.file(t, o.current(t), evidenceFile))
	a.sent = func() { t.served[evidenceFile]++ }
	return o.desk.world.spoil(o.desk, a, http.StatusNotFound)
}

// zip holds every document of a package, the consent too.
func (o *oneSpan) zip(_ call, t *transaction) answer {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	ids := []string{consentDocument}
	for _, d := range t.docs {
		ids = append(ids, d.id)
	}
	for i, id := range ids {
		name := "consent.pdf"
		if i > 0 {
			name = t.docs[i-1].name
		}
		f, err := z.Create(name)
		if err == nil {
			_, err = f.Write(o.file(t, o.current(t), id))
		}
		if err != nil {
			return o.refuse(http.StatusInternalServerError, "zip", err.Error())
		}
	}
	if err := z.Close(); err != nil {
		return o.refuse(http.StatusInternalServerError, "zip", err.Error())
	}
	a := download("application/zip", t.name+".zip", b.Bytes())
	return o.desk.world.spoil(o.desk, a, http.StatusNotFound)
}

// current is the state that files are made from; they have no copies that lag.
func (o *oneSpan) current(t *transaction) *state { return &t.state }

func download(contentType, name string, body []byte) answer {
	a := reply(http.StatusOK, contentType, body)
	a.header.Set("Content-Disposition", "attachment; filename*=UTF-8''"+strings.ReplaceAll(url.QueryEscape(name), "+", "%20"))
	return a
}
