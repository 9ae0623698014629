package simulator

import (
	"strings"
	"time"
)

// unix is a time in seconds, or null.
func unix(at time.Time) any {
	if at.IsZero() {
		return nil
	}
	return at.Unix()
}

// requestJSON is the whole signature request.
func (x *dropboxSign) requestJSON(t *transaction, s *state) object {
	api := "https://api.hellosign.com/v3/signature_request/"
	r := object{
		"signature_request_id": t.ref, "title": t.name, "original_title": t.name, "subject": t.name, "message": t.text,
		"test_mode": t.test, "metadata": object{}, "created_at": t.born.Unix(), "expires_at": unix(s.due),
		"is_complete": s.word == "complete", "is_declined": s.word == "declined", "has_error": s.word == "error",
		"custom_fields": []any{}, "response_data": x.responseJSON(s), "attachments": []any{}, "cc_email_addresses": []any{},
		"template_ids": nil, "bulk_send_job_id": nil, "signing_redirect_url": nil, "signing_url": nil,
		"files_url": api + "files/" + t.ref, "final_copy_uri": nil, "details_url": "https://app.hellosign.com/home/manage?guid=" + t.ref,
		"requester_email_address": t.sender.email, "signatures": x.signaturesJSON(t, s),
	}
	if s.due.IsZero() && t.nulls {
		r["expires_at"] = 0
	}
	if t.externalID != "" {
		r["metadata"] = object{"contract_id": t.externalID, "source": object{"system": "crm"}}
	}
	if t.clientID != "" {
		r["client_id"] = t.clientID
	}
	if s.word == "complete" {
		r["final_copy_uri"] = "/v3/signature_request/final_copy/" + t.ref
	}
	if t.received {
		r["signing_url"] = "https://app.hellosign.com/sign/" + t.ref
	}
	return r
}

func (x *dropboxSign) signaturesJSON(t *transaction, s *state) []any {
	all := []any{}
	for _, p := range s.people {
		if p.status == "removed" {
			continue
		}
		one := object{
			"signature_id": p.id, "signer_group_guid": nil, "signer_email_address": p.email, "signer_name": p.name, "signer_role": nil,
			"order": nil, "status_code": statusCode(p), "decline_reason": nil, "signed_at": unix(p.doneAt), "last_viewed_at": unix(p.viewedAt),
			"last_reminded_at": unix(p.remindedAt), "has_pin": false, "has_sms_auth": false, "has_sms_delivery": false, "sms_phone_number": nil,
			"reassigned_by": nil, "reassignment_reason": nil, "reassigned_from": nil, "error": orNull(p.errorText),
		}
		if len(s.people) > 1 {
			one["order"] = p.order
		}
		if p.status == "declined" {
			one["decline_reason"] = p.reason
		}
		if p.replaced != "" {
			one["reassigned_by"], one["reassignment_reason"], one["reassigned_from"] = p.by, p.reason, p.replaced
		}
		if strings.HasPrefix(p.code, "error_") && s.failed != "" {
			one["error"] = s.failed
		}
		all = append(all, one)
	}
	return all
}

// statusCode is a signer's own word.
func statusCode(p person) string {
	switch {
	case p.code != "":
		return p.code
	case p.status == "signed", p.status == "declined":
		return p.status
	}
	return "awaiting_signature"
}

// responseJSON is what signers filled in; a value is a text or a flag, by its type.
func (x *dropboxSign) responseJSON(s *state) []any {
	all := []any{}
	for _, p := range s.people {
		if p.status == "signed" {
			all = append(all,
				object{"api_id": p.id[:8] + "_1", "signature_id": p.id, "name": "Place", "required": true, "type": "text", "value": "Lyon"},
				object{"api_id": p.id[:8] + "_2", "signature_id": p.id, "name": "I agree", "required": false, "type": "checkbox", "value": true})
		}
	}
	return all
}

func (x *dropboxSign) accountJSON() object {
	return object{"account": object{
		"account_id": x.desk.account.AccountID, "email_address": x.desk.account.Email, "is_locked": false, "is_paid_hs": true, "is_paid_hf": false,
		"quotas": object{
			"api_signature_requests_left": 1250, "documents_left": nil, "templates_total": nil, "templates_left": nil, "sms_verifications_left": 0, "num_fax_pages_left": 0,
		},
		"callback_url": orNull(x.desk.url), "role_code": nil, "team_id": nil, "locale": "en-US", "usage": object{"fax_pages_sent": 0},
	}}
}

func (x *dropboxSign) appJSON() object {
	return object{
		"callback_url": orNull(x.appURL), "client_id": x.desk.account.ClientID, "created_at": x.desk.world.epoch.AddDate(-1, 0, 0).Unix(),
		"domains": []any{"sim.example"}, "name": "Simulated app", "is_approved": true, "oauth": nil, "options": object{"can_insert_everywhere": true},
		"owner_account":          object{"account_id": x.desk.account.AccountID, "email_address": x.desk.account.Email},
		"white_labeling_options": nil,
	}
}
