package deliver

import (
	"context"
	"slices"
	"time"

	"countersign/model/store"
	"countersign/worker/hook"
)

const (
	atOnce   = 200                   // changes that are looked at together
	gather   = 20 * time.Millisecond // answers that come within are written down together
	grace    = 3 * time.Second       // what is under way has so long when the program stops
	failing  = 3                     // after so many failures in a row a hook is tried with one announcement at a time
	mostRest = time.Minute           // the longest that a hook rests between those tries, unless it asks for more
)

// lane is one round of one hook.
type lane struct {
	*Deliver
	hook    *Hook
	row     store.Hook
	queue   []item // leased and not sent yet
	flying  int
	results chan result
}

// item is an announcement that is leased to this process.
type item struct {
	store.Claimed
	until time.Time // the lease's end
}

// result is an attempt that has ended.
type result struct {
	item
	answer  hook.Answer
	took    time.Duration
	stopped bool // the program stopped: it is no attempt
}

// work looks at the feed and sends what is due until nothing is. When ctx ends, what is under way has a little time.
func (l *lane) work(ctx context.Context) error {
	sending, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	defer context.AfterFunc(ctx, func() { time.AfterFunc(grace, stop) })()
	for {
		err := l.feed(ctx)
		if err != nil || ctx.Err() != nil || !l.maySend() {
			if rerr := l.release(ctx); err == nil {
				err = rerr
			}
		}
		l.launch(sending)
		if l.flying == 0 && len(l.queue) == 0 {
			return err
		}
		if nerr := l.note(context.WithoutCancel(ctx), l.collect(ctx, sending)); nerr != nil {
			l.drain(ctx, stop)
			return nerr
		}
		if err != nil || ctx.Err() != nil {
			l.drain(ctx, func() {})
			return err
		}
	}
}

// drain waits for what is under way and writes it down as far as it can.
func (l *lane) drain(ctx context.Context, stop func()) {
	stop()
	for l.flying > 0 {
		rs := []result{<-l.results}
		l.flying--
		if err := l.note(context.WithoutCancel(ctx), rs); err != nil {
			l.o.Log.WithField("hook", l.hook.ID).WithField("err", err).Warn("an answer was not written down: it is sent again")
		}
	}
	if err := l.release(ctx); err != nil {
		l.o.Log.WithField("hook", l.hook.ID).WithField("err", err).Debug("leases were not ended")
	}
}

// current says whether the hook is still that of the config. A round of one that a reload has swapped sends nothing more.
func (l *lane) current() bool { return slices.Contains(l.o.Hooks(), l.hook) }

// maySend says whether the hook takes anything now.
func (l *lane) maySend() bool {
	return l.current() && l.row.GoneAt == nil && (l.row.RestsTo == nil || !l.o.Now().Before(*l.row.RestsTo))
}

// slots is how many announcements may be under way.
func (l *lane) slots() int {
	if l.row.Failures >= failing {
		return 1
	}
	return max(l.hook.Workers, 1)
}

// ahead is how many announcements are claimed before they are sent: many where the receiver takes them.
func (l *lane) ahead() int {
	if l.row.Failures > 0 {
		return l.slots()
	}
	return 16 * l.slots()
}

// lease is how long claimed announcements are nobody else's.
func (l *lane) lease() time.Duration { return 2*l.hook.Timeout + time.Minute }

// feed looks at the next part of the feed, the whole rest of it where nothing may be sent, and claims what is due.
func (l *lane) feed(ctx context.Context) error {
	for l.current() { // another one has another filter
		room := 0
		if l.maySend() {
			room = max(l.ahead()-len(l.queue), 0)
		}
		more, err := l.look(ctx, room)
		if err != nil {
			return err
		}
		if !more || room > 0 {
			break
		}
	}
	if len(l.queue) > 0 || !l.maySend() || l.flying >= l.slots() {
		return nil
	}
	until := l.o.Now().Add(l.lease())
	claimed, err := l.o.Store.ClaimDeliveries(ctx, l.hook.ID, l.o.Owner, l.ahead(), l.lease())
	for _, c := range claimed {
		l.queue = append(l.queue, item{c, until})
	}
	return err
}

// look queues what the hook announces of the next part of the feed, and takes so many of it. more: that was not all.
func (l *lane) look(ctx context.Context, take int) (more bool, err error) {
	list, err := l.o.Store.Announced(ctx, l.row.Reached, atOnce)
	if err != nil || len(list) == 0 {
		return false, err
	}
	p := store.Queueing{Hook: l.hook.ID, From: l.row.Reached, To: list[len(list)-1].Seq, Lease: l.lease(),
		Owner: l.o.Owner, Take: take}
	for i := range list {
		if l.hook.Filter.Takes(&list[i]) {
			p.Chosen = append(p.Chosen, &list[i])
		}
	}
	now := l.o.Now()
	taken, ok, err := l.o.Store.QueueDeliveries(ctx, p)
	if err != nil {
		return false, err
	}
	if !ok { // another process looks at the feed too
		l.row, err = l.o.Store.Hook(ctx, l.hook.ID)
		return err == nil, err
	}
	l.row.Reached = p.To
	for _, c := range p.Chosen {
		if taken[c.Seq] {
			l.queue = append(l.queue, item{store.Claimed{Change: *c, QueuedAt: now}, now.Add(l.lease())})
		}
	}
	return len(list) == atOnce, nil
}

// release gives back what is leased and not sent.
func (l *lane) release(ctx context.Context) error {
	seqs := make([]int64, len(l.queue))
	for i := range l.queue {
		seqs[i] = l.queue[i].Seq
	}
	l.queue = nil
	return l.o.Store.ReleaseDeliveries(context.WithoutCancel(ctx), l.hook.ID, seqs)
}

// launch sends as many as may be under way.
func (l *lane) launch(ctx context.Context) {
	for l.flying < l.slots() && len(l.queue) > 0 && l.maySend() {
		it := l.queue[0]
		l.queue = l.queue[1:]
		if l.o.Now().Add(l.hook.Timeout).After(it.until) {
			continue // the lease would end before the attempt does: it is claimed again
		}
		l.flying++
		go func() { l.results <- l.attempt(ctx, it) }()
	}
}

// attempt sends one announcement.
func (l *lane) attempt(ctx context.Context, it item) (r result) {
	r = result{item: it}
	began := l.o.Now()
	defer func() {
		r.took = l.o.Now().Sub(began)
		if v := recover(); v != nil {
			r.answer = hook.Answer{Note: "the sender panicked"}
		}
	}()
	if it.Kind == "" {
		return r // the change is no longer kept: there is nothing to tell
	}
	e, err := hook.EventOf(&it.Claimed.Change)
	if err != nil {
		r.answer = hook.Answer{Note: err.Error()}
		return r
	}
	r.answer = l.hook.Send(ctx, e)
	r.stopped = ctx.Err() != nil && !r.answer.Taken
	return r
}

// collect waits for an answer, and a moment for more, while what is claimed goes on being sent.
func (l *lane) collect(ctx, sending context.Context) (out []result) {
	if l.flying == 0 {
		return nil
	}
	look := time.NewTimer(time.Second) // the feed may have gone on
	defer look.Stop()
	stopped, held := ctx.Done(), false
	add := func(r result) {
		l.flying--
		out = append(out, r)
		held = held || !r.answer.Taken // what such an answer says of the hook comes first
		if ctx.Err() == nil && !held {
			l.launch(sending)
		}
	}
	select {
	case r := <-l.results:
		add(r)
	case <-look.C:
		return nil
	case <-stopped:
		return nil
	}
	late := time.NewTimer(gather)
	defer late.Stop()
	for l.flying > 0 && len(out) < atOnce {
		select {
		case r := <-l.results:
			add(r)
		case <-late.C:
			return out
		}
	}
	return slices.Clip(out)
}
