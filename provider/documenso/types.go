package documenso

import (
	"encoding/json"
	"strings"
	"time"
)

// text is a JSON string that bears null, and numbers: ids are numbers in one place, texts in another.
type text string

// UnmarshalJSON never refuses: what is no string is kept as it was written.
func (t *text) UnmarshalJSON(raw []byte) error {
	var s string
	switch {
	case string(raw) == "null":
		s = ""
	case json.Unmarshal(raw, &s) != nil:
		s = string(raw)
	}
	*t = text(s)
	return nil
}

// plain is the text without NUL, which PostgreSQL cannot hold.
func (t text) plain() string { return strings.ReplaceAll(string(t), "\x00", "") }

// time reads a date; nil where there is none or none that we can read. All that were seen are ISO 8601 in UTC.
func (t text) time() *time.Time {
	at, err := time.Parse(time.RFC3339, strings.TrimSpace(string(t)))
	if err != nil {
		return nil
	}
	at = at.UTC()
	return &at
}

// event is a webhook's body. createdAt is left out: it is the time of the attempt.
type event struct {
	Name    text            `json:"event"`
	Payload json.RawMessage `json:"payload"`
}

// envelope is Documenso's word for a transaction, as far as we read it: in a webhook's payload, in an
// answer and in a list. In a payload id is the legacy number and envelopeId what to key on; elsewhere id is that.
type envelope struct {
	ID          text        `json:"id"`
	EnvelopeID  text        `json:"envelopeId"`
	Type        text        `json:"type"`
	Status      text        `json:"status"`
	ExternalID  text        `json:"externalId"`
	Title       text        `json:"title"`
	TeamID      text        `json:"teamId"`
	CreatedAt   text        `json:"createdAt"`
	UpdatedAt   text        `json:"updatedAt"`
	CompletedAt text        `json:"completedAt"` // set for REJECTED and CANCELLED too
	DeletedAt   text        `json:"deletedAt"`
	Recipients  []recipient `json:"recipients"`
	Items       []item      `json:"envelopeItems"`
	Team        struct {
		URL text `json:"url"`
	} `json:"team"`
}

// recipient is one person of an envelope. The token, by which anybody could sign, is not read.
type recipient struct {
	ID        text   `json:"id"`
	Email     text   `json:"email"`
	Name      text   `json:"name"`
	Role      text   `json:"role"`
	Order     *int64 `json:"signingOrder"`
	Read      text   `json:"readStatus"`
	Signing   text   `json:"signingStatus"`
	SignedAt  text   `json:"signedAt"` // of a rejection too
	Reason    text   `json:"rejectionReason"`
	ExpiresAt text   `json:"expiresAt"`
}

// item is one PDF of an envelope.
type item struct {
	ID     text  `json:"id"`
	Title  text  `json:"title"`
	Order  int64 `json:"order"`
	DataID text  `json:"documentDataId"` // another one whenever the file is replaced
}

// envelopeList is a page of a list, or what get-many found. Data is nil where the answer is none.
type envelopeList struct {
	Data  []json.RawMessage `json:"data"`
	Count int               `json:"count"`
	Pages int               `json:"totalPages"`
}

// folderList is a page of GET /folder.
type folderList struct {
	Data []struct {
		ID     text `json:"id"`
		TeamID text `json:"teamId"`
	} `json:"data"`
	Pages int `json:"totalPages"`
}

// problem is an answer that is no success. The code at the top is mostly INTERNAL_SERVER_ERROR, whatever
// happened; that of data, where there is one, is the meaning.
type problem struct {
	Message string `json:"message"`
	Code    string `json:"code"`
	Data    struct {
		Code     string          `json:"code"`
		Path     string          `json:"path"`
		AppError json.RawMessage `json:"appError"`
	} `json:"data"`
}

// word is the service's own word for what happened.
func (p problem) word() string {
	if p.Data.Code != "" {
		return p.Data.Code
	}
	return p.Code
}
