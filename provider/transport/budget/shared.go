package budget

import (
	"encoding/json"
	"time"
)

const (
	// partLife is how long a process may have its part of the budget without a word: later than that nothing leaves out
	// of it, and what it has not told of counts as gone then.
	partLife = 5 * time.Second
	// settleAfter is how soon what has left, or is not needed, is told to the other processes.
	settleAfter = time.Second
	// waitSeen is how long others believe that calls of a process wait; twice as often it is said again.
	waitSeen = 5 * time.Second
	// politely is how much later a process that has got something asks again, so that the others come first.
	politely = 15 * time.Millisecond
	// lookAgain is how soon a process looks again where only another one's calls can change anything.
	lookAgain = 250 * time.Millisecond
)

// shared is what a process knows of a budget that it spends with others. What is spent stands in a ledger on disk. An
// exchange tells what has left, gives back what is not needed, and takes places for calls that wait; a place is on disk
// before its call leaves.
type shared struct {
	owner   string
	known   bool           // there was an exchange
	closing bool           // no place is asked for any more
	asking  bool           // an exchange is under way
	began   time.Time      // when it was asked for
	last    time.Time      // when the last one was
	next    time.Time      // when to look for places again
	asked   [allKinds]bool // the kinds of which some went on waiting after the last one
	waits   bool           // the others believe that calls wait
	credits [allKinds]int  // places that no call has got yet
	lapses  time.Time      // none of them is used then or later
	untold  []time.Time    // departures that no exchange has told of
	pauses  int            // grows with each change of the pause that came from this process
	paused  int            // pauses when it was told
	cleared bool           // the pause of before is over for everybody
	seen    spent          // the ledger as it was
	ahead   time.Duration  // its clock before ours
	under   underway
}

// underway is what an exchange that is not on disk yet would bring.
type underway struct {
	told, pauses int
	cleared      bool
	got          [allKinds]int
	waits        [allKinds]int
	next         time.Duration
	pause        time.Duration
	ledger       spent
	now, here    time.Time
}

// sharing says whether the next place comes from the ledger.
func (b *Budget) sharing() bool {
	return b.shared != nil && b.record.IsOpen() && (b.limit > 0 || !b.shared.known)
}

// departed notes a call that has left, for the next exchange.
func (s *shared) departed(at time.Time) {
	if s != nil {
		s.untold = append(s.untold, at)
	}
}

// back moves what is noted along with a clock that was set back.
func (s *shared) back(by time.Duration) {
	if s == nil {
		return
	}
	for i := range s.untold {
		s.untold[i] = s.untold[i].Add(-by)
	}
	s.began, s.last, s.next, s.lapses = s.began.Add(-by), s.last.Add(-by), s.next.Add(-by), s.lapses.Add(-by)
	s.ahead += by
}

// give gives the places that are there to calls that wait, and has more asked for where that may help.
func (b *Budget) give(now time.Time) {
	s := b.shared
	if !now.Before(s.lapses) {
		s.credits = [allKinds]int{}
	}
	for k := range s.credits {
		for ; s.credits[k] > 0; s.credits[k]-- {
			to := k
			if len(b.kinds[k].queue) == 0 { // who it was for has given up
				if to = b.first(func(int) bool { return true }); to < 0 {
					break
				}
			}
			b.hand(to)
		}
	}
	at, need := b.askAt(now)
	switch {
	case s.asking || !need:
	case !at.After(now):
		b.ask()
	default:
		b.timer = time.AfterFunc(max(at.Sub(now), time.Millisecond), func() {
			b.mu.Lock()
			defer b.mu.Unlock()
			b.dispatch()
		})
	}
}

// ask begins an exchange, if none is under way.
func (b *Budget) ask() {
	if s := b.shared; !s.asking && b.record.IsOpen() {
		s.asking, s.began = true, b.clock()
		b.record.Changed()
	}
}

// hand gives the first call of a kind a place of the ledger.
func (b *Budget) hand(k int) {
	w := b.kinds[k].queue[0]
	b.kinds[k].queue = b.kinds[k].queue[1:]
	w.place = &Place{b: b, kind: k, counted: b.limit > 0, drawn: true}
	if w.place.counted {
		b.out++
	}
	close(w.ready)
}

// askAt is when the next exchange is needed, if one is.
func (b *Budget) askAt(now time.Time) (at time.Time, need bool) {
	s := b.shared
	if !s.known || s.pauses != s.paused {
		return now, true
	}
	waiting := false
	for k := range b.kinds {
		if len(b.kinds[k].queue) > 0 {
			if waiting = true; !s.asked[k] {
				return now, true
			}
		}
	}
	settle := s.last.Add(settleAfter)
	switch {
	case waiting && (b.out > 0 || len(s.untold) > 0):
		return earlier(s.next, settle), true
	case waiting:
		return s.next, true
	}
	return settle, s.waits || b.out > 0 || len(s.untold) > 0 || total(s.credits) > 0
}

// exchange makes the ledger's next state of the one that is there. It may run several times until one is on disk.
func (b *Budget) exchange(state []byte, now time.Time) []byte {
	b.mu.Lock()
	defer b.mu.Unlock()
	s, here := b.shared, b.clock()
	l := readLedger(state, b.limit, now)
	u := underway{told: len(s.untold), pauses: s.pauses, cleared: s.cleared, now: now, here: here}
	for _, at := range s.untold {
		l.left(earlier(now, now.Add(at.Sub(s.began))))
	}
	l.tidy(now)
	b.tellPause(&l, now)
	for k, n := range s.credits { // given back
		l.Took[k] = l.Took[k][:max(len(l.Took[k])-n, 0)]
	}
	s.credits = [allKinds]int{}
	if b.limit > 0 && !s.closing && l.Until <= now.UnixMilli() {
		for k := range b.kinds {
			u.waits[k] = min(len(b.kinds[k].queue), 2*b.limit)
		}
		var next time.Time
		if u.got, next = l.places(b.limit, s.owner, u.waits, b.out, now); next.IsZero() {
			next = now.Add(lookAgain)
		}
		u.next = min(max(next.Sub(now), politely), waitSeen/2)
	}
	mine := part{Calls: b.out + total(u.got), To: now.Add(partLife).UnixMilli(), Seen: now.UnixMilli()}
	for k := range u.waits {
		mine.Waits[k] = u.waits[k] - u.got[k]
	}
	if delete(l.Shares, s.owner); mine.Calls > 0 || total(mine.Waits) > 0 {
		l.Shares[s.owner] = mine
	}
	u.pause, u.ledger = time.UnixMilli(l.Until).Sub(now), l
	s.under = u
	out, _ := json.Marshal(l) //nolint:errcheck // numbers always marshal
	return out
}

// tellPause writes the pause down that this process was asked for.
func (b *Budget) tellPause(l *spent, now time.Time) {
	s := b.shared
	if l.Until > now.Add(pauseMost).UnixMilli() {
		l.Until = now.Add(pauseMost).UnixMilli()
	}
	if s.cleared {
		l.Until, l.Since, l.Refused = 0, 0, 0
	}
	if s.pauses == s.paused || b.until.IsZero() {
		return
	}
	l.Until = max(l.Until, now.Add(b.until.Sub(s.began)).UnixMilli())
	l.Since, l.Refused = now.Add(earlier(b.since, b.seen).Sub(b.seen)).UnixMilli(), b.refused
}

// exchanged takes what an exchange has brought, once it is on disk.
func (b *Budget) exchanged() {
	b.mu.Lock()
	defer b.mu.Unlock()
	s := b.shared
	s.settled()
	u, now := &s.under, b.clock()
	s.known, s.asking, s.last, s.lapses = true, false, now, s.began.Add(partLife)
	s.credits, s.waits = u.got, false
	for k, n := range u.waits {
		s.asked[k] = n > u.got[k]
		s.waits = s.waits || s.asked[k]
	}
	s.next = now.Add(u.next)
	if s.pauses == s.paused {
		b.until = time.Time{}
		if u.pause > 0 {
			b.until = u.here.Add(u.pause)
		}
	} else {
		b.ask()
	}
	b.dispatch()
}

// settled forgets what has been told.
func (s *shared) settled() {
	u := &s.under
	s.untold, s.paused = s.untold[u.told:], u.pauses
	s.cleared = s.cleared && !u.cleared
	s.seen, s.ahead, u.told = u.ledger, u.now.Sub(u.here), 0
}

// leftShared is how many calls could leave as far as this process knows.
func (b *Budget) leftShared(now time.Time) int {
	s := b.shared
	there := now.Add(s.ahead)
	l := s.seen.at(there)
	all := l.budget(b.limit, s.owner, there)
	return b.limit - len(all.log) - all.out - b.out - len(s.untold)
}

// resumeShared has calls leave out of the ledger from now on.
func (b *Budget) resumeShared() {
	s := b.shared
	s.known, s.closing, s.asking, s.credits, s.waits = false, false, false, [allKinds]int{}, false
	s.asked, s.next, s.lapses = [allKinds]bool{}, time.Time{}, time.Time{}
	b.record.Open()
	b.dispatch()
}
