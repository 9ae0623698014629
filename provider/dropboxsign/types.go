package dropboxsign

import (
	"encoding/json"
	"strconv"
	"strings"
	"time"
)

// text is a JSON string that bears null, and a number where the service wrote one.
type text string

// UnmarshalJSON never refuses: what is no string is kept as it was written.
func (t *text) UnmarshalJSON(raw []byte) error {
	var s string
	switch {
	case string(raw) == "null":
	case json.Unmarshal(raw, &s) != nil:
		s = string(raw)
	}
	*t = text(s)
	return nil
}

// plain is the text as it can be stored: PostgreSQL holds no NUL.
func (t text) plain() string { return strings.ReplaceAll(string(t), "\x00", "") }

// time reads Unix seconds; nil where there are none, as 0 and null say too.
func (t text) time() *time.Time {
	n, err := strconv.ParseInt(string(t), 10, 64)
	if err != nil || n <= 0 || n > lastSecond {
		return nil
	}
	at := time.Unix(n, 0).UTC()
	return &at
}

// lastSecond is the end of the year 9999: JSON and the databases hold no later time.
const lastSecond = 253402300799

// number is a JSON integer that bears null and texts; 0 where it is none.
type number int

// UnmarshalJSON never refuses.
func (n *number) UnmarshalJSON(raw []byte) error {
	i, err := strconv.Atoi(strings.Trim(string(raw), `"`))
	if err == nil {
		*n = number(i)
	}
	return nil
}

// yes is a JSON boolean that bears null, 1 and "1".
type yes bool

// UnmarshalJSON never refuses.
func (y *yes) UnmarshalJSON(raw []byte) error {
	s := strings.Trim(string(raw), `"`)
	*y = yes(s == "true" || s == "1")
	return nil
}

// envelope is the JSON of a callback. What has an unexpected shape stays empty.
type envelope struct {
	Event   event           `json:"event"`
	Request json.RawMessage `json:"signature_request"`
}

type event struct {
	Time     text     `json:"event_time"`
	Type     text     `json:"event_type"`
	Hash     text     `json:"event_hash"`
	Metadata metadata `json:"event_metadata"`
}

type metadata struct {
	Signature text `json:"related_signature_id"`
	App       text `json:"reported_for_app_id"`
	Message   text `json:"event_message"`
}

// named is what a callback's request is read for. The rest is not proved, and an answer tells it.
type named struct {
	ID        text `json:"signature_request_id"`
	Requester text `json:"requester_email_address"`
	TestMode  yes  `json:"test_mode"`
}

// request is a signature request, the service's word for a transaction.
type request struct {
	named
	Title      text            `json:"title"`
	CreatedAt  text            `json:"created_at"`
	ExpiresAt  text            `json:"expires_at"`
	Complete   yes             `json:"is_complete"`
	Declined   yes             `json:"is_declined"`
	Error      yes             `json:"has_error"`
	Metadata   json.RawMessage `json:"metadata"`
	Signatures []signature     `json:"signatures"`
}

type signature struct {
	ID            text   `json:"signature_id"`
	Email         text   `json:"signer_email_address"`
	Name          text   `json:"signer_name"`
	Role          text   `json:"signer_role"`
	Order         number `json:"order"`
	Code          text   `json:"status_code"`
	DeclineReason text   `json:"decline_reason"`
	Error         text   `json:"error"`
	SignedAt      text   `json:"signed_at"`
	ViewedAt      text   `json:"last_viewed_at"`
}

// answer is the reply to GET /signature_request/{id}.
type answer struct {
	Request json.RawMessage `json:"signature_request"`
}

// requestList is a page of GET /signature_request/list.
type requestList struct {
	Info struct {
		Pages   int  `json:"num_pages"`
		Results *int `json:"num_results"`
	} `json:"list_info"`
	Requests []json.RawMessage `json:"signature_requests"`
}

// accountReply is the reply to GET /account.
type accountReply struct {
	Account struct {
		ID          text `json:"account_id"`
		Email       text `json:"email_address"`
		Locked      yes  `json:"is_locked"`
		CallbackURL text `json:"callback_url"`
		Role        text `json:"role_code"`
		Team        text `json:"team_id"`
		Quotas      struct {
			Requests *int `json:"api_signature_requests_left"`
		} `json:"quotas"`
	} `json:"account"`
	Warnings []warning `json:"warnings"`
}

type warning struct {
	Message text `json:"warning_msg"`
	Name    text `json:"warning_name"`
}

// appReply is the reply to GET /api_app/{client_id}. Its OAuth secret is not read.
type appReply struct {
	App struct {
		CallbackURL text `json:"callback_url"`
	} `json:"api_app"`
}

// fileURL is the reply to GET /signature_request/files_as_file_url/{id}.
type fileURL struct {
	URL string `json:"file_url"`
}
