package onespan

import (
	"encoding/json"
	"strconv"
	"strings"
	"time"
)

// text is a JSON string that bears null, and numbers where an older server wrote one.
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

// layouts are the ways dates were seen: fractions are optional in each, the zone is not always there.
var layouts = [...]string{time.RFC3339, "2006-01-02T15:04:05Z0700", "2006-01-02T15:04:05"}

// time reads a date; nil where there is none or none that we can read.
func (t text) time() *time.Time {
	s := strings.TrimSpace(string(t))
	for _, layout := range layouts {
		if at, err := time.Parse(layout, s); err == nil {
			at = at.UTC()
			return &at
		}
	}
	if ms, err := strconv.ParseInt(s, 10, 64); err == nil && ms > 0 {
		at := time.UnixMilli(ms).UTC()
		return &at
	}
	return nil
}

// event is a callback's body. The name was seen under other keys on some tenants.
type event struct {
	Name        text `json:"name"`
	Event       text `json:"event"`
	Type        text `json:"type"`
	EventName   text `json:"eventName"`
	EventType   text `json:"eventType"`
	SessionUser text `json:"sessionUser"`
	PackageID   text `json:"packageId"`
	DocumentID  text `json:"documentId"`
	Message     text `json:"message"`
	NewRoleID   text `json:"newRoleId"`
	CreatedDate text `json:"createdDate"`
}

// pack is a package, OneSpan's word for a transaction, as far as we read it.
type pack struct {
	ID           string          `json:"id"`
	Name         string          `json:"name"`
	Type         string          `json:"type"`
	Status       string          `json:"status"`
	Trashed      *bool           `json:"trashed"`
	Autocomplete *bool           `json:"autocomplete"`
	Created      text            `json:"created"`
	Updated      text            `json:"updated"`
	Due          text            `json:"due"`
	Data         json.RawMessage `json:"data"`
	Sender       person          `json:"sender"`
	Messages     []message       `json:"messages"`
	Roles        []role          `json:"roles"`
	Documents    []document      `json:"documents"`
}

type person struct {
	ID    string `json:"id"`
	Email string `json:"email"`
}

type message struct {
	Content string `json:"content"`
	Created text   `json:"created"`
	From    person `json:"from"`
}

type role struct {
	ID      string   `json:"id"`
	Name    string   `json:"name"`
	Index   int      `json:"index"`
	Locked  bool     `json:"locked"`
	Signers []signer `json:"signers"`
}

type signer struct {
	ID        string `json:"id"`
	Email     string `json:"email"`
	FirstName string `json:"firstName"`
	LastName  string `json:"lastName"`
	Name      string `json:"name"`
	Group     struct {
		Name  string `json:"name"`
		Email string `json:"email"`
	} `json:"group"`
	KBA struct {
		Status string `json:"knowledgeBasedAuthenticationStatus"`
	} `json:"knowledgeBasedAuthentication"`
}

type document struct {
	ID        string     `json:"id"`
	Name      string     `json:"name"`
	Index     int        `json:"index"`
	Approvals []approval `json:"approvals"`
}

// approval is what one role has to do on one document.
type approval struct {
	Role     string `json:"role"`
	Accepted text   `json:"accepted"`
	Signed   text   `json:"signed"`
	Optional bool   `json:"optional"`
	Disabled bool   `json:"disabled"`
}

// packList is a page of GET /api/packages.
type packList struct {
	Count   int    `json:"count"`
	Results []pack `json:"results"`
}

// report is a page of GET /api/reports/transaction-summary.
type report struct {
	Total   int    `json:"totalElements"`
	Content []pack `json:"content"`
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
		Draft                   *int `json:"draft"`
		Sent                    *int `json:"sent"`
		Completed               *int `json:"completed"`
		Archived                *int `json:"archived"`
		Declined                *int `json:"declined"`
		OptedOut                *int `json:"optedOut"`
		Expired                 *int `json:"expired"`
		LifetimeTotal           *int `json:"lifetimeTotal"`
		LifetimeUntilCompletion *int `json:"lifetimeUntilCompletion"`
	} `json:"transactionRetention"`
}
