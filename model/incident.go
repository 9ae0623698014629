package model

import "time"

// Incident is something that the operator must act on. One of a kind is open per account.
type Incident struct {
	ID       string `gorm:"primaryKey"`
	Account  string
	Kind     string
	Message  string
	OpenedAt time.Time
	ClosedAt *time.Time
}

// The incident kinds.
const (
	CallbacksSilent     = "callbacks_silent"
	CallbacksRefused    = "callbacks_refused"
	RegistrationChanged = "registration_changed"
	CredentialsRefused  = "credentials_refused"
	PollOverdue         = "poll_overdue"
	DocumentsOverdue    = "documents_overdue"
)
