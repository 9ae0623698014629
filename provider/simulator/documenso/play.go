package documenso

import (
	"math/rand/v2"
	"slices"
	"time"

	"countersign/provider/simulator/world"
	"countersign/provider/simulator/world/chance"
	"countersign/provider/simulator/world/life"
)

const (
	lowercase   = "abcdefghijklmnopqrstuvwxyz"
	cuidLetters = "abcdefghijklmnopqrstuvwxyz0123456789"
)

// newID is an id as Documenso gives to what is no envelope.
func newID(r *rand.Rand) string { return "cm" + chance.Letters(r, 23, cuidLetters) }

// staleRow marks the news whose payload shows when the row was changed before, not now.
const staleRow = "updatedAt as it was"

// Play does one thing to an envelope and says which callbacks that causes.
func (x *service) Play(t *world.Transaction, s life.Step) []life.News {
	st := &t.State
	if t.Form == "TEMPLATE" {
		return x.playTemplate(t, s)
	}
	switch s.Act {
	case "create":
		st.Word, t.Born = "DRAFT", st.Updated
		caused := []life.News{{Kind: "DOCUMENT_CREATED", Tells: []string{"created"}}}
		if dataOf(t).templateID != 0 {
			caused = append(caused, life.News{Kind: "TEMPLATE_USED", Tells: []string{"created"}})
		}
		return caused
	case "send":
		st.Word, st.Sent = "PENDING", st.At
		for i := range st.People {
			st.People[i].Expires = t.Stamp(x.runsOut(t))
		}
		return []life.News{{Kind: "DOCUMENT_SENT", Tells: []string{"status"}}}
	case "seal":
		st.Word, st.Completed, st.Seals = "COMPLETED", st.Updated, 1
		return []life.News{{Kind: "DOCUMENT_COMPLETED", Tells: []string{"status"}}}
	case "reseal":
		st.Completed, st.Seals = st.Updated, st.Seals+1
		clear(t.Sums)
		clear(t.Served)
		return []life.News{{Kind: "DOCUMENT_COMPLETED"}}
	case "reject":
		p := &st.People[s.Who]
		st.Word, st.Completed, st.Seals = "REJECTED", st.Updated, 1
		p.Status, p.DoneAt, p.Reason = "declined", st.Updated, "The price is not what we agreed."
		st.Reason = p.Reason
		return []life.News{{Kind: "DOCUMENT_REJECTED", Tells: []string{"status", "signer"}, Who: p.ID}}
	case "cancel":
		st.Word, st.Completed, st.Reason = "CANCELLED", st.Updated, "Superseded."
		return []life.News{{Kind: "DOCUMENT_CANCELLED", Tells: []string{"status"}, Message: staleRow}}
	case "file":
		x.refile(t)
		return nil
	}
	return x.playEnd(t, s)
}

// refile moves an envelope into a folder, and later into one within that.
func (x *service) refile(t *world.Transaction) {
	i := slices.IndexFunc(x.folders, func(f folder) bool { return f.id == dataOf(t).folder })
	dataOf(t).folder = x.folders[min(i+2, 2)].id
}

// runsOut is when the links run out: at the step that says so, else after three months.
func (x *service) runsOut(t *world.Transaction) time.Time {
	var sum time.Duration
	for _, s := range t.Steps[t.Next:] {
		sum += s.After
		if s.Act == "expire" {
			return t.State.At.Add(x.desk.World.Span(sum-10*time.Minute, 0))
		}
	}
	return t.State.At.AddDate(0, 3, 0)
}

// playEnd is how envelopes vanish, and what moves no updatedAt.
func (x *service) playEnd(t *world.Transaction, s life.Step) []life.News {
	st := &t.State
	switch s.Act {
	case "remove": // an open one leaves no trace
		st.Gone, st.Deleted, st.Updated = true, true, x.before(t)
		return []life.News{{Kind: "DOCUMENT_CANCELLED", Tells: []string{"status", "deleted"}}}
	case "erase":
		if st.Deleted {
			st.Updated = x.before(t)
		} else {
			st.Deleted, st.Erased = true, st.Updated
		}
		return []life.News{{Kind: "DOCUMENT_CANCELLED", Tells: []string{"deleted"}}}
	}
	st.Updated = x.before(t)
	p := &st.People[s.Who]
	mine := []string{"signer"}
	switch s.Act {
	case "view":
		p.ViewedAt = t.Stamp(st.At)
		if p.Status == "waiting" {
			p.Status = "viewed"
		}
		return []life.News{{Kind: "DOCUMENT_OPENED", Tells: mine, Who: p.ID}}
	case "sign":
		p.Status, p.DoneAt = "signed", t.Stamp(st.At)
		return []life.News{
			{Kind: "DOCUMENT_RECIPIENT_COMPLETED", Tells: mine, Who: p.ID},
			{Kind: "DOCUMENT_SIGNED", Tells: mine, Who: p.ID, After: 300 * time.Millisecond},
		}
	case "expire":
		for i := range st.People {
			if q := &st.People[i]; q.Status == "waiting" || q.Status == "viewed" {
				q.Notified = t.Stamp(st.At)
			}
		}
		return []life.News{{Kind: "RECIPIENT_EXPIRED"}}
	case "remind": // a link that ran out, or would, is good for three months again
		for i := range st.People {
			if q := &st.People[i]; q.Status == "waiting" || q.Status == "viewed" {
				q.RemindedAt, q.Notified, q.Expires = t.Stamp(st.At), time.Time{}, t.Stamp(st.At.AddDate(0, 3, 0))
			}
		}
		return []life.News{{Kind: "DOCUMENT_REMINDER_SENT"}}
	}
	return nil
}

// before is the updatedAt that the envelope had before this step.
func (x *service) before(t *world.Transaction) time.Time { return t.Past[len(t.Past)-1].Updated }

// playTemplate is the life of what is no transaction. That a template was created is told when a
// world starts to run.
func (x *service) playTemplate(t *world.Transaction, s life.Step) []life.News {
	st := &t.State
	switch s.Act {
	case "create":
		st.Word, t.Born = "DRAFT", st.Updated
	case "edit":
		t.Name += " v2"
		return []life.News{{Kind: "TEMPLATE_UPDATED"}}
	case "remove":
		st.Gone, st.Deleted, st.Updated = true, true, x.before(t)
		return []life.News{{Kind: "TEMPLATE_DELETED"}}
	}
	return nil
}
