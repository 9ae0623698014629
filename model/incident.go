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
	CallbacksSilent        = "callbacks_silent"
	CallbacksRefused       = "callbacks_refused"
	CallbacksNotUnderstood = "callbacks_not_understood"
	RegistrationChanged    = "registration_changed"
	CredentialsRefused     = "credentials_refused"
	PollOverdue            = "poll_overdue"
	DocumentsOverdue       = "documents_overdue"
	DocumentsNotStored     = "documents_not_stored"
	RecordsSkipped         = "records_skipped"
	SealedByAnother        = "sealed_by_another"
	HookGone               = "hook_gone" // of HookAccount, as is the next
	HookOverdue            = "hook_overdue"
)

// HookAccount stands for a hook where incidents name an account.
func HookAccount(hook string) string { return "hook:" + hook }

// IncidentKinds lists every kind, in the order in which they are documented.
func IncidentKinds() []string {
	return []string{
		CallbacksSilent, CallbacksRefused, CallbacksNotUnderstood, RegistrationChanged, CredentialsRefused, PollOverdue,
		DocumentsOverdue, DocumentsNotStored, RecordsSkipped, SealedByAnother, HookGone, HookOverdue,
	}
}
