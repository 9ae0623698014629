package documenso

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"countersign/provider/simulator/world"
	"countersign/provider/simulator/world/life"
	"countersign/provider/simulator/world/pdf"
	"countersign/provider/simulator/world/wire"
)

func (x api) Files(t *world.Transaction) []world.TruthDocument {
	var all []world.TruthDocument
	for _, d := range t.Docs {
		all = append(all, world.TruthDocument{ID: d.ID, Kind: "signed", Name: d.Name, Sealed: true,
			Version: x.dataID(t, &t.State, d.ID)})
	}
	return all
}

// File renders an item as it is when sealed, or, before that, as it was sent.
func (x api) File(t *world.Transaction, s *life.State, id string) []byte {
	for _, d := range t.Docs {
		if d.ID == id {
			p := pdf.File{Title: t.Name + " / " + d.Name, Pages: d.Pages, Filler: uint64(t.Born.UnixNano()), At: t.Born,
				Lines: []string{"Envelope " + t.Ref}}
			if s.Word == "COMPLETED" || s.Word == "REJECTED" {
				p.At, p.Sealed, p.Pages = s.Completed, true, d.Pages+1
				p.Lines = append(p.Lines, x.marks(s)...)
			}
			return x.desk.Render(p)
		}
	}
	return nil
}

// marks are what a sealed file shows of who did what.
func (x api) marks(s *life.State) []string {
	var lines []string
	for _, p := range s.People {
		if at := p.DoneAt.UTC().Format(time.RFC1123); p.Status == "signed" {
			lines = append(lines, fmt.Sprintf("Signed by %s <%s> on %s", p.Name, p.Email, at))
		} else if p.Status == "declined" {
			lines = append(lines, fmt.Sprintf("REJECTED by %s <%s> on %s", p.Name, p.Email, at))
		}
	}
	return lines
}

// download gives an item, a certificate or an audit log.
func (x api) download(c world.Call) wire.Answer {
	id, what := c.PathValue("id"), c.PathValue("what")
	if id == "item" {
		return x.item(c, what)
	}
	t, a, ok := x.envelope(id, "")
	switch {
	case what != "certificate" && what != "audit-log":
		return x.fileError(http.StatusNotFound, "Not found", "")
	case !ok && a.Status == http.StatusBadRequest:
		return x.fileError(a.Status, "Invalid envelope ID", "INVALID_BODY")
	case !ok || t.State.Gone || dataOf(t).team != x.team:
		return x.fileError(http.StatusNotFound, "Envelope not found", "")
	case what == "certificate" && !ended(&t.State):
		return x.fileError(http.StatusInternalServerError, "Certificate is only available once the document is complete",
			"DOCUMENT_NOT_COMPLETE")
	}
	p := pdf.File{Title: "Certificate: " + t.Name, Pages: 1, At: t.State.Completed,
		Lines: append([]string{"Envelope " + t.Ref}, x.marks(&t.State)...)}
	if what == "audit-log" { // made afresh each time
		p.Title, p.At = "Audit log: "+t.Name, c.Now
		p.Lines = append(p.Lines, "made at "+c.Now.UTC().Format(time.RFC3339Nano))
	}
	return x.desk.World.Spoil(x.desk, wire.Download("application/pdf", t.Name+" "+what+".pdf", x.desk.Render(p)),
		http.StatusInternalServerError)
}

func ended(s *life.State) bool { return s.Word == "COMPLETED" || s.Word == "REJECTED" }

// item gives one file. Its name says signed whatever is in it.
func (x api) item(c world.Call, id string) wire.Answer {
	version := c.URL.Query().Get("version")
	if !slices.Contains([]string{"", "signed", "original", "pending"}, version) {
		return wire.ReplyJSON(http.StatusBadRequest, "application/json", wire.Object{
			"data": wire.Object{"version": version}, "error": []any{noSuchWord("version", version, "original", "signed",
				"pending")}, "success": false,
		})
	}
	t := x.items[id]
	if t == nil || !t.Alive() || t.State.Gone || dataOf(t).team != x.team {
		return x.fileError(http.StatusNotFound, "Envelope item not found", "")
	}
	s := t.State
	if version == "pending" && s.Word != "PENDING" {
		code := map[string]string{"CANCELLED": "INVALID_REQUEST"}[s.Word]
		if code == "" {
			code = "ENVELOPE_" + s.Word
		}
		return x.fileError(http.StatusBadRequest, "Envelope "+t.Ref+" must be pending to download a partially signed PDF",
			code)
	}
	if version == "original" || version == "pending" {
		s.Word = "PENDING"
	}
	name := t.Docs[slices.IndexFunc(t.Docs, func(d life.Document) bool { return d.ID == id })].Name
	if version != "original" {
		name = strings.TrimSuffix(name, ".pdf") + "_signed.pdf"
	}
	a := wire.Download("application/pdf", name, x.File(t, &s, id))
	a.Header.Set("ETag", pdf.SumOf(a.Body).Hash)
	if s.Word == "COMPLETED" {
		a.Sent = func() { t.Served[id]++ }
	}
	return x.desk.World.Spoil(x.desk, a, http.StatusInternalServerError)
}

// auditLog answers with who did what, the newest first unless asked otherwise.
func (x api) auditLog(c world.Call) wire.Answer {
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
	case t.State.Gone:
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
func (x api) auditEntries(t *world.Transaction) []any {
	all := []any{}
	add := func(at time.Time, kind string, p *life.Person, data wire.Object) {
		e := wire.Object{
			"id": "cm" + pdf.SumOf([]byte(fmt.Sprint(t.Ref, len(all)))).Hash[:23], "createdAt": milliseconds(at),
			"envelopeId": t.Ref, "name": nil, "email": nil,
			"userId": nil, "userAgent": "node", "ipAddress": nil, "type": kind, "data": data,
		}
		if p != nil {
			e["name"], e["email"], e["ipAddress"] = p.Name, p.Email, "192.0.2.10"
			data["recipientEmail"], data["recipientName"], data["recipientId"], data["recipientRole"] = p.Email, p.Name,
				recipientNumber(*p), p.Role
		}
		all = append(all, e)
	}
	old := life.State{}
	for i := range t.Past {
		s := &t.Past[i]
		switch {
		case old.Word == "":
			add(s.At, "DOCUMENT_CREATED", nil, wire.Object{"title": t.Name, "source": wire.Object{"type": "DOCUMENT"}})
		case s.Word == "PENDING" && old.Word == "DRAFT":
			add(s.At, "DOCUMENT_SENT", nil, wire.Object{})
		}
		for j := range s.People {
			p, was := &s.People[j], old.Person(s.People[j].ID)
			if was == nil || was.Status == p.Status {
				continue
			}
			switch p.Status {
			case "viewed":
				add(s.At, "DOCUMENT_VIEWED", p, wire.Object{"accessAuth": []any{}})
				add(s.At, "DOCUMENT_OPENED", p, wire.Object{"accessAuth": []any{}})
			case "signed":
				add(s.At, "DOCUMENT_RECIPIENT_COMPLETED", p, wire.Object{"actionAuth": []any{}})
			case "declined":
				add(s.At, "DOCUMENT_RECIPIENT_REJECTED", p, wire.Object{"reason": p.Reason})
			}
		}
		switch {
		case ended(s) && !s.Completed.Equal(old.Completed):
			add(s.At, "DOCUMENT_COMPLETED", nil, wire.Object{"transactionId": pdf.SumOf([]byte(t.Ref)).Hash[:21]})
		case s.Word == "CANCELLED" && old.Word == "PENDING":
			add(s.At, "DOCUMENT_CANCELLED", nil, wire.Object{"reason": s.Reason})
		}
		old = *s
	}
	return all
}
