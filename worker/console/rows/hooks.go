package rows

import (
	"countersign/model/announced"
	"countersign/model/store"
	"countersign/worker/console/objects"
)

// OfHook is what is shown of a hook.
func OfHook(h store.Hook, b store.Backlog) objects.Hook {
	o := objects.Hook{
		ID: h.ID, State: objects.HookActive, Sent: h.Sent, Waiting: b.Waiting, Dead: b.Dead, Untold: b.Untold, OldestAt: objects.Maybe(b.Oldest),
		Since: objects.At(h.Since), LastSentAt: objects.Maybe(h.SentAt), FailingSince: objects.Maybe(h.FailedAt), RestsUntil: objects.Maybe(h.RestsTo),
		LastAnswer: h.Note,
	}
	switch {
	case h.GoneAt != nil:
		o.State = objects.HookGone
	case h.FailedAt != nil:
		o.State = objects.HookFailing
	case h.Since.IsZero():
		o.State = objects.HookNew
	}
	return o
}

// OfDelivery is what is shown of an announcement.
func OfDelivery(d store.ListedDelivery) objects.Delivery {
	o := objects.Delivery{
		Hook: d.Hook, Seq: d.Seq, Account: d.Account, Ref: d.Ref, Kind: string(d.Change.Kind), From: d.Change.From,
		To: d.Change.To, Status: string(d.Change.Status), State: string(d.State), Attempts: d.Attempts, Answer: d.Note,
		LatencyMS: d.LatencyMS, QueuedAt: objects.At(d.CreatedAt), NextTryAt: objects.Maybe(d.NextTryAt), DoneAt: objects.Maybe(d.DoneAt),
	}
	if d.Change.Kind != "" {
		o.ID = announced.ID(&d.Change)
	}
	return o
}
