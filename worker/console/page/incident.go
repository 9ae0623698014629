package page

import (
	"time"

	"countersign/model"
)

// Incident is one that is open, with how many callbacks did not get through since the day on which it opened, UTC.
type Incident struct {
	model.Incident
	Callbacks int
	Href      string // of the list of them; "": it is about no account's callbacks
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
			i.Callbacks = days.Calls(one.Account, i.Verdict(), since)
			i.Href = With("/callbacks", nil, "account", one.Account, "verdict", string(i.Verdict()), "since",
				since.Format(time.DateOnly))
		}
		out = append(out, i)
	}
	return out, nil
}
