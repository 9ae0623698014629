package page

import (
	"errors"
	"time"

	"countersign/model"
	"countersign/model/store"
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
	Last      *time.Time // when the account's last accepted callback came; nil: none has, or it is about another thing
	Newest    *model.Gap // the newest change that none told; nil likewise
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
		if one.Kind == model.CallbacksSilent {
			if err := s.silence(r, &i); err != nil {
				return nil, err
			}
		}
		out = append(out, i)
	}
	return out, nil
}

// newestGaps is how many gaps are looked at for one that was missed.
const newestGaps = 20

// silence says when the last callback came, and which change was missed last.
func (s *Server) silence(r *Request, i *Incident) error {
	a, err := s.Reads.Account(r.Context(), i.Account)
	if err != nil && !errors.Is(err, store.ErrNoRow) {
		return err
	}
	i.Last = a.LastCallbackAt.Time()
	gaps, err := s.Reads.Store.Gaps(r.Context(), store.GapFilter{Account: i.Account, Limit: newestGaps})
	for n := range gaps {
		if gaps[n].Kind == model.GapMissed {
			i.Newest = &gaps[n]
			break
		}
	}
	return err
}
