package simulator

import (
	"encoding/csv"
	"net/http"
	"slices"
	"strings"
	"time"
)

// reported are the packages of all senders that a report names, by when they were made.
func (o *oneSpan) reported(since, until time.Time, sender, status string) []*transaction {
	var found []*transaction
	for _, t := range o.desk.world.txs {
		s := &t.state
		if t.desk != o.desk || !t.alive() || s.deleted || t.form != "PACKAGE" || !within(t.born, since, until) {
			continue
		}
		fits := status == "" || s.word == status || (status == "TRASHED" && s.trashed)
		if fits && (sender == "" || sender == t.sender.id) {
			found = append(found, t)
		}
	}
	return found
}

// summary answers the transaction summary: whole packages of every sender of the account.
func (o *oneSpan) summary(c call) answer {
	q := c.URL.Query()
	since, until, ok := window(q.Get("startDate"), q.Get("endDate"))
	first, last, ok2 := pageOf(q.Get("from"), q.Get("to"), 100)
	if !ok || !ok2 {
		return o.refuse(http.StatusBadRequest, "validation", "startDate, endDate, from or to is not valid.")
	}
	found := o.reported(since, until, q.Get("senderId"), q.Get("status"))
	content := []any{}
	for _, t := range o.page(found, first, last) {
		t.shown(&t.state, c.now)
		content = append(content, o.packageJSON(t, &t.state, false))
	}
	return replyJSON(http.StatusOK, "application/json", object{"content": content, "totalElements": len(found)})
}

// completion answers the completion report: at most 100 packages, by sender, JSON or CSV.
// A sender is written as the specification draws it and also as the SDKs read it.
func (o *oneSpan) completion(c call) answer {
	q := c.URL.Query()
	since, until, ok := window(q.Get("from"), q.Get("to"))
	if !ok {
		return o.refuse(http.StatusBadRequest, "validation", "from or to is not a time.")
	}
	found := o.reported(since, until, q.Get("senderId"), q.Get("status"))
	found = found[:min(len(found), 100)]
	if strings.Contains(c.Header.Get("Accept"), "text/csv") {
		return reply(http.StatusOK, "text/csv", completionCSV(found))
	}
	senders := []any{}
	for _, p := range append([]person{o.owner}, o.colleagues...) {
		packages := []any{}
		for _, t := range found {
			if t.sender.id == p.id {
				packages = append(packages, o.completionJSON(t))
			}
		}
		s := o.senderJSON(p)
		s["sender"], s["packages"] = o.senderJSON(p), packages
		senders = append(senders, s)
	}
	report := object{"senders": senders}
	if !since.IsZero() {
		report["from"] = since.UTC().Format(time.RFC3339)
	}
	if !until.IsZero() {
		report["to"] = until.UTC().Format(time.RFC3339)
	}
	return replyJSON(http.StatusOK, "application/json", report)
}

func completionCSV(found []*transaction) []byte {
	var b strings.Builder
	w := csv.NewWriter(&b)
	for _, t := range found {
		_ = w.Write([]string{t.ref, t.name, t.state.word, t.oneSpanTime(t.born), t.sender.email}) // a Builder takes all
	}
	w.Flush()
	return []byte(b.String())
}

func (o *oneSpan) reportDetail(c call) answer {
	t := o.desk.byRef[c.PathValue("id")]
	if t == nil || !t.alive() || t.state.deleted {
		return o.refuse(http.StatusNotFound, "packageNotFound", "The package could not be found.")
	}
	return replyJSON(http.StatusOK, "application/json", o.completionJSON(t))
}

// completionJSON is a package in the form of the completion report.
func (o *oneSpan) completionJSON(t *transaction) object {
	s := &t.state
	documents, signers := []any{}, []any{}
	for i, d := range t.docs {
		var dates []time.Time
		whole := true
		for _, p := range s.people {
			switch {
			case p.status == "removed":
			case i < len(p.signed) && !p.signed[i].IsZero():
				dates = append(dates, p.signed[i])
			default:
				whole = false
			}
		}
		documents = append(documents, t.signedSpan(object{"id": d.id, "name": d.name, "completed": whole}, dates))
	}
	for _, p := range s.people {
		if p.status == "removed" {
			continue
		}
		first, last, _ := strings.Cut(p.name, " ")
		dates := slices.DeleteFunc(slices.Clone(p.signed), time.Time.IsZero)
		signers = append(signers, t.signedSpan(object{
			"id": p.id, "email": p.email, "firstName": first, "lastName": last, "completed": p.status == "signed",
		}, dates))
	}
	return object{
		"id": t.ref, "name": t.name, "status": s.word, "created": t.oneSpanTime(t.born), "updated": t.oneSpanTime(s.updated),
		"trashed": s.trashed, "documents": documents, "signers": signers,
	}
}

// signedSpan adds the first and the last of some dates.
func (t *transaction) signedSpan(o object, dates []time.Time) object {
	if len(dates) > 0 {
		o["firstSigned"] = t.oneSpanTime(slices.MinFunc(dates, time.Time.Compare))
		o["lastSigned"] = t.oneSpanTime(slices.MaxFunc(dates, time.Time.Compare))
	}
	return o
}

// audit answers with who did what, from the package's past.
func (o *oneSpan) audit(_ call, t *transaction) answer {
	events := []any{}
	for _, p := range t.state.people {
		for i, at := range p.signed {
			if !at.IsZero() {
				events = append(events, object{
					"type": "Click To Sign", "date-time": t.oneSpanTime(at), "target": t.docs[i].name, "target-type": "Document",
					"user": p.name, "user-email": p.email, "user-ip": "192.0.2.10", "data": "",
				})
			}
		}
	}
	return replyJSON(http.StatusOK, "application/json", object{"package-id": t.ref, "audit-events": events})
}
