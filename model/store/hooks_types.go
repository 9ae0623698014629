package store

import "time"

// Hook is how far one hook has come. A hook is known by its id in the config.
type Hook struct {
	ID       string    `gorm:"column:hook;primaryKey"`
	Reached  int64     // seq up to which changes have been looked at
	Since    time.Time // when the hook was first configured: changes before are not announced
	GoneAt   *time.Time
	Failures int        // attempts that failed since one went well
	FailedAt *time.Time // the first of them
	RestsTo  *time.Time // nothing is sent before, as the receiver asked or because nothing went well lately
	AskedTo  *time.Time // until when the receiver asked to be left alone; attempts that were under way end no such rest
	Sent     int64      // announcements that the receiver has taken
	SentAt   *time.Time // when the receiver last took an announcement
	Note     string     // what the newest attempt that failed was answered
}

// TableName is the table of the hooks.
func (Hook) TableName() string { return "hooks" }

// DeliveryState is how far one announcement has come.
type DeliveryState string

// The delivery states.
const (
	DeliveryWaiting DeliveryState = "waiting" // to be sent, or to be sent again
	DeliverySent    DeliveryState = "sent"    // the receiver has taken it
	DeliveryDead    DeliveryState = "dead"    // given up; `hooks replay --dead` sends it again
)

// Delivery is one announcement on its way to one hook.
type Delivery struct {
	Hook      string
	Seq       int64 // of the change
	Account   string
	Ref       string
	State     DeliveryState
	Attempts  int
	Note      string // what the newest attempt was answered
	LatencyMS int64  `gorm:"column:latency_ms"` // how long that took
	CreatedAt time.Time
	NextTryAt *time.Time // nil: an earlier one of its transaction waits, or it is done
	DoneAt    *time.Time
}
