package simulator

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

func (x *documenso) files(t *transaction) []TruthDocument {
	var all []TruthDocument
	for _, d := range t.docs {
		all = append(all, TruthDocument{ID: d.id, Kind: "signed", Name: d.name, Sealed: true, Version: x.dataID(t, &t.state, d.id)})
	}
	return all
}

// file renders an item as it is when sealed, or, before that, as it was sent.
func (x *documenso) file(t *transaction, s *state, id string) []byte {
	for _, d := range t.docs {
		if d.id == id {
			p := paper{title: t.name + " / " + d.name, pages: d.pages, filler: uint64(t.born.UnixNano()), at: t.born, lines: []string{"Envelope " + t.ref}}
			if s.word == "COMPLETED" || s.word == "REJECTED" {
				p.at, p.sealed, p.pages = s.completed, true, d.pages+1
				p.lines = append(p.lines, x.marks(s)...)
			}
			return p.render(x.desk.world.keys)
		}
	}
	return nil
}

// marks are what a sealed file shows of who did what.
func (x *documenso) marks(s *state) []string {
	var lines []string
	for _, p := range s.people {
		if at := p.doneAt.UTC().Format(time.RFC1123); p.status == "signed" {
			lines = append(lines, fmt.Sprintf("Signed by %s <%s> on %s", p.name, p.email, at))
		} else if p.status == "declined" {
			lines = append(lines, fmt.Sprintf("REJECTED by %s <%s> on %s", p.name, p.email, at))
		}
	}
	return lines
}

// download gives an item, a certificate or an audit log.
func (x *documenso) download(c call) answer {
	id, what := c.PathValue("id"), c.PathValue("what")
	if id == "item" {
		return x.item(c, what)
	}
	t, a, ok := x.envelope(id, "")
	switch {
	case what != "certificate" && what != "audit-log":
		return x.fileError(http.StatusNotFound, "Not found", "")
	case !ok && a.status == http.StatusBadRequest:
		return x.fileError(a.status, "Invalid envelope ID", "INVALID_BODY")
	case !ok || t.state.gone || t.paper.team != x.team:
		return x.fileError(http.StatusNotFound, "Envelope not found", "")
	case what == "certificate" && !ended(&t.state):
		return x.fileError(http.StatusInternalServerError, "Certificate is only available once the document is complete", "DOCUMENT_NOT_COMPLETE")
	}
	p := paper{title: "Certificate: " + t.name, pages: 1, at: t.state.completed, lines: append([]string{"Envelope " + t.ref}, x.marks(&t.state)...)}
	if what == "audit-log" { // made afresh each time
		p.title, p.at = "Audit log: "+t.name, c.now
		p.lines = append(p.lines, "made at "+c.now.UTC().Format(time.RFC3339Nano))
	}
	return x.desk.world.spoil(x.desk, download("application/pdf", t.name+" "+what+".pdf", p.render(x.desk.world.keys)), http.StatusInternalServerError)
}

func ended(s *state) bool { return s.word == "COMPLETED" || s.word == "REJECTED" }

// item gives one file. Its name says signed whatever is in it.
func (x *documenso) item(c call, id string) answer {
	version := c.URL.Query().Get("version")
	if !slices.Contains([]string{"", "signed", "original", "pending"}, version) {
		return replyJSON(http.StatusBadRequest, "application/json", object{
			"data": object{"version": version}, "error": []any{noSuchWord("version", version, "original", "signed", "pending")}, "success": false,
		})
	}
	t := x.items[id]
	if t == nil || !t.alive() || t.state.gone || t.paper.team != x.team {
		return x.fileError(http.StatusNotFound, "Envelope item not found", "")
	}
	s := t.state
	if version == "pending" && s.word != "PENDING" {
		code := map[string]string{"CANCELLED": "INVALID_REQUEST"}[s.word]
		if code == "" {
			code = "ENVELOPE_" + s.word
		}
		return x.fileError(http.StatusBadRequest, "Envelope "+t.ref+" must be pending to download a partially signed PDF", code)
	}
	if version == "original" || version == "pending" {
		s.word = "PENDING"
	}
	name := t.docs[slices.IndexFunc(t.docs, func(d document) bool { return d.id == id })].name
	if version != "original" {
		name = strings.TrimSuffix(name, ".pdf") + "_signed.pdf"
	}
	a := download("application/pdf", name, x.file(t, &s, id))
	a.header.Set("ETag", sumOf(a.body).hash)
	if s.word == "COMPLETED" {
		a.sent = func() { t.served[id]++ }
	}
	return x.desk.world.spoil(x.desk, a, http.StatusInternalServerError)
}

// auditLog answers with who did what, the newest first unless asked otherwise.
func (x *documenso) auditLog(c call) answer {
	const procedure = "envelope.auditLog.find"
	q := c.URL.Query()
	page, size, issue := paging(q, 50)
	if issue == nil {
		issue = listIssue(q)
	}
	if issue != nil {
		return x.invalid(procedure, issue)
	}
	t, a, ok := x.envelope(c.PathValue("id"), procedure)
	switch {
	case !ok:
		return a
	case t.state.gone:
		return x.unknown(procedure)
	}
	entries := x.auditEntries(t)
	if q.Get("orderByDirection") != "asc" {
		slices.Reverse(entries)
	}
	first := min((page-1)*size, len(entries))
	return paged(entries[first:min(first+size, len(entries))], len(entries), page, size)
}

// auditEntries are what an envelope's past shows, the oldest first.
func (x *documenso) auditEntries(t *transaction) []any {
	all := []any{}
	add := func(at time.Time, kind string, p *person, data object) {
		e := object{
			"id": "cm" + sumOf([]byte(fmt.Sprint(t.ref, len(all)))).hash[:23], "createdAt": milliseconds(at), "envelopeId": t.ref, "name": nil, "email": nil,
			"userId": nil, "userAgent": "node", "ipAddress": nil, "type": kind, "data": data,
		}
		if p != nil {
			e["name"], e["email"], e["ipAddress"] = p.name, p.email, "192.0.2.10"
			data["recipientEmail"], data["recipientName"], data["recipientId"], data["recipientRole"] = p.email, p.name, p.number(), p.role
		}
		all = append(all, e)
	}
	old := state{}
	for i := range t.past {
		s := &t.past[i]
		switch {
		case old.word == "":
			add(s.at, "DOCUMENT_CREATED", nil, object{"title": t.name, "source": object{"type": "DOCUMENT"}})
		case s.word == "PENDING" && old.word == "DRAFT":
			add(s.at, "DOCUMENT_SENT", nil, object{})
		}
		for j := range s.people {
			p, was := &s.people[j], old.person(s.people[j].id)
			if was == nil || was.status == p.status {
				continue
			}
			switch p.status {
			case "viewed":
				add(s.at, "DOCUMENT_VIEWED", p, object{"accessAuth": []any{}})
				add(s.at, "DOCUMENT_OPENED", p, object{"accessAuth": []any{}})
			case "signed":
				add(s.at, "DOCUMENT_RECIPIENT_COMPLETED", p, object{"actionAuth": []any{}})
			case "declined":
				add(s.at, "DOCUMENT_RECIPIENT_REJECTED", p, object{"reason": p.reason})
			}
		}
		switch {
		case ended(s) && !s.completed.Equal(old.completed):
			add(s.at, "DOCUMENT_COMPLETED", nil, object{"transactionId": sumOf([]byte(t.ref)).hash[:21]})
		case s.word == "CANCELLED" && old.word == "PENDING":
			add(s.at, "DOCUMENT_CANCELLED", nil, object{"reason": s.reason})
		}
		old = *s
	}
	return all
}
