package documenso

import (
	"encoding/json"

	"countersign/provider/lenient"
)

// event is a webhook's body. createdAt is left out: it is the time of the attempt.
type event struct {
	Name    lenient.Text    `json:"event"`
	Payload json.RawMessage `json:"payload"`
}

// envelope is Documenso's word for a transaction, as far as we read it: in a webhook's payload, in an
// answer and in a list. In a payload id is the legacy number and envelopeId what to key on; elsewhere id is that.
type envelope struct {
	ID          lenient.Text            `json:"id"`
	EnvelopeID  lenient.Text            `json:"envelopeId"`
	SecondaryID lenient.Text            `json:"secondaryId"`
	Type        lenient.Text            `json:"type"`
	Status      lenient.Text            `json:"status"`
	ExternalID  lenient.Text            `json:"externalId"`
	Title       lenient.Text            `json:"title"`
	TeamID      lenient.Text            `json:"teamId"`
	CreatedAt   lenient.Text            `json:"createdAt"`
	UpdatedAt   lenient.Text            `json:"updatedAt"`
	CompletedAt lenient.Text            `json:"completedAt"` // set for REJECTED and CANCELLED too
	DeletedAt   lenient.Text            `json:"deletedAt"`
	Recipients  lenient.List[recipient] `json:"recipients"`
	Items       lenient.List[item]      `json:"envelopeItems"`
	Team        struct {
		URL lenient.Text `json:"url"`
	} `json:"team"`
}

// recipient is one person of an envelope. The token, by which anybody could sign, is not read.
type recipient struct {
	ID         lenient.Text    `json:"id"`
	EnvelopeID lenient.Text    `json:"envelopeId"`
	Email      lenient.Text    `json:"email"`
	Name       lenient.Text    `json:"name"`
	Role       lenient.Text    `json:"role"`
	Order      *lenient.Number `json:"signingOrder"`
	Read       lenient.Text    `json:"readStatus"`
	Signing    lenient.Text    `json:"signingStatus"`
	SignedAt   lenient.Text    `json:"signedAt"` // of a rejection too
	Reason     lenient.Text    `json:"rejectionReason"`
	ExpiresAt  lenient.Text    `json:"expiresAt"`
}

// item is one PDF of an envelope.
type item struct {
	ID     lenient.Text   `json:"id"`
	Title  lenient.Text   `json:"title"`
	Order  lenient.Number `json:"order"`
	DataID lenient.Text   `json:"documentDataId"` // another one whenever the file is replaced
}

// envelopeList is a page of a list, or what get-many found.
type envelopeList struct {
	Data  lenient.List[json.RawMessage] `json:"data"`
	Count lenient.Number                `json:"count"`
	Pages lenient.Number                `json:"totalPages"`
}

// folderList is a page of GET /folder.
type folderList struct {
	Data  lenient.List[folder] `json:"data"`
	Pages lenient.Number       `json:"totalPages"`
}

type folder struct {
	ID     lenient.Text `json:"id"`
	TeamID lenient.Text `json:"teamId"`
}

// problem is an answer that is no success. The code at the top is mostly INTERNAL_SERVER_ERROR, whatever
// happened; that of data, where there is one, is the meaning.
type problem struct {
	Message lenient.Text `json:"message"`
	Code    lenient.Text `json:"code"`
	Data    struct {
		Code     lenient.Text    `json:"code"`
		Path     lenient.Text    `json:"path"`
		AppError json.RawMessage `json:"appError"`
	} `json:"data"`
}

// word is the service's own word for what happened.
func (p problem) word() string {
	if p.Data.Code != "" {
		return string(p.Data.Code)
	}
	return string(p.Code)
}
