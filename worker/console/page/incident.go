package page

import (
	"time"

	"countersign/model"
)

// Incident is one that is open, with how many callbacks did not get through since the day on which it opened, UTC, and
// how many changes none told; each with the list of them, "" where it is not about that.
type Incident struct {
	model.Incident
	Since     time.Time // the first of the days that are counted
	Callbacks int
	Href      string
	Missed    int
	MissedAt  string
}

// Verdict is what became of those callbacks.
func (i Incident) Verdict() model.Verdict {
	if i.Kind == model.CallbacksNotUnderstood {
		return model.NotUnderstood
	}
	return model.Refused
}

// Incidents counts what open incidents have a number beside them for.
func (s *Server) Incidents(r *Request, open []model.Incident) (out []Incident, err error) {
	days, err := s.Reads.Days(r.Context())
	if err != nil {
		return nil, err
	}
	for _, one := range open {
		i := Incident{Incident: one}
		switch one.Kind {
		case model.CallbacksSilent, model.CallbacksRefused, model.CallbacksNotUnderstood:
			since := days.From(one.OpenedAt)
			i.Since = since
			i.Callbacks = days.Calls(one.Account, i.Verdict(), since)
			i.Href = With("/callbacks", nil, "account", one.Account, "verdict", string(i.Verdict()), "since",
				since.Format(time.DateOnly))
			i.Missed = days.Missed(one.Account, since)
			i.MissedAt = With("/gaps", nil, "account", one.Account, "kind", string(model.GapMissed), "since",
				since.Format(time.DateOnly))
		}
		out = append(out, i)
	}
	return out, nil
}
