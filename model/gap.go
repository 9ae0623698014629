package model

import "time"

// GapKind says why no callback reported a change in time.
type GapKind string

// The gap kinds. Pending is not settled: it is neither counted nor announced.
const (
	GapPending      GapKind = "pending"
	GapMissed       GapKind = "missed"
	GapLate         GapKind = "late"
	GapRefused      GapKind = "refused"
	GapUnsubscribed GapKind = "unsubscribed"
	GapNoEvent      GapKind = "no_event"
)

// Gap is a change that a poll found and no callback explains. After and Before bound the time in
// which it happened: the last answer that did not show it, and the first that did.
type Gap struct {
	ID      string `gorm:"primaryKey"`
	Account string
	Ref     string
	Kind    GapKind
	Change  GapChange
	From    string `gorm:"column:from_status"`
	To      string `gorm:"column:to_status"`
	Signer  string
	Off     bool       // a flag that went down
	After   *time.Time `gorm:"column:after_at"`
	Before  time.Time  `gorm:"column:before_at"`
	// HappenedAt is when the provider says that it happened; nil where it does not, or where that lies outside of the
	// bounds.
	HappenedAt *time.Time
	FoundBy    string // the run's id, or the kind of question
	FoundAt    time.Time
	// SettleAt ends the time in which a callback may still tell of the change.
	SettleAt time.Time
	// Latency is how long after the change was found its callback came; nil unless late.
	Latency *time.Duration `gorm:"column:latency_ns"`
}

// Called is a callback that named the row, as far as a gap needs it.
type Called struct {
	Type     string
	At       time.Time
	Refused  bool
	Unproved bool // a hint
}

// Reported reports whether one of calls, all the callbacks that named the row since the last confirming answer,
// reported the change; refused reports that only a refused callback might have. asked says that a question was due when
// the change was found: an unproved callback counts only by the question that it caused.
func Reported(r Rules, f Found, calls []Called, asked bool) (reported, refused bool) {
	types := r.TypesFor(f.Change, f.key())
	for _, c := range calls {
		switch {
		case c.Refused:
			refused = true
		case c.Unproved && !asked:
		case has(types, c.Type):
			return true, false
		}
	}
	return false, refused
}

// Unreported returns the kind of gap that f becomes once its grace has passed. subscribed lists the event types that
// are registered at the provider; nil means that this is not known, and every event then counts as registered.
func Unreported(r Rules, f Found, refused bool, subscribed []string) GapKind {
	types := r.TypesFor(f.Change, f.key())
	switch {
	case has(r.NoEvent, f.Change) || len(types) == 0:
		return GapNoEvent
	case refused:
		return GapRefused
	case subscribed != nil && !anyOf(types, subscribed):
		return GapUnsubscribed
	}
	return GapMissed
}

func anyOf(a, b []string) bool {
	for _, x := range a {
		if has(b, x) {
			return true
		}
	}
	return false
}

// Channel is the way in which a change became known.
type Channel string

// The channels. Those named By* are questions, named after what caused them.
const (
	ByCallback Channel = "callback"
	ByHint     Channel = "hint"   // a return URL or a page
	ByStream   Channel = "stream" // an event of a stream
	ByActive   Channel = "active" // the poll tiers
	ByIdle     Channel = "idle"
	ByAudit    Channel = "audit"
	ByBackfill Channel = "backfill"
	ByVerify   Channel = "verify"
	ByTrack    Channel = "track"
	ByHand     Channel = "ref"     // poll --ref
	ByRecheck  Channel = "recheck" // a question about something else, such as another callback or a re-asking
)

// Channels are all of them, in the order in which they are shown.
func Channels() []Channel {
	return []Channel{ByCallback, ByHint, ByStream, ByActive, ByIdle, ByAudit, ByBackfill, ByVerify, ByTrack, ByHand,
		ByRecheck}
}

// HappenedAt is when the provider says that a change of t happened; nil where it does not, or where that is not
// after the last answer that did not show it and before the first that did: clocks differ, and an update time may
// be that of a later change.
func (f Found) HappenedAt(t Transaction, after *time.Time, before time.Time) *time.Time {
	at := t.ProviderTime
	switch f.Change {
	case ChangeCreated:
		at = t.CreatedAt
	case ChangeSigner:
		at = nil
		for _, s := range t.Signers {
			switch {
			case s.Ref != f.Signer:
			case s.Status == SignerSigned:
				at = s.SignedAt
			case s.Status == SignerViewed:
				at = s.ViewedAt
			}
		}
	}
	if at == nil || at.After(before) || after != nil && at.Before(*after) {
		return nil
	}
	return at
}
