package dropboxsign

import (
	"strings"
	"time"

	"countersign/provider/simulator/world"
	"countersign/provider/simulator/world/life"
	"countersign/provider/simulator/world/wire"
)

// unix is a time in seconds, or null.
func unix(at time.Time) any {
	if at.IsZero() {
		return nil
	}
	return at.Unix()
}

// requestJSON is the whole signature request.
func (x *service) requestJSON(t *world.Transaction, s *life.State) wire.Object {
	api := "https://api.hellosign.com/v3/signature_request/"
	r := wire.Object{
		"signature_request_id": t.Ref, "title": t.Name, "original_title": t.Name, "subject": t.Name, "message": t.Text,
		"test_mode": t.Test, "metadata": wire.Object{}, "created_at": t.Born.Unix(), "expires_at": unix(s.Due),
		"is_complete": s.Word == "complete", "is_declined": s.Word == "declined", "has_error": s.Word == "error",
		"custom_fields": []any{}, "response_data": x.responseJSON(s), "attachments": []any{}, "cc_email_addresses": []any{},
		"template_ids": nil, "bulk_send_job_id": nil, "signing_redirect_url": nil, "signing_url": nil,
		"files_url": api + "files/" + t.Ref, "final_copy_uri": nil,
		"details_url":             "https://app.hellosign.com/home/manage?guid=" + t.Ref,
		"requester_email_address": t.Sender.Email, "signatures": x.signaturesJSON(t, s),
	}
	if s.Due.IsZero() && t.Nulls {
		r["expires_at"] = 0
	}
	if t.ExternalID != "" {
		r["metadata"] = wire.Object{"contract_id": t.ExternalID, "source": wire.Object{"system": "crm"}}
	}
	if t.ClientID != "" {
		r["client_id"] = t.ClientID
	}
	if s.Word == "complete" {
		r["final_copy_uri"] = "/v3/signature_request/final_copy/" + t.Ref
	}
	if t.Received {
		r["signing_url"] = "https://app.hellosign.com/sign/" + t.Ref
	}
	return r
}

func (x *service) signaturesJSON(t *world.Transaction, s *life.State) []any {
	all := []any{}
	for _, p := range s.People {
		if p.Status == "removed" {
			continue
		}
		one := wire.Object{
			"signature_id": p.ID, "signer_group_guid": nil, "signer_email_address": p.Email, "signer_name": p.Name,
			"signer_role": nil,
			"order":       nil, "status_code": statusCode(p), "decline_reason": nil, "signed_at": unix(p.DoneAt),
			"last_viewed_at":   unix(p.ViewedAt),
			"last_reminded_at": unix(p.RemindedAt), "has_pin": false, "has_sms_auth": false, "has_sms_delivery": false,
			"sms_phone_number": nil,
			"reassigned_by":    nil, "reassignment_reason": nil, "reassigned_from": nil, "error": wire.OrNull(p.ErrorText),
		}
		if len(s.People) > 1 {
			one["order"] = p.Order
		}
		if p.Status == "declined" {
			one["decline_reason"] = p.Reason
		}
		if p.Replaced != "" {
			one["reassigned_by"], one["reassignment_reason"], one["reassigned_from"] = p.By, p.Reason, p.Replaced
		}
		if strings.HasPrefix(p.Code, "error_") && s.Failed != "" {
			one["error"] = s.Failed
		}
		all = append(all, one)
	}
	return all
}

// statusCode is a signer's own word.
func statusCode(p life.Person) string {
	switch {
	case p.Code != "":
		return p.Code
	case p.Status == "signed", p.Status == "declined":
		return p.Status
	}
	return "awaiting_signature"
}

// responseJSON is what signers filled in; a value is a text or a flag, by its type.
func (x *service) responseJSON(s *life.State) []any {
	all := []any{}
	for _, p := range s.People {
		if p.Status == "signed" {
			all = append(all,
				wire.Object{"api_id": p.ID[:8] + "_1", "signature_id": p.ID, "name": "Place", "required": true, "type": "text",
					"value": "Lyon"},
				wire.Object{"api_id": p.ID[:8] + "_2", "signature_id": p.ID, "name": "I agree", "required": false,
					"type": "checkbox", "value": true})
		}
	}
	return all
}

func (x *service) accountJSON() wire.Object {
	return wire.Object{"account": wire.Object{
		"account_id": x.desk.Account.AccountID, "email_address": x.desk.Account.Email, "is_locked": false,
		"is_paid_hs": true, "is_paid_hf": false,
		"quotas": wire.Object{
			"api_signature_requests_left": 1250, "documents_left": nil, "templates_total": nil, "templates_left": nil,
			"sms_verifications_left": 0, "num_fax_pages_left": 0,
		},
		"callback_url": wire.OrNull(x.desk.URL), "role_code": nil, "team_id": nil, "locale": "en-US",
		"usage": wire.Object{"fax_pages_sent": 0},
	}}
}

func (x *service) appJSON() wire.Object {
	return wire.Object{
		"callback_url": wire.OrNull(x.appURL), "client_id": x.desk.Account.ClientID,
		"created_at": x.desk.World.Epoch.AddDate(-1, 0, 0).Unix(),
		"domains":    []any{"sim.example"}, "name": "Simulated app", "is_approved": true, "oauth": nil,
		"options":                wire.Object{"can_insert_everywhere": true},
		"owner_account":          wire.Object{"account_id": x.desk.Account.AccountID, "email_address": x.desk.Account.Email},
		"white_labeling_options": nil,
	}
}
