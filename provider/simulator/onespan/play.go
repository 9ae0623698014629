package onespan

import (
	"time"

	"countersign/provider/simulator/world"
	"countersign/provider/simulator/world/chance"
	"countersign/provider/simulator/world/life"
)

// Play does one thing to a package and says which callbacks that causes.
func (o *service) Play(t *world.Transaction, s life.Step) []life.News {
	st := &t.State
	switch s.Act {
	case "view", "consent", "begin", "sign":
		return o.playSigner(t, s)
	case "lock", "unlock", "kba_fail", "kba_pass", "bounce", "reassign", "attach", "help":
		return o.playTrouble(t, s)
	case "create":
		st.Word, t.Born = "DRAFT", st.At
		if t.Form != "PACKAGE" {
			return nil // a new world tells of its templates when it starts to run
		}
		return []life.News{{Kind: "PACKAGE_CREATE", Tells: []string{"created"}}}
	case "send":
		st.Word, st.Sent = "SENT", st.At
		if st.Due.IsZero() {
			st.Due = t.Stamp(st.At.Add(o.desk.World.Span(o.untilDue(t), time.Second)))
		}
		return []life.News{{Kind: "PACKAGE_ACTIVATE", Tells: []string{"status"}}}
	case "deactivate":
		st.Word = "DRAFT"
		return []life.News{{Kind: "PACKAGE_DEACTIVATE", Tells: []string{"status"}}}
	case "decline":
		p := &st.People[s.Who]
		st.Word, p.Status, p.Reason = "DECLINED", "declined", "The price is not what we agreed."
		st.Reason = p.Reason
		return []life.News{{Kind: "PACKAGE_DECLINE", Tells: []string{"status", "signer"}, Who: p.ID, Message: p.Reason}}
	case "opt_out":
		p := &st.People[s.Who] // who opts out declines to sign here
		st.Word, p.Status, p.Reason = "OPTED_OUT", "declined", "I sign on paper only."
		st.Reason = p.Reason
		return []life.News{{Kind: "PACKAGE_OPT_OUT", Tells: []string{"status", "signer"}, Who: p.ID, Message: st.Reason}}
	case "expire":
		st.Word = "EXPIRED"
		return []life.News{{Kind: "PACKAGE_EXPIRE", Tells: []string{"status"}}}
	case "finish":
		st.Word, st.Completed = "COMPLETED", st.Updated
		return []life.News{{Kind: "PACKAGE_COMPLETE", Tells: []string{"status"}}}
	}
	return o.playSender(t, s)
}

// untilDue is how long a package stays open: to the step that expires it, else ten days.
func (o *service) untilDue(t *world.Transaction) time.Duration {
	var sum time.Duration
	for _, s := range t.Steps[t.Next:] {
		sum += s.After
		if s.Act == "expire" {
			return sum
		}
	}
	return sum + 10*24*time.Hour
}

// playSender is what senders do with packages later on.
func (o *service) playSender(t *world.Transaction, s life.Step) []life.News {
	st := &t.State
	switch s.Act {
	case "archive":
		st.Word = "ARCHIVED"
		return []life.News{{Kind: "PACKAGE_ARCHIVE", Tells: []string{"archived"}}}
	case "unarchive": // no event is known for this
		st.Word = "COMPLETED"
	case "trash":
		st.Trashed = true
		return []life.News{{Kind: "PACKAGE_TRASH", Tells: []string{"trashed"}}}
	case "restore":
		st.Trashed = false
		return []life.News{{Kind: "PACKAGE_RESTORE", Tells: []string{"trashed"}}}
	case "delete":
		st.Deleted, st.Gone = true, true
		return []life.News{{Kind: "PACKAGE_DELETE", Tells: []string{"deleted"}}}
	}
	return nil
}

// playSigner is what signers do when all goes well.
func (o *service) playSigner(t *world.Transaction, s life.Step) []life.News {
	st := &t.State
	p := &st.People[s.Who]
	if len(p.Signed) == 0 {
		p.Signed = make([]time.Time, len(t.Docs))
	}
	var caused []life.News
	signed := func(i int) {
		if p.Signed[i].IsZero() {
			p.Signed[i] = st.At
			caused = append(caused, life.News{Kind: "DOCUMENT_SIGNED", Tells: []string{"signer"}, Who: p.ID, Doc: t.Docs[i].ID})
		}
	}
	switch s.Act {
	case "view":
		return []life.News{{Kind: "DOCUMENT_VIEWED", Who: p.ID, Doc: t.Docs[0].ID}}
	case "consent":
		if p.Consent.IsZero() {
			p.Consent = st.At
			caused = append(caused, life.News{Kind: "DOCUMENT_SIGNED", Who: p.ID, Doc: consentDocument})
		}
		return caused
	case "begin":
		if len(t.Docs) > 1 {
			signed(0)
		}
		return caused
	}
	for i := range t.Docs {
		signed(i)
	}
	p.Status, p.DoneAt = "signed", st.At
	caused = append(caused, life.News{Kind: "SIGNER_COMPLETE", Tells: []string{"signer"}, Who: p.ID})
	switch {
	case !st.Last():
	case t.Manual:
		caused = append(caused, life.News{Kind: "PACKAGE_READY_FOR_COMPLETE", Who: p.ID})
	default:
		st.Word, st.Completed = "COMPLETED", st.Updated
		caused = append(caused, life.News{Kind: "PACKAGE_COMPLETE", Tells: []string{"status"}, Who: p.ID})
	}
	return caused
}

// playTrouble is what goes wrong with signers, and how it is mended.
func (o *service) playTrouble(t *world.Transaction, s life.Step) []life.News {
	st := &t.State
	p := &st.People[s.Who]
	switch s.Act {
	case "lock":
		p.Status = "locked"
		return []life.News{{Kind: "SIGNER_LOCKED", Tells: []string{"signer"}, Who: p.ID}}
	case "unlock": // no event is known for this
		p.Status = "waiting"
	case "kba_fail":
		p.Identity = "FAILED"
		return []life.News{{Kind: "KBA_FAILURE", Who: p.ID}}
	case "kba_pass":
		p.Identity = "PASSED"
	case "bounce":
		return []life.News{{Kind: "EMAIL_BOUNCE", Who: p.ID, Message: chance.Pick(t.Rand, "BOUNCE", "COMPLAINT", "OOTO",
			"UNKNOWN")}}
	case "attach":
		return []life.News{{Kind: "PACKAGE_ATTACHMENT", Who: p.ID, Message: "passport copy.png"}}
	case "help":
		return []life.News{{Kind: "COBROWSE_REQUEST", Who: p.ID, Message: "I cannot find the button."}}
	case "reassign":
		old := *p
		heir := life.Someone(t.Rand, old.Order)
		heir.ID, heir.Role, heir.RoleName = chance.UUID(t.Rand), chance.Letters(t.Rand, 12, chance.Alphanum), old.RoleName
		*p = heir
		old.Status = "removed"
		st.People = append(st.People, old)
		return []life.News{{Kind: "ROLE_REASSIGN", Tells: []string{"signers"}, Who: old.ID, Role: heir.Role}}
	}
	return nil
}
