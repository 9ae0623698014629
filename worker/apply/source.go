package apply

import (
	"strings"

	"countersign/model"
)

// Source says where answers come from.
type Source struct {
	Asked model.Asked
	Run   string // the run's id; "" for a confirmation
	Tier  Tier   // of a poll
}

// channel returns the channel by which an answer came that showed a change no callback had reported. t is the row
// before.
func (s Source) channel(t model.Transaction) model.Channel {
	switch s.Asked {
	case model.AskedPoll:
		return model.Channel(s.Tier)
	case model.AskedBackfill:
		return model.ByBackfill
	case model.AskedVerify:
		return model.ByVerify
	case model.AskedRef:
		return model.ByHand
	}
	switch {
	case t.DueReason == model.DueHint:
		return model.ByHint
	case t.DueReason == model.DueStream:
		return model.ByStream
	case t.DueReason == model.DueNew && t.Origin == model.OriginTrack:
		return model.ByTrack
	case t.DueReason == model.DueAsked:
		return model.ByHand
	}
	return model.ByRecheck
}

// String names the source as history and ledger do: "poll RUN".
func (s Source) String() string { return strings.TrimSpace(string(s.Asked) + " " + s.Run) }
