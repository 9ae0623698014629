package model

import "time"

// Change is one entry of the change feed. Ref is "" for an incident.
type Change struct {
	Seq       int64 `gorm:"primaryKey;autoIncrement:false"`
	Account   string
	Ref       string
	Kind      ChangeKind
	From      string `gorm:"column:from_word"`
	To        string `gorm:"column:to_word"`
	Status    Status
	Confirmed bool
	Source    string // "callback ID", "poll RUN", "confirm", "backfill RUN", "operator"
	At        time.Time
	Signer    string // the ref of the signer that it is about; ""
	Document  string // our id of the document that it is about; ""
	Announce  bool   `gorm:"-"` // an outbox row is written with it
}

// TableName is the table of the changes.
func (Change) TableName() string { return "history" }
