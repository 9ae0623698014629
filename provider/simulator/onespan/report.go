package onespan

import (
	"encoding/csv"
	"net/http"
	"slices"
	"strings"
	"time"

	"countersign/provider/simulator/world"
	"countersign/provider/simulator/world/life"
	"countersign/provider/simulator/world/wire"
)

// reported are the packages of all senders that a report names, by when they were made.
func (o api) reported(since, until time.Time, sender, status string) []*world.Transaction {
	var found []*world.Transaction
	for t := range o.desk.Living() {
		s := &t.State
		if s.Deleted || t.Form != "PACKAGE" || !wire.Within(t.Born, since, until) {
			continue
		}
		fits := status == "" || s.Word == status || (status == "TRASHED" && s.Trashed)
		if fits && (sender == "" || sender == t.Sender.ID) {
			found = append(found, t)
		}
	}
	return found
}

// summary answers the transaction summary: whole packages of every sender of the account.
func (o api) summary(c world.Call) wire.Answer {
	q := c.URL.Query()
	since, until, ok := window(q.Get("startDate"), q.Get("endDate"))
	first, last, ok2 := pageOf(q.Get("from"), q.Get("to"), 100)
	if !ok || !ok2 {
		return o.Refuse(http.StatusBadRequest, "validation", "startDate, endDate, from or to is not valid.")
	}
	found := o.reported(since, until, q.Get("senderId"), q.Get("status"))
	content := []any{}
	some, claimed := o.page(found, first, last)
	for _, t := range some {
		t.Shown(&t.State, c.Now)
		content = append(content, o.packageJSON(t, &t.State, false))
	}
	return wire.ReplyJSON(http.StatusOK, "application/json", wire.Object{"content": o.desk.Page(content, "id", "name"),
		"totalElements": claimed})
}

// completion answers the completion report: at most 100 packages, by sender, JSON or CSV.
// A sender is written as the specification draws it and also as the SDKs read it.
func (o api) completion(c world.Call) wire.Answer {
	q := c.URL.Query()
	since, until, ok := window(q.Get("from"), q.Get("to"))
	if !ok {
		return o.Refuse(http.StatusBadRequest, "validation", "from or to is not a time.")
	}
	found := o.reported(since, until, q.Get("senderId"), q.Get("status"))
	found = found[:min(len(found), 100)]
	if strings.Contains(c.Header.Get("Accept"), "text/csv") {
		return wire.Reply(http.StatusOK, "text/csv", completionCSV(found))
	}
	senders := []any{}
	for _, p := range append([]life.Person{o.owner}, o.colleagues...) {
		packages := []any{}
		for _, t := range found {
			if t.Sender.ID == p.ID {
				packages = append(packages, o.completionJSON(t))
			}
		}
		s := o.senderJSON(p)
		s["sender"], s["packages"] = o.senderJSON(p), packages
		senders = append(senders, s)
	}
	report := wire.Object{"senders": senders}
	if !since.IsZero() {
		report["from"] = since.UTC().Format(time.RFC3339)
	}
	if !until.IsZero() {
		report["to"] = until.UTC().Format(time.RFC3339)
	}
	return wire.ReplyJSON(http.StatusOK, "application/json", report)
}

func completionCSV(found []*world.Transaction) []byte {
	var b strings.Builder
	w := csv.NewWriter(&b)
	for _, t := range found {
		_ = w.Write([]string{t.Ref, t.Name, t.State.Word, timeText(t, t.Born), t.Sender.Email}) // a Builder takes all
	}
	w.Flush()
	return []byte(b.String())
}

func (o api) reportDetail(c world.Call) wire.Answer {
	t := o.desk.ByRef[c.PathValue("id")]
	if t == nil || !t.Alive() || t.State.Deleted {
		return o.Refuse(http.StatusNotFound, "packageNotFound", "The package could not be found.")
	}
	return wire.ReplyJSON(http.StatusOK, "application/json", o.completionJSON(t))
}

// completionJSON is a package in the form of the completion report.
func (o api) completionJSON(t *world.Transaction) wire.Object {
	s := &t.State
	documents, signers := []any{}, []any{}
	for i, d := range t.Docs {
		var dates []time.Time
		whole := true
		for _, p := range s.People {
			switch {
			case p.Status == "removed":
			case i < len(p.Signed) && !p.Signed[i].IsZero():
				dates = append(dates, p.Signed[i])
			default:
				whole = false
			}
		}
		documents = append(documents, signedSpan(t, wire.Object{"id": d.ID, "name": d.Name, "completed": whole}, dates))
	}
	for _, p := range s.People {
		if p.Status == "removed" {
			continue
		}
		first, last, _ := strings.Cut(p.Name, " ")
		dates := slices.DeleteFunc(slices.Clone(p.Signed), time.Time.IsZero)
		signers = append(signers, signedSpan(t, wire.Object{
			"id": p.ID, "email": p.Email, "firstName": first, "lastName": last, "completed": p.Status == "signed",
		}, dates))
	}
	return wire.Object{
		"id": t.Ref, "name": t.Name, "status": s.Word, "created": timeText(t, t.Born), "updated": timeText(t, s.Updated),
		"trashed": s.Trashed, "documents": documents, "signers": signers,
	}
}

// signedSpan adds the first and the last of some dates.
func signedSpan(t *world.Transaction, o wire.Object, dates []time.Time) wire.Object {
	if len(dates) > 0 {
		o["firstSigned"] = timeText(t, slices.MinFunc(dates, time.Time.Compare))
		o["lastSigned"] = timeText(t, slices.MaxFunc(dates, time.Time.Compare))
	}
	return o
}

// audit answers with who did what, from the package's past.
func (o api) audit(_ world.Call, t *world.Transaction) wire.Answer {
	events := []any{}
	for _, p := range t.State.People {
		for i, at := range p.Signed {
			if !at.IsZero() {
				events = append(events, wire.Object{
					"type": "Click To Sign", "date-time": timeText(t, at), "target": t.Docs[i].Name, "target-type": "Document",
					"user": p.Name, "user-email": p.Email, "user-ip": "192.0.2.10", "data": "",
				})
			}
		}
	}
	return wire.ReplyJSON(http.StatusOK, "application/json", wire.Object{"package-id": t.Ref, "audit-events": events})
}
