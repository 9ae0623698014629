package onespan

import (
	"cmp"
	"encoding/json"
	"time"

	"countersign/provider/lenient"
)

// moment reads a date, which older servers write as milliseconds; nil where there is none that we can read.
func moment(t lenient.Text) *time.Time { return cmp.Or(t.Time(), t.Millis()) }

// event is a callback's body. The name was seen under other keys on some tenants.
type event struct {
	Name        lenient.Text `json:"name"`
	Event       lenient.Text `json:"event"`
	Type        lenient.Text `json:"type"`
	EventName   lenient.Text `json:"eventName"`
	EventType   lenient.Text `json:"eventType"`
	SessionUser lenient.Text `json:"sessionUser"`
	PackageID   lenient.Text `json:"packageId"`
	DocumentID  lenient.Text `json:"documentId"`
	Message     lenient.Text `json:"message"`
	NewRoleID   lenient.Text `json:"newRoleId"`
	CreatedDate lenient.Text `json:"createdDate"`
}

// pack is a package, OneSpan's word for a transaction, as far as we read it.
type pack struct {
	ID           lenient.Text           `json:"id"`
	Name         lenient.Text           `json:"name"`
	Type         lenient.Text           `json:"type"`
	Status       lenient.Text           `json:"status"`
	Trashed      lenient.Bool           `json:"trashed"`
	Autocomplete lenient.Bool           `json:"autocomplete"`
	Created      lenient.Text           `json:"created"`
	Updated      lenient.Text           `json:"updated"`
	Due          lenient.Text           `json:"due"`
	Data         json.RawMessage        `json:"data"`
	Sender       person                 `json:"sender"`
	Messages     lenient.List[message]  `json:"messages"`
	Roles        lenient.List[role]     `json:"roles"`
	Documents    lenient.List[document] `json:"documents"`
}

type person struct {
	ID    lenient.Text `json:"id"`
	Email lenient.Text `json:"email"`
}

type message struct {
	Content lenient.Text `json:"content"`
	Created lenient.Text `json:"created"`
	From    person       `json:"from"`
}

type role struct {
	ID      lenient.Text         `json:"id"`
	Name    lenient.Text         `json:"name"`
	Index   lenient.Number       `json:"index"`
	Locked  lenient.Bool         `json:"locked"`
	Signers lenient.List[signer] `json:"signers"`
}

type signer struct {
	ID        lenient.Text `json:"id"`
	Email     lenient.Text `json:"email"`
	FirstName lenient.Text `json:"firstName"`
	LastName  lenient.Text `json:"lastName"`
	Name      lenient.Text `json:"name"`
	Group     struct {
		Name  lenient.Text `json:"name"`
		Email lenient.Text `json:"email"`
	} `json:"group"`
	KBA struct {
		Status lenient.Text `json:"knowledgeBasedAuthenticationStatus"`
	} `json:"knowledgeBasedAuthentication"`
}

type document struct {
	ID        lenient.Text           `json:"id"`
	Name      lenient.Text           `json:"name"`
	Index     lenient.Number         `json:"index"`
	Approvals lenient.List[approval] `json:"approvals"`
}

// approval is what one role has to do on one document.
type approval struct {
	Role     lenient.Text `json:"role"`
	Accepted lenient.Text `json:"accepted"`
	Signed   lenient.Text `json:"signed"`
	Optional lenient.Bool `json:"optional"`
	Disabled lenient.Bool `json:"disabled"`
}

// packList is a page of GET /api/packages.
type packList struct {
	Count   lenient.Number     `json:"count"`
	Results lenient.List[pack] `json:"results"`
}

// report is a page of GET /api/reports/transaction-summary.
type report struct {
	Total   lenient.Number     `json:"totalElements"`
	Content lenient.List[pack] `json:"content"`
}

// registration is the account's one callback registration, as it is read and written.
type registration struct {
	URL    string   `json:"url"`
	Key    string   `json:"key,omitempty"`
	Events []string `json:"events"`
}

// policy is the account's data retention, in days by status; on newer servers over all.
type policy struct {
	Retention struct {
		Draft                   *lenient.Number `json:"draft"`
		Sent                    *lenient.Number `json:"sent"`
		Completed               *lenient.Number `json:"completed"`
		Archived                *lenient.Number `json:"archived"`
		Declined                *lenient.Number `json:"declined"`
		OptedOut                *lenient.Number `json:"optedOut"`
		Expired                 *lenient.Number `json:"expired"`
		LifetimeTotal           *lenient.Number `json:"lifetimeTotal"`
		LifetimeUntilCompletion *lenient.Number `json:"lifetimeUntilCompletion"`
	} `json:"transactionRetention"`
}
