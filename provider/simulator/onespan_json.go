package simulator

import (
	"strings"
	"time"
)

type object = map[string]any

// oneSpanTime writes a time as a package does: with or without a fraction.
func (t *transaction) oneSpanTime(at time.Time) string {
	if t.fraction {
		return at.UTC().Format("2006-01-02T15:04:05.000Z")
	}
	return at.UTC().Format("2006-01-02T15:04:05Z")
}

// putTime sets a time; one that is unset is null in some packages and absent in others.
func (t *transaction) putTime(o object, key string, at time.Time) {
	switch {
	case !at.IsZero():
		o[key] = t.oneSpanTime(at)
	case t.nulls:
		o[key] = nil
	}
}

// packageJSON is the whole package.
func (o *oneSpan) packageJSON(t *transaction, s *state, alerts bool) object {
	p := object{
		"id": t.ref, "name": t.name, "type": t.form, "status": s.word, "trashed": s.trashed, "autocomplete": !t.manual,
		"description": "", "emailMessage": t.text, "language": "en", "timezoneId": "GMT", "visibility": "ACCOUNT",
		"notarized": false, "bulkSendable": false, "consent": consentDocument,
		"created": t.oneSpanTime(t.born), "updated": t.oneSpanTime(s.updated),
		"sender": o.senderJSON(t.sender), "settings": object{"ceremony": ceremony()},
		"roles": o.rolesJSON(t, s), "documents": o.documentsJSON(t, s), "messages": o.messagesJSON(t, s),
		"data": object{},
	}
	if t.externalID != "" {
		p["data"] = object{"contract_id": t.externalID, "origin": "crm"}
	}
	t.putTime(p, "completed", s.completed)
	t.putTime(p, "due", s.due)
	if alerts {
		p["alerts"] = []any{}
		if t.manual && s.last() && s.word == "SENT" {
			p["alerts"] = []any{object{"severityLevel": "INFO", "code": "alert.package.readyForComplete", "defaultMessage": "All have signed.", "parameters": object{}}}
		}
	}
	return p
}

func (o *oneSpan) rolesJSON(t *transaction, s *state) []any {
	roles := []any{}
	for _, p := range s.people {
		if p.status == "removed" {
			continue
		}
		form, signerType := "SIGNER", "EXTERNAL_SIGNER"
		if p.sender {
			form, signerType = "SENDER", "ACCOUNT_SENDER"
		}
		first, last, _ := strings.Cut(p.name, " ")
		kba := "NOT_YET_ATTEMPTED"
		if p.identity != "" {
			kba = p.identity
		}
		roles = append(roles, object{
			"id": p.role, "name": p.roleName, "index": p.order, "type": form, "locked": p.status == "locked", "reassign": true,
			"attachmentRequirements": []any{}, "specialTypes": []any{}, "data": object{},
			"signers": []any{object{
				"id": p.id, "name": "", "firstName": first, "lastName": last, "email": p.email, "company": "", "title": "", "phone": "",
				"language": "en", "timezoneId": "GMT", "signerType": signerType, "created": t.oneSpanTime(t.born), "updated": t.oneSpanTime(s.updated),
				"auth":                         object{"scheme": "NONE", "challenges": []any{}},
				"delivery":                     object{"email": true, "download": true, "provider": false},
				"knowledgeBasedAuthentication": object{"knowledgeBasedAuthenticationStatus": kba},
				"professionalIdentityFields":   []any{}, "userCustomFields": []any{},
			}},
		})
	}
	return roles
}

// documentsJSON are the files of a package, the consent first.
func (o *oneSpan) documentsJSON(t *transaction, s *state) []any {
	consent := document{id: consentDocument, name: "Electronic Disclosures and Signatures Consent", pages: 1}
	all := []any{o.documentJSON(t, s, consent, 0)}
	for i, d := range t.docs {
		all = append(all, o.documentJSON(t, s, d, i+1))
	}
	return all
}

// accepted is when a person accepted the document of an index, of which nought is the consent.
func (p person) accepted(index int) time.Time {
	switch {
	case index == 0:
		return p.consent
	case index <= len(p.signed):
		return p.signed[index-1]
	}
	return time.Time{}
}

func (o *oneSpan) documentJSON(t *transaction, s *state, d document, index int) object {
	approvals := []any{}
	for _, p := range s.people {
		if p.status == "removed" {
			continue
		}
		a := object{"id": approvalID(d.id, p.role), "name": "", "role": p.role, "optional": false, "disabled": false, "enforceCaptureSignature": false, "fields": []any{}, "data": object{}}
		if index > 0 {
			a["fields"] = []any{object{
				"id": approvalID("field"+d.id, p.role), "name": "Signature1", "type": "SIGNATURE", "subtype": "FULLNAME",
				"page": 0, "left": 100.0, "top": 100.0 + 60*float64(p.order), "width": 200.0, "height": 50.0, "extract": false, "value": "",
			}}
		}
		t.putTime(a, "accepted", p.accepted(index))
		if !t.nulls { // one of the two dates is enough, and some servers write just that
			t.putTime(a, "signed", p.accepted(index))
		}
		approvals = append(approvals, a)
	}
	sheets := []any{}
	for i := range d.pages {
		sheets = append(sheets, object{"id": "", "index": i, "version": 0, "left": 0.0, "top": 0.0, "width": 612.0, "height": 792.0})
	}
	return object{
		"id": d.id, "name": strings.TrimSuffix(d.name, ".pdf"), "index": index,
		"approvals": approvals, "pages": sheets, "description": "", "extract": false, "extractionTypes": []any{},
		"fields": []any{}, "size": 1000 * d.pages, "tagged": false, "status": "", "signedHash": "", "data": object{},
	}
}

// approvalID is an id that is always the same for a document and a role.
func approvalID(document, role string) string {
	return sumOf([]byte(document + "\x00" + role)).hash[:12]
}

// messagesJSON holds why somebody declined or opted out.
func (o *oneSpan) messagesJSON(t *transaction, s *state) []any {
	if s.reason == "" {
		return []any{}
	}
	from := s.people[0]
	for _, p := range s.people {
		if p.status == "declined" {
			from = p
		}
	}
	return []any{object{
		"content": s.reason, "created": t.oneSpanTime(s.updated), "status": "NEW", "documents": []any{},
		"from": o.userJSON(from), "to": []any{o.userJSON(t.sender)},
	}}
}

func (o *oneSpan) userJSON(p person) object {
	first, last, _ := strings.Cut(p.name, " ")
	at := o.desk.world.epoch.AddDate(-1, 0, 0).UTC().Format("2006-01-02T15:04:05Z")
	return object{
		"id": p.id, "name": p.name, "firstName": first, "lastName": last, "email": p.email, "company": "", "created": at, "updated": at,
		"timezoneId": "GMT", "language": "en", "professionalIdentityFields": []any{}, "userCustomFields": []any{},
	}
}

func (o *oneSpan) senderJSON(p person) object {
	s := o.userJSON(p)
	s["hasDelegates"], s["memberships"], s["status"], s["type"] = false, []any{}, "ACTIVE", "MANAGER"
	if p.id != o.owner.id {
		s["type"] = "REGULAR"
	}
	s["account"] = object{
		"id": o.desk.account.AccountID, "name": "Simulated account", "owner": o.owner.id, "created": s["created"], "updated": s["updated"],
		"company": object{"id": o.desk.account.AccountID, "name": "Simulated account"}, "customFields": []any{}, "licenses": []any{}, "timezoneId": "GMT",
	}
	return s
}

// ceremony is how signing looks; all of it is required by the specification.
func ceremony() object {
	c := object{"declineReasons": []any{}, "optOutReasons": []any{}}
	for _, flag := range []string{
		"ada", "declineButton", "disableDeclineOther", "disableDownloadForUncompletedPackage", "disableFirstInPersonAffidavit",
		"disableInPersonAffidavit", "disableOptOutOther", "disableSecondInPersonAffidavit", "enforceCaptureSignature", "extractAcroFields",
		"extractTextTags", "hideCaptureText", "hideLanguageDropdown", "hidePackageOwnerInPerson", "hideWatermark", "inPerson", "optOutButton",
	} {
		c[flag] = flag == "declineButton" || flag == "optOutButton"
	}
	return c
}

// signingStatus speaks a vocabulary of its own.
func signingStatus(s *state, who string) string {
	switch {
	case s.trashed || s.deleted:
		return "DELETED"
	case s.word != "SENT":
		return s.word
	}
	for _, p := range s.people {
		if p.status != "removed" && p.status != "signed" && (who == "" || who == p.id || strings.EqualFold(who, p.email)) {
			return "SIGNING_PENDING"
		}
	}
	return "SIGNING_COMPLETED"
}
