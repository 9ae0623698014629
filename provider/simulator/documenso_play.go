package simulator

import (
	"math/rand/v2"
	"slices"
	"time"
)

const (
	lowercase   = "abcdefghijklmnopqrstuvwxyz"
	cuidLetters = "abcdefghijklmnopqrstuvwxyz0123456789"
)

// documensoID is an id as Documenso gives to what is no envelope.
func documensoID(r *rand.Rand) string { return "cm" + letters(r, 23, cuidLetters) }

// staleRow marks the news whose payload shows when the row was changed before, not now.
const staleRow = "updatedAt as it was"

// play does one thing to an envelope and says which callbacks that causes.
func (x *documenso) play(t *transaction, s step) []news {
	st := &t.state
	if t.form == "TEMPLATE" {
		return x.playTemplate(t, s)
	}
	switch s.act {
	case "create":
		st.word, t.born = "DRAFT", st.updated
		told := []news{{kind: "DOCUMENT_CREATED", tells: []string{"created"}}}
		if t.paper.templateID != 0 {
			told = append(told, news{kind: "TEMPLATE_USED", tells: []string{"created"}})
		}
		return told
	case "send":
		st.word, st.sent = "PENDING", st.at
		for i := range st.people {
			st.people[i].expires = t.stamp(x.runsOut(t))
		}
		return []news{{kind: "DOCUMENT_SENT", tells: []string{"status"}}}
	case "seal":
		st.word, st.completed, st.seals = "COMPLETED", st.updated, 1
		return []news{{kind: "DOCUMENT_COMPLETED", tells: []string{"status"}}}
	case "reseal":
		st.completed, st.seals = st.updated, st.seals+1
		clear(t.sums)
		clear(t.served)
		return []news{{kind: "DOCUMENT_COMPLETED"}}
	case "reject":
		p := &st.people[s.who]
		st.word, st.completed, st.seals = "REJECTED", st.updated, 1
		p.status, p.doneAt, p.reason = "declined", st.updated, "The price is not what we agreed."
		st.reason = p.reason
		return []news{{kind: "DOCUMENT_REJECTED", tells: []string{"status", "signer"}, who: p.id}}
	case "cancel":
		st.word, st.completed, st.reason = "CANCELLED", st.updated, "Superseded."
		return []news{{kind: "DOCUMENT_CANCELLED", tells: []string{"status"}, message: staleRow}}
	case "file":
		x.refile(t)
		return nil
	}
	return x.playEnd(t, s)
}

// refile moves an envelope into a folder, and later into one within that.
func (x *documenso) refile(t *transaction) {
	i := slices.IndexFunc(x.folders, func(f documensoFolder) bool { return f.id == t.paper.folder })
	t.paper.folder = x.folders[min(i+2, 2)].id
}

// runsOut is when the links run out: at the step that says so, else after three months.
func (x *documenso) runsOut(t *transaction) time.Time {
	var sum time.Duration
	for _, s := range t.steps[t.next:] {
		sum += s.after
		if s.act == "expire" {
			return t.state.at.Add(x.desk.world.span(sum-10*time.Minute, 0))
		}
	}
	return t.state.at.AddDate(0, 3, 0)
}

// playEnd is how envelopes vanish, and what moves no updatedAt.
func (x *documenso) playEnd(t *transaction, s step) []news {
	st := &t.state
	switch s.act {
	case "remove": // an open one leaves no trace
		st.gone, st.deleted, st.updated = true, true, x.before(t)
		return []news{{kind: "DOCUMENT_CANCELLED", tells: []string{"status", "deleted"}}}
	case "erase":
		if st.deleted {
			st.updated = x.before(t)
		} else {
			st.deleted, st.erased = true, st.updated
		}
		return []news{{kind: "DOCUMENT_CANCELLED", tells: []string{"deleted"}}}
	}
	st.updated = x.before(t)
	p := &st.people[s.who]
	mine := []string{"signer"}
	switch s.act {
	case "view":
		p.viewedAt = t.stamp(st.at)
		if p.status == "waiting" {
			p.status = "viewed"
		}
		return []news{{kind: "DOCUMENT_OPENED", tells: mine, who: p.id}}
	case "sign":
		p.status, p.doneAt = "signed", t.stamp(st.at)
		return []news{
			{kind: "DOCUMENT_RECIPIENT_COMPLETED", tells: mine, who: p.id},
			{kind: "DOCUMENT_SIGNED", tells: mine, who: p.id, after: 300 * time.Millisecond},
		}
	case "expire":
		for i := range st.people {
			if q := &st.people[i]; q.status == "waiting" || q.status == "viewed" {
				q.notified = t.stamp(st.at)
			}
		}
		return []news{{kind: "RECIPIENT_EXPIRED"}}
	case "remind": // a link that ran out, or would, is good for three months again
		for i := range st.people {
			if q := &st.people[i]; q.status == "waiting" || q.status == "viewed" {
				q.remindedAt, q.notified, q.expires = t.stamp(st.at), time.Time{}, t.stamp(st.at.AddDate(0, 3, 0))
			}
		}
		return []news{{kind: "DOCUMENT_REMINDER_SENT"}}
	}
	return nil
}

// before is the updatedAt that the envelope had before this step.
func (x *documenso) before(t *transaction) time.Time { return t.past[len(t.past)-1].updated }

// playTemplate is the life of what is no transaction. That a template was created is told when a
// world starts to run.
func (x *documenso) playTemplate(t *transaction, s step) []news {
	st := &t.state
	switch s.act {
	case "create":
		st.word, t.born = "DRAFT", st.updated
	case "edit":
		t.name += " v2"
		return []news{{kind: "TEMPLATE_UPDATED"}}
	case "remove":
		st.gone, st.deleted, st.updated = true, true, x.before(t)
		return []news{{kind: "TEMPLATE_DELETED"}}
	}
	return nil
}
