package dropboxsign

import (
	"encoding/json"

	"countersign/provider/lenient"
)

// envelope is the JSON of a callback. What has an unexpected shape stays empty.
type envelope struct {
	Event   event           `json:"event"`
	Request json.RawMessage `json:"signature_request"`
}

type event struct {
	Time     lenient.Text `json:"event_time"`
	Type     lenient.Text `json:"event_type"`
	Hash     lenient.Text `json:"event_hash"`
	Metadata metadata     `json:"event_metadata"`
}

type metadata struct {
	Signature lenient.Text `json:"related_signature_id"`
	App       lenient.Text `json:"reported_for_app_id"`
	Message   lenient.Text `json:"event_message"`
}

// named is what a callback's request is read for. The rest is not proved, and an answer tells it.
type named struct {
	ID        lenient.Text `json:"signature_request_id"`
	Requester lenient.Text `json:"requester_email_address"`
	TestMode  lenient.Bool `json:"test_mode"`
}

// request is a signature request, the service's word for a transaction.
type request struct {
	named
	Title      lenient.Text            `json:"title"`
	CreatedAt  lenient.Text            `json:"created_at"`
	ExpiresAt  lenient.Text            `json:"expires_at"`
	Complete   lenient.Bool            `json:"is_complete"`
	Declined   lenient.Bool            `json:"is_declined"`
	Error      lenient.Bool            `json:"has_error"`
	Metadata   json.RawMessage         `json:"metadata"`
	Signatures lenient.List[signature] `json:"signatures"`
}

type signature struct {
	ID            lenient.Text   `json:"signature_id"`
	Email         lenient.Text   `json:"signer_email_address"`
	Name          lenient.Text   `json:"signer_name"`
	Role          lenient.Text   `json:"signer_role"`
	Order         lenient.Number `json:"order"`
	Code          lenient.Text   `json:"status_code"`
	DeclineReason lenient.Text   `json:"decline_reason"`
	Error         lenient.Text   `json:"error"`
	SignedAt      lenient.Text   `json:"signed_at"`
	ViewedAt      lenient.Text   `json:"last_viewed_at"`
}

// answer is the reply to GET /signature_request/{id}.
type answer struct {
	Request json.RawMessage `json:"signature_request"`
}

// requestList is a page of GET /signature_request/list.
type requestList struct {
	Info struct {
		Pages   lenient.Number  `json:"num_pages"`
		Results *lenient.Number `json:"num_results"`
	} `json:"list_info"`
	Requests lenient.List[json.RawMessage] `json:"signature_requests"`
}

// accountReply is the reply to GET /account.
type accountReply struct {
	Account struct {
		ID          lenient.Text `json:"account_id"`
		Email       lenient.Text `json:"email_address"`
		Locked      lenient.Bool `json:"is_locked"`
		CallbackURL lenient.Text `json:"callback_url"`
		Role        lenient.Text `json:"role_code"`
		Team        lenient.Text `json:"team_id"`
		Quotas      struct {
			Requests *lenient.Number `json:"api_signature_requests_left"`
		} `json:"quotas"`
	} `json:"account"`
	Warnings lenient.List[warning] `json:"warnings"`
}

type warning struct {
	Message lenient.Text `json:"warning_msg"`
	Name    lenient.Text `json:"warning_name"`
}

// appReply is the reply to GET /api_app/{client_id}. Its OAuth secret is not read.
type appReply struct {
	App struct {
		CallbackURL lenient.Text `json:"callback_url"`
	} `json:"api_app"`
}

// fileURL is the reply to GET /signature_request/files_as_file_url/{id}.
type fileURL struct {
	URL lenient.Text `json:"file_url"`
}
