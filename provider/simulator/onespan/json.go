package onespan

import (
	"strings"
	"time"

	"countersign/provider/simulator/world"
	"countersign/provider/simulator/world/life"
	"countersign/provider/simulator/world/pdf"
	"countersign/provider/simulator/world/wire"
)

// timeText writes a time as a package does: with or without a fraction.
func timeText(t *world.Transaction, at time.Time) string {
	if t.Fraction {
		return at.UTC().Format("2006-01-02T15:04:05.000Z")
	}
	return at.UTC().Format("2006-01-02T15:04:05Z")
}

// putTime sets a time; one that is unset is null in some packages and absent in others.
func putTime(t *world.Transaction, o wire.Object, key string, at time.Time) {
	switch {
	case !at.IsZero():
		o[key] = timeText(t, at)
	case t.Nulls:
		o[key] = nil
	}
}

// packageJSON is the whole package.
func (o *service) packageJSON(t *world.Transaction, s *life.State, alerts bool) wire.Object {
	p := wire.Object{
		"id": t.Ref, "name": t.Name, "type": t.Form, "status": s.Word, "trashed": s.Trashed, "autocomplete": !t.Manual,
		"description": "", "emailMessage": t.Text, "language": "en", "timezoneId": "GMT", "visibility": "ACCOUNT",
		"notarized": false, "bulkSendable": false, "consent": consentDocument,
		"created": timeText(t, t.Born), "updated": timeText(t, s.Updated),
		"sender": o.senderJSON(t.Sender), "settings": wire.Object{"ceremony": ceremony()},
		"roles": o.rolesJSON(t, s), "documents": o.documentsJSON(t, s), "messages": o.messagesJSON(t, s),
		"data": wire.Object{},
	}
	if t.ExternalID != "" {
		p["data"] = wire.Object{"contract_id": t.ExternalID, "origin": "crm"}
	}
	putTime(t, p, "completed", s.Completed)
	putTime(t, p, "due", s.Due)
	if alerts {
		p["alerts"] = []any{}
		if t.Manual && s.Last() && s.Word == "SENT" {
			p["alerts"] = []any{wire.Object{"severityLevel": "INFO", "code": "alert.package.readyForComplete",
				"defaultMessage": "All have signed.", "parameters": wire.Object{}}}
		}
	}
	return p
}

func (o *service) rolesJSON(t *world.Transaction, s *life.State) []any {
	roles := []any{}
	for _, p := range s.People {
		if p.Status == "removed" {
			continue
		}
		form, signerType := "SIGNER", "EXTERNAL_SIGNER"
		if p.Sender {
			form, signerType = "SENDER", "ACCOUNT_SENDER"
		}
		first, last, _ := strings.Cut(p.Name, " ")
		kba := "NOT_YET_ATTEMPTED"
		if p.Identity != "" {
			kba = p.Identity
		}
		roles = append(roles, wire.Object{
			"id": p.Role, "name": p.RoleName, "index": p.Order, "type": form, "locked": p.Status == "locked", "reassign": true,
			"attachmentRequirements": []any{}, "specialTypes": []any{}, "data": wire.Object{},
			"signers": []any{wire.Object{
				"id": p.ID, "name": "", "firstName": first, "lastName": last, "email": p.Email, "company": "", "title": "",
				"phone":    "",
				"language": "en", "timezoneId": "GMT", "signerType": signerType, "created": timeText(t, t.Born),
				"updated":                      timeText(t, s.Updated),
				"auth":                         wire.Object{"scheme": "NONE", "challenges": []any{}},
				"delivery":                     wire.Object{"email": true, "download": true, "provider": false},
				"knowledgeBasedAuthentication": wire.Object{"knowledgeBasedAuthenticationStatus": kba},
				"professionalIdentityFields":   []any{}, "userCustomFields": []any{},
			}},
		})
	}
	return roles
}

// documentsJSON are the files of a package, the consent first.
func (o *service) documentsJSON(t *world.Transaction, s *life.State) []any {
	consent := life.Document{ID: consentDocument, Name: "Electronic Disclosures and Signatures Consent", Pages: 1}
	all := []any{o.documentJSON(t, s, consent, 0)}
	for i, d := range t.Docs {
		all = append(all, o.documentJSON(t, s, d, i+1))
	}
	return all
}

// accepted is when a person accepted the document of an index, of which nought is the consent.
func accepted(p life.Person, index int) time.Time {
	switch {
	case index == 0:
		return p.Consent
	case index <= len(p.Signed):
		return p.Signed[index-1]
	}
	return time.Time{}
}

func (o *service) documentJSON(t *world.Transaction, s *life.State, d life.Document, index int) wire.Object {
	approvals := []any{}
	for _, p := range s.People {
		if p.Status == "removed" {
			continue
		}
		a := wire.Object{"id": approvalID(d.ID, p.Role), "name": "", "role": p.Role, "optional": false, "disabled": false,
			"enforceCaptureSignature": false, "fields": []any{}, "data": wire.Object{}}
		if index > 0 {
			a["fields"] = []any{wire.Object{
				"id": approvalID("field"+d.ID, p.Role), "name": "Signature1", "type": "SIGNATURE", "subtype": "FULLNAME",
				"page": 0, "left": 100.0, "top": 100.0 + 60*float64(p.Order), "width": 200.0, "height": 50.0, "extract": false,
				"value": "",
			}}
		}
		putTime(t, a, "accepted", accepted(p, index))
		if !t.Nulls { // one of the two dates is enough, and some servers write just that
			putTime(t, a, "signed", accepted(p, index))
		}
		approvals = append(approvals, a)
	}
	sheets := []any{}
	for i := range d.Pages {
		sheets = append(sheets, wire.Object{"id": "", "index": i, "version": 0, "left": 0.0, "top": 0.0, "width": 612.0,
			"height": 792.0})
	}
	return wire.Object{
		"id": d.ID, "name": strings.TrimSuffix(d.Name, ".pdf"), "index": index,
		"approvals": approvals, "pages": sheets, "description": "", "extract": false, "extractionTypes": []any{},
		"fields": []any{}, "size": 1000 * d.Pages, "tagged": false, "status": "", "signedHash": "", "data": wire.Object{},
	}
}

// approvalID is an id that is always the same for a document and a role.
func approvalID(document, role string) string {
	return pdf.SumOf([]byte(document + "\x00" + role)).Hash[:12]
}

// messagesJSON holds why somebody declined or opted out.
func (o *service) messagesJSON(t *world.Transaction, s *life.State) []any {
	if s.Reason == "" {
		return []any{}
	}
	from := s.People[0]
	for _, p := range s.People {
		if p.Status == "declined" {
			from = p
		}
	}
	return []any{wire.Object{
		"content": s.Reason, "created": timeText(t, s.Updated), "status": "NEW", "documents": []any{},
		"from": o.userJSON(from), "to": []any{o.userJSON(t.Sender)},
	}}
}

func (o *service) userJSON(p life.Person) wire.Object {
	first, last, _ := strings.Cut(p.Name, " ")
	at := o.desk.World.Epoch.AddDate(-1, 0, 0).UTC().Format("2006-01-02T15:04:05Z")
	return wire.Object{
		"id": p.ID, "name": p.Name, "firstName": first, "lastName": last, "email": p.Email, "company": "", "created": at,
		"updated":    at,
		"timezoneId": "GMT", "language": "en", "professionalIdentityFields": []any{}, "userCustomFields": []any{},
	}
}

func (o *service) senderJSON(p life.Person) wire.Object {
	s := o.userJSON(p)
	s["hasDelegates"], s["memberships"], s["status"], s["type"] = false, []any{}, "ACTIVE", "MANAGER"
	if p.ID != o.owner.ID {
		s["type"] = "REGULAR"
	}
	s["account"] = wire.Object{
		"id": o.desk.Account.AccountID, "name": "Simulated account", "owner": o.owner.ID, "created": s["created"],
		"updated": s["updated"],
		"company": wire.Object{"id": o.desk.Account.AccountID, "name": "Simulated account"}, "customFields": []any{},
		"licenses": []any{}, "timezoneId": "GMT",
	}
	return s
}

// ceremony is how signing looks; all of it is required by the specification.
func ceremony() wire.Object {
	c := wire.Object{"declineReasons": []any{}, "optOutReasons": []any{}}
	for _, flag := range []string{
		"ada", "declineButton", "disableDeclineOther", "disableDownloadForUncompletedPackage",
		"disableFirstInPersonAffidavit",
		"disableInPersonAffidavit", "disableOptOutOther", "disableSecondInPersonAffidavit", "enforceCaptureSignature",
		"extractAcroFields",
		"extractTextTags", "hideCaptureText", "hideLanguageDropdown", "hidePackageOwnerInPerson", "hideWatermark",
		"inPerson", "optOutButton",
	} {
		c[flag] = flag == "declineButton" || flag == "optOutButton"
	}
	return c
}

// signingStatus speaks a vocabulary of its own.
func signingStatus(s *life.State, who string) string {
	switch {
	case s.Trashed || s.Deleted:
		return "DELETED"
	case s.Word != "SENT":
		return s.Word
	}
	for _, p := range s.People {
		if p.Status != "removed" && p.Status != "signed" && (who == "" || who == p.ID || strings.EqualFold(who, p.Email)) {
			return "SIGNING_PENDING"
		}
	}
	return "SIGNING_COMPLETED"
}
