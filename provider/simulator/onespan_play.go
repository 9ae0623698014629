package simulator

import "time"

// play does one thing to a package and says which callbacks that causes.
func (o *oneSpan) play(t *transaction, s step) []news {
	st := &t.state
	switch s.act {
	case "view", "consent", "begin", "sign":
		return o.playSigner(t, s)
	case "lock", "unlock", "kba_fail", "kba_pass", "bounce", "reassign", "attach", "help":
		return o.playTrouble(t, s)
	case "create":
		st.word, t.born = "DRAFT", st.at
		if t.form != "PACKAGE" {
			return nil // a new world tells of its templates when it starts to run
		}
		return []news{{kind: "PACKAGE_CREATE", tells: []string{"created"}}}
	case "send":
		st.word, st.sent = "SENT", st.at
		if st.due.IsZero() {
			st.due = t.stamp(st.at.Add(o.desk.world.span(o.untilDue(t), time.Second)))
		}
		return []news{{kind: "PACKAGE_ACTIVATE", tells: []string{"status"}}}
	case "deactivate":
		st.word = "DRAFT"
		return []news{{kind: "PACKAGE_DEACTIVATE", tells: []string{"status"}}}
	case "decline":
		p := &st.people[s.who]
		st.word, p.status, p.reason = "DECLINED", "declined", "The price is not what we agreed."
		st.reason = p.reason
		return []news{{kind: "PACKAGE_DECLINE", tells: []string{"status", "signer"}, who: p.id, message: p.reason}}
	case "opt_out":
		p := &st.people[s.who] // who opts out declines to sign here
		st.word, p.status, p.reason = "OPTED_OUT", "declined", "I sign on paper only."
		st.reason = p.reason
		return []news{{kind: "PACKAGE_OPT_OUT", tells: []string{"status", "signer"}, who: p.id, message: st.reason}}
	case "expire":
		st.word = "EXPIRED"
		return []news{{kind: "PACKAGE_EXPIRE", tells: []string{"status"}}}
	case "finish":
		st.word, st.completed = "COMPLETED", st.updated
		return []news{{kind: "PACKAGE_COMPLETE", tells: []string{"status"}}}
	}
	return o.playSender(t, s)
}

// untilDue is how long a package stays open: to the step that expires it, else ten days.
func (o *oneSpan) untilDue(t *transaction) time.Duration {
	var sum time.Duration
	for _, s := range t.steps[t.next:] {
		sum += s.after
		if s.act == "expire" {
			return sum
		}
	}
	return sum + 10*24*time.Hour
}

// playSender is what senders do with packages later on.
func (o *oneSpan) playSender(t *transaction, s step) []news {
	st := &t.state
	switch s.act {
	case "archive":
		st.word = "ARCHIVED"
		return []news{{kind: "PACKAGE_ARCHIVE", tells: []string{"archived"}}}
	case "unarchive": // no event is known for this
		st.word = "COMPLETED"
	case "trash":
		st.trashed = true
		return []news{{kind: "PACKAGE_TRASH", tells: []string{"trashed"}}}
	case "restore":
		st.trashed = false
		return []news{{kind: "PACKAGE_RESTORE", tells: []string{"trashed"}}}
	case "delete":
		st.deleted, st.gone = true, true
		return []news{{kind: "PACKAGE_DELETE", tells: []string{"deleted"}}}
	}
	return nil
}

// playSigner is what signers do when all goes well.
func (o *oneSpan) playSigner(t *transaction, s step) []news {
	st := &t.state
	p := &st.people[s.who]
	if len(p.signed) == 0 {
		p.signed = make([]time.Time, len(t.docs))
	}
	var told []news
	signed := func(i int) {
		if p.signed[i].IsZero() {
			p.signed[i] = st.at
			told = append(told, news{kind: "DOCUMENT_SIGNED", tells: []string{"signer"}, who: p.id, doc: t.docs[i].id})
		}
	}
	switch s.act {
	case "view":
		return []news{{kind: "DOCUMENT_VIEWED", who: p.id, doc: t.docs[0].id}}
	case "consent":
		if p.consent.IsZero() {
			p.consent = st.at
			told = append(told, news{kind: "DOCUMENT_SIGNED", who: p.id, doc: consentDocument})
		}
		return told
	case "begin":
		if len(t.docs) > 1 {
			signed(0)
		}
		return told
	}
	for i := range t.docs {
		signed(i)
	}
	p.status, p.doneAt = "signed", st.at
	told = append(told, news{kind: "SIGNER_COMPLETE", tells: []string{"signer"}, who: p.id})
	switch {
	case !st.last():
	case t.manual:
		told = append(told, news{kind: "PACKAGE_READY_FOR_COMPLETE", who: p.id})
	default:
		st.word, st.completed = "COMPLETED", st.updated
		told = append(told, news{kind: "PACKAGE_COMPLETE", tells: []string{"status"}, who: p.id})
	}
	return told
}

// playTrouble is what goes wrong with signers, and how it is mended.
func (o *oneSpan) playTrouble(t *transaction, s step) []news {
	st := &t.state
	p := &st.people[s.who]
	switch s.act {
	case "lock":
		p.status = "locked"
		return []news{{kind: "SIGNER_LOCKED", tells: []string{"signer"}, who: p.id}}
	case "unlock": // no event is known for this
		p.status = "waiting"
	case "kba_fail":
		p.identity = "FAILED"
		return []news{{kind: "KBA_FAILURE", who: p.id}}
	case "kba_pass":
		p.identity = "PASSED"
	case "bounce":
		return []news{{kind: "EMAIL_BOUNCE", who: p.id, message: pick(t.rng, "BOUNCE", "COMPLAINT", "OOTO", "UNKNOWN")}}
	case "attach":
		return []news{{kind: "PACKAGE_ATTACHMENT", who: p.id, message: "passport copy.png"}}
	case "help":
		return []news{{kind: "COBROWSE_REQUEST", who: p.id, message: "I cannot find the button."}}
	case "reassign":
		old := *p
		heir := someone(t.rng, old.order)
		heir.id, heir.role, heir.roleName = uuid(t.rng), letters(t.rng, 12, alphanum), old.roleName
		*p = heir
		old.status = "removed"
		st.people = append(st.people, old)
		return []news{{kind: "ROLE_REASSIGN", tells: []string{"signers"}, who: old.id, role: heir.role}}
	}
	return nil
}
