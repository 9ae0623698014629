package deliver

import (
	"context"
	"time"

	"github.com/sirupsen/logrus"

	"countersign/model/store"
)

// note writes down what became of attempts, and what that says of the hook, which other processes send to as well.
func (l *lane) note(ctx context.Context, results []result) error {
	if len(results) == 0 {
		return nil
	}
	var told []*result
	var sent []store.Sent
	var stopped []int64
	for i := range results {
		r := &results[i]
		if r.stopped {
			stopped = append(stopped, r.Seq)
			continue
		}
		told, sent = append(told, r), append(sent, l.judge(r))
		l.tell(r, &sent[len(sent)-1])
	}
	down := false
	if len(sent) > 0 {
		row, err := l.o.Store.NoteDeliveries(ctx, l.hook.ID, sent, func(row *store.Hook) (hasten bool) {
			hasten, down = false, false
			if !l.current() { // what the receiver before has answered is nothing of the one that there is now
				return false
			}
			for i, r := range told {
				if s := &sent[i]; s.State == store.DeliverySent {
					hasten = hasten || row.Failures >= failing
					succeeded(row, s.At)
				} else if r.Kind != "" {
					l.failed(row, r, s)
					down = down || s.State == store.DeliveryDead && row.Failures >= failing
				}
			}
			return hasten
		})
		if err != nil {
			return err
		}
		row.Reached = max(row.Reached, l.row.Reached)
		l.row = row
	}
	if down { // what is as old as the one that has died will not do better
		if err := l.expire(ctx, l.hook, "the receiver took nothing as long as it was tried"); err != nil {
			return err
		}
	}
	return l.o.Store.ReleaseDeliveries(ctx, l.hook.ID, stopped)
}

// judge says what becomes of an announcement after an attempt.
func (l *lane) judge(r *result) store.Sent {
	now := l.o.Now()
	s := store.Sent{Seq: r.Seq, Note: r.answer.Note, Latency: r.took, At: now}
	switch {
	case r.answer.Taken:
		s.State = store.DeliverySent
	case r.Kind == "":
		s.State, s.Note = store.DeliveryDead, "the change is no longer kept"
	case r.answer.Gone:
		s.State, s.NextTry = store.DeliveryWaiting, now
	case now.Sub(r.QueuedAt) >= l.hook.Life:
		s.State = store.DeliveryDead
	default:
		s.State, s.NextTry = store.DeliveryWaiting, now.Add(min(max(l.backoff(r.Attempts), r.answer.Wait), l.hook.Life))
	}
	return s
}

// backoff is the wait after an attempt that failed, the first being 0: three times the one before, a quarter of it by
// chance.
func (l *lane) backoff(before int) time.Duration {
	wait := l.hook.First
	for range min(before, 40) {
		if wait *= 3; wait >= l.hook.Most {
			break
		}
	}
	wait = min(wait, l.hook.Most)
	return wait*3/4 + time.Duration(l.o.Rand()*float64(wait)/2)
}

// succeeded notes that the hook takes something. A rest that the receiver has asked for, of whatever process, goes on: the
// attempt was under way before.
func succeeded(row *store.Hook, at time.Time) {
	row.Failures, row.FailedAt, row.RestsTo, row.Note = 0, nil, nil, ""
	if row.SentAt == nil || at.After(*row.SentAt) {
		row.SentAt = &at
	}
	if row.AskedTo != nil && row.AskedTo.After(at) {
		row.RestsTo = row.AskedTo
	} else {
		row.AskedTo = nil
	}
}

// failed notes a failure of the hook. One that has failed a few times in a row, or wants to be left alone, rests.
func (l *lane) failed(row *store.Hook, r *result, s *store.Sent) {
	row.Failures++
	if row.FailedAt == nil {
		row.FailedAt = &s.At
	}
	row.Note = s.Note
	rest := time.Duration(0)
	if row.Failures >= failing {
		rest = min(l.backoff(row.Failures-failing), mostRest)
	}
	if r.answer.Busy {
		rest = max(rest, r.answer.Wait)
		if until := s.At.Add(r.answer.Wait); row.AskedTo == nil || until.After(*row.AskedTo) {
			row.AskedTo = &until
		}
	}
	if until := s.At.Add(rest); rest > 0 && (row.RestsTo == nil || until.After(*row.RestsTo)) {
		row.RestsTo = &until
	}
	if r.answer.Gone && row.GoneAt == nil {
		row.GoneAt = &s.At
	}
}

// tell logs an attempt that failed.
func (l *lane) tell(r *result, s *store.Sent) {
	if s.State == store.DeliverySent || r.Kind == "" {
		return
	}
	log := l.o.Log.WithFields(logrus.Fields{"hook": l.hook.ID, "seq": r.Seq, "attempt": r.Attempts + 1, "reason": s.Note})
	if s.State == store.DeliveryDead {
		log.Warn("announcement given up")
	} else {
		log.WithField("wait", s.NextTry.Sub(s.At).Round(time.Second).String()).Debug("announcement not taken, trying again")
	}
}
