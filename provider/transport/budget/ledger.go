package budget

import (
	"encoding/json"
	"slices"
	"time"
)

// part is one process's part of a budget that several spend.
type part struct {
	Calls int           `json:"calls,omitempty"` // that may have left, and that no exchange has told of
	To    int64         `json:"to,omitempty"`    // none of them leaves then or later
	Waits [allKinds]int `json:"waits,omitzero"`  // calls that wait, by kind of work
	Seen  int64         `json:"seen,omitempty"`  // when they did
}

// readLedger reads a state at a time of the clock that all processes have in common. What cannot be read counts as spent,
// and so does what a process that had the budget alone has reserved.
func readLedger(state []byte, limit int, now time.Time) spent {
	var l spent
	if err := json.Unmarshal(state, &l); err != nil && len(state) > 0 {
		l = spent{Reserved: limit}
	}
	if l.Reserved > 0 {
		l.Gone = append(l.Gone, [2]int64{now.UnixMilli(), int64(l.Reserved)})
	}
	l.At, l.Reserved = now.UnixMilli(), 0
	return l.at(now)
}

// at is the ledger as it is at a time: of a part that has lapsed all calls are gone, and what a process has not said
// again does not wait any more.
func (s *spent) at(now time.Time) spent {
	l := *s
	l.Gone, l.Shares = slices.Clone(s.Gone), map[string]part{}
	for name, p := range s.Shares {
		if !now.Before(time.UnixMilli(p.To)) && p.Calls > 0 {
			l.Gone = append(l.Gone, [2]int64{p.To, int64(p.Calls)})
			p.Calls = 0
		}
		if now.Sub(time.UnixMilli(p.Seen)) > waitSeen {
			p.Waits = [allKinds]int{}
		}
		if p.Calls > 0 || total(p.Waits) > 0 {
			l.Shares[name] = p
		}
	}
	l.tidy(now)
	return l
}

// left notes a departure, never earlier than it was.
func (s *spent) left(at time.Time) {
	s.Gone = append(s.Gone, [2]int64{at.Add(grain-1).UnixNano() / int64(grain) * grain.Milliseconds(), 1})
}

// tidy sorts what has left and drops what is older than the window.
func (s *spent) tidy(now time.Time) {
	slices.SortFunc(s.Gone, func(a, b [2]int64) int { return int(a[0] - b[0]) })
	var gone [][2]int64
	for _, g := range s.Gone {
		switch n := len(gone); {
		case !now.Before(time.UnixMilli(g[0]).Add(window)):
		case n > 0 && gone[n-1][0] == g[0]:
			gone[n-1][1] += g[1]
		default:
			gone = append(gone, g)
		}
	}
	s.Gone = gone
}

// budget is a budget as the ledger has it, but for the part of one process.
func (s *spent) budget(limit int, but string, now time.Time) *Budget {
	b := &Budget{limit: limit, seen: now, now: func() time.Time { return now }, pace: time.UnixMilli(s.Pace)}
	for _, g := range s.Gone {
		for range min(g[1], int64(limit)) {
			b.log = append(b.log, time.UnixMilli(g[0]))
		}
	}
	for k := range b.kinds {
		for _, at := range s.Took[k] {
			b.kinds[k].took = append(b.kinds[k].took, time.UnixMilli(at))
		}
	}
	for name, p := range s.Shares {
		if name != but {
			b.out += p.Calls
		}
	}
	return b
}

// places gives a process places for calls of its that wait, in the order of the calls of all: those of others that come
// first find theirs. It has out places already. next is when to look again; zero: when somebody else has come on.
func (s *spent) places(limit int, owner string, waits [allKinds]int, out int, now time.Time) (
	got [allKinds]int, next time.Time,
) {
	all, real := s.budget(limit, owner, now), s.budget(limit, owner, now)
	all.out, real.out = all.out+out, real.out+out
	for k := range all.kinds {
		n := waits[k]
		for name, p := range s.Shares {
			if name != owner {
				n += p.Waits[k]
			}
		}
		all.kinds[k].queue = make([]*waiter, min(n, 2*limit))
	}
	for {
		var k int
		if k, next = all.choose(now); k < 0 {
			break
		}
		all.kinds[k].queue = all.kinds[k].queue[1:]
		all.spend(k, now)
		if got[k] < waits[k] {
			got[k]++
			real.spend(k, now)
		}
	}
	s.Pace = milli(real.pace)
	for k := range real.kinds {
		s.Took[k] = nil
		for _, at := range real.kinds[k].took {
			s.Took[k] = append(s.Took[k], at.UnixMilli())
		}
	}
	return got, next
}

func total(of [allKinds]int) (n int) {
	for _, v := range of {
		n += v
	}
	return n
}
